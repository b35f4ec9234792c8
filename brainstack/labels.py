"""What label volumes are made from, and what their labels are called. Records only."""

from __future__ import annotations

import colorsys
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import count

from brainstack.errors import BrainstackError
from brainstack.points import AnnotationSession, Structure

SECTIONS, VOLUME, POLYGONS = "sections", "volume", "polygons"
KINDS = (SECTIONS, VOLUME, POLYGONS)
"""A folder of label TIFFs, aligned with the sections; a label volume with a geometry of its own; polygons that people
drew, in the database."""

SHELL = "shell"
"""The layer that every animal has: the outer surface of the brain."""

FIRST_FREE = 1001
"""Labels of what the table of structures gives none."""

GOLDEN_ANGLE = 137.508 / 360
"""Of the circle of colours: the next label's colour is far from all before."""


@dataclass(frozen=True)
class LabelSource:
    """What a label volume is made from.

    name : of the layer. kind : of KINDS. path : of the folder or file; "" for polygons. names : of a CSV with label,
    name and color; "" for the names in the table of structures. voxel_um, offset_um : (x, y, z) of a volume, where not
    its file's own counts; offset_um is where its outer corner lies in the brain. layer : of polygons, only those of
    this layer of Neuroglancer; None for all. content : a word that is another when what it is made from is another.
    structures : those that are known.
    """

    name: str
    kind: str
    path: str = ""
    names: str = ""
    voxel_um: tuple[float, float, float] | None = None
    offset_um: tuple[float, float, float] | None = None
    layer: str | None = None
    content: str = ""
    structures: tuple[Structure, ...] = ()


@dataclass(frozen=True)
class Segment:
    """A label as people know it. color : such as "#0CFF95"."""

    label: int
    name: str
    description: str = ""
    color: str = ""

    @property
    def shown_color(self) -> str:
        """Its colour, or one that follows from its label."""
        return self.color or default_color(self.label)


def default_color(label: int) -> str:
    """A bright colour; labels that follow each other have colours far apart."""
    red, green, blue = colorsys.hls_to_rgb(label * GOLDEN_ANGLE % 1, 0.6, 0.85)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def segments_of(
    labels: Iterable[int], structures: Collection[Structure], named: Collection[Segment] = ()
) -> list[Segment]:
    """What labels are called: as a person's table says, else as the structure that has the label; else by its number.

    A label that both sides of a structure share is called without the side.
    Raises BrainstackError where two labels have one name.
    """
    given = {one.label: one for one in named}
    by_label: dict[int, list[Structure]] = defaultdict(list)
    for one in structures:
        by_label[one.color].append(one)
    found = [given.get(label) or _segment(label, by_label.get(label, [])) for label in sorted(labels)]
    check_names(found)
    return found


def check_names(segments: Iterable[Segment], where: str = "") -> None:
    """Raise BrainstackError where two labels have one name. where : what says so, for the sentence."""
    known: dict[str, int] = {}
    for one in segments:
        if known.setdefault(one.name, one.label) != one.label:
            said = where or "The table of structures, or the table of names,"
            raise BrainstackError(
                f"{said} calls both label {known[one.name]} and label {one.label} {one.name!r}; wanted a name of its "
                "own for each: rename one."
            )


def _segment(label: int, structures: list[Structure]) -> Segment:
    if not structures:
        return Segment(label, str(label))
    if len(structures) == 1:
        one = structures[0]
        return Segment(label, one.abbreviation, one.description, one.hexadecimal or "")
    names = {without_side(one.abbreviation) for one in structures}
    colors = {one.hexadecimal for one in structures}
    described = {one.description.rpartition(", ")[0] or one.description for one in structures}
    return Segment(
        label,
        names.pop() if len(names) == 1 else ", ".join(one.abbreviation for one in structures),
        described.pop() if len(described) == 1 else "",
        (colors.pop() or "") if len(colors) == 1 else "",
    )


def without_side(abbreviation: str) -> str:
    """7N of 7N_L."""
    return abbreviation.removesuffix("_L").removesuffix("_R")


def name_of(session: AnnotationSession) -> str:
    """What a session's polygons are of: their structure, else the layer they were drawn in."""
    return session.structure or session.layer or "unnamed"


def labels_of(drawn: Sequence[str], structures: Collection[Structure]) -> dict[str, Segment]:
    """Of structures that people drew, by abbreviation: what each becomes.

    drawn : in the order in which they were first drawn. Both sides share a label, as the table of structures has it;
    one that has none there, or is not in it, gets the next from FIRST_FREE on that is no structure's.
    """
    known = {one.abbreviation: one for one in structures}
    found: dict[str, Segment] = {}
    together: dict[int, list[Structure]] = defaultdict(list)
    for name in sorted(drawn):
        if name in known and known[name].color:
            together[known[name].color].append(known[name])
    for label, several in together.items():
        found |= {one.abbreviation: _segment(label, several) for one in several}
    taken = {one.color for one in structures}
    free = (label for label in count(FIRST_FREE) if label not in taken)
    for name in (name for name in drawn if name not in found):
        one = known.get(name, Structure(name))
        found[name] = Segment(next(free), one.abbreviation, one.description, one.hexadecimal or "")
    check_names(found.values())
    return found
