"""Columns of animal, histology and scan_run that people merely fill in: no code reads them, and no picture hangs on
them. What is written there is kept in the history, as all that people say."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Date, Integer, String
from sqlalchemy.orm import Session

from brainstack.database.animals import animal_row, histology_row, scan_run_row
from brainstack.database.tables import AnimalRow, HistologyRow, ScanRunRow, Table
from brainstack.errors import BrainstackError

COLUMNS = {
    "animal": (
        "performance_center", "date_of_birth", "species", "strain", "sex", "genotype", "breeder_line", "vender",
        "stock_number", "tissue_source", "ship_date", "shipper", "tracking_number", "aliases_1", "aliases_2",
        "aliases_3", "aliases_4", "aliases_5", "comments",
    ),
    "histology": (
        "performance_center", "anesthesia", "perfusion_age_in_days", "perfusion_date", "perfusion_method",
        "exsangination_method", "fixative_method", "special_perfusion_notes", "post_fixation_period_in_days",
        "whole_brain", "block", "date_sectioned", "sectioning_method", "oblique_notes", "mounting", "counterstain",
        "comments",
    ),
    "scan_run": (
        "performance_center", "machine", "objective", "scan_date", "file_type", "scenes_per_slide", "section_schema",
        "ch_1_filter_set", "ch_2_filter_set", "ch_3_filter_set", "ch_4_filter_set", "comments",
    ),
}  # fmt: skip
SHARED = {"performance_center", "comments"}
"""In more than one of the tables: the history names their table."""
LONGEST_KEPT = 200
"""Letters of a text that the history keeps."""
CUT = re.compile(r" \.\.\. \(\d+ letters, [0-9a-f]{8}\)$")

_ROWS: dict[str, tuple[type[Table], Callable[[Session, str], Any]]] = {
    "animal": (AnimalRow, animal_row),
    "histology": (HistologyRow, histology_row),
    "scan_run": (ScanRunRow, scan_run_row),
}


@dataclass(frozen=True)
class Field:
    """A column, by the name that the history has for it."""

    table: str
    column: str

    @property
    def name(self) -> str:
        return f"{self.table}.{self.column}" if self.column in SHARED else self.column

    @property
    def kind(self) -> Any:
        """The column's type."""
        return _ROWS[self.table][0].__table__.c[self.column].type


FIELDS = {field.name: field for field in (Field(table, one) for table, some in COLUMNS.items() for one in some)}


def read(session: Session, prep_id: str, name: str) -> str:
    """What is filled in, as the history keeps it: "" for nothing, the beginning of a long text."""
    field = FIELDS[name]
    value = getattr(_ROWS[field.table][1](session, prep_id), field.column)
    text = "" if value is None else str(value)
    if len(text) <= LONGEST_KEPT:
        return text
    end = f" ... ({len(text)} letters, {hashlib.sha256(text.encode()).hexdigest()[:8]})"
    return text[: LONGEST_KEPT - len(end)] + end


def write(session: Session, prep_id: str, name: str, text: str) -> None:
    """text : "" for nothing; dates as 2024-05-31. Raises BrainstackError for what the column cannot take."""
    field = FIELDS[name]
    if CUT.search(text):
        raise BrainstackError(f"The history keeps only the beginning of {field.column}; write it anew instead.")
    setattr(_ROWS[field.table][1](session, prep_id), field.column, checked(field, text))


def checked(field: Field, text: str) -> str | int | date | None:
    """What is written for a text. Raises BrainstackError for what the column cannot take."""
    text, kind = text.strip(), field.kind
    if not text:
        return None
    if isinstance(kind, Date):
        try:
            return date.fromisoformat(text)
        except ValueError as error:
            raise BrainstackError(f"{field.column} was given as {text!r}; wanted a date such as 2024-05-31.") from error
    if isinstance(kind, Integer):
        if not re.fullmatch(r"\d{1,9}", text):
            raise BrainstackError(f"{field.column} was given as {text!r}; wanted a whole number.")
        return int(text)
    longest = kind.length if isinstance(kind, String) and kind.length else 20_000
    if len(text) > longest:
        raise BrainstackError(f"{field.column} was given {len(text)} letters; wanted at most {longest}.")
    return text
