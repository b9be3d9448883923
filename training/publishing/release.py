"""The last part of a run: calibrate a draft of the version, evaluate what was written, describe it and seal it."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from models.comparison.promotion import promote as promote_version
from models.decision.calibration import FILE_NAME as CALIBRATION
from models.errors import PykutenError
from models.networks.inference import Networks
from models.networks.runtime import available_precision
from models.predictor import Predictor
from models.preprocessing.prepare import Preparation
from models.preprocessing.settings import Preprocessing
from models.taxonomy import Taxonomy
from models.versions.golden import GoldenListing, write_golden
from models.versions.manifest import Manifest
from models.versions.metrics import FILE_NAME as METRICS
from models.versions.metrics import quality_table
from models.versions.samples import write_samples
from models.versions.store import Store
from training.calibration.calibrate import calibrate
from training.calibration.label_reliability import LabelReliability
from training.calibration.summary import CalibrationSummary
from training.catalogue.dataset import Catalogue
from training.config.run import RunConfig
from training.evaluation.cohorts import by_cohort, cohort_rows
from training.evaluation.metrics import metrics_document
from training.evaluation.predict import labelled_logits, predict_by_evidence
from training.evaluation.predictions import Cohorts, LabelledLogits, LearningCurve
from training.fitting.fitted import FittedNetwork
from training.publishing.draft import draft_manifest, parity_on, require_parity, seal_manifest, write_networks
from training.publishing.golden import golden_from_catalogue, golden_from_file, read_golden_listings
from training.publishing.notes import calibration_notes, too_few_trusted
from training.publishing.out_of_catalogue import OutOfCatalogue
from training.publishing.precision import decide_precision, with_precision
from training.publishing.samples import sample_listings
from training.reports.mistakes import find_mistakes
from training.reports.model_card import weights_facts, write_model_card
from training.reports.report import write_report

MODEL_CARD, REPORT = "MODEL_CARD.md", "report.html"


@dataclass(frozen=True, eq=False)
class Run:
    """The results of a run so far. `catalogue.rows` has `split`, and `given_split` as the catalogue had it.

    `cross_fitted` are answers to training listings from networks that have not seen them, to calibrate on as well.
    `provenance` says in the manifest how the networks were made, where the config does not;
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
    """A draft that answers in float32: its manifest, the logits that it was calibrated on, and how that went."""

    manifest: Manifest
    labelled: LabelledLogits
    summary: CalibrationSummary


