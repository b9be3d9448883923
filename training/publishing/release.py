"""The last part of a run: calibrate, evaluate what was written, describe it for people, seal it."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from models.decision.calibration import FILE_NAME as CALIBRATION
from models.listing import Modality
from models.predictor import Predictor
from models.preprocessing.settings import Preprocessing
from models.taxonomy import Taxonomy
from models.versions.golden import GoldenListing, read_golden, write_golden
from models.versions.manifest import Manifest, NetworkEntry, read_manifest
from models.versions.metrics import FILE_NAME as METRICS
from models.versions.metrics import quality_table, read_metrics
from models.versions.store import Store
from training.calibration.calibrate import calibrate, refuse_worse_fusion
from training.calibration.summary import CalibrationSummary
from training.catalogue.dataset import Catalogue
from training.config.run import RunConfig
from training.errors import PublishRefused
from training.evaluation.cohorts import by_cohort, cohort_rows
from training.evaluation.metrics import metrics_document
from training.evaluation.predict import labelled_logits, predict_by_evidence
from training.evaluation.predictions import Cohorts, LabelledLogits, LearningCurve
from training.fitting.fitted import FittedNetwork
from training.publishing.draft import draft_networks, prove_parity, seal_manifest, write_networks
from training.publishing.golden import golden_from_catalogue, golden_from_file, read_golden_listings
from training.publishing.notes import accepts_nothing, too_few_trusted
from training.publishing.out_of_catalogue import drawn_strangers, measure_strangers, read_out_of_catalogue
from training.publishing.precision import decide_precision, with_precision
from training.reports.model_card import weights_facts, write_model_card
from training.reports.report import write_report

MODEL_CARD, REPORT = "MODEL_CARD.md", "report.html"
DESCRIPTIONS = (METRICS, MODEL_CARD, REPORT)
"""Files that tell of a version, and that nothing is computed from."""


@dataclass(frozen=True, eq=False)
class Run:
    """What a run has made so far. `catalogue.rows` has `split`, and `given_split` as the catalogue had it.

    `cross_fitted` are answers to training listings from networks that have not seen them, to calibrate on as well.
    `provenance` is what the manifest says of how the networks were made, where that is not what the config says;
    `notes` are sentences for the model card.
    """

    config: RunConfig
    catalogue: Catalogue
    taxonomy: Taxonomy
    fingerprint: str
    split_fingerprint: str
    curves: Sequence[LearningCurve]
    seconds: Mapping[str, float]
    command: str
    provenance: Mapping[str, Any] | None = None
    notes: Sequence[str] = ()
    cross_fitted: LabelledLogits | None = None

    @property
    def described(self) -> Mapping[str, Any]:
        """How the networks were made, as JSON types."""
        return self.config.provenance() if self.provenance is None else self.provenance

    def rows(self, part: str) -> list[int]:
        """Row labels of one part of the split."""
        return [int(row) for row in self.catalogue.rows.index[self.catalogue.rows["split"] == part]]


@dataclass(frozen=True, eq=False)
class Assembled:
    """A draft that answers: its networks, the logits that it was calibrated on, and how that went."""

    entries: Mapping[Modality, NetworkEntry]
    labelled: LabelledLogits
    summary: CalibrationSummary


@dataclass(frozen=True, eq=False)
class Release:
    """Publishes one run; `force` seals a version that the conditions of publishing would refuse."""

    run: Run
    say: Callable[[str], None]
    force: bool = False
    _data: dict[str, Any] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_data", data_summary(self.run))

    def publish(self, store: Store, networks: list[FittedNetwork], preprocessing: Preprocessing) -> str:
        """Write, calibrate, evaluate, prove and seal a version; returns its name. Raises PublishRefused, StoreError."""
        with store.draft() as draft:
            assembled = self.assemble(draft, networks, preprocessing)
            self._refuse_worse_fusion(assembled.summary)
            predictor = Predictor.load(draft, verify=False, streams=2)
            golden = self._golden(predictor)
            write_golden(draft, golden)
            self.say("[publish] comparing the compiled networks with Keras")
            rows = self.run.rows("test") + self.run.rows("calibration")
            parity = prove_parity(predictor, draft, self.run.catalogue, rows, force=self.force)
            measured: dict[str, Any] = {"parity": parity.as_dict(), "calibration": asdict(assembled.summary)}
            return self._finish(store, draft, assembled.entries, golden, measured)

    def publish_again(self, store: Store, source: Path) -> str:
        """Seal the version in `source`, verified by the caller, once more; returns the new version's name.

        Networks, what prepares their inputs, fusion, calibration and golden listings are copied byte for byte; what is
        measured of them and told about them is made anew. Raises VersionRefused, StoreError.
        """
        manifest, metrics = read_manifest(source), read_metrics(source)
        measured: dict[str, Any] = {key: metrics[key] for key in ("parity", "calibration") if key in metrics}
        with store.draft() as draft:
            for name in manifest.files:
                if name not in DESCRIPTIONS:
                    (draft / name).parent.mkdir(exist_ok=True)
                    shutil.copyfile(source / name, draft / name)
            entries = with_precision(manifest.networks, "f32")
            self._seal_manifest(draft, entries)
            return self._finish(store, draft, entries, read_golden(draft), measured)

    def _finish(
        self,
        store: Store,
        draft: Path,
        entries: Mapping[Modality, NetworkEntry],
        golden: Sequence[GoldenListing],
        measured: Mapping[str, Any],
    ) -> str:
        """Decide what a calibrated draft is served in, evaluate it so, describe it and seal it; returns its name."""
        self.say("[publish] comparing bfloat16 with float32")
        rows = self.run.rows("validation") + self.run.rows("calibration")
        precision = decide_precision(draft, self.run.catalogue, rows, golden)
        self.say(f"[publish] served in {precision.served}. {precision.reason}")
        entries = with_precision(entries, precision.served)
        self._seal_manifest(draft, entries)
        served = Predictor.load(draft, verify=False, streams=2)
        told = {**measured, "precision": precision.as_dict(), "unfamiliar": self._strangers(served)}
        self._describe(draft, entries, self._evaluate(served), told)
        version = self._seal_manifest(draft, entries).version
        for computed in sorted({"f32", precision.served}):
            Predictor.load(draft, runtime="openvino", verify=False, precision=computed).replay_golden(draft)
        Predictor.load(draft, runtime="keras", verify=False).replay_golden(draft)
        store.seal(draft, version)
        self.say(f"[publish] sealed {version}")
        self._note(accepts_nothing(served.calibration))
        return version

    def assemble(self, draft: Path, networks: list[FittedNetwork], preprocessing: Preprocessing) -> Assembled:
        """Write and calibrate all that `Predictor.load` needs without verifying; nothing is judged or described yet."""
        self.say("[publish] writing the networks in both forms")
        entries = write_networks(draft, networks, preprocessing, self.run.taxonomy)
        labelled, summary = self._calibrate(draft, entries)
        self._seal_manifest(draft, entries)
        return Assembled(entries, labelled, summary)

    def _refuse_worse_fusion(self, summary: CalibrationSummary) -> None:
        try:
            refuse_worse_fusion(summary)
        except PublishRefused as error:
            if not self.force:
                raise
            self.say(f"[publish] forced although: {error}")

    def _note(self, sentence: str) -> None:
        if sentence:
            self.say(f"[publish] note: {sentence}")

    def _seal_manifest(self, draft: Path, entries: Mapping[Modality, NetworkEntry]) -> Manifest:
        run = self.run
        return seal_manifest(draft, run.config.name, run.described, entries, len(run.taxonomy), self._data)

    def _calibrate(
        self, draft: Path, entries: Mapping[Modality, NetworkEntry]
    ) -> tuple[LabelledLogits, CalibrationSummary]:
        config = self.run.config
        manifest = self._seal_manifest(draft, entries)
        preparation, networks = draft_networks(draft, manifest)
        labelled = labelled_logits(
            preparation, networks, self.run.catalogue, self.run.rows("calibration"), self.run.taxonomy
        )
        if self.run.cross_fitted is not None:
            labelled = LabelledLogits.joined([labelled, self.run.cross_fitted])
        self._note(too_few_trusted(labelled, config.decision.trust))
        fusion, calibration, summary = calibrate(
            labelled,
            self.run.taxonomy.codes,
            method=config.fusion.method,
            precision=config.decision.precision,
            coverage=config.decision.coverage,
            seed=config.seed,
            reliability=config.decision.trust,
            false_alarms=config.decision.false_alarms,
        )
        fusion.write(draft)
        calibration.write(draft)
        return labelled, summary

    def _golden(self, predictor: Predictor) -> list[GoldenListing]:
        path = self.run.config.golden
        if path is not None:
            return golden_from_file(predictor, read_golden_listings(path))
        rows = self.run.rows("validation") + self.run.rows("train")
        return golden_from_catalogue(predictor, self.run.catalogue, rows)

    def _strangers(self, predictor: Predictor) -> dict[str, Any]:
        """How listings from outside the catalogue fare; empty when the config names none."""
        config = self.run.config.unfamiliar
        texts = [] if config.listings is None else read_out_of_catalogue(config.listings)
        return measure_strangers(predictor, texts, drawn_strangers(config.pictures))

    def _evaluate(self, predictor: Predictor) -> Cohorts:
        """The test part, asked as a whole once, then told apart into the config's cohorts."""
        rows = self.run.rows("test")
        whole = predict_by_evidence(predictor, self.run.catalogue, rows)
        return by_cohort(whole, cohort_rows(self.run.config, self.run.catalogue.rows.loc[rows]))

    def _describe(
        self, draft: Path, entries: Mapping[Modality, NetworkEntry], cohorts: Cohorts, measured: Mapping[str, Any]
    ) -> None:
        metrics = metrics_document(cohorts, self.run.taxonomy.codes, self.run.curves, measured)
        (draft / METRICS).write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
        manifest = self._seal_manifest(draft, entries)
        context = {
            "name": manifest.name,
            "created": f"{manifest.created:%Y-%m-%d %H:%M} UTC",
            "command": self.run.command,
            "config": manifest.run,
            "data": {
                **self._data,
                "source_meanings": self.run.config.card.sources,
                "kind_meanings": self.run.config.card.kinds,
            },
            "networks": [
                {"modality": str(modality), **entry.model_dump(), **weights_facts(self.run.described, modality)}
                for modality, entry in entries.items()
            ],
            "calibration": json.loads((draft / CALIBRATION).read_bytes()),
            "parity": metrics.get("parity") or {},
            "precision": metrics["precision"],
            "libraries": manifest.libraries,
            "limits": list(self.run.config.card.limits),
            "seconds": dict(self.run.seconds),
        }
        write_report(draft / REPORT, metrics, self.run.taxonomy, context)
        write_model_card(draft / MODEL_CARD, metrics, self.run.taxonomy, context)
        self.say("\n" + quality_table(metrics))


def data_summary(run: Run) -> dict[str, Any]:
    """Counts and fingerprints of the data, as JSON types for the manifest and the model card."""
    rows = run.catalogue.rows
    splits = {
        part: dict(sorted(Counter(table["label_source"].replace("", "given")).items()))
        for part, table in rows.groupby("split")
    }
    return {
        "catalogue": run.catalogue.name,
        "rows": len(rows),
        "photos": int((rows["image"] != "").sum()),
        "sources": dict(sorted(Counter(rows["label_source"].replace("", "given")).items())),
        "kinds": dict(sorted(Counter(rows["text_kind"].replace("", "given")).items())),
        "splits": splits,
        "left_out": dict(run.catalogue.left_out),
        "fingerprint": run.fingerprint,
        "split_fingerprint": run.split_fingerprint,
        "notes": [*run.notes, *run.config.card.data],
    }
