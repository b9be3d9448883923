"""Several configs side by side: each is trained or found trained, calibrated, and evaluated on the same listings.

Nothing is sealed. The results of a config lie in the workspace, a stage each: the networks, a scratch version that
predicts as a sealed one would, and its answers. Only the cost of a listing is measured anew, for all networks together.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from models.decision.calibration import Calibration
from models.listing import Evidence, Listing, Modality
from models.predictor import Predictor
from models.versions.manifest import read_manifest
from training.catalogue.modalities import with_evidence
from training.comparison.ablations import split_variants
from training.comparison.baseline import COST_FILE, NAME, SETTINGS, fit_baseline
from training.comparison.candidates import BASELINE, Comparison, Contender, NetworkFacts, NotTrained
from training.comparison.cost import Cost, listings_to_time, measure_ways
from training.comparison.fusion_methods import compare_fusions
from training.config.run import RunConfig
from training.errors import ConfigError, TrainingError
from training.evaluation.cohorts import cohort_rows, has_text
from training.evaluation.predict import predict_by_evidence
from training.evaluation.prediction_store import (
    FORMAT,
    PREDICTIONS_FILE,
    read_logits,
    read_predictions,
    write_logits,
    write_predictions,
)
from training.evaluation.predictions import Predictions
from training.pipeline import Data, Fitted, check_parts, fit_networks, prepare_data, run_of
from training.publishing.draft import seal_manifest
from training.publishing.release import Release
from training.workspace import Stage, Workspace

VERSION = "version"
"""Folder of the scratch version in its stage."""
LOGITS = "calibration.npz"

NamedRun = tuple[str, RunConfig, Workspace]


class CompareRefused(TrainingError):
    """The configs cannot be compared, or none of them can be trained."""

    message = "The configs cannot be compared."


@dataclass(frozen=True, eq=False)
class _Trained:
    """A config's networks as a scratch version."""

    label: str
    config: RunConfig
    workspace: Workspace
    data: Data
    fitted: Fitted
    stage: Stage

    @property
    def version(self) -> Path:
        return self.stage.folder / VERSION


def labels(paths: Sequence[Path]) -> list[str]:
    """Each config's name in the report: its file's name, with the folder's where two files have the same.

    Raises ConfigError when a file is given twice.
    """
    counts = Counter(path.resolve() for path in paths)
    if twice := [path for path, count in counts.items() if count > 1]:
        raise ConfigError([f"{twice[0].name} is given twice"])
    stems = Counter(path.stem for path in paths)
    return [path.stem if stems[path.stem] == 1 else f"{path.resolve().parent.name}/{path.stem}" for path in paths]


def compare(
    runs: Sequence[NamedRun], out: Path, *, part: str, baseline: bool, listings: int, command: str = ""
) -> Path:
    """Train or reuse each run's networks and write `compare.html`, `.md` and `.json` into `out`; returns the page.

    They are evaluated on the rows in `part` of every config's split, which no config trains on. `listings` are timed.
    Raises CompareRefused when the configs have different catalogues or categories, or nothing can be trained.
    """
    from training.comparison.report import write_comparison

    say = runs[0][2].say
    known, missing = _read_data(runs, say)
    if not known:
        raise _nothing_trained(missing)
    rows = _common_rows([(label, config, data) for label, config, _, data in known], part)
    trained: list[_Trained] = []
    for number, run in enumerate(known, start=1):
        say(f"[compare] {number} of {len(known)}: {run[0]}")
        try:
            trained.append(_train(*run))
        except TrainingError as error:
            missing.append(_not_trained(*run[:2], error, say))
    if not trained and not baseline:
        raise _nothing_trained(missing)
    _, config, workspace, data = known[0]
    chosen, variants = split_variants([_contender(candidate, _answers(candidate, part, rows)) for candidate in trained])
    reference = [_baseline(config, workspace, data, rows, listings)] if baseline else []
    say(f"[compare] timing up to {listings} listings, one by one")
    timed = listings_to_time(data.catalogue, rows, listings)
    versions = {candidate.label: candidate.version for candidate in trained}
    contenders = [_with_costs(contender, versions[contender.run], timed) for contender in chosen]
    table = data.catalogue.rows.loc[rows]
    page = write_comparison(
        out,
        Comparison(
            part=part,
            command=command,
            catalogue=data.catalogue,
            taxonomy=data.taxonomy,
            rows=rows,
            held_in=len(data.rows.index[data.rows["split"] == part]) - len(rows),
            cohorts={name: members for name, members in cohort_rows(config, table).items() if members},
            contenders=[*reference, *contenders],
            not_trained=missing,
            variants=variants,
        ),
    )
    say(f"[compare] {page.with_suffix('.md')}\n[compare] {page.with_suffix('.json')}")
    return page


