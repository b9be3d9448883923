"""The values that a config may hold: numbers in their ranges, paths beside the config, sections with known keys."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo


def resolve_path(path: Path, info: ValidationInfo) -> Path:
    """`path` from the folder that the validation context names, which is the config file's."""
    folder: Path = (info.context or {}).get("folder", Path())
    return (folder / path.expanduser()).absolute()


def _number(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


Count = Annotated[int, Field(ge=1, strict=True)]
Fraction = Annotated[float, Field(ge=0, le=1, strict=True)]
Inside = Annotated[float, Field(gt=0, lt=1, strict=True)]
"""A share that is neither 0 nor 1."""
NotNegative = Annotated[float, Field(ge=0, strict=True, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, strict=True, allow_inf_nan=False)]
Number = Annotated[int | float, BeforeValidator(_number)]
Pixels = Annotated[int, Field(ge=8, le=1024, strict=True)]
ConfigPath = Annotated[Path, AfterValidator(resolve_path)]
"""A path relative to the config file, made absolute."""


class Section(BaseModel):
    """Base of all tables of the file: frozen, no unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)
