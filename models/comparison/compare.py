"""Two versions on the same listings: how often each is right, where, and which listings change category.

Each listing is asked with all the evidence that it comes with, as a served request is. Memory does not grow with their
number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from models.catalogue.rows import LabelledListing
from models.comparison.mcnemar import exact_p_value
from models.decision.prediction import Prediction
from models.errors import ListingError
from models.listing import Evidence, Listing, Modality
from models.predictor import Predictor

BLOCK = 32
"""Listings read and asked together."""
ALL = "all"
PARTS = {Modality.TEXT: "the text alone of those with both", Modality.IMAGE: "the photo alone of those with both"}
"""What each network by itself says to listings with text and photo."""
FIRST_RIGHT, SECOND_RIGHT, BOTH_WRONG, UNJUDGED = "A right", "B right", "both wrong", "not judged"

Answer = Prediction | ListingError


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of the same listings two versions got right."""

    both: int = 0
    first_only: int = 0
    second_only: int = 0
    neither: int = 0

    @property
    def listings(self) -> int:
        """All that were judged."""
        return self.both + self.first_only + self.second_only + self.neither

    @property
    def accuracies(self) -> tuple[float, float]:
        """Of the first and the second version, 0..1; `listings` is at least 1."""
        return (self.both + self.first_only) / self.listings, (self.both + self.second_only) / self.listings

    @property
    def p_value(self) -> float:
        """McNemar's, exact and two-sided."""
        return exact_p_value(self.first_only, self.second_only)


@dataclass(frozen=True, slots=True)
class Change:
    """A listing that the versions file differently. An answer is an error where a version could not be asked."""

    row: LabelledListing
    first: Answer
    second: Answer
    verdict: str


@dataclass(frozen=True)
class Comparison:
    """What `compare_versions` found, first version `A`, second `B`.

    `overall`, `by_evidence` and `by_category` are of judged listings: labelled with a category that at least one
    version knows, and answered by at least one (no answer is a wrong one). `moves` counts changes by the two categories
    filed under ("" for no answer), `verdicts` by who is right. `unlabelled` listings have no category, `unknown` ones
    one (by code) that neither version knows; `known_by_one` were judged although one version cannot be right.
    `unanswered` counts listings that neither version could be asked, by error code.
    """

    versions: tuple[str, str]
    overall: Tally
    by_evidence: Mapping[str, Tally]
    by_category: Mapping[str, Tally]
    moves: Mapping[tuple[str, str], int]
    verdicts: Mapping[str, int]
    unlabelled: int
    unknown: Mapping[str, int]
    known_by_one: Mapping[str, int]
    unanswered: Mapping[str, int]
    photos_missing: int

    @property
    def changes(self) -> int:
        """Listings that the versions file differently."""
        return sum(self.moves.values())


def compare_versions(
    first: Predictor,
    second: Predictor,
    listings: Iterable[LabelledListing],
    *,
    on_change: Callable[[Change], None] = lambda change: None,
    progress: Callable[[int], None] = lambda done: None,
) -> Comparison:
    """Ask both versions; `on_change` gets each listing that changes category, in order, `progress` the count so far."""
    counting = _Counting(first, second)
    done = 0
    with ThreadPoolExecutor(2) as pool:
        for block in _blocks(listings):
            asked = [row.listing for row in block]
            answers = pool.map(lambda predictor, asked=asked: predictor.predict_many(asked, top_k=1), (first, second))
            for row, one, other in zip(block, *answers, strict=True):
                change = counting.add(row, one, other)
                if change is not None:
                    on_change(change)
            done += len(block)
            progress(done)
    return counting.result()


