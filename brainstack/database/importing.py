"""Taking over an animal of the lab's own database: itself, how it was cut and scanned, its slides and TIFFs."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, DateTime, Double, Integer, String
from sqlalchemy.orm import Session

from brainstack.database.animals import is_name
from brainstack.database.importing_marks import place_marks
from brainstack.database.importing_slides import place_slides
from brainstack.database.lab import Lab, Report, Row, day, first_of, moment
from brainstack.database.tables import (
    FLIPS,
    PLANES,
    QUARTER_TURNS,
    SIDES,
    AnimalRow,
    HistologyRow,
    ScanRunRow,
    Table,
    without_zone,
)

Allowed = Collection[Any]
OUR_OWN = ("id", "width", "height", "converted_folder_path", "converted_status", "scene_order", "FK_lab_id")
"""Columns that mean nothing here, or that a run finds again: the canvas is measured, with its sides as they are."""


def place_animal(session: Session, lab: Lab, prep_id: str) -> Report:
    """Write all that the lab's database says of an animal. One that is here already stays as it is."""
    report = Report()
    (row,) = [one for one in lab.of("animal") if one["prep_id"] == prep_id]
    if not is_name(prep_id):
        report.leave(f"{prep_id!r}: not taken over: brainstack's animals have short names of letters and digits")
        return report
    if session.get(AnimalRow, prep_id) is not None:
        report.leave(f"{prep_id}: is in the database already and stays as it is")
        return report
    row = row | ({"aliases_1": row["alias"]} if row.get("alias") else {})
    _place(session, AnimalRow, row, report, but={"alias"}, checks={})
    session.flush()
    report.placed["animal"] += 1
    histology = _place_histology(session, lab, prep_id, report)
    runs = _place_scan_runs(session, lab, prep_id, report)
    session.flush()
    keys = place_slides(session, lab, histology, runs, report)
    place_marks(session, lab, prep_id, histology, runs, keys, report)
    session.flush()
    return report


def _place_histology(session: Session, lab: Lab, prep_id: str, report: Report) -> Row:
    """The lab's row, with what is not said filled in."""
    rows = lab.of_animal("histology", prep_id)
    if not rows:
        report.leave(f"{prep_id}: has no row in histology; it is taken as cut every 20 um, slide 1 first")
    report.leave(f"{prep_id}: has several rows in histology; the first is taken over", len(rows) - 1 if rows else 0)
    row = dict(rows[0]) if rows else {}
    row["prep_id"] = prep_id
    checks: dict[str, Allowed] = {"side_sectioned_first": SIDES, "orientation": PLANES}
    if not _is_length(row.get("section_thickness")):
        row.pop("section_thickness", None)
    _place(
        session, HistologyRow, row, report, but={"virus_id", "label_id", "FK_virus_id", "FK_label_id"}, checks=checks
    )
    report.placed["histology"] += len(rows[:1])
    return row


def _place_scan_runs(session: Session, lab: Lab, prep_id: str, report: Report) -> list[tuple[Row, ScanRunRow]]:
    rows = sorted(lab.of_animal("scan_run", prep_id), key=lambda row: (int(row.get("rescan_number") or 0), row["id"]))
    if not rows:
        report.leave(f"{prep_id}: has no row in scan_run; give its slides' folder and pixel size")
        rows = [{"id": None, "prep_id": prep_id}]
    placed = []
    checks: dict[str, Allowed] = {"flip": FLIPS, "rotation": QUARTER_TURNS}
    for number, row in enumerate(rows):
        own = row | {"rescan_number": number, "prep_id": prep_id}
        if not _is_length(row.get("resolution")):
            own.pop("resolution", None)
        ours = _place(session, ScanRunRow, own, report, but=set(), checks=checks)
        ours.slide_folder_path = ours.slide_folder_path or ""
        ours.resolution_given = ours.resolution is not None
        placed.append((row, ours))
        report.placed["scan_run"] += row["id"] is not None
    return placed


def _is_length(value: Any) -> bool:
    try:
        return 0 < float(value) < float("inf")
    except (TypeError, ValueError):
        return False


def _place(
    session: Session, ours: type[Table], row: Row, report: Report, *, but: set[str], checks: dict[str, Allowed]
) -> Any:
    """A row of ours with what the lab's row has in columns of the same name. checks : values that may be."""
    values: Row = {}
    name, whose = ours.__tablename__, row.get("prep_id", "")
    for column, value in row.items():
        if value in (None, "") or column in but or column in OUR_OWN:
            continue
        if column not in ours.__table__.c:
            report.leave(f"{whose}: {name}.{column} is no column here: {str(value)[:60]!r} was left out")
            continue
        fitted = fit(ours.__table__.c[column].type, value)
        if fitted is None or (column in checks and fitted not in checks[column]):
            report.leave(f"{whose}: {name}.{column} is {str(value)[:60]!r}, which cannot be; it was left out")
            continue
        values[column] = fitted
    made = ours(**values)
    session.add(made)
    return made


def fit(kind: Any, value: Any) -> Any:
    """A value as a column of ours takes it; None for one that it does not take."""
    for kinds, make in FITTING.items():
        if isinstance(kind, kinds):
            try:
                made = make(value)
            except (TypeError, ValueError, OverflowError):
                return None
            return made[: kind.length] if isinstance(made, str) and getattr(kind, "length", None) else made
    return value


def _time(value: Any) -> datetime | None:
    iso = moment(value)
    return without_zone(iso).replace(microsecond=0) if iso else None


def _text(value: Any) -> str | None:
    if isinstance(value, bytes):
        return None
    return value.isoformat() if isinstance(value, date) else str(value)


FITTING: dict[Any, Callable[[Any], Any]] = {
    DateTime: _time,
    Date: day,
    Integer: int,
    Double: float,
    String: _text,
}
"""Kind of a column -> what makes a value of it. A Boolean is left as it is."""

__all__ = ["first_of", "fit", "place_animal"]
