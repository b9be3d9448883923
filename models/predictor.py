"""A loaded version: listings in, predictions out. Serving, evaluation and tests all predict through it.

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

from models.decision.calibration import PRECISION_MAX, PRECISION_MIN, Calibration
from models.decision.decide import Decider
from models.decision.fusion import Fusion
from models.decision.prediction import Prediction, Scores
from models.errors import ListingError, LoadStep, OptionError, PykutenError, VersionRefused
from models.listing import Listing, Modality
from models.networks.inference import Networks
from models.networks.runtime import RuntimeName
from models.preprocessing.prepare import Preparation, Prepared
from models.taxonomy import FILE_NAME as TAXONOMY
from models.taxonomy import Taxonomy
from models.versions.golden import REFERENCE_TOLERANCE, TOLERANCE, check_golden, read_golden
from models.versions.manifest import Manifest, read_manifest, verify_files

DEFAULT_TOP_K = 3


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
        self.preparation = preparation
        self.networks = networks
        self.decider = Decider(taxonomy, fusion, calibration)

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
    def taxonomy(self) -> Taxonomy:
        """The categories, in class-index order."""
        return self.decider.taxonomy

    @property
    def calibration(self) -> Calibration:
        """The temperatures, thresholds and floors that decisions are made with."""
        return self.decider.calibration

    @property
    def modalities(self) -> frozenset[Modality]:
        """The modalities that this version has networks for."""
        return frozenset(self.networks.by_modality)

    @property
    def runtime(self) -> str:
        """The runtime of the networks: "openvino" or "keras"."""
        return "+".join(sorted({network.runtime for network in self.networks.by_modality.values()}))

    @property
    def precision(self) -> str:
        """The precision of the networks: "f32", "bf16" or "int8", or two of them joined by "+"."""
        return "+".join(sorted({network.precision for network in self.networks.by_modality.values()}))

    @property
    def default_precision(self) -> float:
        """The precision, as a share of accepted listings, that decisions promise when the caller asks for none."""
        return self.calibration.default_precision

    def replay_golden(self, folder: Path) -> None:
        """Predict the golden listings again. Raises VersionRefused when an answer is not the published one, or NaN."""
        golden = read_golden(folder)
        try:
            prepared = [self.prepare(entry.listing) for entry in golden]
        except ListingError as error:
            raise VersionRefused("a golden listing cannot be prepared") from error
        if self.modalities - {modality for entry in prepared for modality in entry.modalities}:
            raise VersionRefused("no golden listing asks one of the networks")
        try:
            answers = [scores.fused for scores in self.score(prepared)]
        except Exception as error:  # a network that takes other inputs fails in any way
            raise VersionRefused(f"a golden listing cannot be scored: {type(error).__name__}") from error
        # The fused answer comes from both networks, so the wider tolerance bounds its difference.
        networks = self.networks.by_modality.values()
        tolerances = [REFERENCE_TOLERANCE if n.runtime == "keras" else TOLERANCE[n.precision] for n in networks]
        check_golden(golden, answers, max(tolerances))

    def check_options(self, top_k: int, precision: float | None) -> None:
        """Raises OptionError when `top_k` is not in 1..categories or `precision` not in 0.80..0.995."""
        if not 1 <= top_k <= self.manifest.classes:
            raise OptionError("top_k goes from 1 to the number of categories.", pointer="/top_k")
        if precision is not None and not PRECISION_MIN <= precision <= PRECISION_MAX:
            raise OptionError("precision goes from 0.80 to 0.995.", pointer="/precision")

    def prepare(self, listing: Listing) -> Prepared:
        """Clean, featurise and decode one listing. Raises ListingError."""
        return self.preparation.prepare(listing)

    def score(self, prepared: Sequence[Prepared]) -> list[Scores]:
        """Calibrated probabilities of each listing, in the order given.

        A listing gets the same answer in any batch, within 1e-4 in float32: a batch's size can change the order of
        float additions. In bfloat16, which rounds to 8 bits after each, answers differ more.
        """
        return self.decider.fuse(prepared, self.networks.logits(prepared))

    def conclude(
        self, prepared: Prepared, scores: Scores, *, top_k: int = DEFAULT_TOP_K, precision: float | None = None
    ) -> Prediction:
        """The prediction that scores lead to; cheap. Options as checked by `check_options`."""
        return self.decider.conclude(prepared, scores, version=self.version, top_k=top_k, precision=precision)

    def predict(self, listing: Listing, *, top_k: int | None = None, precision: float | None = None) -> Prediction:
        """Predict one listing; options as for `predict_many`. Raises ListingError or OptionError."""
        answer = self.predict_many([listing], top_k=top_k, precision=precision)[0]
        if isinstance(answer, PykutenError):
            raise answer
        return answer

    def predict_many(
        self, listings: Sequence[Listing], *, top_k: int | None = None, precision: float | None = None
    ) -> list[Prediction | ListingError]:
        """Predict listings, in their order; a bad listing gets its error and never fails the others.

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
        for (row, entry), scores in zip(prepared, self.score([entry for _, entry in prepared]), strict=True):
            answers[row] = self.conclude(entry, scores, top_k=top_k, precision=precision)
        return [answer for answer in answers if answer is not None]

    def _check_parts(self) -> None:
        """Raise VersionRefused unless the parts fit each other."""
        if self.preparation.modalities != self.modalities:
            raise VersionRefused("preprocessing and manifest have different modalities")
        self.decider.check(self.modalities)


@contextmanager
def _step(step: LoadStep) -> Iterator[None]:
    """Name the step in a VersionRefused that leaves the block."""
    try:
        yield
    except VersionRefused as error:
        error.step = step
        raise
