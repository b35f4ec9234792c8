"""Deleting an animal from the database; its files are the person's to delete."""

from __future__ import annotations

from collections.abc import Mapping

from brainstack.database import create_or_upgrade, open_database, run_in_transaction
from brainstack.environment import animal_folder, database_url
from brainstack.errors import BrainstackError
from brainstack.locking import locked


def delete_animal(prep_id: str, *, sure: bool) -> str:
    """Delete every row about an animal. Returns what to tell the person.

    Raises BrainstackError where there is none, where the person is not sure, and while a run of it is going on.
    """
    create_or_upgrade(database_url())
    with open_database(database_url()) as database:
        rows = database.rows_about(prep_id)
    folder = animal_folder(prep_id)
    if not sure:
        raise BrainstackError(
            f"{prep_id} has {_told(rows)} in the database, with all that people decided; it was not deleted. Say --yes "
            f"to delete that for ever. Its files in {folder.root} would stay."
        )
    if folder.root.is_dir():
        with locked(folder):
            rows = run_in_transaction(database_url(), lambda database: database.delete_animal(prep_id))
    else:
        rows = run_in_transaction(database_url(), lambda database: database.delete_animal(prep_id))
    return f"{prep_id} is deleted: {_told(rows)}. Its files are untouched, in {folder.root}."


def _told(rows: Mapping[str, int]) -> str:
    largest = sorted(rows, key=lambda name: (-rows[name], name))[:3]
    return f"{sum(rows.values())} rows ({', '.join(f'{rows[name]} of {name}' for name in largest)})"
