"""The numbered names that people open: links in section order to the files kept under the sections' keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from brainstack.animal_folder import AnimalFolder
from brainstack.files.listing import Listing
from brainstack.files.whole import link, write_json
from brainstack.plan import Plan
from brainstack.records import Section

SECTION_KINDS = ("thumbnail_colored", "thumbnail_masked")
CHANNEL_KINDS = ("normalized", "thumbnail_cleaned", "thumbnail_aligned", "histogram", "full_cleaned", "full_aligned")


def links_of(plan: Plan, section: Section) -> Iterator[tuple[Path, Path]]:
    """Each numbered name of a section with the file that it should lead to, whether that is there or not."""
    folder = plan.folder
    for kind in SECTION_KINDS:
        yield folder.numbered(kind, section.number), folder.keyed(kind, section.key)
    yield folder.numbered("full_masked", section.number), folder.keyed("full_masked", section.key)
    for channel in (one.number for one in plan.channels):
        name = section.tif_name(channel)
        yield folder.numbered("full", section.number, channel), folder.tif(name)
        yield folder.numbered("thumbnail", section.number, channel), folder.tif_thumbnail(name)
        for kind in CHANNEL_KINDS:
            suffix = ".png" if kind == "histogram" else ".tif"
            yield folder.numbered(kind, section.number, channel), folder.keyed(kind, section.key, channel, suffix)
        numbers = folder.numbered("histogram", section.number, channel).with_suffix(".csv")
        yield numbers, folder.keyed("histogram", section.key, channel, ".csv")
    web = plan.settings.web.channel
    yield folder.numbered("web", section.number, web), folder.keyed("web", section.key, web, ".png")


def link_section(plan: Plan, section: Section) -> list[Path]:
    """Make the links of one section whose files are there.

    Returns the regular files that stand where a link should be; they are somebody's, and left as they are.
    """
    foreign = []
    for path, target in links_of(plan, section):
        if path.exists() and not path.is_symlink():
            foreign.append(path)
        elif target.exists():
            link(path, target)
    return foreign


def link_all(plan: Plan) -> list[Path]:
    """Make the links of all sections anew, and remove those that lead nowhere, to another section's file, or stand
    for no section any more. Returns the regular files that stand where a link should be."""
    _move_with_their_sections(plan)
    listing, foreign = Listing(), []
    wanted = {path: target for section in plan.section.values() for path, target in links_of(plan, section)}
    for path, target in wanted.items():
        if listing.has(path) and not listing.is_link(path):
            foreign.append(path)
        elif listing.has(target):
            link(path, target)
    folders = {path.parent for section in plan.sections for path, _ in links_of(plan, section)}
    for path in [path for folder in folders if folder.is_dir() for path in folder.iterdir()]:
        if path.is_symlink() and not (path in wanted and listing.has(wanted[path])):
            path.unlink()
    order = {str(section.number): section.key for section in plan.section.values()}
    if {str(number): key for number, key in read_order(plan.folder).items()} != order:
        write_json(plan.folder.order, order)
    return foreign


def read_order(folder: AnimalFolder) -> dict[int, str]:
    """Which section had which number when links were last made: number -> key."""
    if not folder.order.exists():
        return {}
    return {int(number): key for number, key in json.loads(folder.order.read_text()).items()}


def _move_with_their_sections(plan: Plan) -> None:
    """An edit that could not be used stays where a person put it; when the order changes, it goes with its section.

    On the way, and for as long as its section has no place in the stack, it is called after the section's key.
    """
    for kind in SECTION_KINDS:
        for number, key in read_order(plan.folder).items():
            path, section = plan.folder.numbered(kind, number), plan.section.get(key)
            if is_own_file(path) and (section is None or section.number != number):
                path.rename(path.with_stem(key))
        for key, section in plan.section.items():
            path = plan.folder.numbered(kind, section.number)
            if path.with_stem(key).is_file() and not is_own_file(path):
                path.with_stem(key).replace(path)


def is_own_file(path: Path) -> bool:
    """True for a regular file, where brainstack would have a link."""
    return path.is_file() and not path.is_symlink()
