"""The requests: real listings and 500x500 photos where some lie beside the checkout, else the project's own."""

from __future__ import annotations

import csv
import io
import itertools
import json
import random
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

from tests.benchmark.processes import ROOT

BESIDE = ROOT.parent / "shared" / "data" / "rakuten"
SIDE = 500
QUALITY = 85
TEXTS, PHOTOS = 1500, 216
BOUNDARY = "benchmark-boundary-7d1c2f"
JSON = "application/json"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


@dataclass(frozen=True, slots=True)
class Traffic:
    """Titles with descriptions, and encoded photos; `source` names their origin, for the report."""

    texts: Sequence[tuple[str, str]]
    photos: Sequence[bytes]
    source: str

    def text(self) -> list[bytes]:
        """Listings as JSON, for `/predict/text`."""
        return [message("/predict/text", JSON, json.dumps(_fields(*text)).encode()) for text in self.texts]

    def image(self) -> list[bytes]:
        """Photos as a form, for `/predict/image`."""
        return [message("/predict/image", MULTIPART, _form({}, photo)) for photo in self.photos]

    def both(self) -> list[bytes]:
        """Listings with photo as a form, for `/predict`."""
        return [message("/predict", MULTIPART, _form(fields, photo)) for fields, photo in self.listings()]

    def listings(self) -> list[tuple[dict[str, str], bytes]]:
        """Text fields and photo of every listing."""
        return [
            (_fields(*self.texts[row % len(self.texts)]), self.photos[row % len(self.photos)])
            for row in range(max(len(self.texts), len(self.photos)))
        ]

    def batch(self, size: int) -> bytes:
        """One batch of so many listings with photos, as JSON."""
        body = {"listings": [in_base64(*row) for row in self._many(size)]}
        return message("/predict/batch", JSON, json.dumps(body).encode())

    def stream(self, size: int) -> bytes:
        """One stream of so many listings with photos, as lines of JSON."""
        lines = [json.dumps(in_base64(*row)).encode() for row in self._many(size)]
        return message("/predict/batch", "application/x-ndjson", b"".join(line + b"\n" for line in lines))

    def _many(self, size: int) -> list[tuple[dict[str, str], bytes]]:
        """So many listings, from the first on and again from the first."""
        return list(itertools.islice(itertools.cycle(self.listings()), size))


def message(path: str, content_type: str, body: bytes) -> bytes:
    """A whole HTTP request."""
    head = f"POST {path} HTTP/1.1\r\nHost: benchmark\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
    return head.encode("ascii") + b"\r\n" + body


def in_base64(fields: dict[str, str], photo: bytes) -> dict[str, str]:
    """A listing with its photo in base64."""
    return {**fields, "image": b64encode(photo).decode("ascii")}


def read_traffic(listings: Path | None, photos: Path | None) -> Traffic:
    """Listings of a CSV file with `designation` and `description` and photos of a folder; without them those beside the
    checkout, and where there are none, the project's examples and drawn pictures. Raises OSError or ValueError.
    """
    table, folder = listings or BESIDE / "listings.csv", photos or BESIDE / "originals"
    texts = _read_texts(table) if listings or table.exists() else _example_texts()
    pictures = _read_photos(folder) if photos or folder.exists() else [_drawn(seed) for seed in range(24)]
    real = table.exists() and folder.exists()
    return Traffic(texts, pictures, "real listings and photos" if real else "written listings and drawn photos")


def _read_texts(path: Path) -> list[tuple[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = [
            (row.get("designation") or "", row.get("description") or "")
            for row in csv.DictReader(file)
            if row.get("text_kind", "original") == "original"
        ]
    texts = [text for text in rows if any(part.strip() for part in text)]
    if not texts:
        raise ValueError(f"{path.name} holds no listing with text")
    return random.Random(7).sample(texts, min(TEXTS, len(texts)))


def _example_texts() -> list[tuple[str, str]]:
    lines = (ROOT / "examples" / "listings.jsonl").read_text(encoding="utf-8").splitlines()
    return [(row.get("designation") or "", row.get("description") or "") for row in map(json.loads, lines)]


def _read_photos(folder: Path) -> list[bytes]:
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg"))[:PHOTOS]
    if not files:
        raise ValueError(f"{folder.name} holds no JPEG")
    return [path.read_bytes() for path in files]


def _drawn(seed: int) -> bytes:
    """A 500x500 JPEG of about 27 kB, as the real ones have: shapes with texture on white."""
    chance = random.Random(seed)
    picture = Image.new("RGB", (SIDE, SIDE), "white")
    draw = ImageDraw.Draw(picture)
    for _ in range(60):
        x, y, size = chance.randrange(60, 380), chance.randrange(60, 380), chance.randrange(10, 90)
        colour = tuple(chance.randrange(256) for _ in range(3))
        (draw.ellipse if chance.random() < 0.5 else draw.rectangle)((x, y, x + size, y + size), fill=colour)
    noise = Image.effect_noise((SIDE, SIDE), 40).convert("RGB")
    textured = Image.blend(picture, noise, 0.12).filter(ImageFilter.GaussianBlur(0.6))
    stream = io.BytesIO()
    textured.save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()


def _fields(designation: str, description: str) -> dict[str, str]:
    return {
        name: text[:20_000]
        for name, text in (("designation", designation), ("description", description))
        if text.strip()
    }


def _form(fields: dict[str, str], photo: bytes) -> bytes:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
        for name, text in fields.items()
    ]
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="photo.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    return b"".join([*parts, head.encode(), photo, f"\r\n--{BOUNDARY}--\r\n".encode()])
