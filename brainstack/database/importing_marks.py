"""Taking over what people marked and noted, and what was registered, from the lab's own database.

Its older tables count pixels and sections, its newer ones micrometres: here all are micrometres.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from brainstack.database.alignment import take_in_pairs
from brainstack.database.annotations import add_sessions, add_state, add_structure, structures
from brainstack.database.journals import add_entry
from brainstack.database.lab import Lab, Report, Row, first_of, grouped, moment
from brainstack.database.tables import ScanRunRow, StructureRow
from brainstack.points import CELLS, CENTRES, KINDS, POLYGONS, AnnotationSession, Point, Structure
from brainstack.records import PairTransform
from brainstack.said import JournalEntry

THUMBNAIL = 32
"""Pixels of the lab's scans to a side of a thumbnail's."""
ATLAS, ATLAS_UM = "Atlas", (10.0, 10.0, 20.0)
"""The lab's animal that is its atlas, and the units of its old centres."""
NAMELESS = {"point": CELLS, "line": POLYGONS, "polygon": POLYGONS}
"""Structures of the lab's that stand for what has no name, and what they mark."""
SCORED = {CELLS: "marked_cells", CENTRES: "structure_com", POLYGONS: "polygon_sequences"}
OLD_TABLES = "center_of_mass", "layer_data", "annotations_points"


def place_marks(
    session: Session,
    lab: Lab,
    prep_id: str,
    histology: Row,
    runs: list[tuple[Row, ScanRunRow]],
    keys: list[str],
    report: Report,
) -> None:
    """keys : of the animal's sections as the lab numbers them, from 0."""
    size_um = (runs[0][1].resolution, float(histology.get("section_thickness") or 20))
    _place_structures(session, lab, report)
    found = [*_sessions(lab, prep_id, report), *_old_sessions(lab, prep_id, size_um, report)]
    for one in found:
        add_sessions(session, prep_id, [one])
        report.placed["points and corners"] += len(one.points)
    _place_states(session, lab, prep_id, report)
    _place_notes(session, lab, prep_id, keys, report)
    _place_pairs(session, lab, prep_id, size_um[0], keys, report)


# Structures


def _place_structures(session: Session, lab: Lab, report: Report) -> None:
    known = {one.abbreviation for one in structures(session)}
    known |= set(session.scalars(select(StructureRow.abbreviation)))
    for row in [*lab.of("structure"), *lab.of("brain_region")]:
        name = str(row["abbreviation"]).strip()
        if name in known or not name:
            continue
        if len(name) > 25:
            report.leave(f"the structure {name!r} has too long a name; what was marked of it has no structure")
            continue
        color = first_of(row, "color")
        add_structure(
            session,
            Structure(
                name,
                str(row.get("description") or ""),
                int(color) if str(color).isdigit() else 0,
                row.get("hexadecimal"),
                bool(row.get("is_structure", 1)),
            ),
        )
        known.add(name)
        report.placed["structure"] += 1


def _structure_names(lab: Lab) -> dict[Any, str]:
    names = lab.by_id("brain_region" if lab.of("brain_region") else "structure", "abbreviation")
    return {number: name.strip() if len(name.strip()) <= 25 else "" for number, name in names.items()}


# Sessions as they are since 2022


def _sessions(lab: Lab, prep_id: str, report: Report) -> Iterator[AnnotationSession]:
    names, people = _structure_names(lab), lab.people
    cell_types = lab.by_id("cell_type", "cell_type")
    points: dict[Any, list[Row]] = defaultdict(list)
    for table in SCORED.values():
        for row in lab.of(table):
            points[table, row.get("FK_session_id")].append(row)
    for row in lab.of_animal("annotation_session", prep_id):
        kind = row.get("annotation_type")
        if kind not in KINDS:
            report.leave(f"{prep_id}: an annotation_session has the type {kind!r}; it was left out")
            continue
        own = points[SCORED[kind], row["id"]]
        made = [_point(one, cell_types) for one in own if _is_finite(one, "x", "y", "z")]
        report.leave(f"{prep_id}: a point has no numbers; it was left out", len(own) - len(made))
        structure = names.get(first_of(row, "FK_brain_region_id", "FK_structure_id"), "")
        yield AnnotationSession(
            kind,
            _numbered(made) if kind == POLYGONS else tuple(made),
            "" if structure in NAMELESS else structure,
            person=people.get(first_of(row, "FK_user_id", "FK_annotator_id"), ""),
            at=moment(row.get("created")),
            active=bool(row.get("active", 1)),
        )


def _point(row: Row, cell_types: dict[Any, str]) -> Point:
    return Point(
        float(row["x"]),
        float(row["y"]),
        float(row["z"]),
        int(row.get("polygon_index") or 0),
        int(row.get("point_order") or 0),
        str(row.get("source") or "").replace("-", "_"),
        cell_types.get(row.get("FK_cell_type_id"), ""),
    )


def _is_finite(row: Row, *columns: str) -> bool:
    try:
        return all(math.isfinite(float(row.get(column))) for column in columns)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False


def _numbered(points: list[Point]) -> tuple[Point, ...]:
    """Corners in order, each with a number of its own: the lab's may repeat, or all be 0."""
    count: dict[int, int] = defaultdict(int)
    made = []
    for point in sorted(points, key=lambda point: (point.polygon, point.order)):
        made.append(replace(point, order=count[point.polygon]))
        count[point.polygon] += 1
    return tuple(made)


# Points as they were before


