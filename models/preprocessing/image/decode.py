"""Decoding of photos, for training and serving alike: bytes in, uint8 pixels of the network's size out."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

import numpy as np
from PIL import Image, WebPImagePlugin  # noqa: F401 - registers WebP; Pillow would import all its plugins to find it
from PIL.Image import Resampling, Transpose

from models.errors import ImageCorrupt
from models.listing import PhotoFacts
from models.preprocessing.image.blank import is_blank
from models.preprocessing.image.limits import ImageStructure
from models.preprocessing.image.margin import Box, crop_margin
from models.preprocessing.image.structure import read_structure
from models.preprocessing.settings import ImagePreprocessing

WARNING_ANIMATED = "image_animated"
"""The file holds several frames; the first was used."""
WARNING_BLANK = "image_blank"
"""The photo is of one colour all over: it is no evidence."""
WARNING_TINY = "image_tiny"
"""A side is shorter than `TINY_SIDE`: the photo was enlarged, and its category is a guess."""
TINY_SIDE = 32
"""Pixels; an icon's size, at which not even a person tells a book from a box."""
REDUCING_GAP = 3.0
"""Large pictures are shrunk in two steps: averaging whole blocks of pixels to at least this many times the size, then
bilinear. A gap of 3 is four times as fast as none, and closer to it than a gap of 2 (docs/decisions/0020)."""
BAND_PIXELS = 1_000_000
"""Rows are converted to RGB in bands of about this size, so that 25 Mpx are never held twice."""
_ORIENTATION_TAG = 0x0112
_TRANSPOSITIONS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
"""The turn that brings a picture of each EXIF orientation upright."""


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """`pixels`: uint8 [height, width, 3], RGB, C-contiguous. `warnings`: `WARNING_*` codes for the answer. `box` is
    where the upright photo lies in the pixels of `decode_image`; it is surrounded by white.
    """

    pixels: np.ndarray
    warnings: tuple[str, ...] = ()
    photo: PhotoFacts | None = None
    box: Box | None = None


def prepare_image(data: bytes, config: ImagePreprocessing) -> DecodedImage:
    """A photo's bytes as the pixels that a version's image network takes. Raises as `decode_image`."""
    if config.margin_canvas is None:
        return decode_image(data, config.height, config.width)
    decoded = decode_image(data, config.margin_canvas, config.margin_canvas)
    return DecodedImage(crop_margin(decoded.pixels, config.height, config.width), decoded.warnings, decoded.photo)


def decode_image(data: bytes, height: int, width: int) -> DecodedImage:
    """Decode a JPEG, PNG, WebP or GIF to exactly `height` x `width` RGB pixels.

    The first frame is turned upright by its EXIF orientation, put on white where it is transparent, scaled to fit with
    its aspect ratio kept (bilinear; small photos are enlarged), and centred on white. JPEG is decoded at 1/2, 1/4 or
    1/8 of its size where that is still at least the size asked for. Colour profiles are not applied.

    Raises `ImageEmpty`, `ImageTooLarge`, `ImageUnsupported` or `ImageCorrupt`, whatever the bytes. The limits, checked
    before any pixel is decoded, keep the worst photo to about a second of one core and 150 MB (docs/decisions/0020).
    Thread-safe and deterministic; no setting of Pillow is touched.
    """
    if height < 1 or width < 1:
        raise ValueError("height and width must be at least 1")
    structure = read_structure(data)
    try:
        photo = _decode(structure, height, width)
    except MemoryError:  # the machine's fault, not the photo's
        raise
    except Exception as error:  # Pillow's plugins raise OSError, SyntaxError, ValueError, struct.error, EOFError, ...
        raise ImageCorrupt from error
    pixels = np.full((height, width, 3), 255, dtype=np.uint8)
    top, left = (height - photo.height) // 2, (width - photo.width) // 2
    pixels[top : top + photo.height, left : left + photo.width] = np.asarray(photo)
    said = {
        WARNING_ANIMATED: structure.animated,
        WARNING_TINY: min(structure.width, structure.height) < TINY_SIDE,
        WARNING_BLANK: is_blank(photo),
    }
    warnings = tuple(warning for warning, fact in said.items() if fact)
    facts = PhotoFacts(structure.format, structure.width, structure.height)
    return DecodedImage(pixels, warnings, facts, (left, top, left + photo.width, top + photo.height))


