"""The sections of the config on how networks are fitted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StrictBool, ValidationInfo, field_validator, model_validator

from models.preprocessing.settings import ImagePreprocessing, NgramPreprocessing, TextPreprocessing, TextSettings
from training.config.networks import HEAD_CUT, IMAGE_NETWORKS, TEXT_NETWORKS, TEXT_PARTS
from training.config.values import Count, Fraction, Inside, NotNegative, Number, Pixels, Positive, Section, resolve_path

KINDS = {"ngrams": "ngrams", "linear": "ngrams", "lstm": "tokens", "gru": "tokens", "sentence_encoder": "pieces"}
"""The kind of preprocessing that each text network takes; that of "combined" depends on its parts."""
RECURRENT_PARAMETERS = ("embedding", "units", "dense", "dropout")
TEXT_PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "ngrams": ("dim", "hidden", "dropout", "gram_dropout"),
    "linear": ("gram_dropout",),
    "lstm": RECURRENT_PARAMETERS,
    "gru": RECURRENT_PARAMETERS,
    "sentence_encoder": ("top", "hidden", "dropout", "dense_dropout", "encoder_rate"),
    "combined": (),
}
"""The arguments of each builder that a config may give."""
IMAGE_PARAMETERS = ("head", "dropout")


def _one_of(known: Iterable[str]) -> AfterValidator:
    """A name out of a registry, or "none"."""
    names = (*known, "none")

    def check(name: str) -> str:
        if name not in names:
            raise ValueError(f"must be one of {', '.join(names)}")
        return name

    return AfterValidator(check)


def _check_parameters(network: str, known: Iterable[str], parameters: Mapping[str, float]) -> None:
    """Raises ValueError for a parameter that the network does not have, or a value that no network takes."""
    known = tuple(known)
    for name, value in parameters.items():
        if name not in known:
            raise ValueError(f"parameters.{name}: {network} has none of this name; it has {', '.join(known) or 'none'}")
        if name.endswith("dropout"):
            if not 0 <= value < 1:
                raise ValueError(f"parameters.{name}: must be at least 0 and less than 1")
        elif name.endswith("rate"):
            if not 0 <= value <= 1:
                raise ValueError(f"parameters.{name}: must be 0 to 1")
        elif not isinstance(value, int) or value < (name not in ("head", "hidden", "top")):
            raise ValueError(f"parameters.{name}: must be a whole number, a size")


class Callbacks(Section):
    """Callbacks of a fit, as in the original; patience is in epochs without a smaller validation loss."""

    reduce_on_plateau: StrictBool = True
    reduce_factor: Inside = 0.1
    reduce_patience: Count = 2
    early_stopping: StrictBool = True
    stop_patience: Count = 4
    best_checkpoint: StrictBool = True


class FitConfig(Section):
    """Settings that both modalities' fits share: Adam with `learning_rate`, decoupled weight decay if there is any.

    Adam divides a step by the size of recent gradients and `epsilon`: a small one moves the weights of rare n-grams as
    far as those of frequent ones. The `epochs` have at least `steps` batches: on a small catalogue an epoch is several
    passes over its rows.
    `schedule` "cosine" lets the learning rate fall to 2 % over the epochs; "constant" leaves it to the callbacks, as
    the original did. `label_smoothing` takes that share of each label away and spreads it over all categories.
    `class_balance` weighs each category by (mean rows of a category / its own rows) to this power: 0 leaves the
    catalogue's imbalance, 1 makes all categories count the same. `parameters` go to the network's builder.
    """

    epochs: Count = 10
    steps: Count = 500
    batch_size: Count = 64
    learning_rate: Positive = 0.001
    epsilon: Positive = 1e-7
    schedule: Literal["constant", "cosine"] = "constant"
    weight_decay: NotNegative = 0.0
    label_smoothing: Annotated[float, Field(ge=0, lt=1, strict=True)] = 0.0
    class_balance: Fraction = 0.0
    callbacks: Callbacks = Callbacks()
    parameters: dict[str, Number] = Field(default_factory=dict)


class TextAugmentation(Section):
    """Probabilities, per listing and epoch, that a text is changed (see `training.fitting.augment`)."""

    drop_description: Fraction = 0.0
    lowercase: Fraction = 0.0
    strip_accents: Fraction = 0.0
    drop_words: Fraction = 0.0
    typos: Fraction = 0.0

    @property
    def changes_words(self) -> bool:
        """Whether more may change than that a description is missing."""
        return any(value for name, value in self.model_dump().items() if name != "drop_description")


class TextParts(Section):
    """How each part of "combined" is fitted, by itself; a part that the file does not name is left out.

    "encoder" is the network "sentence_encoder", the others are those of the same name.
    """

    ngrams: FitConfig | None = None
    linear: FitConfig | None = None
    encoder: FitConfig | None = None

    @model_validator(mode="after")
    def _parameters(self) -> Self:
        for name, part in self.chosen.items():
            try:
                _check_parameters(TEXT_PARTS[name], TEXT_PARAMETERS[TEXT_PARTS[name]], part.parameters)
            except ValueError as error:
                raise ValueError(f"{name}.{error}") from error
        return self

    @property
    def chosen(self) -> dict[str, FitConfig]:
        """The parts that the network is made of, by name."""
        parts = {name: getattr(self, name) for name in TEXT_PARTS}
        return {name: part for name, part in parts.items() if part is not None}


class TextConfig(FitConfig):
    """The text network.

    "combined" is the weighted sum of its `parts`, which are fitted one by one; all three where the file names none. The
    fields that say how to fit are then those of each part, and the network's own are not used.

    `vocabulary_size` counts words (lstm, gru: by default 10,000) or n-grams (those with `preprocessing.vocabulary`: by
    default 200,000), the most frequent of the training rows. N-grams of a vocabulary and sentence pieces that fewer
    than `min_documents` training listings have are left out, but for short pieces. `byte_tables` writes the tables of
    n-grams in 8 bits: a quarter of the size.
    """

    network: Annotated[str, _one_of(TEXT_NETWORKS)] = "ngrams"
    parts: TextParts = TextParts()
    preprocessing: TextPreprocessing = Field(default=NgramPreprocessing(vocabulary=True), validate_default=True)
    vocabulary_size: Count = 10_000
    min_documents: Count = 2
    byte_tables: StrictBool = False
    augmentation: TextAugmentation = TextAugmentation()

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_network(cls, data: Any) -> Any:
        """The network decides its parts, its preprocessing, the size of the vocabulary and the steps of Adam, where not
        given: n-grams have a vocabulary unless the file says in how many buckets they are hashed.
        """
        if not isinstance(data, dict):
            return data
        data = dict(data)
        if data.get("network") == "combined" and not data.get("parts"):
            data["parts"] = {name: {} for name in TEXT_PARTS}
        kind = _kind(str(data.get("network", "ngrams")), data.get("parts", {})) or "ngrams"
        preprocessing = data.get("preprocessing", {})
        if isinstance(preprocessing, dict):
            of_kind = {"vocabulary": "buckets" not in preprocessing} if kind == "ngrams" else {}
            data["preprocessing"] = {"kind": kind, **of_kind, **preprocessing}
        if data.get("network", "ngrams") == "ngrams":
            data = {"learning_rate": 0.01, "epsilon": 0.001, **data}
        if kind != "tokens":
            data.setdefault("vocabulary_size", 200_000)
        return data

    @field_validator("preprocessing")
    @classmethod
    def _fits_network(cls, preprocessing: TextSettings, info: ValidationInfo) -> TextSettings:
        network = info.data.get("network", "none")
        kind = _kind(network, info.data.get("parts", {}))
        if kind is not None and preprocessing.kind != kind:
            raise ValueError(f'{network} needs kind = "{kind}"')
        return preprocessing

    @model_validator(mode="after")
    def _parameters(self) -> Self:
        if self.network != "none":
            _check_parameters(self.network, TEXT_PARAMETERS[self.network], self.parameters)
        if self.parts.chosen and self.network != "combined":
            raise ValueError(f"parts: {self.network} has none, only combined has")
        return self

    @property
    def networks(self) -> dict[str, FitConfig]:
        """Settings by the name of the network that is fitted: the parts of "combined", or the network itself."""
        if self.network == "combined":
            return {TEXT_PARTS[name]: part for name, part in self.parts.chosen.items()}
        return {} if self.network == "none" else {self.network: self}


def _kind(network: str, parts: TextParts | Mapping[str, Any]) -> str | None:
    """The kind of preprocessing that a text network takes; None for an unknown network, or none."""
    if network != "combined":
        return KINDS.get(network)
    names = parts.chosen if isinstance(parts, TextParts) else parts
    kinds = {KINDS[TEXT_PARTS[name]] for name in names if name in TEXT_PARTS}
    return kinds.pop() if len(kinds) == 1 else "combined"


class ImageAugmentation(Section):
    """Largest random change of a photo: degrees, share of the side, share of the scale (0.1: 0.9 to 1.1), mirrored."""

    rotation: Annotated[float, Field(ge=0, le=180, strict=True)] = 10.0
    shift: Annotated[float, Field(ge=0, le=0.5, strict=True)] = 0.1
    zoom: Annotated[float, Field(ge=0, le=0.5, strict=True)] = 0.1
    flip: StrictBool = True


class ImageConfig(FitConfig):
    """The image network.

    `weights`: "package" (an installed package carries them), "imagenet" (keras.applications' download), "none" or a
    file; where the config says nothing, the source that the network is known with. `height` and `width` are in pixels,
    and by default what the network was pretrained with. First the head is trained on the frozen backbone, for `epochs`
    with `learning_rate`. Then, unless `fine_tune_from` is "head", all after the layer that it names is trained for
    `fine_tune_epochs` with `fine_tune_rate`, which is small so that little of the pretraining is lost. `views`:
    augmented views of each training photo, cached beside the plain one: the frozen layers see each picture once.
    `margin_canvas`: see `models.preprocessing.settings.ImagePreprocessing`; 0 leaves the white around products.
    """

    network: Annotated[str, _one_of(IMAGE_NETWORKS)] = "efficientnet_lite0"
    weights: Annotated[str, Field(min_length=1, validate_default=True)] = "package"
    height: Pixels = 224
    width: Pixels = 224
    margin_canvas: Annotated[int, Field(ge=0, le=1024, strict=True)] = 0
    fine_tune_from: Annotated[str, Field(min_length=1)] = HEAD_CUT
    fine_tune_epochs: Count = 3
    fine_tune_rate: Positive = 0.0001
    views: Annotated[int, Field(ge=0, le=32, strict=True)] = 2
    augmentation: ImageAugmentation = ImageAugmentation()

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_network(cls, data: Any) -> Any:
        backbone = IMAGE_NETWORKS.get(str(data.get("network"))) if isinstance(data, dict) else None
        if backbone is None:
            return data
        return {"weights": backbone.weights, "height": backbone.size, "width": backbone.size, **data}

    @field_validator("weights")
    @classmethod
    def _weights(cls, weights: str, info: ValidationInfo) -> str:
        backbone = IMAGE_NETWORKS.get(info.data.get("network", ""))
        if backbone is not None and weights in ("package", "imagenet") and weights != backbone.weights:
            raise ValueError(f'not to be had for this network; use "{backbone.weights}", "none" or a file')
        if weights in ("package", "imagenet", "none"):
            return weights
        path = resolve_path(Path(weights), info)
        if not path.is_file():
            raise ValueError('neither "package", "imagenet", "none" nor a file')
        return str(path)

    @model_validator(mode="after")
    def _parameters(self) -> Self:
        if self.network != "none":
            _check_parameters(self.network, IMAGE_PARAMETERS, self.parameters)
        return self

    @property
    def fine_tuning(self) -> FitConfig | None:
        """Settings of the fit of the layers after the cut, however few its steps are; None when all stays frozen."""
        if self.fine_tune_from == HEAD_CUT:
            return None
        return self.model_copy(
            update={"epochs": self.fine_tune_epochs, "learning_rate": self.fine_tune_rate, "steps": 1}
        )

    @property
    def preprocessing(self) -> ImagePreprocessing:
        """The version's preprocessing of a photo."""
        return ImagePreprocessing(height=self.height, width=self.width, margin_canvas=self.margin_canvas or None)
