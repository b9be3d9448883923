"""Whatever the bytes: an answer or a refusal, the same in any thread, and nothing of Pillow is changed."""

from __future__ import annotations

import contextlib
import struct
import warnings
from concurrent.futures import ThreadPoolExecutor

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from models.errors import ImageError
from models.preprocessing.image.decode import decode_image
from tests.models.pictures import GREY, SMALL, VALID, chunk, pixels


def answers_or_refuses(data: bytes) -> None:
    with contextlib.suppress(ImageError):
        pixels(data, 24, 32)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_mutated_images_are_decoded_or_refused(data: st.DataObject) -> None:
    mutated = bytearray(data.draw(st.sampled_from(SMALL)))
    # Heads decide more than pixels do: half of the changes go there.
    places = st.one_of(st.integers(0, min(400, len(mutated)) - 1), st.integers(0, len(mutated) - 1))
    for place in data.draw(st.lists(places, min_size=1, max_size=8)):
        mutated[place] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        start, length = data.draw(places), data.draw(st.integers(0, 40))
        mutated[start : start + length] = data.draw(st.binary(max_size=40))
    answers_or_refuses(bytes(mutated))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_mutated_chunks_with_right_checksums(data: st.DataObject) -> None:
    """PNG: wrong checksums stop nearly every mutation at the door, so repair them."""
    source = data.draw(st.sampled_from([image for image in SMALL if image.startswith(b"\x89PNG")]))
    parts, start = [source[:8]], 8
    while start < len(source):
        (length,) = struct.unpack_from(">I", source, start)
        kind, content = source[start + 4 : start + 8], bytearray(source[start + 8 : start + 8 + length])
        if content and data.draw(st.integers(0, 2)) == 0:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        for _ in range(data.draw(st.sampled_from([1, 1, 1, 1, 0, 2]))):
            parts.append(chunk(kind, bytes(content)))
        start += 12 + length
    answers_or_refuses(b"".join(parts))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\x40\0\0\0WEBPVP8X", b""]), st.binary())
def test_random_bytes_behind_a_signature(signature: bytes, rest: bytes) -> None:
    answers_or_refuses(signature + rest)


def test_same_bytes_same_pixels_in_any_thread() -> None:
    files = [*VALID.values(), *GREY.values()] * 4
    alone = [decode_image(data, 96, 96).pixels for data in files]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda data: decode_image(data, 96, 96).pixels, files))
    assert all((left == right).all() for left, right in zip(alone, together, strict=True))


def test_pillow_is_left_as_it_was_and_says_nothing() -> None:
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for data in [*VALID.values(), *GREY.values(), *SMALL]:
            decode_image(data, 64, 64)
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
