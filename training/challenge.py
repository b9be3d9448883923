"""The Rakuten France challenge's own files, as they come from its download page.

`X_train_update.csv` (index, designation, description, productid, imageid), `Y_train_CVw08PX.csv` (index, prdtypecode)
and `images/image_train/image_{imageid}_product_{productid}.jpg`.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from training.errors import CatalogueError
from training.table import read_table

LISTINGS_FILE = "X_train_update.csv"
CATEGORIES_FILE = "Y_train_CVw08PX.csv"
IMAGE_FOLDER = Path("images") / "image_train"


def read_challenge(folder: Path) -> pd.DataFrame:
    """The challenge's training listings with the columns `listing_id, designation, description, image, category`.

    All values are strings; `image` is a file name within `IMAGE_FOLDER`. Raises CatalogueError when a file or column is
    missing or the two files do not list the same products.
    """
    if not folder.is_dir():
        raise CatalogueError(f"catalogue.path: no folder {folder.name}")
    listings = read_table(folder / LISTINGS_FILE, ["designation", "description", "productid", "imageid"], index=True)
    categories = read_table(folder / CATEGORIES_FILE, ["prdtypecode"], index=True)
    for name, table in ((LISTINGS_FILE, listings), (CATEGORIES_FILE, categories)):
        if not table.index.is_unique:
            raise CatalogueError(f"{name}: an index appears twice")
    if set(listings.index) != set(categories.index):
        raise CatalogueError(f"{LISTINGS_FILE} and {CATEGORIES_FILE} do not list the same indices")
    return pd.DataFrame(
        {
            "listing_id": listings["productid"],
            "designation": listings["designation"],
            "description": listings["description"],
            "image": "image_" + listings["imageid"] + "_product_" + listings["productid"] + ".jpg",
            "category": categories["prdtypecode"].reindex(listings.index),
        }
    ).reset_index(drop=True)
