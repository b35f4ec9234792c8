"""The numbers of a channel's histogram, as `write_counts` of histogram_files.py wrote them: read without what draws."""

from __future__ import annotations

from pathlib import Path

from brainstack.files.own_tables import read_own_table


def read_counts(table: Path, *wanted: str) -> dict[str, list[int]]:
    """By column: `from` and `to`, the first and last grey value of each row, and `pixels`, or `red`, `green` and
    `blue`. Raises BrainstackError for another table, or one without the counts that are wanted."""
    columns = ("from", "to", *wanted)
    rows = read_own_table(
        table, columns, lambda row: {name: int(value) for name, value in row.items()},
        name="a histogram (wanted from, to and counts, with commas between them)",
    )  # fmt: skip
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else columns)}