def _decode(structure: ImageStructure, height: int, width: int) -> Image.Image:
    """The photo as upright RGB, no larger than `height` x `width` and touching it on one axis."""
    orientation = _read_orientation(structure.exif)
    if orientation >= 5:  # lies on its side: fit the picture as stored, turn the small result
        height, width = width, height
    scale = min(width / structure.width, height / structure.height)
    size = (
        min(width, max(1, round(structure.width * scale))),
        min(height, max(1, round(structure.height * scale))),
    )
    with Image.open(io.BytesIO(structure.stream), formats=(structure.format,)) as image:
        if image.size != (structure.width, structure.height):  # the limits were checked on another size
            raise ImageCorrupt
        image.draft(None, size)  # JPEG only
        image.load()
        photo = _shrink(image, size)
    transposition = _TRANSPOSITIONS.get(orientation)
    return photo if transposition is None else photo.transpose(transposition)


def _shrink(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The image as RGB on white at `size` (width, height)."""
    if image.mode in ("L", "RGB") and "transparency" not in image.info:
        # Resizing and these conversions are both linear per channel: resize first, there are fewer pixels to convert.
        return image.resize(size, Resampling.BILINEAR, reducing_gap=REDUCING_GAP).convert("RGB")
    # `Image.resize` would do the same with `reducing_gap`, on a converted copy of the whole picture.
    across = max(1, int(image.width / size[0] / REDUCING_GAP))
    down = max(1, int(image.height / size[1] / REDUCING_GAP))
    reduced = Image.new("RGB", (-(-image.width // across), -(-image.height // down)))
    rows = max(1, BAND_PIXELS // (image.width * down)) * down
    for top in range(0, image.height, rows):
        band = _on_white(image.crop((0, top, image.width, min(image.height, top + rows))))
        reduced.paste(band.reduce((across, down)), (0, top // down))
    box = (0, 0, image.width / across, image.height / down)
    return reduced.resize(size, Resampling.BILINEAR, box=box)


def _on_white(image: Image.Image) -> Image.Image:
    """An image of any mode as RGB, its transparent pixels white."""
    transparency = image.info.get("transparency")
    if image.mode.startswith("I"):  # 16-bit grey
        grey = np.asarray(image)
        shown = (grey >> 8).astype(np.uint8)
        if transparency is not None:
            shown[grey == transparency] = 255
        return Image.fromarray(shown).convert("RGB")
    if transparency is None and not image.mode.endswith(("A", "a")):
        return image.convert("RGB")
    layer = image.convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(layer, (0, 0), layer)
    return white


def _read_orientation(exif: bytes) -> int:
    """The orientation (1..8) in a TIFF block; 1 if there is none or the block is damaged.

    Only this tag of the first directory is looked at; Pillow's reader takes in all of them, and complains on stderr.
    """
    exif = exif.removeprefix(b"Exif\x00\x00")
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(exif[:4])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(order + "I", exif, 4)
        (entries,) = struct.unpack_from(order + "H", exif, start)
        for entry in range(start + 2, start + 2 + 12 * entries, 12):
            tag, kind = struct.unpack_from(order + "HH", exif, entry)
            if tag == _ORIENTATION_TAG:
                # A 16-bit number by the standard; some writers use 32 bits.
                (value,) = struct.unpack_from(order + ("I" if kind == 4 else "H"), exif, entry + 8)
                return value if value in _TRANSPOSITIONS else 1
    except struct.error:
        pass
    return 1
