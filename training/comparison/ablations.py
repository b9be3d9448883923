"""What more listings give, and what each kind of label gives: configs that differ in what they learn from alone.

Such configs are variants of the one that learns from most. They have no rows in the other tables of a comparison, where
they would hide what is to be compared; here they are one line with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from models.listing import Evidence, Modality
from training.comparison.candidates import SHOWN, Comparison, Contender
from training.evaluation.intervals import share_estimate
from training.evaluation.predictions import Predictions
from training.reports.rendering import percent
from training.reports.tables import Cell, Table

KINDS = ("weights", "kind_weights")
"""Of the config's catalogue: what says which kinds of label and of text are learned from."""
Value = Callable[[Contender], str]


@dataclass(frozen=True, eq=False)
class Ablation:
    """What one contender answers from one kind of evidence, and what it learned from: `listings` with that evidence.

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


def parted(contenders: Sequence[Contender]) -> tuple[list[Contender], list[Contender]]:
    """The contenders, and those of them that learn from less than another but are made alike."""
    variants = [each for each in contenders if any(_less(each, other) for other in contenders)]
    return [each for each in contenders if each not in variants], variants


def share_lessons(contenders: Sequence[Contender]) -> list[list[Ablation]]:
    """By evidence and network: lessons that differ in their share of the training listings, fewest first."""
    return _groups(contenders, _share, _kinds)


def kind_lessons(contenders: Sequence[Contender]) -> list[list[Ablation]]:
    """By evidence and network: lessons that differ in the kinds of label or of text, fewest listings first."""
    return _groups(contenders, _kinds, _share)


def share_table(groups: Sequence[Sequence[Ablation]]) -> Table | None:
    """Accuracy by number of training listings, and what the last step gave."""
    rows: list[list[Cell]] = []
    for group in groups:
        before: Ablation | None = None
        for lesson in group:
            gain = "–" if before is None else f"{100 * (lesson.accuracy['value'] - before.accuracy['value']):+.1f}"
            name, share = lesson.contender.run, percent(lesson.share)
            rows.append(
                [
                    lesson.name,
                    lesson.evidence.label,
                    name,
                    share,
                    f"{lesson.listings:,}",
                    lesson.accuracy,
                    gain,
                ]
            )
            before = lesson
    columns = ("of", "evidence", "config", "share", "listings", "accuracy", "points gained")
    return Table(columns, rows, words=3, groups=[("", 3), ("learned from", 2), ("", 2)]) if rows else None


def kind_table(groups: Sequence[Sequence[Ablation]], comparison: Comparison) -> Table | None:
    """Accuracy by the kinds of label learned from, on each set of listings that judges."""
    cohorts = comparison.shown_cohorts
    rows: list[list[Cell]] = []
    for group in groups:
        for lesson in group:
            answers = lesson.contender.answers[lesson.evidence]
            sources = ", ".join(f"{n:,} {source or 'given'}" for source, n in lesson.contender.sources.items())
            judged = [_accuracy(answers.only(members)) or "–" for members in cohorts.values()]
            name = [lesson.contender.run, lesson.evidence.label, sources]
            rows.append([*name, f"{lesson.listings:,}", *judged])
    columns = ("config", "evidence", "labels learned from", "listings", *cohorts)
    return Table(columns, rows, words=3, groups=[("", 4), ("accuracy", len(cohorts))]) if rows else None


def lessons_document(contenders: Sequence[Contender]) -> dict[str, Any]:
    """Both as numbers, for `compare.json`."""
    found = {"listings": share_lessons(contenders), "kinds": kind_lessons(contenders)}
    return {
        what: [
            {
                "of": lesson.name,
                "run": lesson.contender.run,
                "evidence": lesson.evidence.label,
                "share": lesson.share,
                "listings": lesson.listings,
                "sources": dict(lesson.contender.sources),
                "accuracy": dict(lesson.accuracy),
            }
            for group in groups
            for lesson in group
        ]
        for what, groups in found.items()
    }


def _less(contender: Contender, other: Contender) -> bool:
    """Whether `contender` is made as `other`, or a part of it, and learned from fewer listings."""
    if not contender.learned or not other.learned or contender.learned[Evidence.BOTH] >= other.learned[Evidence.BOTH]:
        return False
    shown = [evidence for evidence in SHOWN if evidence in contender.answers]
    return all(evidence in other.answers and _made(contender, evidence) == _made(other, evidence) for evidence in shown)


def _groups(contenders: Sequence[Contender], varied: Value, fixed: Value) -> list[list[Ablation]]:
    """Lessons by evidence that are made alike and equal in `fixed`, each with another value of `varied`."""
    found: dict[tuple[str, str, str], dict[str, Ablation]] = {}
    for evidence in SHOWN:
        for contender in contenders:
            accuracy = (
                _accuracy(contender.answers[evidence]) if evidence in contender.answers and contender.learned else None
            )
            if accuracy is not None:
                lesson = Ablation(contender.run, evidence, contender, contender.learned[evidence], accuracy)
                group = found.setdefault((evidence, _made(contender, evidence), fixed(contender)), {})
                group.setdefault(varied(contender), lesson)
    groups = []
    for group in found.values():
        lessons = sorted(group.values(), key=lambda lesson: lesson.listings)
        if len(lessons) > 1:
            groups.append([replace(lesson, name=lessons[-1].name) for lesson in lessons])
    return groups


def _share(contender: Contender) -> str:
    return json.dumps(contender.settings["split"]["train_share"])


def _kinds(contender: Contender) -> str:
    return json.dumps([contender.settings["catalogue"][key] for key in KINDS], sort_keys=True)


def _made(contender: Contender, evidence: Evidence) -> str:
    """All that the settings say but what is learned from, and but the network that does not answer."""
    settings = dict(contender.settings)
    settings["split"] = {key: value for key, value in settings["split"].items() if key != "train_share"}
    settings["catalogue"] = {key: value for key, value in settings["catalogue"].items() if key not in KINDS}
    for modality in Modality:
        if modality not in evidence.modalities:
            settings.pop(modality.value, None)
    return json.dumps(settings, sort_keys=True)


def _accuracy(answers: Predictions) -> Mapping[str, float] | None:
    """Accuracy with its interval; None without listings."""
    n = len(answers.labels)
    right = int((answers.probabilities.argmax(1) == answers.labels).sum())
    return cast(Mapping[str, float], share_estimate(right, n)) if n else None
