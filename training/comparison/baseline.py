"""The linear reference that text networks are compared with: TF-IDF of words and characters, a linear SVM.

Words 1-2 and characters 3-5 within words, sublinear TF-IDF, scikit-learn's LinearSVC. It is fitted on the networks'
training rows with their weights, calibrated like them and run by the same `Predictor`. It is never shipped: only its
answers are kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats
from models.listing import Evidence, Modality
from models.networks.inference import Networks
from models.predictor import Predictor
from models.preprocessing.prepare import Preparation
from models.preprocessing.settings import NgramPreprocessing, Preprocessing
from models.preprocessing.text.clean import ListingText
from models.taxonomy import Taxonomy
from models.versions.manifest import FORMAT_VERSION, Manifest, NetworkEntry
from training.calibration.calibrate import calibrate
from training.calibration.label_reliability import LabelReliability
from training.catalogue.dataset import Catalogue
from training.comparison.cost import listings_to_time, measure_cost
from training.config.run import RunConfig
from training.evaluation.predict import class_indices, labelled_logits, predict_by_evidence
from training.evaluation.prediction_store import PREDICTIONS_FILE, write_predictions
from training.fitting.text_features import cleaned

NAME = "tfidf_svm"
DESCRIPTION_CHARACTERS = 1500
"""Characters of a description that are read; it bounds the memory that the fit takes."""
MIN_DOCUMENTS = 2
REGULARISATION = 0.3
"""`C` of LinearSVC; better than its default of 1 on this project's data."""
SETTINGS = (DESCRIPTION_CHARACTERS, MIN_DOCUMENTS, REGULARISATION)
"""The settings of the reference: part of its stage's key."""
WORST = -10.0
"""The decision value of a category without training texts."""
COST_FILE = "cost.json"


def fit_baseline(config: RunConfig, catalogue: Catalogue, taxonomy: Taxonomy, folder: Path, *, listings: int) -> None:
    """The stage that fits on the "train" rows with text, and keeps the answers to all rows of the other parts.

    `COST_FILE` has the number of `parameters` and, if anything could be timed, the `cost` of one of `listings`.
    """
    rows = catalogue.rows
    predictor, parameters = _fit(config, catalogue, taxonomy)
    others = [int(row) for row in rows.index[rows["split"] != "train"]]
    predictions = predict_by_evidence(predictor, catalogue, others, (Evidence.TEXT, Evidence.TITLE))
    write_predictions(folder / PREDICTIONS_FILE, predictions)
    cost = measure_cost(predictor, listings_to_time(catalogue, others, listings)).get(Evidence.TEXT)
    document = {"parameters": parameters, "cost": None if cost is None else asdict(cost)}
    (folder / COST_FILE).write_text(json.dumps(document))


@dataclass(frozen=True, eq=False)
class TfidfFeatures:
    """Text as a sparse row of TF-IDF values: `ids` int32 [T] and `weights` float32 [T]."""

    fitted: Any

    def extract(self, text: ListingText) -> dict[str, NDArray[Any]]:
        """See `models.preprocessing.settings.TextFeatures`."""
        row = self.fitted.transform([_joined(text)])
        ids, weights = row.indices, row.data
        if not len(ids):  # no n-gram of the text is known
            ids, weights = np.zeros(1), np.zeros(1)
        return {"ids": ids.astype(np.int32), "weights": weights.astype(np.float32)}


@dataclass(frozen=True, eq=False)
class LinearNetwork:
    """Decision values for `TfidfFeatures` (a `models.networks.runtime.Network`): `table` float32 [F, C], `bias` [C]."""

    table: Floats
    bias: Floats
    input_names: tuple[str, ...] = field(default=("ids", "weights"), init=False)
    precision: str = field(default="f32", init=False)
    runtime: Literal["openvino", "keras"] = field(default="openvino", init=False)

    @property
    def classes(self) -> int:
        """Number of categories."""
        return len(self.bias)

    def logits(self, inputs: Mapping[str, NDArray[Any]]) -> Floats:
        """Logits [B, C]; padding has weight 0."""
        rows = zip(inputs["ids"], inputs["weights"], strict=True)
        return np.stack([weights @ self.table[ids] for ids, weights in rows]) + self.bias


def _fit(config: RunConfig, catalogue: Catalogue, taxonomy: Taxonomy) -> tuple[Predictor, int]:
    """The reference behind the kernel's preprocessing and calibration, and its number of parameters."""
    from sklearn.svm import LinearSVC

    rows = catalogue.rows[catalogue.rows["split"] == "train"]
    texts = cleaned(rows)
    some = [position for position, text in enumerate(texts) if not text.is_empty]
    features = _features()
    svm = LinearSVC(C=REGULARISATION, random_state=config.seed)
    values = features.fit_transform([_joined(texts[position]) for position in some])
    svm.fit(values, class_indices(rows, taxonomy)[some], sample_weight=rows["weight"].to_numpy(np.float64)[some])
    parameters = svm.coef_.size + svm.intercept_.size
    networks = Networks({Modality.TEXT: _network(svm, len(taxonomy))})
    preparation = Preparation(Preprocessing(text=NgramPreprocessing()), TfidfFeatures(features))
    calibration_rows = [int(row) for row in catalogue.rows.index[catalogue.rows["split"] == "calibration"]]
    fusion, calibration, _ = calibrate(
        labelled_logits(preparation, networks, catalogue, calibration_rows, taxonomy),
        taxonomy.codes,
        method=config.fusion.method,
        precision=config.decision.precision,
        coverage=config.decision.coverage,
        seed=config.seed,
        reliability=LabelReliability.of(config.decision),
        false_alarms=config.decision.false_alarms,
    )
    manifest = _manifest(len(taxonomy), parameters)
    return Predictor(manifest, taxonomy, preparation, networks, fusion, calibration), parameters


def _network(svm: Any, classes: int) -> LinearNetwork:
    coefficients, intercept = svm.coef_, svm.intercept_
    if len(coefficients) == 1:  # of two categories, scikit-learn keeps the second one's
        coefficients, intercept = np.vstack([-coefficients, coefficients]), np.concatenate([-intercept, intercept])
    table = np.zeros((coefficients.shape[1], classes), np.float32)
    bias = np.full(classes, WORST, np.float32)
    table[:, svm.classes_], bias[svm.classes_] = coefficients.T, intercept
    return LinearNetwork(table, bias)


def _manifest(classes: int, parameters: int) -> Manifest:
    """The manifest that `Predictor` needs; this version is on no disk."""
    return Manifest(
        format_version=FORMAT_VERSION,
        version=NAME,
        digest="",
        name=NAME,
        created=datetime.now(UTC),
        classes=classes,
        networks={Modality.TEXT: NetworkEntry(name=NAME, parameters=parameters, precision="f32")},
        run={},
        data={},
        libraries={},
        files={},
    )


def _features() -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import FeatureUnion

    shared = {"sublinear_tf": True, "min_df": MIN_DOCUMENTS, "dtype": np.float32}
    return FeatureUnion(
        [
            ("words", TfidfVectorizer(ngram_range=(1, 2), **shared)),
            ("characters", TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), **shared)),
        ]
    )


def _joined(text: ListingText) -> str:
    return f"{text.designation} {text.description[:DESCRIPTION_CHARACTERS]}"
