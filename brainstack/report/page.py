"""The page: all chapters, through their templates, into one file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from brainstack.errors import BrainstackError
from brainstack.files.whole import whole_file
from brainstack.plan import Plan
from brainstack.planning import look
from brainstack.progress import Progress
from brainstack.report.alignment import alignment_chapter
from brainstack.report.animal import animal_chapter
from brainstack.report.brightness import brightness_chapter
from brainstack.report.masks import masks_chapter
from brainstack.report.methods import methods_chapter
from brainstack.report.processing import duration, processing_chapter
from brainstack.report.sections import sections_chapter
from brainstack.report.settings_table import settings_chapter
from brainstack.report.source import Source, source_of
from brainstack.report.summary import summary_of
from brainstack.report.troubles import troubles_chapter
from brainstack.report.volume import volume_chapter
from brainstack.tidying import readable
from brainstack.versions import brainstack_version


@dataclass(frozen=True)
class Chapter:
    """name : of its template, and its id on the page. make : what it says of an animal."""

    name: str
    title: str
    make: Callable[[Source], Any]


CHAPTERS = (
    Chapter("animal", "Animal and scans", animal_chapter),
    Chapter("sections", "Sections", sections_chapter),
    Chapter("masks", "Masks", masks_chapter),
    Chapter("brightness", "Brightness", brightness_chapter),
    Chapter("alignment", "Alignment", alignment_chapter),
    Chapter("volume", "Volume", volume_chapter),
    Chapter("troubles", "Failures and warnings", troubles_chapter),
    Chapter("processing", "What ran", processing_chapter),
    Chapter("settings", "Settings", settings_chapter),
    Chapter("methods", "Methods", methods_chapter),
)


def report_of(prep_id: str) -> Path:
    """Make the report of an animal as things stand; nothing else is made. Returns where it is. Raises BrainstackError
    where there is no such animal, or no plan of it can be made."""
    return write_report(look(prep_id))


def write_report(plan: Plan, progress: Progress | None = None, *, quick: bool = False) -> Path:
    """progress : of the plan, where somebody has looked already. quick : no picture is made that an earlier report has
    not made."""
    source = source_of(plan, progress, quick=quick)
    text = page_of(source)
    with whole_file(plan.folder.report) as part:
        part.write_text(text, encoding="utf-8")
    source.box.keep()
    return plan.folder.report


def page_of(source: Source) -> str:
    """The page's HTML."""
    chapters = [
        {"name": one.name, "title": one.title, "content": content, "trouble": trouble}
        for one in CHAPTERS
        for content, trouble in [_made(one, source)]
    ]
    return environment().get_template("report.html").render(
        prep_id=source.prep_id,
        summary=summary_of(source),
        chapters=chapters,
        is_colour=source.plan.is_colour,
        numbers={one.key: one.number for one in source.plan.sections},
        made_at=source.made_at,
        version=brainstack_version(),
    )  # fmt: skip


def _made(chapter: Chapter, source: Source) -> tuple[Any, str]:
    """What a chapter says; or why it cannot be made, which is no reason to do without the others."""
    try:
        return chapter.make(source), ""
    except (BrainstackError, OSError, ValueError) as error:
        return None, f"This chapter could not be made: {error}"


@cache
def environment() -> Environment:
    """Of the templates; what they show is escaped."""
    found = Environment(
        loader=PackageLoader("brainstack.report"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    found.filters |= {"duration": duration, "readable": readable, "figures": figures, "minute": minute}
    return found


def figures(value: float | None, digits: int = 3) -> str:
    """A number to so many digits; a dash for one that is not known."""
    if value is None:
        return "–"
    rounded = float(f"{value:.{digits}g}")
    return (f"{rounded:,.0f}" if abs(rounded) >= 10**digits else f"{rounded:.{digits}g}").replace("-", "−")


def minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
