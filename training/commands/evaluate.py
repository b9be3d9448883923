"""The command `evaluate`: a version on anybody's labelled catalogue, answers kept, report written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.decision.calibration import FILE_NAME as CALIBRATION
from models.listing import Evidence
from models.predictor import Predictor
from models.versions.metrics import FILE_NAME as METRICS
from models.versions.metrics import quality_table
from training.calibration.refit import refit
from training.catalogue.dataset import Catalogue
from training.commands.catalogue_argument import NamedCatalogue, read_named_catalogue
from training.commands.evaluate_report import (
    PAGE,
    TEXT,
    Evaluation,
    broken_promises,
    left_out_lines,
    refit_document,
    write_evaluation,
)
from training.config.run import RunConfig
from training.errors import CatalogueError
from training.evaluation.evaluable import evaluable_catalogue
from training.evaluation.metrics import metrics_document
from training.evaluation.prediction_store import WORKERS, predict_catalogue, prediction_inputs, read_predictions
from training.evaluation.predictions import Cohorts, Predictions
from training.reports.mistakes import find_mistakes
from training.workspace import Workspace

WHOLE = "all"
"""The name of the only cohort when rows name no label source."""
TRUE = "true"
"""The label source whose listings tell most."""


@dataclass(frozen=True)
class Request:
    """The options of the command. `part` is a part of the split, "" for all rows; `write_calibration` asks for the
    re-fitted `calibration.json` as well; `columns` name those of a file ("designation=headline").
    """

    version: Path
    catalogue: Path
    images: Path | None
    out: Path
    part: str = ""
    write_calibration: bool = False
    command: str = ""
    columns: tuple[str, ...] = ()


def evaluate_version(request: Request, workspace: Workspace) -> Path:
    """Write the report into `request.out` and return the path of its page.

    Raises ConfigError, CatalogueError, VersionRefused. Answers are kept in the workspace by version and catalogue, so
    that an interrupted evaluation goes on and a repeated one only writes its report.
    """
    named = read_named_catalogue(request.catalogue, request.images, request.columns)
    predictor = Predictor.load(request.version, streams=WORKERS)
    catalogue, split = _part(named, request.part, workspace)
    # A file's own test rows are held out of whatever is trained on it; a config's, of what is trained on its split.
    unseen = request.part == "test" and split in (None, predictor.manifest.data.get("split_fingerprint"))
    evaluable = evaluable_catalogue(predictor, catalogue, unseen=unseen)
    stage = workspace.stage(
        "predictions",
        prediction_inputs(predictor, evaluable.catalogue),
        lambda folder: predict_catalogue(predictor, evaluable.catalogue, folder),
    )
    answers = read_predictions(stage.folder)
    if not answers:
        raise CatalogueError(f"{catalogue.name}: {predictor.version} has no network for what the rows hold")
    cohorts = cohorts_of(evaluable.catalogue, named.config, answers)
    codes = predictor.taxonomy.codes
    calibration, refits = refit(predictor.calibration, answers, codes, _described(evaluable.catalogue))
    facts = {
        "version": predictor.version,
        "catalogue": evaluable.catalogue.name,
        "fingerprint": evaluable.catalogue.fingerprint(),
        "rows": evaluable.rows,
        "judged": len(evaluable.catalogue),
        "left_out": dict(evaluable.catalogue.left_out),
        "unknown_categories": dict(evaluable.unknown),
        "notes": list(evaluable.notes),
        "refit": refit_document(refits, calibration),
    }
    metrics = metrics_document(cohorts, codes, (), {"evaluation": facts})
    main = TRUE if TRUE in cohorts else max(cohorts, key=lambda name: metrics["cohorts"][name]["n"])
    _clear(request.out, evaluable.catalogue.fingerprint(), workspace)
    evaluation = Evaluation(
        predictor,
        request.version,
        evaluable,
        metrics,
        calibration,
        refits,
        request.command,
        main,
        find_mistakes(cohorts[main], evaluable.catalogue, predictor.taxonomy, may_show=True),
    )
    write_evaluation(evaluation, request.out)
    if request.write_calibration:
        calibration.write(request.out)
    broken = list(broken_promises(metrics)) or ["No promise of precision is refuted by these listings."]
    for line in ("", quality_table(metrics), "", *left_out_lines(evaluable), *broken):
        workspace.say(line)
    return request.out / PAGE


def cohorts_of(catalogue: Catalogue, config: RunConfig | None, answers: Mapping[Evidence, Predictions]) -> Cohorts:
    """The config's cohorts, else one for each label source; a cohort or evidence without answers is left out."""
    rows = catalogue.rows
    if config is not None and config.cohorts:
        table = rows if "given_split" in rows else rows.assign(given_split=rows["split"])
        members = {rule.name: table.index[rule.matches(table)] for rule in config.cohorts}
    else:
        sources = sorted(set(rows["label_source"]))
        members = {source or WHOLE: rows.index[rows["label_source"] == source] for source in sources}
    cohorts: dict[str, dict[Evidence, Predictions]] = {}
    for name, chosen in members.items():
        parts = {evidence: answer.only(chosen.tolist()) for evidence, answer in answers.items()}
        cohorts[name] = {evidence: answer for evidence, answer in parts.items() if len(answer.rows)}
    cohorts = {name: cohort for name, cohort in cohorts.items() if cohort}
    return cohorts or {WHOLE: dict(answers)}


def _part(named: NamedCatalogue, part: str, workspace: Workspace) -> tuple[Catalogue, str | None]:
    """The catalogue, or a part of its split: as the config splits it, else as the file's split column says.

    The second is the fingerprint of the config's split, None where the file's column says it.
    """
    catalogue, fingerprint = named.catalogue, None
    if not part:
        return catalogue, fingerprint
    if named.config is not None:
        from training.pipeline import prepare_data

        data = prepare_data(named.config, workspace)
        catalogue, fingerprint = data.catalogue, data.split_fingerprint
    chosen = catalogue.rows["split"] == part
    if not chosen.any():
        raise CatalogueError(f"{catalogue.name}: no row is in the part {part}")
    return catalogue.only(chosen, f"not in the part {part}"), fingerprint


def _clear(out: Path, fingerprint: str, workspace: Workspace) -> None:
    """Make the folder and remove an earlier report from it, with a message if that is on other listings."""
    out.mkdir(parents=True, exist_ok=True)
    with suppress(OSError, ValueError, KeyError, TypeError):
        if json.loads((out / METRICS).read_bytes())["evaluation"]["fingerprint"] != fingerprint:
            workspace.say(f"[evaluate] {out.name}: replaces the report on other listings (--out names another folder)")
    for name in (PAGE, TEXT, METRICS, CALIBRATION):
        (out / name).unlink(missing_ok=True)


def _described(catalogue: Catalogue) -> NDArray[np.int64]:
    rows = catalogue.rows
    return np.asarray(rows.index[rows["description"].str.strip() != ""], np.int64)
