from __future__ import annotations

import sys
import time
import unicodedata
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import TextTooLong
from models.preprocessing.text import clean as module
from models.preprocessing.text.clean import MAX_CHARACTERS, ListingText, plain_text

any_text = st.text(st.characters(exclude_categories=[]))  # lone surrogates included
ODD_PIECES = """
< > </ /> <b <br> <p> </p> <!-- --> <![ ]]> <? <script> </script> <style <template> <title> <o:p> <rt>
& &amp; &# &#x92; &lt;b&gt; ; ' " é x
"""
odd_pieces = ODD_PIECES.split()
odd_pieces += [" ", "& Nbsp;", "<a href='x>y'>", '<a b="', "\x00", "\x9c", "\u200b", "\u0301", "\ud800", "\n"]
scraps = st.lists(st.sampled_from(odd_pieces) | any_text, max_size=30).map("".join)
plain_tags = ["<b>", "</b>", "</p>", "<br/>", "<BR>", "</span>", "</td>", "<li>", "<h2>", "</a>", "<o:p>"]
plain_tags += ["<p class='a > b'>", '<span style="color: red">', "<td width=10>", '<a href="?a=1&amp;b=2">']
plain_tags += ["</h2 >", "<img src='x'/>"]
plain_markup = st.lists(
    st.sampled_from(plain_tags) | st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="<\x1a")),
    max_size=40,
).map("".join)


@pytest.mark.parametrize(
    "text",
    [
        "Console PS4 Pro 1To + TV 4K",
        "Größe 38, Œuvre complète",
        "5 < 6",
        "a<b",
        "x < y et y > z",
        "3 cm²",
        "Bruit: <36dB, <=3.5g",
        "AT&T, R&D, Dungeons & Dragons",
        "contact <vente@exemple.fr> <http://exemple.fr/>",
        "</",
        "<",
        "<![",
        "x & y; z &foo; &#; &#x;",
        "日本語 テレビ",
        "Ünïcödé 😀 №1 ½",
    ],
)
def test_readable_text_is_left_alone(text: str) -> None:
    assert plain_text(text) == text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("gr<b>os</b> <SPAN class=x>lot</SPAN>", "gros lot"),
        ("cm<sup>2</sup>", "cm2"),
        ("un<br>deux<br/>trois<BR />quatre", "un deux trois quatre"),
        ("<p>un</p>deux<div>trois</div>", "un deux trois"),
        ("<table><tr><td>un</td><td>deux</td></tr></table>", "un deux"),
        ("<ul><li>un<li>deux</ul>", "un deux"),
        ("<o:p>un</o:p>deux", "un deux"),
        ("un<img src='x.jpg'>deux", "un deux"),
        ("<a title='plus > moins'>lien</a>", "lien"),
        ('<a title="jamais fermé>lien</a>', "lien"),
        ("un<script>alert('x < y')</script>deux", "undeux"),
        ("<style>p {color: red}</style><P>un</P><STYLE>b</STYLE >", "un"),
        ("un<!-- <b>jamais vu</b> --> deux<!-->trois", "un deuxtrois"),
        ("<scr<!-- -->ipt>un", "un"),
        ("<!DOCTYPE html><html><title>un</title>deux", "un deux"),
        ("<?xml version='1.0'?><![CDATA[un]]>", "un"),
        ("<![if !supportLists]>un<![endif]>", "un"),
        ("<iframe src='x'></iframe>un", "un"),
        ("<ruby>漢<rt>kan</rt></ruby>", "漢 kan"),
        ("un <!-- coupé", "un"),
        ("un <script>coupé(", "un"),
        ("<div", "<div"),
        ("<p>prix < 5 & > 3</p>", "prix < 5 & > 3"),
    ],
)
def test_markup_is_read_as_a_browser_shows_it(markup: str, text: str) -> None:
    assert plain_text(markup) == text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("id&eacute;es", "idées"),
        ("&amp;eacute;", "é"),
        ("<p>&amp;eacute;&amp;amp;</p>", "é&"),
        ("&amp;amp;eacute;", "&eacute;"),
        ("un& Nbsp; & nbsp;deux", "un deux"),
        ("&NBSP;&EACUTE;t&Eacute;", "étÉ"),
        ("l&#39;&#34;&#x92;", "l'\"’"),
        ("e&#769;t&#769 ", "ét́"),
        ("5 &lt; 6 &gt; 2", "5 < 6 > 2"),
        ("&lt;p&gt;Les tasses&lt;br/&gt;bleues", "Les tasses bleues"),
        ("<p>AT&amp;T & co &foo; &euro;5</p>", "AT&T & co &foo; €5"),
        ("&#" + "1" * 5000 + ";", "\ufffd"),
        ("&#x" + "f" * 5000 + ";", "\ufffd"),
        ("&#55296;&#1114112;", "\ufffd\ufffd"),
    ],
)
def test_entities_are_decoded_twice(markup: str, text: str) -> None:
    assert plain_text(markup) == text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("un\x00\u200b\u202edeux\ufeff", "undeux"),
        ("timbre\xadposte&shy;&#8203;", "timbreposte"),
        (" un \t\r\n\xa0\u2003\u2028deux ", "un deux"),
        ("e\u0301", "é"),
        ("L\x92\x9cuvre \x96 fin\x85", "L’œuvre – fin…"),
        ("\ud800x\udc00", "\ufffdx\ufffd"),
        ("\ud83d\ude00", "😀"),
        ("<b>\ud800</b>", "\ufffd"),
    ],
)
def test_what_cannot_be_seen_is_gone(markup: str, text: str) -> None:
    assert plain_text(markup) == text