def _nothing_trained(missing: Sequence[NotTrained]) -> CompareRefused:
    return CompareRefused("\n".join(f"{failed.run}: {failed.reason}" for failed in missing))


def _read_data(
    runs: Sequence[NamedRun], say: Callable[[str], None]
) -> tuple[list[tuple[str, RunConfig, Workspace, Data]], list[NotTrained]]:
    """Catalogue and split of each run, read once where configs agree on them; and the runs that cannot have any."""
    read: dict[str, Data] = {}
    known, missing = [], []
    for label, config, workspace in runs:
        document = [config.catalogue.model_dump(mode="json"), config.split.model_dump(mode="json"), config.seed]
        key = json.dumps(document, sort_keys=True)
        try:
            if key not in read:
                read[key] = prepare_data(config, workspace)
            config = with_evidence(config, read[key].catalogue)
            check_parts(config, read[key].rows)
        except TrainingError as error:
            missing.append(_not_trained(label, config, error, say))
            continue
        known.append((label, config, workspace, read[key]))
    return known, missing


def _not_trained(label: str, config: RunConfig, error: TrainingError, say: Callable[[str], None]) -> NotTrained:
    reason = " ".join(str(error).split())
    say(f"[compare] {label}: not trained: {reason}")
    names = [config.text.network, config.image.network]
    return NotTrained(label, " + ".join(name for name in names if name != "none"), reason)


def _common_rows(known: Sequence[tuple[str, RunConfig, Data]], part: str) -> list[int]:
    """Row labels that are in `part` for every config. Raises CompareRefused where configs are not comparable."""
    label, config, data = known[0]
    rows = data.rows.index[data.rows["split"] == part]
    for other, its_config, its_data in known[1:]:
        if its_config.catalogue.path.resolve() != config.catalogue.path.resolve():
            raise CompareRefused(f"{label} and {other} have different catalogues")
        if its_data.taxonomy.codes != data.taxonomy.codes:
            raise CompareRefused(f"{label} and {other} have different categories")
        rows = rows.intersection(its_data.rows.index[its_data.rows["split"] == part], sort=True)
        if not its_data.rows["category"].reindex(rows).equals(data.rows["category"].reindex(rows)):
            raise CompareRefused(f"{label} and {other} file the same listings under different categories")
    if not len(rows):
        raise CompareRefused(f"no listing is in the {part} part of every config")
    return [int(row) for row in rows]


def _train(label: str, config: RunConfig, workspace: Workspace, data: Data) -> _Trained:
    fitted = fit_networks(config, data, workspace)
    inputs = {
        "networks": dict(fitted.keys),
        "data": [data.fingerprint, data.split_fingerprint],
        "classes": list(data.taxonomy.codes),
        "fusion": config.fusion.model_dump(mode="json"),
        "decision": config.decision.model_dump(mode="json"),
        "seed": config.seed,
    }
    release = Release(run_of(config, data, fitted), workspace.say)

    def make(folder: Path) -> None:
        draft = folder / VERSION
        draft.mkdir(exist_ok=True)
        assembled = release.assemble(draft, fitted.networks, fitted.preprocessing)
        seal_manifest(draft, assembled.manifest)
        write_logits(folder / LOGITS, assembled.labelled)

    return _Trained(label, config, workspace, data, fitted, workspace.stage("scratch-version", inputs, make))


