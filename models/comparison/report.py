"""A comparison of two versions for people: Markdown tables, and the listings that change category as CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from models.catalogue.csv_file import FIRST_ROW
from models.catalogue.rows import safe_cell
from models.comparison.compare import BOTH_WRONG, FIRST_RIGHT, SECOND_RIGHT, UNJUDGED, Answer, Change, Comparison, Tally
from models.comparison.mcnemar import SIGNIFICANCE, holm
from models.errors import ListingError
from models.taxonomy import Taxonomy

LANGUAGE = "en"
"""The language of the categories' names."""
MOST_NAMED = 10
"""Moves, or unknown categories, that are named before they are only counted."""
DIFF_COLUMNS = (
    *("row", "listing_id", "designation", "category", "a_category", "a_confidence", "a_decision"),
    *("b_category", "b_confidence", "b_decision", "verdict"),
)


def comparison_report(comparison: Comparison, taxonomy: Taxonomy) -> str:
    """The whole comparison as Markdown; `taxonomy` has the categories' names."""
    lines = [f"{letter}: {version}" for letter, version in zip("AB", comparison.versions, strict=True)] + [""]
    if comparison.overall.listings:
        lines += _table("evidence", {"all": comparison.overall, **comparison.by_evidence}, corrected=False)
        named = {_name(code, taxonomy): tally for code, tally in comparison.by_category.items()}
        lines += ["", *_table("category", named, corrected=True), "", *_footnotes(comparison)]
    lines += [*_changes(comparison), *_left_out(comparison), winner(comparison)]
    return "\n".join(lines)


def winner(comparison: Comparison) -> str:
    """The better version on all judged listings, in one sentence."""
    tally, (first, second) = comparison.overall, comparison.versions
    if not tally.listings:
        return "No listing could be judged."
    better = _better(tally, tally.p_value)
    what = {"A": f"A ({first}) is better", "B": f"B ({second}) is better", "": "no significant difference"}[better]
    return (
        f"On {tally.listings:,} judged listings: {what}; A alone is right on {tally.first_only:,}, B alone on "
        f"{tally.second_only:,} (McNemar p = {_p(tally.p_value)})."
    )


@contextmanager
def diff_file(path: Path | None) -> Iterator[Callable[[Change], None]]:
    """Write changes as rows of a CSV file, which appears when all are written; None writes nowhere."""
    if path is None:
        yield lambda change: None
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(DIFF_COLUMNS)
            yield lambda change: writer.writerow([safe_cell(value) for value in _cells(change)])
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _cells(change: Change) -> tuple[str | int, ...]:
    listing = change.row.listing
    answers = (cell for answer in (change.first, change.second) for cell in _answer_cells(answer))
    return (
        change.row.row + FIRST_ROW,
        listing.id or "",
        listing.designation,
        change.row.category,
        *answers,
        change.verdict,
    )


def _answer_cells(answer: Answer) -> tuple[str, str, str]:
    if isinstance(answer, ListingError):
        return "", "", answer.code
    return answer.code, f"{answer.confidence:.4f}", str(answer.decision.action)


def _table(kind: str, tallies: Mapping[str, Tally], *, corrected: bool) -> list[str]:
    p_values = [tally.p_value for tally in tallies.values()]
    if corrected:
        p_values = holm(p_values)
    lines = [
        f"| {kind} | listings | A right | B right | A alone | B alone | p{' (Holm)' if corrected else ''} | better |",
        "|---|--:|--:|--:|--:|--:|--:|---|",
    ]
    for (name, tally), p_value in zip(tallies.items(), p_values, strict=True):
        first, second = tally.accuracies
        cells = [f"{tally.listings:,}", f"{first:.1%}", f"{second:.1%}", f"{tally.first_only:,}"]
        cells += [f"{tally.second_only:,}", _p(p_value), _better(tally, p_value)]
        lines.append(f"| {' | '.join([name.replace('|', '/'), *cells])} |")
    return lines


def _footnotes(comparison: Comparison) -> list[str]:
    categories = comparison.by_category.values()
    return [
        "p: McNemar's exact test, two-sided; for categories corrected for their number (Holm). "
        f"Better: p below {SIGNIFICANCE}.",
        f"More listings right: B in {sum(t.second_only > t.first_only for t in categories)} categories, A in "
        f"{sum(t.first_only > t.second_only for t in categories)}, as many in "
        f"{sum(t.first_only == t.second_only for t in categories)}.",
        "",
    ]


def _changes(comparison: Comparison) -> list[str]:
    verdicts = comparison.verdicts
    gained, lost, wrong, unjudged = (
        verdicts.get(verdict, 0) for verdict in (SECOND_RIGHT, FIRST_RIGHT, BOTH_WRONG, UNJUDGED)
    )
    lines = [
        f"{comparison.changes:,} listings change category from A to B: {gained:,} become right, {lost:,} become wrong, "
        f"{wrong:,} were and stay wrong, {unjudged:,} cannot be judged."
    ]
    moves = sorted(comparison.moves.items(), key=lambda move: (-move[1], move[0]))[:MOST_NAMED]
    if moves:
        most = ", ".join(f"{old or '(no answer)'} -> {new or '(no answer)'} {n}" for (old, new), n in moves)
        lines.append(f"Most frequent: {most}.")
    return lines


def _left_out(comparison: Comparison) -> list[str]:
    lines = []
    if comparison.unknown:
        lines.append(f"Left out, of a category that neither version knows: {_counted(comparison.unknown)}.")
    if comparison.known_by_one:
        lines.append(
            f"Judged, of a category that only one version knows, so that the other is wrong: "
            f"{_counted(comparison.known_by_one)}."
        )
    if comparison.unlabelled:
        lines.append(f"Not judged, without a category: {comparison.unlabelled:,}.")
    if comparison.unanswered:
        lines.append(f"Left out, neither version could be asked: {_counted(comparison.unanswered)}.")
    if comparison.photos_missing:
        lines.append(f"Asked without their photo, which is not there: {comparison.photos_missing:,}.")
    return lines


def _counted(counts: Mapping[str, int]) -> str:
    """A total, and the most frequent names with their counts."""
    most = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    named = ", ".join(f"{name} {n:,}" for name, n in most[:MOST_NAMED])
    return f"{sum(counts.values()):,} ({named}{', ...' if len(most) > MOST_NAMED else ''})"


def _better(tally: Tally, p_value: float) -> str:
    if p_value >= SIGNIFICANCE:
        return ""
    return "A" if tally.first_only > tally.second_only else "B"


def _name(code: str, taxonomy: Taxonomy) -> str:
    label = taxonomy.label(code, LANGUAGE) if code in taxonomy else code
    return code if label == code else f"{code} {label}"


def _p(value: float) -> str:
    return "<0.0001" if value < 0.0001 else f"{value:.4f}"
