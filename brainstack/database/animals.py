"""Animals: adding one, and what people decide about it as a whole."""

from __future__ import annotations

import difflib
import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from brainstack.database.tables import (
    FLIPS,
    PLANES,
    QUARTER_TURNS,
    SIDES,
    AnimalRow,
    HistologyRow,
    ScanRunRow,
)
from brainstack.errors import BrainstackError
from brainstack.records import Animal, Histology, ScanRun

LONGEST_NAME = 20
RESERVED = frozenset({"tables", "static", "login", "logout", "account"})
"""Pages of the review server, beside those of the animals."""


def wanted(what: str, value: object, allowed: tuple[object, ...] | range) -> None:
    """Raises BrainstackError where a value is none of those that the code knows."""
    if value not in allowed:
        raise BrainstackError(f"{what} is {value!r}; wanted one of {', '.join(map(str, allowed))}.")


def is_name(name: str) -> bool:
    """True for what an animal can be called: the name of a folder and of a page, and of a column of 20 letters."""
    return (
        name.casefold() not in RESERVED
        and len(name) <= LONGEST_NAME
        and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name) is not None
    )


def add_animal(session: Session, animal: Animal, histology: Histology, scan_run: ScanRun) -> None:
    """A row in each of animal, histology and scan_run."""
    name = animal.prep_id
    if {histology.prep_id, scan_run.prep_id} != {name}:
        raise ValueError(f"three records of one animal, but {name}, {histology.prep_id} and {scan_run.prep_id}")
    if not is_name(name):
        raise BrainstackError(
            f"{name!r} cannot be the name of an animal; wanted 1 to {LONGEST_NAME} letters (a to z), digits, "
            f"hyphens and underscores, such as DK39, and none of {', '.join(sorted(RESERVED))}."
        )
    if session.get(AnimalRow, name) is not None:
        raise BrainstackError(
            f"The animal {name} is in the database already; choose another name, or go on with it: luigi --module "
            f"tasks Animal --animal {name}"
        )
    wanted("side_sectioned_first", histology.side_sectioned_first, SIDES)
    wanted("orientation", histology.orientation, PLANES)
    wanted("rotation", scan_run.rotation, QUARTER_TURNS)
    wanted("flip", scan_run.flip, FLIPS)
    for what, length_um in (
        ("section_thickness_um", histology.section_thickness_um),
        ("resolution_um", scan_run.resolution_um),
    ):
        if length_um is not None and not 0 < length_um < float("inf"):
            raise BrainstackError(f"{what} is {length_um}; wanted a length in micrometres above 0.")
    session.add(AnimalRow(prep_id=name, species=animal.species, comments=animal.comments))
    session.flush()  # first the row that the other two point at
    session.add_all([_histology_row(histology), _scan_run_row(scan_run, histology)])
    session.flush()


def _histology_row(histology: Histology) -> HistologyRow:
    return HistologyRow(
        prep_id=histology.prep_id,
        side_sectioned_first=histology.side_sectioned_first,
        section_thickness=histology.section_thickness_um,
        orientation=histology.orientation,
        counterstain=histology.counterstain,
    )


def _scan_run_row(scan_run: ScanRun, histology: Histology) -> ScanRunRow:
    return ScanRunRow(
        prep_id=scan_run.prep_id,
        slide_folder_path=scan_run.slide_folder_path,
        resolution=scan_run.resolution_um,
        resolution_given=scan_run.resolution_given,
        zresolution=histology.section_thickness_um,
        rotation=scan_run.rotation,
        flip=scan_run.flip,
        number_of_slides=scan_run.number_of_slides,
        channels_per_scene=scan_run.channels_per_scene,
    )


def animals(session: Session) -> list[str]:
    """The names of all active animals, sorted."""
    return list(session.scalars(select(AnimalRow.prep_id).where(AnimalRow.active).order_by(AnimalRow.prep_id)))


def animal_row(session: Session, prep_id: str) -> AnimalRow:
    """The row of an animal. Raises BrainstackError, naming those that are called nearly so, where it is not there."""
    row = session.get(AnimalRow, prep_id)
    if row is None:
        known = {name.casefold(): name for name in session.scalars(select(AnimalRow.prep_id))}
        near = difflib.get_close_matches(prep_id.casefold(), known, n=3, cutoff=0.5)
        meant = f" Did you mean {' or '.join(known[name] for name in near)}?" if near else ""
        raise BrainstackError(
            f"There is no animal {prep_id!r} in the database.{meant} `brainstack animal list` names those there are, "
            "`brainstack animal add` adds one."
        )
    return row


