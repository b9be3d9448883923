"""The columns of a table of listings: those that a config names, or those found by their usual names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from models.errors import ListingsUnreadable

USUAL_NAMES: Mapping[str, Sequence[str]] = {
    "designation": ("designation", "title", "name", "product_name", "titre", "titel"),
    "category": ("category", "label", "class", "prdtypecode", "categorie", "kategorie"),
    "description": ("description", "body", "text", "beschreibung"),
    "listing_id": ("listing_id", "id", "sku", "productid", "product_id"),
    "image": ("image", "image_path", "image_name", "photo", "picture", "filename"),
    "label_source": ("label_source",),
    "label_share": ("label_share",),
    "text_kind": ("text_kind",),
    "split": ("split",),
}
"""Column names of tables that come without a config, most telling first; case does not matter."""
EVIDENCE = ("designation", "description", "image")
"""What a listing can be judged by; a table needs one of these."""


class Columns(BaseModel):
    """Names of the catalogue's columns. `""` says that the catalogue has no such column.

    All but `category` may be absent at their default names; under a name given here they must exist.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    listing_id: str = "listing_id"
    designation: str = "designation"
    description: str = "description"
    image: str = "image"
    category: Annotated[str, Field(min_length=1)] = "category"
    split: str = "split"
    label_source: str = "label_source"
    label_share: str = "label_share"
    text_kind: str = "text_kind"


def columns_of(table: str, names: Sequence[str], columns: Columns) -> dict[str, str]:
    """The column of each field that the table of that name has. Raises ListingsUnreadable: one line.

    A title under another usual name is no absent title: the message asks for its name.
    """
    exist = f"(columns: {', '.join(name for name in names if name) or 'none'})"
    chosen = columns.model_fields_set
    named = {field: name for field, name in columns.model_dump().items() if name}
    present = {field: name for field, name in named.items() if name in names}
    missing = [
        name for field, name in named.items() if field not in present and (field in chosen or field == "category")
    ]
    if missing:
        hint = _hint("category", names) if "category" not in present else ""
        raise ListingsUnreadable(f"{table}: no column {', '.join(sorted(missing))} {exist}{hint}")
    if "designation" in named and "designation" not in present and (hint := _hint("designation", names)):
        raise ListingsUnreadable(f"{table}: no column {named['designation']} {exist}{hint}")
    if not any(field in present for field in EVIDENCE):
        raise ListingsUnreadable(
            f"{table}: no column {', '.join(named.get(field, field) for field in EVIDENCE)} {exist}: name the one that "
            "has titles or photos in [catalogue.columns] (--column designation=NAME)"
        )
    for name in present.values():
        if names.count(name) > 1:
            raise ListingsUnreadable(f"{table}: column {name} appears more than once")
    return present


def usual_columns(table: str, names: Sequence[str], chosen: Sequence[str] = ()) -> Columns:
    """The columns by their usual names, or as `chosen` ("designation=headline") say. Raises ListingsUnreadable."""
    named = {}
    for pair in chosen:
        field, _, name = pair.partition("=")
        if field not in USUAL_NAMES:
            raise ListingsUnreadable(f"--column {pair}: the field is one of {', '.join(USUAL_NAMES)}")
        named[field] = name
    columns = {field: named.get(field) or usual_name(field, names) for field in USUAL_NAMES}
    if not columns["category"]:
        exist = ", ".join(name for name in names if name) or "none"
        raise ListingsUnreadable(
            f"{table}: no column category (columns: {exist}); name it with --column category=COLUMN"
        )
    return Columns(**columns)


def usual_name(field: str, names: Sequence[str]) -> str:
    """The column that by its name holds a field; "" for none."""
    by_lower = {name.lower(): name for name in reversed(names)}
    return next((by_lower[name] for name in USUAL_NAMES[field] if name in by_lower), "")


def _hint(field: str, names: Sequence[str]) -> str:
    """How to name the column that looks like the missing one; "" where none does."""
    name = usual_name(field, names)
    return (
        f'; is it {name}? Then write {field} = "{name}" in [catalogue.columns] (--column {field}={name})'
        if name
        else ""
    )
