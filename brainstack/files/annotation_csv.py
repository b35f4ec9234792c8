"""Points and shapes as CSV: a row a point, with its unit in the names of the columns."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from brainstack.errors import BrainstackError
from brainstack.files.whole import whole_file
from brainstack.points import KINDS, AnnotationSession, Point

PLACE = "x_um", "y_um", "z_um"
COLUMNS = (
    "session", "annotation_type", "structure", "layer", "person", "created", "polygon_index", "point_order", "source",
    "cell_type", *PLACE,
)  # fmt: skip


def write_annotations(path: Path, sessions: Iterable[AnnotationSession]) -> None:
    """Write a row a point; micrometres as they are, to the last digit."""
    with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for one in sessions:
            of_session = one.number, one.kind, one.structure, one.layer, one.person, one.at
            for point in one.points:
                shape = point.polygon, point.order, point.source, point.cell_type
                writer.writerow([*of_session, *shape, repr(point.x_um), repr(point.y_um), repr(point.z_um)])


def read_annotations(path: Path, *, kind: str | None = None) -> list[AnnotationSession]:
    """The sessions in a CSV, in the order in which they begin. Rows of one session, type, structure, layer and person
    belong together. kind : of rows that do not say it in a column annotation_type.

    Raises BrainstackError, with the number of the line, for a column that is missing or has no unit, and for what is no
    number.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            _check_columns(path, reader.fieldnames or ())
            rows = [(reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise BrainstackError(f"{path} cannot be read as CSV in UTF-8: {error}; save it so.") from error
    found: dict[tuple[str, ...], list[Point]] = defaultdict(list)
    for line, row in rows:
        said = row.get("annotation_type") or kind
        if said not in KINDS:
            raise BrainstackError(
                f"{path}, line {line}: the type of the annotation is {said or 'not said'}; wanted a column "
                f"annotation_type with one of {', '.join(KINDS)}, or --type."
            )
        points = found[said, *(row.get(name) or "" for name in ("session", "structure", "layer", "person"))]
        points.append(_point(path, line, row, len(points)))
    return [
        AnnotationSession(key[0], tuple(points), structure=key[2], layer=key[3], person=key[4])
        for key, points in found.items()
    ]


def _check_columns(path: Path, columns: Iterable[str]) -> None:
    columns = [column.strip() for column in columns]
    missing = [column for column in PLACE if column not in columns]
    if missing:
        bare = [column for column in ("x", "y", "z", "section") if column in columns]
        why = f" ({', '.join(bare)} do not say their unit)" if bare else ""
        raise BrainstackError(
            f"{path} has no column {', '.join(missing)}{why}; wanted micrometres from the corner of the volume in "
            "columns of these names."
        )


def _point(path: Path, line: int, row: dict[str, str], place: int) -> Point:
    """place : how many points of its session came before."""
    numbers = [_number(path, line, column, row.get(column) or "") for column in PLACE]
    polygon = _number(path, line, "polygon_index", row.get("polygon_index") or "0")
    order = _number(path, line, "point_order", row.get("point_order") or str(place))
    return Point(
        numbers[0],
        numbers[1],
        numbers[2],
        int(polygon),
        int(order),
        row.get("source") or "",
        row.get("cell_type") or "",
    )


def _number(path: Path, line: int, column: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise BrainstackError(f"{path}, line {line}: {column} is {text!r}; wanted a number.")
    return number
