"""Label volumes that somebody asked for: what each is made from, and whether that is still what it was.

<animal>/labels/nuclei.json says what the layer `nuclei` is made from. Polygons of the database are kept inside
.brainstack by the process that drives a run, so that tasks read a file only.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from brainstack.animal_folder import AnimalFolder
from brainstack.database import Database, open_database
from brainstack.errors import BrainstackError
from brainstack.files.whole import write_json
from brainstack.labels import KINDS, POLYGONS, SECTIONS, LabelSource, name_of
from brainstack.layer_names import LABELS, check_name
from brainstack.points import POLYGONS as POLYGON_SESSIONS
from brainstack.points import AnnotationSession, Point
from brainstack.stamps import digest

WRITTEN = ("kind", "path", "names", "voxel_um", "offset_um", "layer")


def write_source(folder: AnimalFolder, source: LabelSource) -> None:
    """Say what a layer is made from."""
    said = {name: value for name, value in asdict(source).items() if name in WRITTEN and value not in (None, "")}
    write_json(folder.labels(source.name), said)


def sources(folder: AnimalFolder) -> dict[str, LabelSource]:
    """What was said, by name of the layer; without what it holds now. Raises BrainstackError for another file."""
    place = folder.labels("x").parent
    found = {}
    for path in sorted(place.glob("[!.]*.json")) if place.is_dir() else ():
        check_name(path.stem, LABELS, str(path))
        found[path.stem] = _read(path)
    return found


def _read(path: Path) -> LabelSource:
    try:
        said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for name in ("voxel_um", "offset_um"):
            if said.get(name) is not None:
                x, y, z = (float(number) for number in said[name])
                said[name] = (x, y, z)
        source = LabelSource(path.stem, **said)
        if source.kind not in KINDS:
            raise ValueError(f"the kind {source.kind!r}, not one of {', '.join(KINDS)}")
    except (ValueError, KeyError, TypeError) as error:
        raise BrainstackError(
            f"{path} does not say what labels are made from ({error}); delete it, and use `brainstack labels add`."
        ) from error
    return source


def sources_now(folder: AnimalFolder, url: str) -> dict[str, LabelSource]:
    """The same with a word for what each holds now. url : of the database."""
    found = sources(folder)
    if not found:
        return {}
    with open_database(url) as database:
        structures = tuple(one for one in database.structures() if one.is_structure)
        return {
            name: replace(one, content=_content(database, folder, one), structures=structures)
            for name, one in found.items()
        }


def _content(database: Database, folder: AnimalFolder, source: LabelSource) -> str:
    if source.kind == POLYGONS:
        return digest([as_json(one) for one in _sessions(database, folder.prep_id, source)])
    paths = [path_of(folder, source)]
    if source.kind == SECTIONS:
        paths += sorted(paths[0].glob("[!.]*")) if paths[0].is_dir() else []
    if source.names:
        paths.append(names_path(folder, source))
    return digest([_told(path) for path in paths])


def _told(path: Path) -> list[Any]:
    """The name of a file, its size and time of change; a folder's name alone."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return [path.name, None]
    return [path.name] if path.is_dir() else [path.name, found.st_size, found.st_mtime_ns]


def path_of(folder: AnimalFolder, source: LabelSource) -> Path:
    """Where its labels are; a path that is not whole begins in the animal's folder."""
    return folder.root / Path(source.path).expanduser()


def names_path(folder: AnimalFolder, source: LabelSource) -> Path:
    """Where its table of names is."""
    return folder.root / Path(source.names).expanduser()


# Polygons


def _sessions(
    database: Database, prep_id: str, source: LabelSource, *, everything: bool = False
) -> list[AnnotationSession]:
    """everything : also what was replaced since."""
    found = database.annotations(prep_id, kind=POLYGON_SESSIONS, everything=everything)
    return [one for one in found if source.layer in (None, one.layer) and one.points]


def take_in_polygons(folder: AnimalFolder, url: str, wanted: Collection[LabelSource]) -> None:
    """Bring what is kept of the database's polygons up to date. For the process that drives a run."""
    polygons = [one for one in wanted if one.kind == POLYGONS]
    if not polygons:
        return
    with open_database(url) as database:
        for source in polygons:
            every = _sessions(database, folder.prep_id, source, everything=True)
            found = {
                "names": list(dict.fromkeys(name_of(one) for one in every)),
                "sessions": [as_json(one) for one in every if one.active],
            }
            path = folder.labels_found(source.name)
            if not path.exists() or json.loads(path.read_text()) != found:
                write_json(path, found)


def as_json(session: AnnotationSession) -> dict[str, Any]:
    """What is kept of a session of polygons."""
    points = [[one.polygon, one.order, one.x_um, one.y_um, one.z_um] for one in session.points]
    return {"number": session.number, "structure": session.structure, "layer": session.layer,
            "person": session.person, "corners": points}  # fmt: skip


def read_polygons(path: Path) -> tuple[list[AnnotationSession], list[str]]:
    """The sessions that are kept in a file; and what they are of, with all that was ever drawn, in the order in which
    it first was, so that each keeps its label. Raises BrainstackError where there are none."""
    content = json.loads(path.read_text()) if path.exists() else {"sessions": []}
    if not content["sessions"]:
        raise BrainstackError(
            "The database has no polygons for it; draw some, take them in with `brainstack annotate import`, or use "
            "`brainstack labels remove`."
        )
    return list(_from_json(content["sessions"])), content["names"]


def _from_json(content: list[dict[str, Any]]) -> Iterator[AnnotationSession]:
    for one in content:
        corners = tuple(Point(x, y, z, polygon, order) for polygon, order, x, y, z in one["corners"])
        yield AnnotationSession(POLYGON_SESSIONS, corners, one["structure"], one["layer"], one["person"], one["number"])
