"""Ablations: configs that differ only in the listings they learn from, by number or by kind of label.

Such configs are variants of the one that learns from most. They have no rows in the other tables of a comparison, which
they would crowd; here they form one line with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from models.listing import Evidence, Modality
from training.comparison.candidates import SHOWN, Comparison, Contender, accuracy_of
from training.reports.rendering import percent
from training.reports.tables import NONE, Cell, Table

KINDS = ("weights", "kind_weights")
"""Keys of the config's catalogue that select the kinds of label and of text to learn from."""
Value = Callable[[Contender], str]


@dataclass(frozen=True, eq=False)
class Ablation:
    """The accuracy of one contender with one kind of evidence, and the `listings` with it that it learned from.

    `name` is that of the contender which learned from most of those that differ in this alone.
    """

    name: str
    evidence: Evidence
    contender: Contender
    listings: int
    accuracy: Mapping[str, float]

    @property
    def share(self) -> float:
        """The share of the training listings that was learned from."""
        return float(self.contender.settings["split"]["train_share"])


def split_variants(contenders: Sequence[Contender]) -> tuple[list[Contender], list[Contender]]:
    """The contenders, and the variants among them: made like another one, but learned from less."""
    variants = [contender for contender in contenders if any(_is_variant_of(contender, other) for other in contenders)]
    return [contender for contender in contenders if contender not in variants], variants


def share_ablations(contenders: Sequence[Contender]) -> list[list[Ablation]]:
    """By evidence and network: ablations that differ in their share of the training listings, fewest first."""
    return _groups(contenders, _share, _kinds)


def kind_ablations(contenders: Sequence[Contender]) -> list[list[Ablation]]:
    """By evidence and network: ablations that differ in the kinds of label or of text, fewest listings first."""
    return _groups(contenders, _kinds, _share)


def share_table(groups: Sequence[Sequence[Ablation]]) -> Table | None:
    """Accuracy by number of training listings, and the gain of each step."""
    rows: list[list[Cell]] = []
    for group in groups:
        for smaller, ablation in zip((None, *group), group, strict=False):
            gain = NONE
            if smaller is not None:
                gain = f"{100 * (ablation.accuracy['value'] - smaller.accuracy['value']):+.1f}"
            row = [ablation.name, ablation.evidence.label, ablation.contender.run]
            rows.append([*row, percent(ablation.share), f"{ablation.listings:,}", ablation.accuracy, gain])
    columns = ("of", "evidence", "config", "share", "listings", "accuracy", "points gained")
    return Table(columns, rows, words=3, groups=[("", 3), ("learned from", 2), ("", 2)]) if rows else None


def kind_table(groups: Sequence[Sequence[Ablation]], comparison: Comparison) -> Table | None:
    """Accuracy by the kinds of label learned from, on each cohort of the comparison."""
    cohorts = comparison.shown_cohorts
    rows: list[list[Cell]] = []
    for ablation in (ablation for group in groups for ablation in group):
        answers = ablation.contender.answers[ablation.evidence]
        sources = ", ".join(f"{n:,} {source or 'given'}" for source, n in ablation.contender.sources.items())
        accuracies = [accuracy_of(answers.only(members)) or NONE for members in cohorts.values()]
        row = [ablation.contender.run, ablation.evidence.label, sources]
        rows.append([*row, f"{ablation.listings:,}", *accuracies])
    columns = ("config", "evidence", "labels learned from", "listings", *cohorts)
    return Table(columns, rows, words=3, groups=[("", 4), ("accuracy", len(cohorts))]) if rows else None


def ablations_document(contenders: Sequence[Contender]) -> dict[str, Any]:
    """Both kinds of ablation as numbers, for `compare.json`."""
    ablations = {"listings": share_ablations(contenders), "kinds": kind_ablations(contenders)}
    return {
        varied: [
            {
                "of": ablation.name,
                "run": ablation.contender.run,
                "evidence": ablation.evidence.label,
                "share": ablation.share,
                "listings": ablation.listings,
                "sources": dict(ablation.contender.sources),
                "accuracy": dict(ablation.accuracy),
            }
            for group in groups
            for ablation in group
        ]
        for varied, groups in ablations.items()
    }


def _is_variant_of(contender: Contender, other: Contender) -> bool:
    """Whether `contender` is made like `other`, or like a part of it, and learned from fewer listings."""
    if not contender.learned or not other.learned or contender.learned[Evidence.BOTH] >= other.learned[Evidence.BOTH]:
        return False
    shown = [evidence for evidence in SHOWN if evidence in contender.answers]
    return all(
        evidence in other.answers and _recipe(contender, evidence) == _recipe(other, evidence) for evidence in shown
    )


def _groups(contenders: Sequence[Contender], varied: Value, fixed: Value) -> list[list[Ablation]]:
    """Ablations by evidence that have one recipe and are equal in `fixed`, each with another value of `varied`."""
    groups: dict[tuple[str, str, str], dict[str, Ablation]] = {}
    for evidence in SHOWN:
        for contender in contenders:
            if evidence not in contender.answers or not contender.learned:
                continue
            accuracy = accuracy_of(contender.answers[evidence])
            if accuracy is not None:
                ablation = Ablation(contender.run, evidence, contender, contender.learned[evidence], accuracy)
                group = groups.setdefault((evidence, _recipe(contender, evidence), fixed(contender)), {})
                group.setdefault(varied(contender), ablation)
    ordered = [sorted(group.values(), key=lambda ablation: ablation.listings) for group in groups.values()]
    return [[replace(ablation, name=group[-1].name) for ablation in group] for group in ordered if len(group) > 1]


def _share(contender: Contender) -> str:
    return json.dumps(contender.settings["split"]["train_share"])


def _kinds(contender: Contender) -> str:
    return json.dumps([contender.settings["catalogue"][key] for key in KINDS], sort_keys=True)


def _recipe(contender: Contender, evidence: Evidence) -> str:
    """The settings without the choice of training listings, and without the network that does not answer."""
    settings = dict(contender.settings)
    settings["split"] = {key: value for key, value in settings["split"].items() if key != "train_share"}
    settings["catalogue"] = {key: value for key, value in settings["catalogue"].items() if key not in KINDS}
    for modality in Modality:
        if modality not in evidence.modalities:
            settings.pop(modality.value, None)
    return json.dumps(settings, sort_keys=True)
