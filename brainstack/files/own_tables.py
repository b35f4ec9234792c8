"""Tables that brainstack writes and reads back. People open them too, and a spreadsheet may save them otherwise."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from brainstack.errors import BrainstackError

Row = TypeVar("Row")
SHOWN = 60
"""Letters of a first line that a sentence quotes."""


def read_own_table(
    path: Path, columns: Sequence[str], row_of: Callable[[dict[str, str]], Row], *, name: str
) -> list[Row]:
    """The rows of a CSV that brainstack wrote; a byte order mark, as Excel puts one, is no hindrance.

    columns : that each row has. row_of : a record of a row; it may raise ValueError. name : what a sentence calls the
    table. Raises BrainstackError where it is not that table any more.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [column for column in columns if column not in (reader.fieldnames or ())]
            if missing:
                first = ",".join(reader.fieldnames or ())
                raise ValueError(f"it has no column {missing[0]!r}, and begins with {first[:SHOWN]!r}")
            return [row_of({column: row[column] or "" for column in row if column}) for row in reader]
    except (ValueError, csv.Error) as error:  # bytes that are no UTF-8 are a ValueError too
        raise BrainstackError(
            f"{path} is not {name} as brainstack wrote it, with commas and in UTF-8: {error}; was it saved by a "
            "spreadsheet? Delete it, and the next run writes it anew."
        ) from error
