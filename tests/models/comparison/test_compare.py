"""Two tiny versions on the same listings: the counts are those of asking each by itself."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from models.catalogue.rows import LabelledListing
from models.comparison.compare import BOTH_WRONG, PARTS, Change, Tally, compare_versions, evidence_of
from models.comparison.mcnemar import exact_p_value
from models.comparison.report import DIFF_COLUMNS, comparison_report, diff_file, winner
from models.errors import ListingError, NothingToPredict
from models.listing import Evidence, Listing, Modality
from models.predictor import Predictor
from tests.models.contested import contested
from tests.models.tiny_version import CODES, listing, make_version


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Predictor, Predictor]:
    root = tmp_path_factory.mktemp("pair") / "store"
    first, second = (Predictor.load(root / make_version(root, seed=seed)) for seed in (0, 1))
    return first, second


@pytest.fixture(scope="module")
def text_only(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """Text alone, and one category fewer than the others know."""
    root = tmp_path_factory.mktemp("text") / "store"
    return Predictor.load(root / make_version(root, classes=3, modalities=[Modality.TEXT]))


@pytest.fixture(scope="module")
def rows(pair: tuple[Predictor, Predictor]) -> list[LabelledListing]:
    """All kinds of evidence; titles that the first version gets right and the second wrong; what cannot be judged."""
    shown = [
        listing(index, description=(index + d) % 4 if d else None, photo_of=(index + p) % 4 if p else None)
        for index in range(4)
        for d in range(3)
        for p in range(3)
    ]
    shown += [listing(photo_of=index) for index in range(4)]
    labelled = [(one, CODES[number % 4]) for number, one in enumerate(shown)]
    labelled += [(Listing(title), code) for title, code in contested(*pair, 40)]
    labelled += [(Listing("livre"), ""), (Listing("livre"), "none"), (Listing("livre"), "none"), (Listing(" "), "10")]
    labelled += [(Listing("livre", image=b"no photo"), "10")]
    return [LabelledListing(number, one, code, number == 0) for number, (one, code) in enumerate(labelled)]


def code(predictor: Predictor, one: Listing) -> str:
    try:
        return predictor.predict(one).code
    except ListingError:
        return ""


def test_counts_are_those_of_asking_each_version_by_itself(
    pair: tuple[Predictor, Predictor], rows: list[LabelledListing]
) -> None:
    seen = []
    found = compare_versions(*pair, rows, on_change=seen.append)
    answered = [(row, *(code(predictor, row.listing) for predictor in pair)) for row in rows]
    judged = [(row, a, b) for row, a, b in answered if a and b and row.category in CODES]

    def tally(chosen: Iterator[tuple[LabelledListing, str, str]]) -> Tally:
        counts = [0, 0, 0, 0]
        for row, a, b in chosen:
            counts[2 * (a != row.category) + (b != row.category)] += 1
        return Tally(*counts)

    assert found.versions == (pair[0].version, pair[1].version)
    assert found.overall == tally(iter(judged))
    assert found.overall.first_only - found.overall.second_only > 20  # the contested ones
    for evidence in Evidence:
        assert found.by_evidence[evidence.label] == tally(j for j in judged if evidence_of(j[0].listing) is evidence)
    for category, counted in found.by_category.items():
        assert counted == tally(j for j in judged if j[0].category == category)
    changed = [(row, a, b) for row, a, b in answered if a != b]
    assert found.changes == len(changed)
    assert [change.row.row for change in seen] == [row.row for row, _, _ in changed]
    assert sum(found.moves.values()) == sum(found.verdicts.values()) == len(seen)
    assert (found.unlabelled, found.unknown, found.photos_missing) == (1, {"none": 2}, 1)
    assert found.unanswered == {"invalid_request": 1, "image_unsupported": 1}
    assert found.known_by_one == {}


def test_each_network_is_compared_by_itself_where_there_is_text_and_photo(
    pair: tuple[Predictor, Predictor], rows: list[LabelledListing]
) -> None:
    found = compare_versions(*pair, rows)
    both = [row for row in rows if evidence_of(row.listing) is Evidence.BOTH and row.category in CODES][:-1]
    for modality, name in PARTS.items():
        tally = found.by_evidence[name]
        for predictor, right in zip(pair, (tally.both + tally.first_only, tally.both + tally.second_only), strict=True):
            without = {"image": None} if modality is Modality.TEXT else {"designation": "", "description": ""}
            codes = [code(predictor, replace(row.listing, **without)) for row in both]
            assert right == sum(one == row.category for one, row in zip(codes, both, strict=True))


def test_a_version_that_cannot_answer_is_wrong(pair: tuple[Predictor, Predictor], text_only: Predictor) -> None:
    rows = [
        LabelledListing(0, listing(photo_of=1), CODES[1]),
        LabelledListing(1, listing(3), CODES[3]),
        LabelledListing(2, listing(0), CODES[0]),
    ]
    found = compare_versions(pair[0], text_only, rows)
    assert found.overall == Tally(both=1, first_only=2)
    assert found.known_by_one == {CODES[3]: 1}
    assert found.moves[CODES[1], ""] == 1
    assert found.unanswered == {}
    assert compare_versions(text_only, text_only, rows).unanswered == {"invalid_request": 1}


def test_nothing_to_judge(pair: tuple[Predictor, Predictor]) -> None:
    found = compare_versions(*pair, [])
    assert found.overall == Tally()
    assert "No listing could be judged." in comparison_report(found, pair[1].taxonomy)


def test_the_report_says_who_is_better_and_where(
    pair: tuple[Predictor, Predictor], rows: list[LabelledListing]
) -> None:
    found = compare_versions(*pair, rows)
    report = comparison_report(found, pair[1].taxonomy)
    overall = found.overall
    assert f"| all | {overall.listings} | " in report
    assert f"{exact_p_value(overall.first_only, overall.second_only):.4f}" in report or "<0.0001" in report
    assert f"A ({pair[0].version}) is better; A alone is right on {overall.first_only}" in winner(found)
    assert f"{found.changes} listings change category" in report
    assert "Left out, of a category that neither version knows: 2 (none 2)." in report
    assert "neither version could be asked: 2 (image_unsupported 1, invalid_request 1)." in report
    table = [line for line in report.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in table} == {9}
    swapped = winner(compare_versions(pair[1], pair[0], rows))
    assert f"B ({pair[0].version}) is better" in swapped


def test_no_difference_is_no_winner(pair: tuple[Predictor, Predictor], rows: list[LabelledListing]) -> None:
    found = compare_versions(pair[0], pair[0], rows)
    assert (found.changes, found.moves, found.verdicts) == (0, {}, {})
    assert "no significant difference" in winner(found)
    assert found.overall.p_value == 1


def test_the_diff_has_every_change(
    pair: tuple[Predictor, Predictor], rows: list[LabelledListing], tmp_path: Path
) -> None:
    path = tmp_path / "new" / "diff.csv"
    with diff_file(path) as write:
        found = compare_versions(*pair, rows, on_change=write)
        assert not path.exists()
    with path.open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    assert len(written) == found.changes > 40
    for row in written:
        one = rows[int(row["row"]) - 2]  # named by the line of the file, as a spreadsheet counts
        predictions = [predictor.predict(one.listing) for predictor in pair]
        assert (row["designation"], row["category"]) == (one.listing.designation, one.category)
        assert [row["a_category"], row["b_category"]] == [answer.code for answer in predictions]
        assert float(row["a_confidence"]) == pytest.approx(predictions[0].confidence, abs=2e-4)
        assert row["b_decision"] == predictions[1].decision.action


def test_the_diff_is_safe_in_a_spreadsheet(pair: tuple[Predictor, Predictor], tmp_path: Path) -> None:
    one = LabelledListing(7, Listing("=2+3", id="@x"), "10")
    with diff_file(tmp_path / "diff.csv") as write:
        write(Change(one, pair[0].predict(Listing("livre")), NothingToPredict(), BOTH_WRONG))
    with (tmp_path / "diff.csv").open(encoding="utf-8", newline="") as file:
        header, cells = csv.reader(file)
    assert tuple(header) == DIFF_COLUMNS
    assert cells[:4] == ["9", "'@x", "'=2+3", "10"]
    assert cells[-4:] == ["", "", "invalid_request", BOTH_WRONG]


def test_an_interrupted_diff_leaves_no_half_file(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), diff_file(tmp_path / "diff.csv"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("one", "evidence"),
    [
        (Listing("t"), Evidence.TITLE),
        (Listing(" ", "d"), Evidence.TEXT),
        (Listing("t", "d"), Evidence.TEXT),
        (Listing("", " ", b"i"), Evidence.IMAGE),
        (Listing("t", "", b"i"), Evidence.BOTH),
    ],
)
def test_evidence_is_what_the_listing_comes_with(one: Listing, evidence: Evidence) -> None:
    assert evidence_of(one) is evidence
