"""Two versions on the same listings: how often each is right, where, and which listings change category.

Versions are asked with all the evidence that a listing comes with, as in serving. Memory does not grow with the number
of listings.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

from models.catalogue.rows import LabelledListing
from models.comparison.mcnemar import exact_p_value
from models.decision.prediction import Prediction
from models.errors import ListingError
from models.listing import Evidence, Listing, Modality
from models.predictor import Predictor

BLOCK = 32
"""Listings read and predicted together."""
PARTS = {Modality.TEXT: "the text alone of those with both", Modality.IMAGE: "the photo alone of those with both"}
"""Names of the answers that each network alone gives to listings with text and photo."""
FIRST_RIGHT, SECOND_RIGHT, BOTH_WRONG, UNJUDGED = "A right", "B right", "both wrong", "not judged"

Answer = Prediction | ListingError


@dataclass
class Tally:
    """How many of the same listings two versions got right."""

    both: int = 0
    first_only: int = 0
    second_only: int = 0
    neither: int = 0

    def count(self, first_right: bool, second_right: bool) -> None:
        """Count one listing."""
        if first_right:
            self.both += second_right
            self.first_only += not second_right
        else:
            self.second_only += second_right
            self.neither += not second_right

    @property
    def listings(self) -> int:
        """The number of judged listings."""
        return self.both + self.first_only + self.second_only + self.neither

    @property
    def accuracies(self) -> tuple[float, float]:
        """Accuracies of the first and the second version, 0..1; `listings` is at least 1."""
        return (self.both + self.first_only) / self.listings, (self.both + self.second_only) / self.listings

    @property
    def p_value(self) -> float:
        """McNemar's p-value, exact and two-sided."""
        return exact_p_value(self.first_only, self.second_only)


@dataclass(frozen=True, slots=True)
class Change:
    """A listing that the versions file differently. An answer is an error where a version could not answer."""

    row: LabelledListing
    first: Answer
    second: Answer
    verdict: str


@dataclass
class Comparison:
    """The result of `compare_versions`, first version `A`, second `B`.

    `overall`, `by_evidence` and `by_category` are of judged listings: labelled with a category that at least one
    version knows, and answered by at least one (no answer is a wrong one). `moves` counts changes by the two categories
    filed under ("" for no answer), `verdicts` by who is right. `unlabelled` listings have no category, `unknown` ones
    one (by code) that neither version knows; `known_by_one` were judged although one version cannot be right.
    `unanswered` counts listings that neither version could answer, by error code.
    """

    versions: tuple[str, str]
    overall: Tally = field(default_factory=Tally)
    by_evidence: Mapping[str, Tally] = field(default_factory=dict)
    by_category: Mapping[str, Tally] = field(default_factory=dict)
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    known_by_one: Counter[str] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)
    unlabelled: int = 0
    photos_missing: int = 0

    @property
    def changes(self) -> int:
        """The number of listings that the versions file differently."""
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
        for rows in _blocks(listings):
            block = [row.listing for row in rows]
            answers = pool.map(lambda predictor, block=block: predictor.predict_many(block, top_k=1), (first, second))
            for row, first_answer, second_answer in zip(rows, *answers, strict=True):
                change = counting.add(row, first_answer, second_answer)
                if change is not None:
                    on_change(change)
            done += len(rows)
            progress(done)
    return counting.result()


class _Counting:
    """A comparison under way: it grows with the number of categories, not of listings."""

    def __init__(self, first: Predictor, second: Predictor) -> None:
        self.taxonomies = (first.taxonomy, second.taxonomy)
        self.comparison = Comparison((first.version, second.version))
        self.by_evidence: defaultdict[str, Tally] = defaultdict(Tally)
        self.by_category: defaultdict[str, Tally] = defaultdict(Tally)

    def add(self, row: LabelledListing, first: Answer, second: Answer) -> Change | None:
        """Count one listing; returns it as a change when it is filed differently."""
        comparison = self.comparison
        comparison.photos_missing += row.photo_missing
        if isinstance(first, ListingError) and isinstance(second, ListingError):
            comparison.unanswered[first.code] += 1
            return None
        codes = (_code(first), _code(second))
        is_judged = self._is_known(row.category)
        if is_judged:
            self._judge(row, first, second)
        if codes[0] == codes[1]:
            return None
        comparison.moves[codes] += 1
        verdict = UNJUDGED
        if is_judged:
            verdict = {codes[0]: FIRST_RIGHT, codes[1]: SECOND_RIGHT}.get(row.category, BOTH_WRONG)
        comparison.verdicts[verdict] += 1
        return Change(row, first, second, verdict)

    def _is_known(self, category: str) -> bool:
        known = [category in taxonomy for taxonomy in self.taxonomies]
        if not category:
            self.comparison.unlabelled += 1
        elif not any(known):
            self.comparison.unknown[category] += 1
        elif not all(known):
            self.comparison.known_by_one[category] += 1
        return any(known)

    def _judge(self, row: LabelledListing, first: Answer, second: Answer) -> None:
        right = (_code(first) == row.category, _code(second) == row.category)
        evidence = evidence_of(row.listing)
        for tally in (self.comparison.overall, self.by_category[row.category], self.by_evidence[evidence.label]):
            tally.count(*right)
        if evidence is Evidence.BOTH:
            for modality, name in PARTS.items():
                codes = (_code_of(first, modality), _code_of(second, modality))
                if None not in codes:
                    self.by_evidence[name].count(codes[0] == row.category, codes[1] == row.category)

    def result(self) -> Comparison:
        """The comparison, its categories in the second version's order, then those that only the first one knows."""
        codes = dict.fromkeys([*self.taxonomies[1].codes, *self.taxonomies[0].codes])
        names = [*(evidence.label for evidence in Evidence), *PARTS.values()]
        self.comparison.by_evidence = {name: self.by_evidence[name] for name in names if name in self.by_evidence}
        self.comparison.by_category = {code: self.by_category[code] for code in codes if code in self.by_category}
        return self.comparison


def evidence_of(listing: Listing) -> Evidence:
    """The evidence that a listing comes with, whatever networks a version has."""
    has_description = bool(listing.description.strip())
    if not has_description and not listing.designation.strip():
        return Evidence.IMAGE
    if listing.image is not None:
        return Evidence.BOTH
    return Evidence.TEXT if has_description else Evidence.TITLE


def _blocks(listings: Iterable[LabelledListing]) -> Iterator[list[LabelledListing]]:
    rows = iter(listings)
    while block := list(islice(rows, BLOCK)):
        yield block


def _code(answer: Answer) -> str:
    """The category filed under; "" when there was no answer."""
    return "" if isinstance(answer, ListingError) else answer.code


def _code_of(answer: Answer, modality: Modality) -> str | None:
    """The category that one network alone predicts; None when it had nothing to predict from."""
    if isinstance(answer, ListingError) or modality not in answer.by_modality:
        return None
    return answer.by_modality[modality][0].code
