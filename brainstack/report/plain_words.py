"""What people decided, in words that need no knowledge of the command line or the database."""

from __future__ import annotations

import re

from brainstack.said import FIRST

DECIDED = {
    "side_sectioned_first": "slide 1 holds",
    "section_thickness_um": "µm from section to section",
    "rotation": "quarter turns of all pictures",
    "flip": "mirroring of all pictures",
    "orientation": "plane of cut",
    "pixel_size_um": "µm a side of a pixel of the scan",
    "status": "the slide is",
    "scene_order": "order of its sections",
    "rescan_use": "this scan, beside the earlier ones",
    "verdict": "the section is",
    "replicates": "places behind it that it fills too, as sections are missing there",
    "moved_after": "it comes",
    "turns": "how it is turned",
}
"""What is decided (brainstack/said.py) -> how people say it."""
VALUES = {
    ("side_sectioned_first", "ASC"): "the first section of the stack",
    ("side_sectioned_first", "DESC"): "the last section of the stack",
    ("flip", "none"): "not mirrored",
    ("flip", "flip"): "half a turn",
    ("flip", "flop"): "mirrored left-right",
    ("scene_order", ""): "as the settings say",
    ("rescan_use", "replaces"): "takes their place",
    ("rescan_use", "adds"): "adds sections that they missed",
    ("verdict", "bad"): "bad tissue",
    ("verdict", "end"): "the end of the tissue",
    ("verdict", "dropped"): "no section at all",
    ("verdict", "kept"): "a section after all",
    ("moved_after", ""): "where it lies on its slide",
    ("moved_after", FIRST): "before all others",
    ("turns", ""): "as all pictures",
}


def change_in_words(what: str, old: str, new: str) -> str:
    """A decision, such as "the section is: good → out of focus"."""
    name, _, channel = what.partition(" ")
    if name == "contrast" and channel:
        return f"channel {channel}, grey values shown from black to white: {_levels(old)} → {_levels(new)}"
    return f"{DECIDED.get(what, what.replace('_', ' '))}: {_value(what, old)} → {_value(what, new)}"


def _value(what: str, value: str) -> str:
    if (what, value) in VALUES:
        return VALUES[what, value]
    if what == "moved_after":
        return f"behind {value}"
    if what == "turns":
        quarters, _, flip = value.partition(" ")
        turned = f"{quarters} quarter turn{'s' * (quarters != '1')} clockwise"
        return turned if flip in ("", "none") else f"{turned}, then {_value('flip', flip)}"
    return value or "–"


def _levels(value: str) -> str:
    return value.replace(",", " to ") if value else "as computed"


def decision_in_words(line: str) -> str:
    """A line of `brainstack status --why` about a section, without the codes of the command line."""
    copies = re.fullmatch(r"its scene is to be copied (\d+) times", line)
    if copies is None:
        return re.sub(r" \(qc \d+\)$", "", line)
    if copies[1] == "1":
        return "a copy of it fills the place behind it, where a section is missing"
    return f"copies of it fill the {copies[1]} places behind it, where sections are missing"
