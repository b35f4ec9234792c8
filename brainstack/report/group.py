"""The page that compares animals: a row and a dot for each, with the way to its own report."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from brainstack.database import create_or_upgrade, open_database
from brainstack.environment import data_root, database_url
from brainstack.errors import BrainstackError
from brainstack.files.whole import whole_file
from brainstack.mask_areas import read_mask_areas
from brainstack.planning import look
from brainstack.report.attempts import attempted
from brainstack.report.plots import Curve, Panel, figure, strips
from brainstack.report.scales import linear
from brainstack.report.source import Source, source_of
from brainstack.report.summary import Summary, summary_of
from brainstack.report.templating import environment
from brainstack.versions import brainstack_version

SHADES = ("#1f50d4", "#c23b22", "#2e8b3d", "#7a3fa0", "#8a6200", "#00838f", "#333c46", "#b03a78")
DASHES = ("", "7 3", "2 3", "9 3 2 3")
"""Together they tell so many lines apart, in grey print as well."""


@dataclass(frozen=True)
class Row:
    """An animal. report : the way to its report from the group page; "" where none was made yet. trouble : why nothing
    can be said of it."""

    prep_id: str
    summary: Summary | None
    report: str = ""
    trouble: str = ""


@dataclass(frozen=True)
class Measure:
    """What animals are compared by. of : its value; None where it is not known."""

    label: str
    of: Callable[[Summary], float | None]


MEASURES = (
    Measure("sections", lambda one: float(one.sections)),
    Measure("gaps", lambda one: float(one.gaps)),
    Measure("tissue of a section (mm²)", lambda one: one.area_mm2),
    Measure("jitter before alignment (µm)", lambda one: one.jitter_um),
    Measure("jitter of rotation (degrees)", lambda one: one.jitter_deg),
    Measure("correlation of neighbours", lambda one: one.metric),
    Measure("work in all steps (minutes)", lambda one: one.seconds / 60 if one.seconds else None),
    Measure("most memory of a process (GB)", lambda one: one.memory_gb or None),
)


def group_page(root: Path) -> Path:
    """Beside the folders of the animals."""
    return root / "group_report.html"


def animals_named(names: Iterable[str]) -> list[str]:
    """These animals, each once; all of the database where none is named. Raises BrainstackError for names that the
    database does not have."""
    url = database_url()
    create_or_upgrade(url)
    with open_database(url) as database:
        known = database.animals()
    wanted = list(dict.fromkeys(names)) or known
    missing = [name for name in wanted if name not in known]
    if missing:
        raise BrainstackError(
            f"There {'is no animal' if len(missing) == 1 else 'are no animals'} {', '.join(missing)}; this database "
            f"has {', '.join(known) or 'none'}; add one with `brainstack animal add`."
        )
    if not wanted:
        raise BrainstackError("The database has no animal yet, so that there are none to be compared; add one with "
                              "`brainstack animal add`.")  # fmt: skip
    return wanted


def group_report_of(names: Iterable[str]) -> Path:
    """Make the page of these animals, or all. Returns where it is. Raises BrainstackError as `animals_named`."""
    path = group_page(data_root())
    rows, lines = [], []
    for name in animals_named(names):
        row, line = _row(name, path)
        rows.append(row)
        lines += line
    text = (
        environment()
        .get_template("group.html")
        .render(
            rows=rows,
            areas=_areas(lines),
            strips=_strips(rows),
            made_at=datetime.now(UTC),
            version=brainstack_version(),
        )
    )
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")
    return path


def _row(name: str, page: Path) -> tuple[Row, list[tuple[str, list[tuple[float, float | None]]]]]:
    """An animal's row, and its areas along the stack. One of which nothing can be said does not stop the others."""
    found, trouble = attempted(lambda: _looked_at(name), "Its row", name)
    if found is None:
        return Row(name, None, trouble=trouble), []
    source, summary, areas = found
    report = source.plan.folder.report
    way = os.path.relpath(report, page.parent) if report.exists() else ""
    return Row(name, summary, way), [(name, areas)]


def _looked_at(name: str) -> tuple[Source, Summary, list[tuple[float, float | None]]]:
    source = source_of(look(name))
    return source, summary_of(source), _areas_along(source)


def _areas_along(source: Source) -> list[tuple[float, float | None]]:
    """(depth in mm, area in mm2) of each section; no area at a gap."""
    areas = {one.key: one.area_um2 / 1e6 for one in read_mask_areas(source.plan.folder.mask_areas)}
    return [(one.z_um / 1000, None if one.gap else areas.get(one.key)) for one in source.plan.sections]


def _areas(lines: Sequence[tuple[str, list[tuple[float, float | None]]]]) -> str:
    """A line an animal: area of the masks along the stack."""
    curves = [
        Curve(points, SHADES[place % len(SHADES)], 1.8, DASHES[place // len(SHADES) % len(DASHES)], label=name)
        for place, (name, points) in enumerate(lines)
        if any(y is not None for _, y in points)
    ]
    if not curves:
        return ""
    levels = [y for curve in curves for _, y in curve.points if y is not None]
    depths = [x for curve in curves for x, _ in curve.points]
    panel = Panel("area of the mask (mm²)", linear(levels, include=(0.0,)), curves, height=240)
    return figure([panel], linear(depths, most=10), "along the stack (mm)", "Area of the masks along the stack")


def _strips(rows: Sequence[Row]) -> str:
    """A dot an animal, for each measure."""
    known = [one for one in rows if one.summary is not None]
    names = [one.prep_id for one in known]
    panels = []
    for measure in MEASURES:
        values = [measure.of(one.summary) for one in known if one.summary is not None]
        if any(value is not None for value in values):
            panels.append((measure.label, values))
    return strips(names, panels, "Animals beside each other") if panels else ""
