"""The run's config: one TOML file names the catalogue, its split, the networks and their fits.

Paths in it are relative to the file itself. An unknown field is an error, and so is a number given as a string. With
`base` it says only what differs from another config (see `models.catalogue.config_file`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pandas as pd
from pydantic import Field, StrictBool, ValidationError, model_validator

from models.catalogue.columns import Columns
from models.catalogue.config_file import CATALOGUE_PATHS, read_document
from models.decision.calibration import PRECISION_MAX, PRECISION_MIN
from models.errors import ListingsUnreadable
from training.config.fit import ImageConfig, TextConfig
from training.config.values import ConfigPath, Fraction, NotNegative, Section
from training.errors import ConfigError

TRUSTED_MINIMUM = 500
"""Trusted listings from which on these alone calibrate: if a third of them is accepted with 2 errors, that shows a
precision of 0.95 (105 are needed); with none, 0.985."""
FALSE_ALARMS = 0.05
"""Of the catalogue's own listings. At 0.02 half as many of the out-of-catalogue ones are noticed; at 0.05 no listing of
the catalogue is called unfamiliar that would have been accepted."""
PATHS = (*CATALOGUE_PATHS, ("golden",), ("image", "weights"), ("unfamiliar", "listings"), ("unfamiliar", "pictures"))
"""Fields that hold a path."""
RAKUTEN_TAXONOMY = Path(__file__).parents[1] / "configs" / "rakuten_taxonomy.json"


class CatalogueConfig(Section):
    """Where the listings are.

    `path` is a CSV or Parquet file, or the challenge's folder. `images` is the folder that the image column's names are
    relative to; None leaves photos out. Without a `separator` it is guessed. `weights` gives training weights by label
    source (1.0 where it says nothing; 0 leaves the rows out of training, while a holdout rule may still take them to
    judge) and `kind_weights` by kind of text, likewise; `weigh_by_share` names label sources whose rows also weigh as
    much as their label share, to the power `share_exponent`, says; `min_share` leaves out rows of a label source whose
    label share is smaller. A category needs `min_listings` usable rows to be trained on; the rows of rarer ones are
    left out, stop the run, or become the category `other` if they are enough together, as `rare` says.
    """

    format: Literal["table", "rakuten_challenge"] = "table"
    path: ConfigPath
    images: ConfigPath | None = None
    taxonomy: ConfigPath | None = None
    separator: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    columns: Columns = Columns()
    weights: dict[str, NotNegative] = Field(default_factory=dict)
    kind_weights: dict[str, NotNegative] = Field(default_factory=dict)
    weigh_by_share: tuple[str, ...] = ()
    share_exponent: NotNegative = 1.0
    min_share: dict[str, NotNegative] = Field(default_factory=dict)
    min_listings: Annotated[int, Field(ge=2, strict=True)] = 5
    rare: Literal["leave_out", "refuse", "other"] = "leave_out"


Where = dict[Literal["label_source", "text_kind", "category"], Annotated[tuple[str, ...], Field(min_length=1)]]
"""Columns, each with the values that match."""


def matching(rows: pd.DataFrame, where: Where, min_share: float = 0.0) -> pd.Series:
    """The rows with one of the values in every column, and at least that label share: bool, indexed as `rows`."""
    chosen = pd.Series(True, index=rows.index)
    for column, values in where.items():
        chosen &= rows[column].isin(values)
    return chosen & (rows["label_share"] >= min_share) if min_share else chosen


class HoldoutRule(Section):
    """Rows that may leave `train`, and the share of them that does.

    `min_share` narrows the rule to rows with at least that label share.
    """

    where: Where
    min_share: NotNegative = 0.0
    validation: Fraction = 0.0
    calibration: Fraction = 0.0
    test: Fraction = 0.0

    @model_validator(mode="after")
    def _fractions(self) -> Self:
        total = self.validation + self.calibration + self.test
        if not 0 < total < 1:
            raise ValueError("validation, calibration and test must add up to more than 0 and less than 1")
        return self


class SplitConfig(Section):
    """Parts of the catalogue.

    The default is the original's 72/18/10, where the 18 % are halved: `validation` stops the fits, `calibration` fits
    fusion, temperatures and thresholds, so neither has seen what the other decided. With `holdout` rules only the rows
    that match one leave `train` (the first that matches), and `train` ... `test` here are not used. `train_share` is
    how much of each category's training rows is learned from; smaller shares are parts of larger ones, and the other
    parts of the split stay the same.
    """

    train: Fraction = 0.72
    validation: Fraction = 0.09
    calibration: Fraction = 0.09
    test: Fraction = 0.10
    group_near_duplicates: StrictBool = True
    phash_distance: Annotated[int, Field(ge=0, le=8, strict=True)] = 6
    train_share: Annotated[float, Field(gt=0, le=1, strict=True)] = 1.0
    holdout: tuple[HoldoutRule, ...] = ()

    @model_validator(mode="after")
    def _fractions(self) -> Self:
        if abs(self.train + self.validation + self.calibration + self.test - 1) > 1e-6:
            raise ValueError("train, validation, calibration and test must add up to 1")
        if self.train == 0:
            raise ValueError("train must not be 0")
        return self


FusionMethod = Literal["best", "weighted", "mean"]


class FusionConfig(Section):
    """How text and photo are combined: the way of the smallest cross-fitted log loss (`training.calibration.fusion`).

    "best" chooses among text alone, photo alone, the mean and learned weights; "weighted" among learned weights, one
    for each network or for each category; "mean" is the original's.
    """

    method: FusionMethod = "best"


class ReliabilityConfig(Section):
    """How many labels of a source are right: of `all`, and of those with a label share of 1 (`unanimous`)."""

    all: Annotated[float, Field(gt=0, le=1, strict=True)]
    unanimous: Annotated[float, Field(gt=0, le=1, strict=True)] = 1.0


class DecisionConfig(Section):
    """Defaults of the version: the precision promised for what is accepted, and the coverage of prediction sets.

    `false_alarms` is the share of the catalogue's own listings that may be called unfamiliar. Cases with
    `trusted_minimum` calibration listings of the label sources in `trusted` are calibrated on these alone (empty: all
    labels are trusted); in the others, labels of the sources in `reliability` count as right with a probability only.
    """

    precision: Annotated[float, Field(ge=PRECISION_MIN, le=PRECISION_MAX, strict=True)] = 0.95
    coverage: Annotated[float, Field(gt=0.5, lt=1, strict=True)] = 0.95
    false_alarms: Annotated[float, Field(gt=0, lt=0.5, strict=True)] = FALSE_ALARMS
    trusted: tuple[str, ...] = ()
    trusted_minimum: Annotated[int, Field(ge=1, strict=True)] = TRUSTED_MINIMUM
    reliability: dict[str, ReliabilityConfig] = Field(default_factory=dict)


class CrossFitConfig(Section):
    """Training rows that calibration uses as well: see `training.fitting.cross_fit`.

    Those that match `where`; without it all that may leave `train`, if the calibration part has fewer than `below`
    rows. The `networks` are fitted once more for each of `folds`.
    """

    below: Annotated[int, Field(ge=0, strict=True)] = 2000
    where: Where = Field(default_factory=dict)
    networks: Annotated[tuple[Literal["text", "image"], ...], Field(min_length=1)] = ("text", "image")
    folds: Annotated[int, Field(ge=2, le=20, strict=True)] = 5

    def chosen(self, rows: pd.DataFrame, holdout: Sequence[HoldoutRule]) -> pd.Series:
        """Which rows are used: bool, indexed as `rows`, which have their "split"; `holdout` are the split's rules."""
        train = rows["split"].eq("train")
        if self.where:
            return train & matching(rows, self.where)
        few = rows["split"].eq("calibration").sum() < self.below
        matches = [matching(rows, rule.where, rule.min_share) for rule in holdout]
        return train & few & (pd.concat(matches, axis=1).any(axis=1) if matches else True)


