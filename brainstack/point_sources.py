"""What layers of points are made from: a CSV in the animal's folder, or a selection of what the database has.

<animal>/points/cells.csv is the layer `cells`: a person may edit it, and the next run makes the layer again.
<animal>/points/cells.json says what of the database is the layer; what is found there is kept as a CSV inside
.brainstack, by the process that drives a run, so that tasks read a file only.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from brainstack.animal_folder import AnimalFolder
from brainstack.database import Database, open_database
from brainstack.errors import BrainstackError
from brainstack.files.annotations import is_annotations
from brainstack.files.point_csv import write_points
from brainstack.files.whole import write_json
from brainstack.layer_names import POINTS, check_layer_name, check_name
from brainstack.point_layer import PointLayer, check_layer
from brainstack.point_marks import layer_of_marks
from brainstack.points import KINDS, Selection
from brainstack.stamps import digest


@dataclass(frozen=True)
class PointSource:
    """path : the CSV or JSON. selection : of the database; None where the CSV itself has the points."""

    layer: str
    path: Path
    selection: Selection | None = None


def sources(folder: AnimalFolder) -> list[PointSource]:
    """All layers that somebody asked for, by name. Raises BrainstackError for a file that names none."""
    place = folder.points("x").parent
    found: dict[str, PointSource] = {}
    for path in sorted(place.glob("[!.]*")) if place.is_dir() else ():
        if path.suffix not in (".csv", ".json"):
            continue
        check_name(path.stem, POINTS, str(path))
        if path.stem in found:
            raise BrainstackError(
                f"{found[path.stem].path} and {path} are both the layer {path.stem}; delete one of them."
            )
        found[path.stem] = PointSource(path.stem, path, _selection(path) if path.suffix == ".json" else None)
    return list(found.values())


def _selection(path: Path) -> Selection:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        selection = Selection(**content["database"])
    except (ValueError, KeyError, TypeError) as error:
        raise BrainstackError(
            f"{path} does not say what of the database is meant ({error}); delete it, and use `brainstack points add`."
        ) from error
    if selection.kind not in KINDS:
        raise BrainstackError(f"{path} asks for the kind {selection.kind!r}; wanted one of {', '.join(KINDS)}.")
    return selection


def write_selection(path: Path, selection: Selection) -> None:
    """Write what of the database is a layer."""
    write_json(path, {"database": {name: value for name, value in asdict(selection).items() if value is not None}})


def digests(folder: AnimalFolder, url: str) -> dict[str, str]:
    """Layer -> a word that is another when its points are others. url : of the database."""
    found: dict[str, str] = {}
    ours = sources(folder)
    for one in ours:
        if one.selection is None:
            with one.path.open("rb") as file:
                found[one.layer] = hashlib.file_digest(file, "blake2b").hexdigest()[:32]
    if any(one.selection for one in ours):
        with open_database(url) as database:
            found |= {one.layer: _told(database, folder.prep_id, one.selection) for one in ours if one.selection}
    return found


def _told(database: Database, prep_id: str, selection: Selection) -> str:
    return digest([asdict(selection), database.marks_told(prep_id, selection)])


def take_in_points(folder: AnimalFolder, url: str) -> None:
    """Bring what is kept of the database's points up to date. For the process that drives a run."""
    kept = folder.points_found("x").parent
    known = _known(kept)
    wanted = {one.layer: one.selection for one in sources(folder) if one.selection}
    if not wanted:
        return
    with open_database(url) as database:
        for layer, selection in wanted.items():
            told = _told(database, folder.prep_id, selection)
            if known.get(layer) == told and folder.points_found(layer).exists():
                continue
            write_json(kept / KNOWN, known := {name: word for name, word in known.items() if name != layer})
            if layer_now := _found(database, folder.prep_id, selection):
                write_points(folder.points_found(layer), layer_now)
            else:
                folder.points_found(layer).unlink(missing_ok=True)
                continue
            write_json(kept / KNOWN, known := known | {layer: told})


KNOWN = "known.json"
"""Layer -> the word of what was found, beside the files."""


def _known(kept: Path) -> dict[str, str]:
    try:
        content: dict[str, Any] = json.loads((kept / KNOWN).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return {str(name): str(word) for name, word in content.items()}


def _found(database: Database, prep_id: str, selection: Selection) -> PointLayer | None:
    """None where the database has nothing of it."""
    marks = database.marks(prep_id, selection)
    first = next(marks, None)
    return layer_of_marks(chain([first], marks), selection.kind, "the database") if first else None


def points_file(folder: AnimalFolder, layer: str) -> Path:
    """The CSV that a layer is made from now. Raises BrainstackError where the database has nothing of it."""
    if folder.points(layer).exists():
        return folder.points(layer)
    path = folder.points_found(layer)
    if not path.exists():
        raise BrainstackError(
            f"The database has no points for the layer {layer}, as {folder.points(layer, '.json')} asks for; mark "
            f"some, or use `brainstack points remove {folder.prep_id} {layer}`."
        )
    return path


def check_free(folder: AnimalFolder, layer: str) -> None:
    """Raise BrainstackError where a layer's place in Neuroglancer is taken by something else."""
    check_layer_name(folder, layer, POINTS)
    path = folder.annotations(layer)
    if path.exists() and not is_annotations(path):
        raise BrainstackError(f"{path} is there already and holds no points; choose another name.")


def put(path: Path, layer: PointLayer, name: str) -> None:
    """Check a layer, and write it as the CSV of a layer."""
    check_layer(layer, name)
    write_points(path, layer)