def _old_sessions(
    lab: Lab, prep_id: str, size_um: tuple[float | None, float], report: Report
) -> Iterator[AnnotationSession]:
    """Rows of the tables before there were sessions, put together by person, structure, layer and how they were
    found."""
    names, people = _structure_names(lab), lab.people
    inputs = {**lab.by_id("input_type", "input_type"), **lab.by_id("com_type", "input_type", "com_type")}
    for table in OLD_TABLES:
        groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
        for row in lab.of_animal(table, prep_id):
            layer = str(first_of(row, "layer", "label") or "")
            who = first_of(row, "person_id", "FK_owner_id", "FK_annotator_id")
            source = inputs.get(first_of(row, "input_type_id", "FK_input_id"), "")
            structure = first_of(row, "structure_id", "FK_structure_id")
            groups[who, structure, layer, source, bool(row.get("active", 1))].append(row)
        for (who, structure, layer, source, active), rows in groups.items():
            name = names.get(structure, "")
            kind = NAMELESS.get(name, CENTRES)
            points = list(_old_points(rows, prep_id, table, size_um, source, report))
            if points:
                yield AnnotationSession(
                    kind,
                    _numbered(points) if kind == POLYGONS else tuple(points),
                    "" if name in NAMELESS else name,
                    layer[:100],
                    people.get(who, ""),
                    at=moment(rows[0].get("created")),
                    active=active,
                )


def _old_points(
    rows: list[Row], prep_id: str, table: str, size_um: tuple[float | None, float], source: str, report: Report
) -> Iterator[Point]:
    """section instead of z : x and y are pixels of the scan then."""
    for polygon, (_, some) in enumerate(grouped(rows, "polygon_id", "segment_id")):
        for order, row in enumerate(sorted(some, key=lambda row: (int(row.get("ordering") or 0), row["id"]))):
            in_um = "section" not in row
            if not _is_finite(row, "x", "y", "z" if in_um else "section"):
                report.leave(f"{prep_id}: a row of {table} has no numbers; it was left out")
                continue
            place = [float(row["x"]), float(row["y"]), float(row["z" if in_um else "section"])]
            if not in_um:
                side_um, thickness_um = size_um
                if prep_id != ATLAS and side_um is None:
                    report.leave(f"{prep_id}: a row of {table} is in pixels, whose size is not known; it was left out")
                    continue
                sides = ATLAS_UM if prep_id == ATLAS else (side_um or 0.0, side_um or 0.0, thickness_um)
                place = [number * side for number, side in zip(place, sides, strict=True)]
            yield Point(place[0], place[1], place[2], polygon, order, source.upper().replace("-", "_")[:50])


# States, notes, pairs


def _place_states(session: Session, lab: Lab, prep_id: str, report: Report) -> None:
    """The lab's states do not say of which animal they are; one that names a single animal in its links is of that."""
    people, animals = lab.people, [str(row["prep_id"]) for row in lab.of("animal")]
    for table in ("neuroglancer_urls", "neuroglancer_state"):
        for row in lab.of(table):
            text = first_of(row, "neuroglancer_state", "url", "FK_url")
            text = text if isinstance(text, str) else json.dumps(text)
            said = first_of(row, "prep_id", "FK_prep_id")
            spoken_of = {said} if said else {one for one in animals if f"/{one}/" in text}
            if spoken_of == {prep_id}:
                add_state(
                    session,
                    prep_id,
                    text,
                    person=people.get(first_of(row, "person_id", "FK_user_id", "FK_owner_id", "owner_id"), ""),
                    comments=str(first_of(row, "comments") or ""),
                    at=moment(first_of(row, "created", "user_date")),
                )
                report.placed[table] += 1


def _place_notes(session: Session, lab: Lab, prep_id: str, keys: list[str], report: Report) -> None:
    for row in lab.of_animal("journals", prep_id):
        section = str(row.get("section") or "").strip()
        number = int(section) if section.isdigit() else -1
        add_entry(
            session,
            prep_id,
            JournalEntry(
                str(row.get("entry") or ""),
                lab.people.get(first_of(row, "person_id", "FK_user_id"), ""),
                keys[number] if 0 <= number < len(keys) else section[:64],
                int(row.get("channel") or 0),
                str(row.get("fix") or ""),
                bool(row.get("completed")),
                at=moment(row.get("created")),
            ),
        )
        report.placed["journals"] += 1


def _place_pairs(
    session: Session, lab: Lab, prep_id: str, side_um: float | None, keys: list[str], report: Report
) -> None:
    """The lab's section NNN was registered on the one before it; shifts are pixels of thumbnails."""
    pairs = []
    for row in lab.of_animal("elastix_transformation", prep_id):
        number = int(row["section"]) if str(row["section"]).isdigit() else 0
        if side_um is None or not 0 < number < len(keys) or int(row.get("iteration") or 0):
            report.leave(
                f"{prep_id}: a row of elastix_transformation has no pair of sections or no size of pixels here, or is "
                "of a second pass; the next run registers it again"
            )
            continue
        if not _is_finite(row, "rotation", "xshift", "yshift"):
            report.leave(f"{prep_id}: a row of elastix_transformation has no numbers; it was left out")
            continue
        x_um, y_um = (float(row[name]) * THUMBNAIL * side_um for name in ("xshift", "yshift"))
        metric = float(row["metric"]) if _is_finite(row, "metric") else 0.0
        pairs.append(PairTransform(keys[number - 1], keys[number], float(row["rotation"]), x_um, y_um, metric))
    take_in_pairs(session, prep_id, pairs)
    report.placed["elastix_transformation"] += len(pairs)