class UnfamiliarConfig(Section):
    """The out-of-catalogue listings that the run measures with.

    `listings` is a file of texts, one JSON object a line, `{"kind", "designation", "description"}`; `pictures` is a
    folder of photos of no product, named NUMBER-KIND.
    """

    listings: ConfigPath | None = None
    pictures: ConfigPath | None = None


class CohortRule(Section):
    """A set of test listings that is evaluated by itself; sets may overlap.

    `given` keeps the rows that the catalogue itself named `test` (true), or those that the split took (false).
    """

    name: Annotated[str, Field(min_length=1, max_length=80)]
    where: Where = Field(default_factory=dict)
    min_share: NotNegative = 0.0
    given: StrictBool | None = None

    def matches(self, rows: pd.DataFrame) -> pd.Series:
        """Which rows belong to the set: bool, indexed as `rows` (which have the column "given_split")."""
        chosen = matching(rows, self.where, self.min_share)
        return chosen if self.given is None else chosen & ((rows["given_split"] == "test") == self.given)


class CardConfig(Section):
    """Sentences for the model card that only people know: about the data, and about the version's limits.

    `sources` and `kinds` say what the catalogue's label sources and kinds of text are.
    """

    sources: dict[str, str] = Field(default_factory=dict)
    kinds: dict[str, str] = Field(default_factory=dict)
    data: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()


