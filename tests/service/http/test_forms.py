"""Plain forms take the short way, and come out as the parser would have it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import PykutenError
from service.errors import MalformedMultipart
from service.http import forms
from service.http.forms import Form, FormLimits, parse_form

LIMITS = FormLimits(fields=3, files=2, text_bytes=200)
BOUNDARY = b"----WebKitFormBoundary7MA4YWxk"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY.decode()}"
FIELD = b'Content-Disposition: form-data; name="%s"'
FILE = FIELD + b'; filename="%s"\r\nContent-Type: image/jpeg'

contents = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=40).map(str.encode),
    st.lists(st.sampled_from([b"\r\n", b"--", BOUNDARY, b"\r\n--" + BOUNDARY, b"\r\n\r\n", b"a", b"\0"])).map(b"".join),
)
names = st.sampled_from([b"designation", b"image", b"id", b"x y", b"\xc3\xa9", b""])
heads = st.one_of(
    names.map(lambda name: FIELD % name),
    st.tuples(names, st.sampled_from([b"a.jpg", b"", b"../../x", b'a\\"b', b"\xff"])).map(lambda pair: FILE % pair),
    st.sampled_from([b"content-disposition:form-data;name=id", b"X: y\r\n" + FIELD % b"id", b"", b"Content-Type: a/b"]),
)
parts = st.lists(st.tuples(heads, contents), max_size=5)


def body_of(parts: list[tuple[bytes, bytes]], end: bytes = b"--\r\n") -> bytes:
    lines = [b"--" + BOUNDARY + b"\r\n" + head + b"\r\n\r\n" + content + b"\r\n" for head, content in parts]
    return b"".join(lines) + b"--" + BOUNDARY + end


def outcome(parse: Callable[[], Form]) -> object:
    try:
        form = parse()
    except PykutenError as error:
        return type(error)
    return form.texts, form.files


@settings(max_examples=600, deadline=None)
@given(parts, st.sampled_from([b"--\r\n", b"--", b"--\r\nepilogue", b"\r\n", b"-", b""]), st.data())
def test_what_the_short_way_takes_is_what_the_parser_makes_of_it(
    parts: list[tuple[bytes, bytes]], end: bytes, data: st.DataObject
) -> None:
    body = body_of(parts, end)
    if data.draw(st.booleans()):
        cut = data.draw(st.integers(0, len(body)))
        body = body[:cut] + data.draw(st.binary(max_size=2)) + body[cut + 1 :]
    short = forms._plain_form(body, BOUNDARY, LIMITS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forms, "_plain_form", lambda *_: None)
        parsed = outcome(lambda: parse_form(body, CONTENT_TYPE, LIMITS))
    if short is not None:
        assert (short.texts, short.files) == parsed
    assert outcome(lambda: parse_form(body, CONTENT_TYPE, LIMITS)) == parsed


@pytest.mark.parametrize(
    "head",
    [FILE % (b"image", b"a.jpg"), FILE % (b"image", "été.jpg".encode()), (FILE % (b"image", b"a")).lower()],
)
def test_what_clients_send_takes_the_short_way(head: bytes) -> None:
    photo = b"\xff\xd8\r\n--\r\n" * 50
    form = forms._plain_form(body_of([(FIELD % b"designation", "é".encode()), (head, photo)]), BOUNDARY, LIMITS)
    assert form == Form({"designation": "é"}, {"image": photo})


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [(FIELD % b"id", b"a"), (FIELD % b"id", b"b")],
        [(FIELD % b"%d" % n, b"a") for n in range(4)],
        [(FILE % (b"%d" % n, b"f"), b"a") for n in range(3)],
        [(FIELD % b"id", b"a" * 201)],
        [(FIELD % b"id", b"\xff")],
        [(FILE % (b"image", b""), b"")],
        [(FIELD % b"id" + b"\r\nContent-Transfer-Encoding: base64", b"YQ==")],
    ],
)
def test_what_is_wrong_or_unusual_is_left_to_the_parser(parts: list[tuple[bytes, bytes]]) -> None:
    assert forms._plain_form(body_of(parts), BOUNDARY, LIMITS) is None


@pytest.mark.parametrize("before", [b"", b"This is a form.\r\n", b"--x\r\n\r\n"])
def test_what_stands_before_the_first_part_is_ignored(before: bytes) -> None:
    form = parse_form(before + body_of([(FIELD % b"id", b"a")]), CONTENT_TYPE, LIMITS)
    assert form.texts == {"id": "a"}


@pytest.mark.parametrize("name", [b"; filename*=utf-8''%e2%82%ac.jpg", b";filename* = x", b"; filename=a; filename*=b"])
def test_an_encoded_name_makes_a_file(name: bytes) -> None:
    form = parse_form(body_of([(FIELD % b"image" + name, b"\xff\xd8")]), CONTENT_TYPE, LIMITS)
    assert form.files == {"image": b"\xff\xd8"}


def test_a_part_with_two_names_is_refused() -> None:
    with pytest.raises(MalformedMultipart):
        parse_form(body_of([(FIELD % b"id" + b"\r\n" + FIELD % b"designation", b"a")]), CONTENT_TYPE, LIMITS)
