"""Taking points and shapes into the database, and out of it: as CSV, or as a state of Neuroglancer."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from brainstack.annotations import Voxel, parse_state, sessions_in_state, state_with
from brainstack.database import Database, create_or_upgrade, open_database, run_in_transaction
from brainstack.environment import database_url
from brainstack.errors import BrainstackError
from brainstack.files.annotation_csv import read_annotations, write_annotations
from brainstack.files.whole import whole_file
from brainstack.points import CELLS, CENTRES, POLYGONS, AnnotationSession, Structure

WORDS = {POLYGONS: "corners of polygons", CELLS: "cells", CENTRES: "centres"}


def import_annotations(
    prep_id: str, path: Path, *, kind: str | None = None, structure: str = "", layer: str | None = None, person: str
) -> list[str]:
    """Take in a CSV, or the JSON of a state of Neuroglancer. Returns what to tell the person.

    kind, structure : of what does not say its own. layer : of a state, only this one. Raises BrainstackError, and takes
    in nothing, for a file that cannot be read or a structure that is not known.
    """
    create_or_upgrade(database_url())
    text = ""
    left: list[str] = []
    if path.suffix.casefold() == ".csv":
        sessions = read_annotations(path, kind=kind)
    else:
        text = _read(path)
        with open_database(database_url()) as database:
            known = {one.abbreviation for one in database.structures() if one.is_structure}
        sessions, left = sessions_in_state(parse_state(text, str(path)), known, layer=layer)
    sessions = [replace(one, structure=one.structure or structure, person=one.person or person) for one in sessions]
    if not sessions:
        raise BrainstackError(f"{path} has no points and no polygons{f' in the layer {layer}' if layer else ''}.")

    def work(database: Database) -> None:
        state = database.add_state(prep_id, text, person=person, comments=path.name) if text else None
        database.add_annotations(prep_id, sessions, state=state)

    run_in_transaction(database_url(), work)
    return [f"taken in: {_told(sessions)}", *(f"left out: {one}" for one in left)]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BrainstackError(f"{path} is no text in UTF-8; wanted a CSV, or the JSON of a state.") from error


def export_annotations(
    prep_id: str, path: Path, *, kind: str | None = None, structure: str | None = None, layer: str | None = None
) -> str:
    """Write what people marked, what was not replaced since; as CSV, or as a state of Neuroglancer where the name of
    the file ends with .json. kind, structure, layer : only these. Returns what to tell the person."""
    create_or_upgrade(database_url())
    with open_database(database_url()) as database:
        sessions = database.annotations(prep_id, kind=kind, structure=structure)
        records = database.animal_records(prep_id)
    sessions = [one for one in sessions if layer in (None, one.layer)]
    if not sessions:
        raise BrainstackError(f"{prep_id} has no such annotations; `brainstack annotate list {prep_id}` lists them.")
    if path.suffix.casefold() == ".csv":
        write_annotations(path, sessions)
    elif path.suffix.casefold() == ".json":
        side_um = records.scan_run.resolution_um or 1.0
        state = state_with(sessions, Voxel(side_um, side_um, records.histology.section_thickness_um))
        with whole_file(path) as part:
            part.write_text(json.dumps(state, indent=1, ensure_ascii=False), encoding="utf-8")
    else:
        raise BrainstackError(f"{path} has no suffix that says what to write; wanted .csv, or .json for Neuroglancer.")
    return f"written: {path}, {_told(sessions)}"


def list_annotations(prep_id: str, *, everything: bool = False) -> list[str]:
    """A line a session."""
    create_or_upgrade(database_url())
    with open_database(database_url()) as database:
        sessions = database.annotations(prep_id, everything=everything)
    return [
        f"{one.number}: {len(one.points)} {WORDS[one.kind]}, {one.structure or 'no structure'}, layer "
        f"{one.layer or '-'}, by {one.person or '-'}, {one.at[:16]}{'' if one.active else ', replaced'}"
        for one in sessions
    ] or [f"Nothing was marked in {prep_id} yet."]


def add_structure(structure: Structure) -> None:
    """A new structure, for annotations to be of."""
    create_or_upgrade(database_url())
    run_in_transaction(database_url(), lambda database: database.add_structure(structure))


def _told(sessions: Sequence[AnnotationSession]) -> str:
    count: Counter[str] = Counter()
    for one in sessions:
        count[one.kind] += len(one.points)
    return ", ".join(f"{number} {WORDS[kind]}" for kind, number in count.items()) + f" in {len(sessions)} sessions"
