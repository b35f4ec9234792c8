"""A row that a person changed in the tables -> the functions of the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from brainstack.database import Database, create_or_upgrade, run_in_transaction
from brainstack.database.filled_in import COLUMNS
from brainstack.database.plain_rows import MODELS, as_text
from brainstack.deciding import Change, change_in
from brainstack.environment import database_url
from brainstack.errors import BrainstackError
from brainstack.filling_in import check_texts, fill_in_with
from brainstack.review.asking import ConflictError

SAID: dict[str, dict[str, str]] = {
    "histology": {
        "side_sectioned_first": "side_sectioned_first",
        "section_thickness": "section_thickness_um",
        "orientation": "orientation",
    },
    "scan_run": {"resolution": "pixel_size_um", "rotation": "rotation", "flip": "flip"},
    "slide": {"slide_status": "status", "rescan_use": "rescan_use"},
}
"""Columns that pixels hang on -> what `brainstack animal set` and `brainstack slide` call them."""
CHOICES = {
    "side_sectioned_first": [("ASC", "ASC"), ("DESC", "DESC")],
    "orientation": [(name, name or "-") for name in ("", "coronal", "horizontal", "sagittal", "oblique")],
    "rotation": [(str(turns), str(turns)) for turns in range(4)],
    "flip": [(name, name) for name in ("none", "flip", "flop")],
    "slide_status": [("Good", "Good"), ("Bad", "Bad")],
    "rescan_use": [("replaces", "replaces"), ("adds", "adds")],
}
MEANWHILE = (
    "Somebody changed this row since you opened it, and nothing of yours was written; load the page again. The table "
    "`decision` says who, and when."
)
NUMBERS: dict[str, Callable[[str], Any]] = {"section_thickness": float, "resolution": float, "rotation": int}


def change_row(table: str, prep_id: str, row: Any, changed: Mapping[str, str], person: str) -> None:
    """Write what a person changed of a row. row : as they saw it. changed : column to its new text. Raises
    BrainstackError for what cannot be, and ConflictError where somebody else changed the row meanwhile; then nothing is
    written."""
    said = {SAID[table][name]: _number(name, text) for name, text in changed.items() if name in SAID.get(table, {})}
    filled = {f"{table}.{name}": text for name, text in changed.items() if name in COLUMNS.get(table, ())}
    if table == "slide":
        said |= {"slide": row.slide_physical_id, "rescan": row.rescan_number}
    check_texts(filled)
    key = getattr(row, MODELS[table].__mapper__.primary_key[0].name)
    seen = {name: as_text(getattr(row, name)) for name in (*SAID.get(table, ()), *COLUMNS.get(table, ()))}

    def work(database: Database) -> None:
        database.take_turns(prep_id)
        if database.texts_of(table, key, seen) != seen:
            raise ConflictError(MEANWHILE)
        if table == "scan_run":
            _check_first(database, prep_id, row)
        if said:
            change_in(database, prep_id, Change(**said), person=person, reason="in the tables")
        if filled:
            fill_in_with(database, prep_id, filled, person=person, reason="in the tables")

    create_or_upgrade(database_url())
    run_in_transaction(database_url(), work)


def animal_of(sessions: Callable[[], Any], table: str, row: Any) -> str:
    """Of which animal a row is. sessions : makes one that reads."""
    if table != "slide":
        return str(row.prep_id)
    with sessions() as session:
        return str(session.get(MODELS["scan_run"], row.scan_run_id).prep_id)


def _check_first(database: Database, prep_id: str, row: Any) -> None:
    """Raises BrainstackError for a scan run that no code reads: it would be another that is changed."""
    first = database.scan_run_number(prep_id)
    if row.rescan_number != first:
        raise BrainstackError(
            f"Scan run {row.rescan_number} of {prep_id} is not the one that brainstack reads, which is {first}; change "
            "that one."
        )


def _number(name: str, text: str) -> Any:
    if name not in NUMBERS:
        return text
    try:
        return NUMBERS[name](text)
    except ValueError as error:
        raise BrainstackError(f"{name} was given as {text!r}; wanted a number.") from error
