"""The page: all chapters, through their templates, into one file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainstack.database import refuse_missing
from brainstack.environment import database_url
from brainstack.files.whole import whole_file
from brainstack.plan import Plan
from brainstack.planning import known_folder, look
from brainstack.progress import Progress
from brainstack.report.alignment import alignment_chapter
from brainstack.report.animal import animal_chapter
from brainstack.report.attempts import attempted
from brainstack.report.brightness import brightness_chapter
from brainstack.report.masks import masks_chapter
from brainstack.report.methods import methods_chapter
from brainstack.report.processing import processing_chapter
from brainstack.report.sections import sections_chapter
from brainstack.report.settings_table import settings_chapter
from brainstack.report.source import Source, source_of
from brainstack.report.summary import how_it_ended, summary_of
from brainstack.report.templating import environment
from brainstack.report.troubles import failures_of, troubles_chapter
from brainstack.report.volume import volume_chapter
from brainstack.report.without_plan import tell_instead
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
    where there is no such animal, or no plan of it can be made: then the page says so, too."""
    refuse_missing(database_url())
    folder = known_folder(prep_id)
    try:
        plan = look(prep_id)
    except Exception as error:
        if folder.root.is_dir():  # a disk that is not mounted is left alone
            tell_instead(folder, error)
        raise
    return write_report(plan)


def write_report(plan: Plan, progress: Progress | None = None, *, quick: bool = False) -> Path:
    """progress : of the plan, where somebody has looked already. quick : no picture is made that an earlier report has
    not made. Where it cannot be made at all, the page says that before the error is raised."""
    try:
        source = source_of(plan, progress, quick=quick)
        text = page_of(source)
    except Exception as error:
        tell_instead(plan.folder, error)
        raise
    with whole_file(plan.folder.report) as part:
        part.write_text(text, encoding="utf-8")
    source.box.keep()
    return plan.folder.report


def page_of(source: Source) -> str:
    """The page's HTML. What cannot be made of it is a sentence in its place."""
    shared = {
        "prep_id": source.prep_id,
        "is_colour": source.plan.is_colour,
        "numbers": {one.key: one.number for one in source.plan.sections},
        "made_at": source.made_at,
    }
    chapters = [
        {"name": one.name, "title": one.title, "html": html, "trouble": trouble}
        for one in CHAPTERS
        for html, trouble in [attempted(_chapter(one, source, shared), f"The chapter “{one.title}”", source.prep_id)]
    ]
    return _rendered(
        "report.html", shared, chapters=chapters, summary=_summary(source, shared), version=brainstack_version()
    )


def _chapter(chapter: Chapter, source: Source, shared: Mapping[str, Any]) -> Callable[[], str]:
    return lambda: _rendered(f"{chapter.name}.html", shared, content=chapter.make(source))


def _summary(source: Source, shared: Mapping[str, Any]) -> str:
    """The head of the page, which says what failed also where nothing else can be counted."""
    failures = failures_of(source)
    ended, _ = attempted(lambda: how_it_ended(source), "How the last run ended", source.prep_id)
    html, trouble = attempted(
        lambda: _rendered("summary.html", shared, summary=summary_of(source), failures=failures, ended=ended),
        "The summary",
        source.prep_id,
    )
    if html is not None:
        return html
    return _rendered("summary.html", shared, summary=None, failures=failures, ended=ended, trouble=trouble)


def _rendered(name: str, shared: Mapping[str, Any], **content: Any) -> str:
    return environment().get_template(name).render(shared, **content)