class _Counting:
    """Counters that grow with the number of categories, not of listings."""

    def __init__(self, first: Predictor, second: Predictor) -> None:
        self.predictors = (first, second)
        self.outcomes: dict[str, Counter[tuple[bool, bool]]] = {}
        self.evidence: dict[str, Counter[tuple[bool, bool]]] = {}
        self.categories: dict[str, Counter[tuple[bool, bool]]] = {}
        self.moves: Counter[tuple[str, str]] = Counter()
        self.verdicts: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self.known_by_one: Counter[str] = Counter()
        self.unanswered: Counter[str] = Counter()
        self.unlabelled = 0
        self.photos_missing = 0

    def add(self, row: LabelledListing, first: Answer, second: Answer) -> Change | None:
        """Count one listing; returns it as a change when it is filed differently."""
        self.photos_missing += row.photo_missing
        if isinstance(first, ListingError) and isinstance(second, ListingError):
            self.unanswered[first.code] += 1
            return None
        codes = (_code(first), _code(second))
        judged = self._judged(row.category)
        if judged:
            self._judge(row, first, second)
        if codes[0] == codes[1]:
            return None
        self.moves[codes] += 1
        verdict = UNJUDGED
        if judged:
            verdict = {codes[0]: FIRST_RIGHT, codes[1]: SECOND_RIGHT}.get(row.category, BOTH_WRONG)
        self.verdicts[verdict] += 1
        return Change(row, first, second, verdict)

    def _judged(self, category: str) -> bool:
        known = [category in predictor.taxonomy for predictor in self.predictors]
        if not category:
            self.unlabelled += 1
        elif not any(known):
            self.unknown[category] += 1
        elif not all(known):
            self.known_by_one[category] += 1
        return any(known)

    def _judge(self, row: LabelledListing, first: Answer, second: Answer) -> None:
        right = (_code(first) == row.category, _code(second) == row.category)
        evidence = evidence_of(row.listing)
        self.outcomes.setdefault(ALL, Counter())[right] += 1
        self.categories.setdefault(row.category, Counter())[right] += 1
        self.evidence.setdefault(evidence.label, Counter())[right] += 1
        if evidence is Evidence.BOTH:
            for modality, name in PARTS.items():
                parts = (_code_of(first, modality), _code_of(second, modality))
                if None not in parts:
                    alone = (parts[0] == row.category, parts[1] == row.category)
                    self.evidence.setdefault(name, Counter())[alone] += 1

    def result(self) -> Comparison:
        """What was counted. Categories are in the second version's order, those that it does not know at the end."""
        codes = dict.fromkeys([*self.predictors[1].taxonomy.codes, *self.predictors[0].taxonomy.codes])
        names = [*(evidence.label for evidence in Evidence), *PARTS.values()]
        return Comparison(
            versions=(self.predictors[0].version, self.predictors[1].version),
            overall=_tally(self.outcomes.get(ALL, Counter())),
            by_evidence={name: _tally(self.evidence[name]) for name in names if name in self.evidence},
            by_category={code: _tally(self.categories[code]) for code in codes if code in self.categories},
            moves=dict(self.moves),
            verdicts=dict(self.verdicts),
            unlabelled=self.unlabelled,
            unknown=dict(self.unknown),
            known_by_one=dict(self.known_by_one),
            unanswered=dict(self.unanswered),
            photos_missing=self.photos_missing,
        )


def evidence_of(listing: Listing) -> Evidence:
    """The case of a listing as it comes, whatever networks a version has."""
    described = bool(listing.description.strip())
    if not described and not listing.designation.strip():
        return Evidence.IMAGE
    if listing.image is not None:
        return Evidence.BOTH
    return Evidence.TEXT if described else Evidence.TITLE


def _blocks(listings: Iterable[LabelledListing]) -> Iterator[list[LabelledListing]]:
    rows = iter(listings)
    while block := list(islice(rows, BLOCK)):
        yield block


def _code(answer: Answer) -> str:
    """The category filed under; "" when there was no answer."""
    return "" if isinstance(answer, ListingError) else answer.code


def _code_of(answer: Answer, modality: Modality) -> str | None:
    """What one network by itself says; None when it was not asked."""
    if isinstance(answer, ListingError) or modality not in answer.by_modality:
        return None
    return answer.by_modality[modality][0].code


def _tally(outcomes: Counter[tuple[bool, bool]]) -> Tally:
    return Tally(
        both=outcomes[True, True],
        first_only=outcomes[True, False],
        second_only=outcomes[False, True],
        neither=outcomes[False, False],
    )