@given(scraps)
def test_total_and_clean(markup: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = plain_text(markup)
    assert text == " ".join(text.split())
    assert unicodedata.is_normalized("NFC", text)
    text.encode()  # no surrogates
    assert not any(unicodedata.category(character) == "Cc" for character in text)


@given(st.text(st.characters(exclude_characters="<&", exclude_categories=[])))
def test_the_short_cut_gives_what_the_parser_gives(text: str) -> None:
    assert plain_text(text) == plain_text(f"<b></b>{text}") == plain_text(f"{text}<p>&nbsp;</p>")


@given(plain_markup)
def test_the_parser_and_the_expression_agree_on_plain_markup(markup: str) -> None:
    assert not module._ODD.search(markup)
    assert module._strip_markup(markup).split() == module._strip_tags(markup).split()


def test_many_tags_read_the_same_as_few() -> None:
    assert plain_text("<p>gr<b>os</b></p>" * 5) == plain_text("<p>gr<b>os</b></p>" * 1000)[: 5 * 5 - 1]


def filled(unit: str) -> str:
    return (unit * MAX_CHARACTERS)[:MAX_CHARACTERS]


REPEATED = ["<a b=", '<a "', "<a 'b=\"", "<!--", "<!--x", "<![", "<?x", "<", "</", "<b>", "<br>", "<i>x", "<p><b>"]
REPEATED += [
    "</br>",
    "<a b ",
    "<script>",
    "</script",
    "<a =",
    "<a / ",
    '<a b="',
    "<template>",
    "<a:",
    "\x92",
    "\u200bx",
]
REPEATED += ["&", "&a", "&#", "&#1", "& nbsp ", "&amp;", "&lt;a ", "&amp;lt;a "]
TRAPS = {
    **{f"{unit!r} repeated": filled(unit) for unit in REPEATED},
    "one long tag": "<a " + filled("b ")[:-4] + ">",
    "one long attribute": '<a b="' + "x" * (MAX_CHARACTERS - 8) + '">',
    "one unclosed tag": "<a " + filled("b=''")[:-3],
    "many attributes": ("<p " + "a=b " * 11 + ">") * 400,
    "line breaks, then tags": "<br>" * 900 + "<b></b>" * 90,
    "closing tags of nothing": "<b>" * 3300 + "</i>" * 2500,
    "endless number": "&#" + "1" * (MAX_CHARACTERS - 2),
    "endless zeros": "&#" + "0" * (MAX_CHARACTERS - 2),
    "combining marks": "a" + filled("\u0315\u0300")[1:],
    "combining marks, unsorted": "\u0315" * 10_000 + "\u0300" * 10_000,
    "surrogates": filled("\ud800"),
}


@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS.keys())
def test_no_input_holds_the_cpu(trap: str) -> None:
    assert len(trap) <= MAX_CHARACTERS
    best = sys.float_info.max
    for _ in range(2):  # the better of two: another process may interfere
        start = time.thread_time()
        plain_text(trap)
        best = min(best, time.thread_time() - start)
    assert best < 0.5


def test_a_field_is_cleaned_and_kept_apart() -> None:
    text = ListingText.clean("<b>Console</b>  PS4", "1To<br>noire")
    assert text == ListingText("Console PS4", "1To noire")
    assert not text.is_empty
    assert not ListingText("", "x").is_empty


@pytest.mark.parametrize("blank", ["", " \n", "<p></p>", "&nbsp;", "\x00\u200b", "<!-- x -->"])
def test_nothing_left_is_empty(blank: str) -> None:
    assert ListingText.clean(blank, blank).is_empty


def test_the_raw_field_is_limited() -> None:
    ListingText.clean("x" * MAX_CHARACTERS, " " * MAX_CHARACTERS)
    with pytest.raises(TextTooLong) as caught:
        ListingText.clean("x" * (MAX_CHARACTERS + 1), "")
    assert caught.value.pointer == "/designation"
    with pytest.raises(TextTooLong) as caught:
        ListingText.clean("x", " " * (MAX_CHARACTERS + 1))
    assert caught.value.pointer == "/description"