@dataclass(frozen=True, eq=False)
class Release:
    """Publishes one run; `force` publishes a version that the conditions of sealing or promoting would refuse.

    A copy of the report is left in the folder `work`, also when the version is refused.
    """

    run: Run
    say: Callable[[str], None]
    work: Path | None = None
    force: bool = False

    def publish(
        self, store: Store, networks: list[FittedNetwork], preprocessing: Preprocessing, *, promote: bool = False
    ) -> str:
        """Write, calibrate, evaluate, prove and seal a version, and promote it if asked; returns its name.

        Raises PublishRefused, StoreError, and PromotionRefused, after sealing, for a version worse than the current.
        """
        with store.draft() as draft:
            version = self.seal(store, draft, self.assemble(draft, networks, preprocessing))
        if promote:
            promote_version(store, version, self.say, force=self.force)
        return version

    def assemble(self, draft: Path, networks: list[FittedNetwork], preprocessing: Preprocessing) -> Assembled:
        """Write and calibrate all that `Predictor.load` needs but manifest.json; nothing is judged or described yet."""
        self.say("[publish] writing the networks in both forms")
        entries = write_networks(draft, networks, preprocessing, self.run.taxonomy)
        run = self.run
        facts = {**run.described, "command": run.command, "seconds": dict(run.seconds)}
        manifest = draft_manifest(run.config.name, facts, entries, len(run.taxonomy), data_summary(run))
        return Assembled(manifest, *self._calibrate(draft, manifest))

    def seal(self, store: Store, draft: Path, assembled: Assembled) -> str:
        """Decide what a calibrated draft is served in, evaluate it so, describe it, prove it and seal it.

        Returns the version's name. Raises PublishRefused, VersionRefused, StoreError; the report is written before.
        """
        load = partial(Predictor.load, draft, verify=False, streams=2, manifest=assembled.manifest)
        exact, reference = load(runtime="openvino", precision="f32"), load(runtime="keras")
        measured: dict[str, Any] = {"calibration": asdict(assembled.summary)}
        served, manifest, refused = exact, assembled.manifest, None
        try:
            served = self._measure(draft, exact, reference, load, measured)
            manifest = with_precision(manifest, measured["precision"]["served"])
        except PykutenError as error:
            refused = error
        cross_fitted = 0 if self.run.cross_fitted is None else len(self.run.cross_fitted.labels)
        notes = list(calibration_notes(served.calibration, assembled.summary, self.run.curves, cross_fitted))
        self._describe(draft, manifest, self._evaluate(served), measured, notes)
        for sentence in notes:
            self._note(sentence)
        if refused is not None:
            raise refused
        version = seal_manifest(draft, manifest).version
        for predictor in (exact, reference, Predictor.load(draft, verify=False)):
            predictor.replay_golden(draft)
        store.seal(draft, version)
        self.say(f"[publish] sealed {version}")
        return version

    def _measure(
        self,
        draft: Path,
        exact: Predictor,
        reference: Predictor,
        load: Callable[..., Predictor],
        measured: dict[str, Any],
    ) -> Predictor:
        """Write golden listings, prove the compiled networks, choose their precision; returns what is served."""
        catalogue, rows = self.run.catalogue, self.run.rows
        golden = self._golden(exact)
        write_golden(draft, golden)
        self.say("[publish] comparing the compiled networks with Keras")
        parity = parity_on(reference, exact, catalogue, rows("test") + rows("calibration"))
        measured["parity"] = parity.as_dict()
        if not self.force:
            require_parity(parity)
        self.say("[publish] comparing bfloat16 with float32")
        faster = load(runtime="openvino", precision="bf16") if available_precision() == "bf16" else None
        precision = decide_precision(exact, faster, catalogue, rows("validation") + rows("calibration"), golden)
        measured["precision"] = precision.as_dict()
        self.say(f"[publish] served in {precision.served}. {precision.reason}")
        served = faster if faster and precision.served == "bf16" else exact
        measured["unfamiliar"] = OutOfCatalogue.read(self.run.config.unfamiliar).measure(served)
        return served

    def _note(self, sentence: str) -> None:
        if sentence:
            self.say(f"[publish] note: {sentence}")

    def _calibrate(self, draft: Path, manifest: Manifest) -> tuple[LabelledLogits, CalibrationSummary]:
        config, reliability = self.run.config, LabelReliability.of(self.run.config.decision)
        labelled = labelled_logits(
            Preparation.load(draft),
            Networks.load(draft, manifest, streams=2),
            self.run.catalogue,
            self.run.rows("calibration"),
            self.run.taxonomy,
        )
        if self.run.cross_fitted is not None:
            labelled = LabelledLogits.joined([labelled, self.run.cross_fitted])
        self._note(too_few_trusted(labelled, reliability))
        fusion, calibration, summary = calibrate(
            labelled,
            self.run.taxonomy.codes,
            method=config.fusion.method,
            precision=config.decision.precision,
            coverage=config.decision.coverage,
            seed=config.seed,
            reliability=reliability,
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

    def _evaluate(self, predictor: Predictor) -> Cohorts:
        """The answers to the test part, asked for once and divided into the config's cohorts."""
        rows = self.run.rows("test")
        whole = predict_by_evidence(predictor, self.run.catalogue, rows)
        return by_cohort(whole, cohort_rows(self.run.config, self.run.catalogue.rows.loc[rows]))

    def _describe(
        self,
        draft: Path,
        manifest: Manifest,
        cohorts: Cohorts,
        measured: Mapping[str, Any],
        notes: Sequence[str],
    ) -> None:
        """Write the metrics, the report and the model card, into `work` as well: a refused draft is not kept."""
        metrics = metrics_document(cohorts, self.run.taxonomy.codes, self.run.curves, measured)
        (draft / METRICS).write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
        card = self.run.config.card
        first = next(cases for cases in cohorts.values() if cases)
        if self.run.config.samples:
            write_samples(draft, sample_listings(self.run.catalogue, self.run.rows("test"), self.run.config.seed))
        context = {
            "name": manifest.name,
            "created": f"{manifest.created:%Y-%m-%d %H:%M} UTC",
            "command": manifest.run["command"],
            "config": self.run.described,
            "data": {**manifest.data, "source_meanings": card.sources, "kind_meanings": card.kinds},
            "networks": [
                {"modality": str(modality), **entry.model_dump(), **weights_facts(manifest.run, modality)}
                for modality, entry in manifest.networks.items()
            ],
            "calibration": {**json.loads((draft / CALIBRATION).read_bytes()), "notes": notes},
            "parity": metrics.get("parity"),
            "precision": metrics.get("precision"),
            "libraries": manifest.libraries,
            "limits": list(card.limits),
            "mistakes": find_mistakes(first, self.run.catalogue, self.run.taxonomy, may_show=self.run.config.samples),
            "seconds": manifest.run["seconds"],
        }
        write_report(draft / REPORT, metrics, self.run.taxonomy, context)
        write_model_card(draft / MODEL_CARD, metrics, self.run.taxonomy, context)
        if self.work is not None:
            self.work.mkdir(parents=True, exist_ok=True)
            for name in (METRICS, REPORT, MODEL_CARD):
                shutil.copyfile(draft / name, self.work / name)
            self.say(f"[publish] the report is {self.work / REPORT}")
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
