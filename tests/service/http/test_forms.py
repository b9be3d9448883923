"""Forms as clients write them, and what is refused."""

from __future__ import annotations

import pytest

from models.errors import PykutenError
from service.errors import InvalidRequest, MalformedMultipart, PartTooLarge, TooManyParts
from service.http.forms import Form, FormFields, FormLimits, parse_form, parse_urlencoded

LIMITS = FormLimits(fields=3, files=2, text_bytes=200)
FIELDS = FormFields(frozenset({"id", "designation"}), "image")
BOUNDARY = b"----WebKitFormBoundary7MA4YWxk"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY.decode()}"
FIELD = b'Content-Disposition: form-data; name="%s"'
FILE = FIELD + b'; filename="%s"\r\nContent-Type: image/jpeg'


def body_of(*parts: tuple[bytes, bytes], end: bytes = b"--\r\n") -> bytes:
    lines = [b"--" + BOUNDARY + b"\r\n" + head + b"\r\n\r\n" + content + b"\r\n" for head, content in parts]
    return b"".join(lines) + b"--" + BOUNDARY + end


@pytest.mark.parametrize("end", [b"--\r\n", b"--", b"--\r\nepilogue"])
@pytest.mark.parametrize(
    "head", [FILE % (b"image", b"a.jpg"), FILE % (b"image", "été.jpg".encode()), (FILE % (b"image", b"a")).lower()]
)
def test_texts_and_files_come_out_as_they_were_sent(head: bytes, end: bytes) -> None:
    photo = b"\xff\xd8\r\n--\r\n" * 50
    body = body_of((FIELD % b"designation", "é".encode()), (head, photo), end=end)
    assert parse_form(body, CONTENT_TYPE, LIMITS, FIELDS) == Form({"designation": "é"}, {"image": [photo]})


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        ([(FIELD % b"id", b"a"), (FIELD % b"id", b"b")], InvalidRequest),
        ([(FIELD % b"%d" % n, b"a") for n in range(4)], TooManyParts),
        ([(FILE % (b"%d" % n, b"f"), b"a") for n in range(3)], TooManyParts),
        ([(FIELD % b"id", b"a" * 201)], PartTooLarge),
        ([(FIELD % b"id", b"\xff")], InvalidRequest),
        ([(FIELD % b"id" + b"\r\nContent-Transfer-Encoding: base64", b"YQ==")], MalformedMultipart),
        ([(FIELD % b"id" + b"\r\n" + FIELD % b"designation", b"a")], MalformedMultipart),
        ([(b"Content-Type: a/b", b"a")], MalformedMultipart),
    ],
)
def test_wrong_parts_are_refused(parts: list[tuple[bytes, bytes]], error: type[PykutenError]) -> None:
    with pytest.raises(error):
        parse_form(body_of(*parts), CONTENT_TYPE, LIMITS, FIELDS)


@pytest.mark.parametrize("end", [b"\r\n", b"-", b""])
def test_a_form_without_its_end_is_refused(end: bytes) -> None:
    with pytest.raises(MalformedMultipart):
        parse_form(body_of((FIELD % b"id", b"a"), end=end), CONTENT_TYPE, LIMITS, FIELDS)


def test_a_file_field_that_was_left_empty_is_no_part() -> None:
    assert parse_form(body_of((FILE % (b"image", b""), b"")), CONTENT_TYPE, LIMITS, FIELDS) == Form()


@pytest.mark.parametrize("before", [b"", b"This is a form.\r\n", b"--x\r\n\r\n"])
def test_the_preamble_is_ignored(before: bytes) -> None:
    form = parse_form(before + body_of((FIELD % b"id", b"a")), CONTENT_TYPE, LIMITS, FIELDS)
    assert form.texts == {"id": "a"}


@pytest.mark.parametrize("name", [b"; filename*=utf-8''%e2%82%ac.jpg", b";filename* = x", b"; filename=a; filename*=b"])
def test_an_encoded_name_makes_a_file(name: bytes) -> None:
    form = parse_form(body_of((FIELD % b"image" + name, b"\xff\xd8")), CONTENT_TYPE, LIMITS, FIELDS)
    assert form.files == {"image": [b"\xff\xd8"]}


@pytest.mark.parametrize("content", [b"\xff\xd8", b"\xff\xd8" * 300, b""])
@pytest.mark.parametrize("content_type", [b"image/jpeg", b"Image/PNG", b"image/*"])
def test_a_part_that_says_that_it_is_an_image_needs_no_file_name(content: bytes, content_type: bytes) -> None:
    head = FIELD % b"image" + b"\r\nContent-Type: " + content_type
    form = parse_form(body_of((head, content)), CONTENT_TYPE, LIMITS, FIELDS)
    assert form.files == {"image": [content]}


@pytest.mark.parametrize("content", [b"\xff\xd8", b"text", b"\xff" * 300])
def test_a_part_that_must_be_a_file_is_told_how(content: bytes) -> None:
    for fields, name in ((FIELDS, b"image"), (FormFields(frozenset({"listings"})), b"front")):
        with pytest.raises(InvalidRequest) as refused:
            parse_form(body_of((FIELD % name, content)), CONTENT_TYPE, LIMITS, fields)
        assert refused.value.faults[0].pointer == f"/{name.decode()}"
        assert {"filename", "Content-Type", "image/..."} <= set(
            refused.value.faults[0].message.replace(",", "").split()
        )


@pytest.mark.parametrize(
    "content",
    [b"\r\n--" + BOUNDARY[:-1], b"\r\n--" + BOUNDARY + b"x", b"--" + BOUNDARY + b"--", b"\r\n" * 9, b"\n--" + BOUNDARY],
)
def test_what_is_nearly_a_delimiter_belongs_to_the_part(content: bytes) -> None:
    photo = b"\xff" + content + b"\xd9"
    form = parse_form(body_of((FILE % (b"image", b"a"), photo)), CONTENT_TYPE, LIMITS, FIELDS)
    assert form.files == {"image": [photo]}


def test_blanks_may_stand_behind_a_delimiter() -> None:
    body = body_of((FIELD % b"id", b"a")).replace(BOUNDARY + b"\r\n", BOUNDARY + b" \t\r\n")
    assert parse_form(body, CONTENT_TYPE, LIMITS, FIELDS).texts == {"id": "a"}


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        (b"designation=Piscine+ronde%20%C3%A9&id=7", {"designation": "Piscine ronde é", "id": "7"}),
        ("designation=été".encode(), {"designation": "été"}),
        (b"%64esignation=a%26b%3D%2B&", {"designation": "a&b=+"}),
        (b"designation=&id", {"designation": "", "id": ""}),
        (b"&&", {}),
    ],
)
def test_a_urlencoded_form(body: bytes, texts: dict[str, str]) -> None:
    assert parse_urlencoded(body, LIMITS, FIELDS) == Form(texts)
