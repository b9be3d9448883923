"""Perceptual hashes of photos, to find the same photo again after resizing or re-encoding.

Most product photos show one thing on white. A hash of the whole picture then mostly says "something in the middle" and
joins unrelated books, toys and tools. So the plain border is cut off first, and a match has to agree in shape and in a
4 x 4 colour thumbnail as well.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops
from tqdm import tqdm

from models.errors import ImageError
from models.preprocessing.image.decode import decode_image

CACHE_FILE = "photo_hashes_1.jsonl"
"""The number changes with the algorithm, so that an old cache is not taken for a new one."""
DECODED_SIDE = 128
"""Photos are decoded to this side in pixels, which is enough for the hash's 32 x 32 transform."""
BORDER_TOLERANCE = 24
"""Grey levels (of 255) by which a pixel must differ from the corner to count as content; above JPEG noise."""
SMALLEST_CONTENT = 16
"""A content box with a shorter side, in pixels, is an icon ("no photo") or a plain picture: no hash."""
SMALLEST_CONTRAST = 6.0
"""Standard deviation of grey levels below which a picture is as good as plain: its hash is noise."""
THUMBNAIL_SIDE = 4
COLOUR_TOLERANCE = 12.0
"""Mean difference of the thumbnails in grey levels of 255 (by eye: 12 keeps re-encoded and re-lit photos together)."""
ASPECT_TOLERANCE = 0.15
"""Difference of log(width / height)."""


@dataclass(frozen=True, slots=True)
class PhotoHash:
    """`bits`: 64-bit pHash of the content; `thumbnail`: its 4 x 4 RGB, 48 bytes; `aspect`: width / height."""

    bits: int
    thumbnail: bytes
    aspect: float


def photo_hash(path: Path) -> PhotoHash | None:
    """The hash of one photo; None when it cannot be decoded or is too plain to be recognised."""
    try:
        photo = Image.fromarray(decode_image(path.read_bytes(), DECODED_SIDE, DECODED_SIDE).pixels)
    except (OSError, ImageError):
        return None
    plain = Image.new("RGB", photo.size, photo.getpixel((0, 0)))
    difference = ImageChops.difference(photo, plain).convert("L").point(lambda level: 255 * (level > BORDER_TOLERANCE))
    box = difference.getbbox()
    if box is None or min(box[2] - box[0], box[3] - box[1]) < SMALLEST_CONTENT:
        return None
    content = photo.crop(box)
    if np.asarray(content.convert("L").resize((32, 32))).std() < SMALLEST_CONTRAST:
        return None
    bits = np.packbits(imagehash.phash(content).hash.ravel()).tobytes()
    thumbnail = content.resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX).tobytes()
    return PhotoHash(int.from_bytes(bits, "big"), thumbnail, round(content.width / content.height, 3))


def photo_hashes(
    paths: Sequence[str], *, cache: Path | None = None, progress: bool = False
) -> dict[str, PhotoHash | None]:
    """Hashes of the photos by path, computed in threads. Files that do not exist have none.

    `cache` is a folder: hashes are appended there as they are computed, so an interrupted run goes on where it stopped,
    and are found again by path, size and modification time.
    """
    hashes: dict[str, PhotoHash | None] = {}
    keys = {path: key for path in dict.fromkeys(paths) if (key := _key(path)) is not None}
    known = {} if cache is None else _read_cache(cache / CACHE_FILE)
    todo = []
    for path, key in keys.items():
        if key in known:
            hashes[path] = known[key]
        else:
            todo.append(path)
    if not todo:
        return hashes
    if cache is not None:
        cache.mkdir(parents=True, exist_ok=True)
    sink = Path(os.devnull) if cache is None else cache / CACHE_FILE
    with sink.open("a", encoding="utf-8") as file, ThreadPoolExecutor(os.cpu_count()) as pool:
        values = pool.map(photo_hash, map(Path, todo))
        for path, value in tqdm(
            zip(todo, values, strict=True), "photo hashes", total=len(todo), disable=not progress, unit="photo"
        ):
            hashes[path] = value
            fields = None if value is None else [f"{value.bits:016x}", value.thumbnail.hex(), value.aspect]
            file.write(json.dumps([*keys[path], fields]) + "\n")
    return hashes


def similar_pairs(hashes: Sequence[PhotoHash], distance: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All pairs (i, j) of the same photo: at most `distance` differing bits, and alike in colour and shape.

    Not all n * n pairs are compared: cut into distance + 1 bands, two hashes within `distance` agree in a whole band
    (pigeonhole), so only those that share a band are. 100,000 photos take seconds at distances up to 6.
    """
    bits = np.array([value.bits for value in hashes], np.uint64)
    colours = np.array([list(value.thumbnail) for value in hashes], np.int16).reshape(-1, 3 * THUMBNAIL_SIDE**2)
    aspects = np.log([value.aspect for value in hashes])
    first: list[NDArray[np.int64]] = []
    second: list[NDArray[np.int64]] = []
    edges = np.linspace(0, 64, distance + 2).astype(int)
    for low, high in pairwise(edges):
        mask = np.uint64((1 << int(high - low)) - 1)
        band = (bits >> np.uint64(low)) & mask
        order = np.argsort(band, kind="stable")
        band = band[order]
        # Compare each with its next neighbour of the same band, then with the one after, until no band is that long.
        positions, step = np.arange(len(bits)), 1
        while True:
            positions = positions[positions + step < len(bits)]
            positions = positions[band[positions] == band[positions + step]]
            if not len(positions):
                break
            i, j = order[positions], order[positions + step]
            close = np.bitwise_count(bits[i] ^ bits[j]) <= distance
            i, j = i[close], j[close]
            alike = np.abs(colours[i] - colours[j]).mean(axis=1) <= COLOUR_TOLERANCE
            alike &= np.abs(aspects[i] - aspects[j]) <= ASPECT_TOLERANCE
            first.append(i[alike])
            second.append(j[alike])
            step += 1
    none = np.empty(0, np.int64)
    return np.concatenate([none, *first]), np.concatenate([none, *second])


def _key(path: str) -> tuple[str, int, int] | None:
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return path, status.st_size, status.st_mtime_ns


def _read_cache(path: Path) -> dict[tuple[str, int, int], PhotoHash | None]:
    known: dict[tuple[str, int, int], PhotoHash | None] = {}
    if not path.is_file():
        return known
    with path.open(encoding="utf-8") as file:
        for line in file:
            try:
                name, size, modified, fields = json.loads(line)
                value = None
                if fields is not None:
                    bits, thumbnail, aspect = fields
                    value = PhotoHash(int(bits, 16), bytes.fromhex(thumbnail), float(aspect))
            except (ValueError, TypeError):
                continue  # a line cut short by an interrupt; its photo is hashed again
            known[name, size, modified] = value
    return known