def histology_row(session: Session, prep_id: str) -> HistologyRow:
    """How an animal was cut. Raises BrainstackError where the row is missing."""
    row = histology_if_there(session, prep_id)
    if row is None:
        raise BrainstackError(
            f"Nobody has said how {prep_id} was cut: it has no row in the table histology. Say whether slide 1 has the "
            "first section, ASC, or the last, DESC, and how thick sections are, which adds the row: `brainstack animal "
            f"set {prep_id} --side-sectioned-first ASC --section-thickness-um 20`."
        )
    return row


def histology_if_there(session: Session, prep_id: str) -> HistologyRow | None:
    """The same; None where the row is missing, as only another program can leave it."""
    animal_row(session, prep_id)
    return session.scalars(select(HistologyRow).where(HistologyRow.prep_id == prep_id)).one_or_none()


def scan_run_row(session: Session, prep_id: str) -> ScanRunRow:
    """The scan run that the code reads: the first. Raises BrainstackError where there is none."""
    row = scan_run_if_there(session, prep_id)
    if row is None:
        raise BrainstackError(
            f"Nobody has said how {prep_id} was scanned: it has no row in the table scan_run. Say by how many quarter "
            f"turns clockwise its pictures are to be turned, which adds the row: `brainstack animal set {prep_id} "
            "--rotation 0`."
        )
    return row


def scan_run_if_there(session: Session, prep_id: str) -> ScanRunRow | None:
    """The same; None where there is none, as only another program can leave it."""
    animal_row(session, prep_id)
    query = select(ScanRunRow).where(ScanRunRow.prep_id == prep_id).order_by(ScanRunRow.rescan_number).limit(1)
    return session.scalars(query).one_or_none()


def set_orientation(session: Session, prep_id: str, rotation: int, flip: str) -> None:
    """rotation : quarter turns clockwise, 0 to 3. flip : "none", "flip" or "flop". Adds the row of how the animal was
    scanned, where it is missing."""
    wanted("rotation", rotation, QUARTER_TURNS)
    wanted("flip", flip, FLIPS)
    row = scan_run_if_there(session, prep_id)
    if row is None:
        row = ScanRunRow(prep_id=prep_id, slide_folder_path="")
        session.add(row)
    row.rotation, row.flip = rotation, flip


def set_side_sectioned_first(session: Session, prep_id: str, side: str) -> None:
    """side : "ASC" or "DESC". Adds the row of how the animal was cut, where it is missing."""
    wanted("side_sectioned_first", side, SIDES)
    row = histology_if_there(session, prep_id)
    if row is None:
        row = HistologyRow(prep_id=prep_id)
        session.add(row)
    row.side_sectioned_first = side


def set_section_thickness(session: Session, prep_id: str, thickness_um: float) -> None:
    """thickness_um : from one section to the next."""
    if not 0 < thickness_um < float("inf"):
        raise BrainstackError(f"The section thickness was given as {thickness_um}; wanted micrometres above 0.")
    histology_row(session, prep_id).section_thickness = float(thickness_um)


def set_section_plane(session: Session, prep_id: str, plane: str) -> None:
    """plane : how the brain was cut, such as "sagittal"; the column `orientation`."""
    wanted("orientation", plane, PLANES)
    histology_row(session, prep_id).orientation = plane


def set_resolution(session: Session, prep_id: str, pixel_size_um: float) -> None:
    """pixel_size_um : side of a pixel of the scan, as a person says it."""
    if not 0 < pixel_size_um < float("inf"):
        raise BrainstackError(f"The pixel size was given as {pixel_size_um}; wanted micrometres above 0.")
    row = scan_run_row(session, prep_id)
    row.resolution, row.resolution_given = float(pixel_size_um), True


def take_in_canvas(session: Session, prep_id: str, width: int, height: int) -> None:
    """width, height : of the common canvas, in pixels of the full scan."""
    row = scan_run_row(session, prep_id)
    row.width, row.height = int(width), int(height)
