"""A loaded version: listings in, predictions out. Whatever serving, evaluation and tests ask a model goes through it.

from pathlib import Path
from models import Listing, Predictor, Store

store = Store(Path("models/store"))
predictor = Predictor.load(store.folder(store.current()))
print(predictor.predict(Listing("Matelas de piscine gonflable")).code)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.decision.calibration import PRECISION_MAX, PRECISION_MIN, Calibration
from models.decision.fusion import Fusion
from models.decision.prediction import Action, CategoryScore, Decision, Prediction, PredictionSet, Reason, Scores
from models.errors import ListingError, LoadStep, OptionError, PykutenError, VersionRefused
from models.listing import Evidence, Listing, Modality
from models.networks.inference import Logits, Networks
from models.networks.runtime import RuntimeName
from models.preprocessing.prepare import Preparation, Prepared
from models.taxonomy import FILE_NAME as TAXONOMY
from models.taxonomy import Taxonomy
from models.timing import Stage, timed
from models.versions.golden import REFERENCE_TOLERANCE, TOLERANCE, check_golden, read_golden
from models.versions.manifest import Manifest, read_manifest, verify_files

DEFAULT_TOP_K = 3
DISAGREEMENT_CONFIDENCE = 0.5
"""Text and photo disagree when their best categories differ and each is more likely than all others together."""


class Predictor:
    """One version, loaded. Immutable and thread-safe; `load` is the way to get one."""

    def __init__(
        self,
        manifest: Manifest,
        taxonomy: Taxonomy,
        preparation: Preparation,
        networks: Networks,
        fusion: Fusion,
        calibration: Calibration,
    ) -> None:
        self.manifest = manifest
        self.taxonomy = taxonomy
        self.calibration = calibration
        self.preparation = preparation
        self._networks = networks
        self._fusion = fusion
        self._codes = taxonomy.codes

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        runtime: RuntimeName = "auto",
        streams: int = 1,
        threads: int = 1,
        verify: bool = True,
        precision: str = "",
        manifest: Manifest | None = None,
    ) -> Predictor:
        """Load a version folder: manifest, sizes and checksums, preprocessing, networks, golden replay.

        `runtime` "auto" takes OpenVINO where the version carries its files, else Keras. `streams` is how many calls may
        run at the same time, each network on so many `threads`. `precision` ("f32", "bf16") overrides the manifest's.
        `verify=False` skips the folder's name, checksums and golden replay (for a folder just verified by the same
        process, or a draft). `manifest` is that of a draft which has no manifest.json yet. Raises VersionRefused.
        """
        with _step(LoadStep.MANIFEST):
            manifest = manifest or read_manifest(folder)
            if verify and manifest.version != folder.name:
                raise VersionRefused("the folder's name is not the version that its manifest names")
        if verify:
            with _step(LoadStep.FILES):
                verify_files(folder, manifest)
        with _step(LoadStep.PARTS):
            taxonomy = Taxonomy.read(folder / TAXONOMY)
            if len(taxonomy) != manifest.classes:
                raise VersionRefused("taxonomy and manifest have different numbers of classes")
            preparation = Preparation.load(folder)
            fusion = Fusion.read(folder, len(taxonomy))
            calibration = Calibration.read(folder)
        with _step(LoadStep.NETWORKS):
            networks = Networks.load(
                folder, manifest, runtime=runtime, streams=streams, threads=threads, precision=precision
            )
            networks.check_classes(len(taxonomy))
        predictor = cls(manifest, taxonomy, preparation, networks, fusion, calibration)
        with _step(LoadStep.PARTS):
            predictor._check_parts()
        if verify:
            with _step(LoadStep.GOLDEN):
                predictor.replay_golden(folder)
        return predictor

    @property
    def version(self) -> str:
        """The version's name."""
        return self.manifest.version

    @property
    def modalities(self) -> frozenset[Modality]:
        """The modalities that this version has networks for."""
        return frozenset(self._networks.by_modality)

    @property
    def runtime(self) -> str:
        """Who computes the networks: "openvino" or "keras"."""
        return "+".join(sorted({network.runtime for network in self._networks.by_modality.values()}))

    @property
    def precision(self) -> str:
        """What the networks compute in: "f32", "bf16" or "int8", or two of them joined by "+"."""
        return "+".join(sorted({network.precision for network in self._networks.by_modality.values()}))

    @property
    def default_precision(self) -> float:
        """The precision that decisions are made for when the caller asks for none."""
        return self.calibration.default_precision

    def replay_golden(self, folder: Path) -> None:
        """Ask the golden listings again. Raises VersionRefused when an answer is not the published one, or NaN."""
        golden = read_golden(folder)
        try:
            prepared = [self.prepare(entry.listing) for entry in golden]
        except ListingError as error:
            raise VersionRefused("a golden listing cannot be prepared") from error
        if self.modalities - {modality for ready in prepared for modality in ready.modalities}:
            raise VersionRefused("no golden listing asks one of the networks")
        try:
            answers = [scores.fused for scores in self.score(prepared)]
        except Exception as error:  # a network that wants other inputs fails in any way it likes
            raise VersionRefused(f"a golden listing cannot be scored: {type(error).__name__}") from error
        # The widest tolerance bounds the difference: the fused answer is made of both networks.
        networks = self._networks.by_modality.values()
        tolerances = [REFERENCE_TOLERANCE if n.runtime == "keras" else TOLERANCE[n.precision] for n in networks]
        check_golden(golden, answers, max(tolerances))

    def check_options(self, top_k: int, precision: float | None) -> None:
        """Raises OptionError when `top_k` is not in 1..categories or `precision` not in 0.80..0.995."""
        if not 1 <= top_k <= len(self.taxonomy):
            raise OptionError("top_k goes from 1 to the number of categories.", pointer="/top_k")
        if precision is not None and not PRECISION_MIN <= precision <= PRECISION_MAX:
            raise OptionError("precision goes from 0.80 to 0.995.", pointer="/precision")

    def prepare(self, listing: Listing) -> Prepared:
        """Clean, featurise and decode one listing. Raises ListingError."""
        return self.preparation(listing)

    def score(self, prepared: Sequence[Prepared]) -> list[Scores]:
        """Calibrated probabilities of each listing, in the order given.

        The same listing gets the same answer in any batch, within 1e-4 in float32 (a batch's size can change the order
        of float additions); in bfloat16, which rounds to 8 bits after each, 0.002 were seen.
        """
        with timed(Stage.NETWORK):
            logits = self._networks.logits(prepared)
        with timed(Stage.FUSE):
            return [self._fuse(listing, values) for listing, values in zip(prepared, logits, strict=True)]

    def logits(self, prepared: Sequence[Prepared]) -> list[Logits]:
        """What the networks say of each listing, before calibration: half of `score`."""
        with timed(Stage.NETWORK):
            return self._networks.logits(prepared)

    def fuse(self, prepared: Prepared, logits: Logits) -> Scores:
        """The other half of `score`: of one listing, from logits of each of its modalities."""
        with timed(Stage.FUSE):
            return self._fuse(prepared, logits)

    def conclude(
        self, prepared: Prepared, scores: Scores, *, top_k: int = DEFAULT_TOP_K, precision: float | None = None
    ) -> Prediction:
        """The prediction that scores lead to; cheap. Options as checked by `check_options`."""
        predictions = self._top(self._served(prepared, scores, scores.fused), top_k)
        disagreement = self._disagree(scores)
        members = self.calibration.prediction_set(prepared.evidence, scores.fused, self._codes)
        return Prediction(
            predictions=predictions,
            decision=self._decide(prepared.evidence, predictions[0], scores.unfamiliar, disagreement, precision),
            prediction_set=PredictionSet(tuple(self._codes[i] for i in members), self.calibration.coverage),
            evidence=prepared.evidence,
            modalities=prepared.modalities,
            by_modality={
                modality: self._top(self._served(prepared, scores, values), top_k)
                for modality, values in scores.by_modality.items()
            },
            disagreement=disagreement,
            warnings=prepared.warnings,
            version=self.version,
            photo=prepared.photo,
        )

    def predict(self, listing: Listing, *, top_k: int | None = None, precision: float | None = None) -> Prediction:
        """Predict one listing; options as for `predict_many`. Raises ListingError or OptionError."""
        answer = self.predict_many([listing], top_k=top_k, precision=precision)[0]
        if isinstance(answer, PykutenError):
            raise answer
        return answer

    def predict_many(
        self, listings: Sequence[Listing], *, top_k: int | None = None, precision: float | None = None
    ) -> list[Prediction | ListingError]:
        """Predict listings, in their order; a bad one gets its error and never fails the others.

        `top_k` is 3 by default, or all categories where there are fewer. Raises OptionError.
        """
        top_k = min(DEFAULT_TOP_K, len(self.taxonomy)) if top_k is None else top_k
        self.check_options(top_k, precision)
        answers: list[Prediction | ListingError | None] = [None] * len(listings)
        prepared: list[tuple[int, Prepared]] = []
        for row, listing in enumerate(listings):
            try:
                prepared.append((row, self.prepare(listing)))
            except ListingError as error:
                answers[row] = error
        for (row, ready), scores in zip(prepared, self.score([ready for _, ready in prepared]), strict=True):
            answers[row] = self.conclude(ready, scores, top_k=top_k, precision=precision)
        return [answer for answer in answers if answer is not None]

    def served(self, prepared: Prepared, scores: Scores) -> NDArray[np.float32]:
        """The probabilities [C] that `conclude` answers with: `scores.fused`, capped when the listing is unfamiliar."""
        return self._served(prepared, scores, scores.fused)

    def _served(self, prepared: Prepared, scores: Scores, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        familiarity = self.calibration.cases[prepared.evidence].familiarity
        return familiarity.capped(probabilities) if scores.unfamiliar and familiarity else probabilities

    def _fuse(self, prepared: Prepared, logits: Logits) -> Scores:
        cases = self.calibration.cases
        log_probabilities = {
            modality: cases[prepared.text_evidence if modality is Modality.TEXT else Evidence.IMAGE].log_probabilities(
                values
            )
            for modality, values in logits.items()
        }
        by_modality = {modality: np.exp(values) for modality, values in log_probabilities.items()}
        familiarity = cases[prepared.evidence].familiarity
        unfamiliar = familiarity is not None and familiarity.unfamiliar(logits)
        if prepared.evidence is not Evidence.BOTH:
            return Scores(by_modality[prepared.modalities[0]], by_modality, unfamiliar)
        fused = self._fusion(log_probabilities[Modality.TEXT], log_probabilities[Modality.IMAGE])
        return Scores(np.exp(cases[Evidence.BOTH].log_probabilities(fused)), by_modality, unfamiliar)

    def _top(self, probabilities: NDArray[np.float32], top_k: int) -> tuple[CategoryScore, ...]:
        order = np.argsort(-probabilities, kind="stable")[:top_k]
        return tuple(CategoryScore(self._codes[i], float(probabilities[i])) for i in order)

    def _disagree(self, scores: Scores) -> bool:
        if len(scores.by_modality) < 2:
            return False
        values = list(scores.by_modality.values())
        differ = len({int(v.argmax()) for v in values}) > 1
        return differ and all(float(v.max()) > DISAGREEMENT_CONFIDENCE for v in values)

    def _decide(
        self, evidence: Evidence, best: CategoryScore, unfamiliar: bool, disagreement: bool, precision: float | None
    ) -> Decision:
        asked = self.default_precision if precision is None else precision
        threshold = self.calibration.threshold(evidence, best.code, asked)
        if unfamiliar:
            reason: Reason | None = Reason.UNFAMILIAR
        elif threshold is None:
            reason = Reason.PRECISION_UNREACHABLE
        elif disagreement:
            reason = Reason.DISAGREEMENT
        elif best.confidence < threshold:
            reason = Reason.LOW_CONFIDENCE
        else:
            reason = None
        return Decision(Action.REVIEW if reason else Action.ACCEPT, asked, threshold, reason)

    def _check_parts(self) -> None:
        """Raises VersionRefused when a part can give what another does not know."""
        if self.preparation.modalities != self.modalities:
            raise VersionRefused("preprocessing and manifest have different modalities")
        for name, evidence in self.calibration.cases.items():
            if any(code not in self.taxonomy for code in (*evidence.class_thresholds, *evidence.class_floors)):
                raise VersionRefused("calibration has a category that the taxonomy has not")
            if evidence.familiarity and not evidence.familiarity.scales.keys() <= set(name.modalities):
                raise VersionRefused(f"calibration judges {name} by a modality that such a listing has not")
        possible = set()
        if Modality.TEXT in self.modalities:
            possible |= {Evidence.TITLE, Evidence.TEXT}
        if Modality.IMAGE in self.modalities:
            possible |= {Evidence.IMAGE}
        if len(self.modalities) == 2:
            possible |= {Evidence.BOTH}
        if missing := possible - self.calibration.cases.keys():
            raise VersionRefused(f"calibration has no case {min(missing)}")


@contextmanager
def _step(step: LoadStep) -> Iterator[None]:
    """Notes in a VersionRefused what was being looked at."""
    try:
        yield
    except VersionRefused as error:
        error.step = step
        raise
