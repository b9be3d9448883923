"""The table of what became of answers in bfloat16, for the model card and the report."""

from __future__ import annotations

from training.templates.tables import Json, Table, case_name


def precision_table(metrics: Json) -> Table | None:
    """What becomes of answers in bfloat16, by evidence; None where that was not measured."""
    rows = [
        [
            case_name(evidence),
            f"{told['listings']:,}",
            f"{100 * told['top1']:.2f} %",
            f"{100 * told['top1_clear']:.2f} %",
            f"{told['max_difference']:.3f}",
            f"{told['accuracy_f32']:.4f}",
            f"{told['accuracy']:.4f}",
        ]
        for evidence, told in ((metrics.get("precision") or {}).get("bf16") or {}).items()
    ]
    columns = ("evidence", "n", "all", "clear ones", "largest difference", "float32", "bfloat16")
    groups = [("", 2), ("same best category", 2), ("", 1), ("accuracy", 2)]
    return Table(columns, rows, groups=groups) if rows else None
