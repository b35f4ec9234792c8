"""The lab's files that stand where brainstack's will be: found, and moved to preps/lab."""

from __future__ import annotations

import re
from pathlib import Path

from brainstack.links import SECTION_KINDS, is_own_file, links_of, read_order
from brainstack.plan import Plan

NUMBERED = re.compile(r"\d{3,}\.(tif|png)")


def move_aside(plan: Plan, *, dry: bool) -> tuple[list[tuple[Path, Path]], list[str]]:
    """Rename what is in the way. Returns the folders or files moved, from and to, and a sentence for each left.

    dry : say only what would be moved.
    """
    moved: dict[tuple[Path, Path], None] = {}
    refused = []
    for path in in_the_way(plan):
        aside = plan.folder.lab(path)
        if aside.exists() or aside.is_symlink():
            refused.append(f"{path} stands where brainstack's will be, and {aside} is there already; move one away.")
            continue
        if not dry:
            aside.parent.mkdir(parents=True, exist_ok=True)
            try:
                path.rename(aside)
            except OSError as error:  # a folder that is a link to another disk
                refused.append(f"{path} cannot be moved to {aside}: {error.strerror}; move it away by hand.")
                continue
        moved[(path.parent, aside.parent) if NUMBERED.fullmatch(path.name) else (path, aside)] = None
    return list(moved), refused


def in_the_way(plan: Plan) -> list[Path]:
    """Regular files of the lab where brainstack has links, and, before its first run, where it has results."""
    folder, began = plan.folder, bool(read_order(plan.folder))
    links = {path for section in plan.sections[:1] for path, _ in links_of(plan, section)}
    # Once brainstack has made its links, a file among the masks is a person's edit: the next run takes it in.
    edited = {folder.numbered(kind, 0).parent for kind in SECTION_KINDS} if began else set()
    found = [
        path
        for parent in sorted({path.parent for path in links} - edited)
        for path in (sorted(parent.iterdir()) if parent.is_dir() else ())
        if is_own_file(path) and NUMBERED.fullmatch(path.name)
    ]
    if not began:
        channels = [one.number for one in plan.channels]
        results = [folder.transforms, *(folder.histogram(channel, folder.prep_id) for channel in channels)]
        results += [folder.volume(channel) for channel in channels]
        found += [path for path in results if path.exists()]
    return found
