"""A comparison's contenders, each with the answers of its networks to the same listings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, cast

from models.listing import Evidence, Modality
from models.taxonomy import Taxonomy
from training.catalogue.dataset import Catalogue
from training.comparison.cost import Cost, Way
from training.evaluation.intervals import share_estimate
from training.evaluation.predictions import LearningCurve, Predictions

BASELINE = "reference"
"""The name of the linear reference beside those of configs."""
SHOWN = (Evidence.TEXT, Evidence.IMAGE, Evidence.BOTH)
"""The kinds of evidence that have rows of their own."""


@dataclass(frozen=True)
class NetworkFacts:
    """A network of a contender; networks that were made differently have different keys.

    `megabytes` (of 10^6 bytes) is the size of the compiled form; a network that is never served has no sizes.
    """

    modality: Modality
    name: str
    key: str
    parameters: int
    precision: str
    megabytes: float | None
    keras_megabytes: float | None


@dataclass(frozen=True, eq=False)
class Contender:
    """One config's networks: their answers, costs, learning curves, the seconds of each stage, fusion methods.

    `costs` are those in the first of `training.comparison.cost.ways`, `other_costs` in the others. `fusion` is the
    method that the config asks for, `settings` the config as JSON types. `learned` counts the training listings that
    have each kind of evidence, for BOTH all of them, and `sources` those of each label source; both are empty for the
    reference.
    """

    run: str
    networks: Sequence[NetworkFacts]
    answers: Mapping[Evidence, Predictions]
    costs: Mapping[Evidence, Cost]
    curves: Sequence[LearningCurve]
    seconds: Mapping[str, float]
    fusions: Sequence[Mapping[str, Any]]
    fusion: str
    settings: Mapping[str, Any]
    learned: Mapping[Evidence, int] = field(default_factory=dict)
    sources: Mapping[str, int] = field(default_factory=dict)
    other_costs: Mapping[Way, Mapping[Evidence, Cost]] = field(default_factory=dict)


@dataclass(frozen=True)
class NotTrained:
    """A config that is not in the comparison, and why."""

    run: str
    network: str
    reason: str


@dataclass(frozen=True, eq=False)
class Entry:
    """A row of the comparison: a network, or two fused, with its answers from one kind of evidence."""

    name: str
    evidence: Evidence
    contender: Contender
    networks: Sequence[NetworkFacts]

    @property
    def key(self) -> str:
        """Tells the rows of a comparison apart."""
        return f"{self.evidence}: {self.name}"

    @property
    def answers(self) -> Predictions:
        """The answers to the listings that have the evidence."""
        return self.contender.answers[self.evidence]

    @property
    def cost(self) -> Cost | None:
        """The cost of one listing, if it was measured."""
        return self.contender.costs.get(self.evidence)

    @property
    def megabytes(self) -> float | None:
        """Size of the compiled networks, None when there are none."""
        return _sum([network.megabytes for network in self.networks])

    @property
    def keras_megabytes(self) -> float | None:
        """Size of the Keras networks, None when there are none."""
        return _sum([network.keras_megabytes for network in self.networks])

    @property
    def parameters(self) -> int:
        """The number of parameters of all networks of the row."""
        return sum(network.parameters for network in self.networks)


@dataclass(frozen=True, eq=False)
class Comparison:
    """The content of the report. `rows` are labels of the catalogue's rows in `part`; `held_in` counts those of the
    first config's part that are left out, because another config may train on them. `cohorts` are row labels.
    `variants` are made like one of the contenders but learned from less (see `training.comparison.ablations`).
    """

    part: str
    command: str
    catalogue: Catalogue
    taxonomy: Taxonomy
    rows: Sequence[int]
    held_in: int
    cohorts: Mapping[str, set[int]]
    contenders: Sequence[Contender]
    not_trained: Sequence[NotTrained]
    variants: Sequence[Contender] = ()

    @cached_property
    def entries(self) -> list[Entry]:
        """Every network once, by evidence: text, photo, fused; in the order in which the configs were given.

        Names are those of the networks, with the config's where two different ones have the same.
        """
        entries: dict[tuple[Any, ...], Entry] = {}
        for evidence in SHOWN:
            for contender in self.contenders:
                if evidence not in contender.answers:
                    continue
                networks = [network for network in contender.networks if network.modality in evidence.modalities]
                # Two configs may share a network, but a fusion is a config's own.
                own = contender.run if evidence is Evidence.BOTH else ""
                key = (evidence, own, *(network.key for network in networks))
                name = " + ".join(network.name for network in networks)
                entries.setdefault(key, Entry(name, evidence, contender, networks))
        names = Counter((entry.evidence, entry.name) for entry in entries.values())
        return [
            replace(entry, name=f"{entry.name} ({entry.contender.run})")
            if names[entry.evidence, entry.name] > 1
            else entry
            for entry in entries.values()
        ]

    @property
    def shown_cohorts(self) -> dict[str, set[int]]:
        """The whole part, then its cohorts that are less than the whole."""
        whole = set(self.rows)
        smaller = {name: members & whole for name, members in self.cohorts.items()}
        return {self.whole: whole} | {name: rows for name, rows in smaller.items() if rows and rows != whole}

    @property
    def whole(self) -> str:
        """The name of the whole part."""
        return f"all of the {self.part} part"


def accuracy_of(answers: Predictions) -> Mapping[str, float] | None:
    """Accuracy with its interval; None without listings."""
    n = len(answers.labels)
    right = int((answers.probabilities.argmax(1) == answers.labels).sum())
    return cast(Mapping[str, float], share_estimate(right, n)) if n else None


def _sum(sizes: Sequence[float | None]) -> float | None:
    known = [size for size in sizes if size is not None]
    return sum(known) if known else None