def _answers(trained: _Trained, part: str, rows: Sequence[int]) -> dict[Evidence, Predictions]:
    """The scratch version's answers to the rows, by evidence that it has networks for."""

    def make(folder: Path) -> None:
        predictor = Predictor.load(trained.version, verify=False, streams=2)
        write_predictions(folder / PREDICTIONS_FILE, predict_by_evidence(predictor, trained.data.catalogue, rows))

    listed = hashlib.sha256(json.dumps(list(rows)).encode()).hexdigest()
    inputs = {"format": FORMAT, "version": trained.stage.key, "part": part, "rows": listed}
    return read_predictions(trained.workspace.stage("predictions", inputs, make).folder)


def _contender(trained: _Trained, answers: Mapping[Evidence, Predictions]) -> Contender:
    config, rows = trained.config, trained.data.rows
    train = rows[rows["split"] == "train"]
    calibration = Calibration.read(trained.version)
    labelled = read_logits(trained.stage.folder / LOGITS)
    both = labelled.text is not None and labelled.image is not None
    return Contender(
        run=trained.label,
        networks=list(_facts(trained)),
        answers=answers,
        costs={},
        curves=trained.fitted.curves,
        seconds=trained.fitted.seconds,
        fusions=compare_fusions(labelled, calibration.cases, seed=config.seed) if both else [],
        fusion=config.fusion.method,
        settings=_settings(config),
        learned={
            Evidence.TEXT: int(has_text(train).sum()),
            Evidence.IMAGE: int(train["image"].ne("").sum()),
            Evidence.BOTH: len(train),
        },
        sources={str(source): int(n) for source, n in train["label_source"].value_counts().items()},
    )


def _with_costs(contender: Contender, version: Path, timed: Mapping[Evidence, Sequence[Listing]]) -> Contender:
    (_, costs), *others = measure_ways(version, timed).items()
    return replace(contender, costs=costs, other_costs=dict(others))


def _facts(trained: _Trained) -> Iterator[NetworkFacts]:
    entries = read_manifest(trained.version).networks
    for network in trained.fitted.networks:
        entry, modality = entries[network.modality], network.modality
        xml, bin_, keras = (
            (trained.version / f"{modality}.{suffix}").stat().st_size / 1e6 for suffix in ("xml", "bin", "keras")
        )
        yield NetworkFacts(
            modality=modality,
            name=network.name,
            key=trained.fitted.keys[modality],
            parameters=entry.parameters,
            precision=entry.precision,
            megabytes=xml + bin_,
            keras_megabytes=keras,
        )


def _settings(config: RunConfig) -> dict[str, Any]:
    """The config without the settings of networks that it does not have."""
    document = config.provenance()
    for key in ("text", "image"):
        if document[key]["network"] == "none":
            document[key] = {"network": "none"}
    return {key: value for key, value in document.items() if key not in ("name", "card", "cohorts", "golden")}


def _baseline(config: RunConfig, workspace: Workspace, data: Data, rows: Sequence[int], listings: int) -> Contender:
    stage = workspace.stage(
        "baseline",
        {
            "data": [data.fingerprint, data.split_fingerprint],
            "classes": list(data.taxonomy.codes),
            "decision": config.decision.model_dump(mode="json"),
            "settings": list(SETTINGS),
            "format": FORMAT,
            "seed": config.seed,
        },
        lambda folder: fit_baseline(config, data.catalogue, data.taxonomy, folder, listings=listings),
    )
    facts = json.loads((stage.folder / COST_FILE).read_text())
    return Contender(
        run=BASELINE,
        networks=[NetworkFacts(Modality.TEXT, NAME, stage.key, facts["parameters"], "f32", None, None)],
        answers={evidence: given.only(rows) for evidence, given in read_predictions(stage.folder).items()},
        costs={} if facts["cost"] is None else {Evidence.TEXT: Cost(**facts["cost"])},
        curves=[],
        seconds={"baseline": stage.seconds},
        fusions=[],
        fusion="",
        settings={},
    )
