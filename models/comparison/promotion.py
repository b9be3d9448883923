"""The gate of promotion: a version that is measurably worse than the current one is served only when somebody insists.

On a catalogue, worse means: McNemar's exact test over all its judged listings finds the current version better.
Without one, the figures that both versions were published with are compared, on the listings of the same name: worse
means that for the most telling evidence that both were judged on (fused before text before photo before title) all of
the new accuracy's 95 % interval is below the current accuracy; or, when these were not the same listings, below all of
its interval, since then both are estimates of their own. A version without a network or a category that the current one
has is worse whatever its figures: it cannot answer some of the listings any more.

The first version of a store passes, and so does whatever replaces a version that cannot be read. Going back is not
gated: `Store.rollback`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.comparison.compare import Comparison
from models.comparison.mcnemar import SIGNIFICANCE
from models.errors import NoVersion, PromotionRefused, VersionRefused, VersionUnknown
from models.listing import evidence_label
from models.taxonomy import FILE_NAME as TAXONOMY
from models.taxonomy import Taxonomy
from models.versions.manifest import Manifest, read_manifest
from models.versions.metrics import read_metrics
from models.versions.store import Store

MOST_TELLING = ("both", "text", "image", "title")
MOST_NAMED = 10


@dataclass(frozen=True)
class Finding:
    """What a comparison says: a `report` for people, and in what the new version is `worse`, one line each."""

    report: str
    worse: tuple[str, ...]


Judge = Callable[[Path, Path], Finding]
"""Compares the current version's folder with the new one's. Raises VersionRefused when the current one is no good."""


def promote(
    store: Store, version: str, say: Callable[[str], None], *, force: bool = False, judge: Judge | None = None
) -> None:
    """Promote a verified version unless it is worse than the current one; `say` prints lines for people.

    `judge` compares the two, by default by their published figures; `force` promotes a worse one all the same. Raises
    PromotionRefused, VersionUnknown or StoreError, and what `judge` raises but VersionRefused.
    """
    candidate = store.folder(version)
    current = _current(store)
    finding = None
    if current not in (None, version):
        try:
            finding = (judge or compare_published)(store.folder(str(current)), candidate)
        except (VersionRefused, VersionUnknown) as error:
            say(f"the current version {current} cannot be read, so nothing is compared: {error}")
    if finding is not None:
        say(finding.report)
        if finding.worse and not force:
            raise PromotionRefused(version, str(current), finding.worse)
        if finding.worse:
            say(f"promoted by force although: {'; '.join(finding.worse)}")
    store.promote(version)
    say(f"serving {version}")


def judge_comparison(comparison: Comparison, report: str) -> Finding:
    """The finding of a comparison on a catalogue of the current version (A) with the new one (B)."""
    tally = comparison.overall
    if tally.p_value >= SIGNIFICANCE or tally.first_only <= tally.second_only:
        return Finding(report, ())
    first, second = tally.accuracies
    return Finding(
        report,
        (
            f"right on {second:.1%} of {tally.listings:,} listings, the current one on {first:.1%} "
            f"(McNemar p = {tally.p_value:.2g})",
        ),
    )


def compare_published(current: Path, candidate: Path) -> Finding:
    """Compare two versions by what they were published with. Raises VersionRefused when a manifest is no good."""
    manifests = read_manifest(current), read_manifest(candidate)
    cohorts = _cohorts(current), _cohorts(candidate)
    same = _same_listings(*manifests)
    shared = [name for name in cohorts[0] if name in cohorts[1]]
    lines = [f"current: {current.name}", f"new:     {candidate.name}", ""]
    rows = [row for name in shared for row in _rows(name, cohorts[0][name], cohorts[1][name])]
    if rows:
        lines += [
            "| listings | evidence | n | current accuracy | n | new accuracy |",
            "|---|---|--:|--:|--:|--:|",
            *rows,
        ]
        if not same:
            lines.append("The two were judged on different listings: another catalogue, or another split of it.")
    else:
        lines.append("The two were judged on no listings of the same name: compare them on a catalogue (--catalogue).")
    lost = manifests[0].networks.keys() - manifests[1].networks.keys()
    worse = [f"it has no network for {modality}, the current one has" for modality in sorted(lost)]
    if lost_codes := _codes(current) - _codes(candidate):
        worse.append(f"it does not know these categories of the current one: {_named(lost_codes)}")
    worse += [reason for name in shared for reason in _worse(name, cohorts[0][name], cohorts[1][name], same)]
    return Finding("\n".join(lines), tuple(worse))


@dataclass(frozen=True, slots=True)
class _Accuracy:
    """A published accuracy of `n` listings with the ends of its 95 % interval."""

    n: int
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f}-{self.high:.3f})"


_Cases = dict[str, _Accuracy]


def _current(store: Store) -> str | None:
    try:
        return store.current()
    except NoVersion:
        return None


def _cohorts(folder: Path) -> dict[str, _Cases]:
    """Accuracies by cohort and case; what is missing or malformed is left out, for it can be compared with nothing."""
    try:
        cohorts = read_metrics(folder).get("cohorts")
    except VersionRefused:
        return {}
    found = {}
    for name, cohort in cohorts.items() if isinstance(cohorts, dict) else ():
        with suppress(AttributeError, KeyError, TypeError, ValueError):
            cases = {evidence: _accuracy(figures) for evidence, figures in cohort["cases"].items()}
            found[str(name)] = {evidence: cases[evidence] for evidence in MOST_TELLING if evidence in cases}
    return found


def _accuracy(figures: dict[str, Any]) -> _Accuracy:
    estimate = figures["accuracy"]
    return _Accuracy(int(figures["n"]), float(estimate["value"]), float(estimate["low"]), float(estimate["high"]))


def _same_listings(current: Manifest, candidate: Manifest) -> bool:
    """Whether both were judged on the same rows: the data and its split have the same fingerprints."""
    return all(
        current.data.get(key) is not None and current.data.get(key) == candidate.data.get(key)
        for key in ("fingerprint", "split_fingerprint")
    )


def _rows(name: str, current: _Cases, candidate: _Cases) -> Iterator[str]:
    for evidence in current:
        if evidence in candidate:
            old, new = current[evidence], candidate[evidence]
            yield f"| {name} | {evidence_label(evidence)} | {old.n:,} | {old} | {new.n:,} | {new} |"


def _worse(name: str, current: _Cases, candidate: _Cases, same: bool) -> Iterator[str]:
    """In what the new version is worse on one cohort: at most one line."""
    evidence = next((evidence for evidence in current if evidence in candidate), None)
    if evidence is None:
        return
    old, new = current[evidence], candidate[evidence]
    if new.high < (old.value if same else old.low):
        yield f"{evidence_label(evidence)} accuracy on {name!r} is {new}, of the current one {old}"


def _codes(folder: Path) -> set[str]:
    try:
        return set(Taxonomy.read(folder / TAXONOMY).codes)
    except VersionRefused:
        return set()


def _named(codes: set[str]) -> str:
    shown = sorted(codes)[:MOST_NAMED]
    return ", ".join(shown) + (f" and {len(codes) - len(shown)} more" if len(codes) > len(shown) else "")
