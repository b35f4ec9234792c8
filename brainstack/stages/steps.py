"""What one step of a stage is for."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from brainstack.exports import EXPORT_KINDS, PIECE_SUFFIXES, RESOLUTIONS, Piece
from brainstack.stamps import Step
from brainstack.volume_pieces import group_count, group_name, slab_count, slab_name

if TYPE_CHECKING:
    from brainstack.plan import Plan


def slide(plan: Plan, stage: str) -> Iterable[Step]:
    """Not of slides that a person marked as bad: what cannot be read must not be."""
    bad = {name for name, slide in plan.slides.items() if slide.status != "Good"}
    return (Step(stage, 0, file.slide) for file in plan.czi_files if file.slide not in bad)


def slide_and_channel(plan: Plan, stage: str) -> Iterable[Step]:
    """Only of slides that sections are taken from."""
    used = dict.fromkeys(section.slide for section in plan.section.values())
    return (Step(stage, channel.number, name) for channel in plan.channels for name in used)


def section(plan: Plan, stage: str) -> Iterable[Step]:
    return (Step(stage, 0, key) for key in plan.section)


def section_and_channel(plan: Plan, stage: str) -> Iterable[Step]:
    return (Step(stage, channel.number, key) for channel in plan.channels for key in plan.section)


def pair(plan: Plan, stage: str) -> Iterable[Step]:
    return (Step(stage, 0, one.item) for one in plan.pairs)


def finer_pair(plan: Plan, stage: str) -> Iterable[Step]:
    """Neighbours, where the setting asks for it, but for those that a person put right or left out."""
    if not plan.settings.elastix.finer_factor:
        return ()
    pairs = (f"{fixed}..{moving}" for fixed, moving in itertools.pairwise(plan.chain))
    return (Step(stage, 0, one) for one in pairs if one not in plan.left_out and one not in plan.by_hand)


def deformed(plan: Plan, stage: str) -> Iterable[Step]:
    """Sections of the stack, where the setting asks for it."""
    return (Step(stage, 0, key) for key in (plan.chain if plan.settings.deformation.grid_um else ()))


def channel(plan: Plan, stage: str) -> Iterable[Step]:
    return (Step(stage, channel.number) for channel in plan.channels if plan.section)


def grey_channel(plan: Plan, stage: str) -> Iterable[Step]:
    return () if plan.is_colour else channel(plan, stage)


def colour_channel(plan: Plan, stage: str) -> Iterable[Step]:
    return channel(plan, stage) if plan.is_colour else ()


def animal(plan: Plan, stage: str) -> Iterable[Step]:
    return (Step(stage),) if plan.section else ()


def layer_of_labels(plan: Plan, stage: str) -> Iterable[Step]:
    """A layer of labels that somebody asked for: item "nuclei"."""
    return (Step(stage, 0, layer) for layer in plan.labels) if plan.section else ()


def layer_of_points(plan: Plan, stage: str) -> Iterable[Step]:
    """A layer of points that somebody asked for: item "cells"."""
    return (Step(stage, 0, layer) for layer in plan.points) if plan.section else ()


def held_by(kind: str) -> Callable[[Plan, str], Iterable[Step]]:
    """A stage for each section that is aligned, where that is what holds the stack's shape."""

    def section_that_is_held(plan: Plan, stage: str) -> Iterable[Step]:
        return (Step(stage, 0, key) for key in plan.chain) if kind in plan.settings.shape.kinds else ()

    return section_that_is_held


def slab(plan: Plan, stage: str) -> Iterable[Step]:
    """The sections that a chunk of a volume is deep, of each channel: item "002"."""
    slabs = [slab_name(number) for number in range(slab_count(plan))]
    return (Step(stage, one.channel, name) for one in channel(plan, stage) for name in slabs)


def group(plan: Plan, stage: str) -> Iterable[Step]:
    """A square of blocks of the full-resolution volume, through all its slabs: item "004"."""
    groups = [group_name(number) for number in range(group_count(plan))]
    return (Step(stage, one.channel, name) for one in channel(plan, stage) for name in groups)


def group_of_slab(plan: Plan, stage: str) -> Iterable[Step]:
    """The same of one slab: item "002.004"."""
    groups = [group_name(number) for number in range(group_count(plan))]
    return (Step(stage, one.channel, f"{one.item}.{name}") for one in slab(plan, stage) for name in groups)


def export(plan: Plan, stage: str) -> Iterable[Step]:
    """Each way to export an animal: item "ome-zarr:thumbnail"."""
    return (Step(stage, 0, kind.item) for kind in EXPORT_KINDS) if plan.section else ()


def section_of_export(plan: Plan, stage: str) -> Iterable[Step]:
    """A section, for the exports that are made of it: item "slide058_S2:zarr:thumbnail"."""
    kinds = [(kind, resolution) for resolution in RESOLUTIONS for kind in PIECE_SUFFIXES]
    return (Step(stage, 0, Piece(key, *kind).item) for kind in kinds for key in plan.section)
