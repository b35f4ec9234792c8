"""What `brainstack points` does: layers of points for Neuroglancer are added, listed and taken away."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from brainstack.annotations import parse_state
from brainstack.database import open_database
from brainstack.environment import animal_folder, database_url
from brainstack.errors import BrainstackError
from brainstack.files.annotation_csv import read_annotations
from brainstack.files.point_csv import read_points
from brainstack.files.whole import remove_folder, whole_file
from brainstack.locking import locked
from brainstack.planning import known_folder
from brainstack.point_layer import PointLayer
from brainstack.point_marks import layer_of_marks, marks_of
from brainstack.point_sources import check_free, put, sources, write_selection
from brainstack.point_states import layer_of_state
from brainstack.points import KINDS, Selection
from brainstack.stamps import Stamps, Step

STAGE = "PointVolume"


def add_csv(prep_id: str, layer: str, csv: Path, *, kind: str | None = None) -> str:
    """Make a CSV a layer: a copy of it is kept in the animal's folder. kind : which rows of a CSV that `brainstack
    annotate export` wrote. Returns what to tell the person. Raises BrainstackError for a file that cannot be one."""
    target = _target(prep_id, layer)
    if "annotation_type" in _columns(csv):
        sessions = read_annotations(csv)
        found = [one for one in KINDS if any(session.kind == one for session in sessions)]
        if kind is None and len(found) != 1:
            raise BrainstackError(f"{csv} has {' and '.join(found) or 'no annotations'}; say which with --type.")
        read = layer_of_marks(marks_of(sessions, kind or found[0]), kind or found[0], str(csv))
        put(target, read, str(csv))
    else:
        read = read_points(csv)
        if csv.resolve() != target.resolve():
            with whole_file(target) as part:
                shutil.copyfile(csv, part)
    return _added(prep_id, layer, read)


def _columns(csv: Path) -> list[str]:
    try:
        with csv.open(encoding="utf-8-sig") as file:
            return file.readline().strip().split(",")
    except UnicodeDecodeError as error:
        raise BrainstackError(f"{csv} cannot be read as CSV in UTF-8: {error}; save it so.") from error


def add_state(
    prep_id: str, layer: str, state: Path | int, *, from_layer: str | None = None, kind: str | None = None
) -> str:
    """Make a layer of a state of Neuroglancer one of the animal's. state : a file with its JSON or a link, or the
    number of a state in the database. from_layer : which of its layers. kind : only of this type, such as "line"."""
    target = _target(prep_id, layer)
    if isinstance(state, int):
        with open_database(database_url()) as database:
            text, name = database.state_of(prep_id, state), f"State {state} of {prep_id}"
    else:
        text, name = _text(state), str(state)
    read = layer_of_state(parse_state(text, name), name, layer=from_layer, kind=kind)
    put(target, read, name)
    return _added(prep_id, layer, read)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BrainstackError(f"{path} is no text in UTF-8; wanted the JSON of a state.") from error


def add_database(prep_id: str, layer: str, selection: Selection) -> str:
    """Make what people marked in the database a layer, now and whenever they mark more."""
    _target(prep_id, layer)
    with open_database(database_url()) as database:
        count = sum(int(told[1]) for told in database.marks_told(prep_id, selection))
    if not count:
        raise BrainstackError(
            f"{prep_id} has no such points in the database; `brainstack annotate list {prep_id}` lists what it has."
        )
    folder = animal_folder(prep_id)
    write_selection(folder.points(layer, ".json"), selection)
    folder.points(layer).unlink(missing_ok=True)
    return f"{layer}: {count} points, now; {_how_to_make(prep_id, layer)}"


def _target(prep_id: str, layer: str) -> Path:
    """The CSV of a layer, whose name was checked, of an animal that is known."""
    folder = known_folder(prep_id)
    check_free(folder, layer)
    return folder.points(layer)


def _added(prep_id: str, layer: str, read: PointLayer) -> str:
    animal_folder(prep_id).points(layer, ".json").unlink(missing_ok=True)
    said = ", ".join([*(one.name for one in read.properties), *(f"{one.name} (related)" for one in read.relationships)])
    kind = read.kind.replace("_", " ")
    return f"{layer}: {len(read)} of the type {kind}{f', with {said}' if said else ''}; {_how_to_make(prep_id, layer)}"


def _how_to_make(prep_id: str, layer: str) -> str:
    return f"the next run makes the layer, or `luigi --module tasks {STAGE} --animal {prep_id} --layer {layer}`"


def listed(prep_id: str) -> list[str]:
    """A line for each layer: what it is made from, and whether it was made."""
    folder = animal_folder(prep_id)
    lines = []
    for one in sources(folder):
        selection = one.selection
        words = [] if selection is None else [selection.kind, selection.structure or "", selection.layer or ""]
        origin = f"the database ({' '.join(word for word in words if word)})" if words else str(one.path)
        made = folder.annotations(one.layer)
        lines.append(f"{one.layer}: from {origin}, {_made(made) if (made / 'info').exists() else 'not made yet'}")
    return lines


def _made(path: Path) -> str:
    info = json.loads((path / "info").read_text(encoding="utf-8"))
    return f"made as {path} ({info['annotation_type']}, {len(info['spatial'])} levels)"


def remove(prep_id: str, layer: str) -> str:
    """Take a layer away: what it is made from, and what was made."""
    folder = animal_folder(prep_id)
    known = [one.layer for one in sources(folder)]
    if layer not in known:
        raise BrainstackError(f"{prep_id} has no layer of points {layer!r}; it has {', '.join(known) or 'none'}.")
    with locked(folder):
        Stamps(folder.stamps).remove(Step(STAGE, 0, layer))
        remove_folder(folder.annotations(layer))
        for path in (folder.points(layer), folder.points(layer, ".json"), folder.points_found(layer)):
            path.unlink(missing_ok=True)
    return f"{layer} is gone"
