"""metrics.csv: how well each pair of sections fits, and each section in the stack, for people and other programs."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from brainstack.errors import BrainstackError
from brainstack.files.whole import whole_file
from brainstack.records import PairTransform, SectionAlignment

COLUMNS = (
    "kind", "number", "section", "fixed", "verdict", "metric_before", "metric", "overlap", "residual_um",
    "rotation_deg", "shift_x_um", "shift_y_um", "mirrored", "by_hand", "reason",
)  # fmt: skip
"""kind : "section" or "pair". fixed : of a pair, the section that the other is registered on. number : of the section
in the stack now, for display. What could not be measured is empty."""


def write_alignment_metrics(
    path: Path, sections: Iterable[SectionAlignment], pairs: Iterable[PairTransform], numbers: Mapping[str, int]
) -> None:
    """Write the table: first the sections in order, then the pairs. numbers : of each section in the stack, by key."""
    with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for one in sections:
            writer.writerow(_row("section", one, one.section, numbers))
        for pair in pairs:
            writer.writerow(_row("pair", pair, pair.moving, numbers) | {"fixed": pair.fixed})


def _row(kind: str, one: SectionAlignment | PairTransform, key: str, numbers: Mapping[str, int]) -> dict[str, Any]:
    row = asdict(one) | {"kind": kind, "section": key, "number": numbers[key]}
    row["rotation_deg"] = math.degrees(one.rotation_rad)
    return {
        name: int(value) if isinstance(value, bool) else repr(float(value)) if isinstance(value, float) else value
        for name, value in row.items()
    }


def read_alignment_metrics(path: Path) -> tuple[list[SectionAlignment], list[PairTransform]]:
    """What `write_alignment_metrics` wrote; nothing where it was not written yet. Raises BrainstackError for another
    table: one of an earlier version, or that a person saved otherwise."""
    if not path.exists():
        return [], []
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise BrainstackError(f"{path} is not the table of the alignment; delete it, and the next run writes it.")
        rows = list(reader)
    sections = [SectionAlignment(**_values(row, SectionAlignment)) for row in rows if row["kind"] == "section"]
    pairs = [
        PairTransform(**_values(row | {"moving": row["section"]}, PairTransform))
        for row in rows
        if row["kind"] == "pair"
    ]
    return sections, pairs


TEXTS = ("section", "fixed", "moving", "verdict", "reason")
SWITCHES = ("mirrored", "by_hand")


def _values(row: Mapping[str, str], record: type) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in fields(record):
        if field.name == "rotation_rad":
            found[field.name] = math.radians(float(row["rotation_deg"]))
        elif field.name in TEXTS:
            found[field.name] = row[field.name]
        elif field.name in SWITCHES:
            found[field.name] = row[field.name] == "1"
        else:
            found[field.name] = float(row[field.name]) if row[field.name] else None
    return found