class RunConfig(Section):
    """A whole run. `name` is how people call it; `seed` fixes every random choice.

    `golden` is a file of listings written for the purpose (see `training.publishing.golden`), for versions that must
    not carry any of the catalogue's own; without it golden listings are taken from the validation rows. With `samples`
    the version carries up to 54 of its test listings, which the service's page shows to all who may ask, and its report
    shows those that it gets wrong.
    """

    name: Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$")]
    seed: Annotated[int, Field(ge=0, lt=2**32, strict=True)] = 7
    catalogue: CatalogueConfig
    split: SplitConfig = SplitConfig()
    text: TextConfig = TextConfig()
    image: ImageConfig = ImageConfig()
    fusion: FusionConfig = FusionConfig()
    decision: DecisionConfig = DecisionConfig()
    cross_fit: CrossFitConfig = CrossFitConfig()
    unfamiliar: UnfamiliarConfig = UnfamiliarConfig()
    cohorts: tuple[CohortRule, ...] = ()
    golden: ConfigPath | None = None
    samples: StrictBool = False
    card: CardConfig = CardConfig()

    @model_validator(mode="after")
    def _something_to_train(self) -> Self:
        if self.text.network == self.image.network == "none":
            raise ValueError("text.network and image.network are both none: nothing to train")
        return self

    def provenance(self) -> dict[str, Any]:
        """The config as JSON types for a manifest: files and folders by name only, since a version travels."""
        document = self.model_dump(mode="json")
        for field in ("path", "images", "taxonomy"):
            value = document["catalogue"][field]
            document["catalogue"][field] = None if value is None else Path(value).name
        document["golden"] = self.golden and self.golden.name
        for field in ("listings", "pictures"):
            path = getattr(self.unfamiliar, field)
            document["unfamiliar"][field] = path and path.name
        document["image"]["weights"] = Path(document["image"]["weights"]).name
        return document


def read_config(path: Path) -> RunConfig:
    """Read a run's config. Raises ConfigError with one line per fault, each naming the field."""
    try:
        document = read_document(path, PATHS)
        return RunConfig.model_validate(document, context={"folder": path.parent})
    except ListingsUnreadable as error:
        raise ConfigError([error.message]) from error
    except ValidationError as error:
        lines = [_line(fault["loc"], fault["type"], fault["msg"]) for fault in error.errors(include_url=False)]
        raise ConfigError([f"{path.name}: {line}" for line in dict.fromkeys(lines)]) from error


def _line(location: Sequence[int | str], kind: str, message: str) -> str:
    """One fault as `dotted.field: what is wrong`."""
    # Pydantic puts the chosen member of the union into the location, which is no field of the file.
    tagged = location.index("preprocessing") + 1 if "preprocessing" in location else len(location)
    parts = [str(part) for part in (*location[:tagged], *location[tagged + 1 :])]
    field = ".".join(part for part in parts if part != "[key]")
    if kind == "extra_forbidden":
        message = "unknown field"
    elif kind == "missing":
        message = "missing"
    elif kind in ("model_type", "model_attributes_type", "dict_type"):
        message = "must be a table"
    elif kind == "string_pattern_mismatch" and field == "name":
        message = "no spaces or accents: up to 64 letters, digits, '.', '-' and '_', the first a letter or digit"
    message = message.removeprefix("Value error, ").replace("\n", " ")
    return f"{field}: {message}" if field else message
