"""Deformation: how tissue that stretched is bent back, for each section with sound neighbours on both sides."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from brainstack.alignment_results import read_cleaned_mask, read_matrices
from brainstack.files.alignment_metrics import read_alignment_metrics
from brainstack.files.tiff import read_tiff
from brainstack.files.whole import whole_file
from brainstack.images.alignment import align
from brainstack.images.colour import inverted_luminance
from brainstack.images.deformation import AlignedSection, Field, deformation
from brainstack.plan import Plan
from brainstack.run_log import line_of
from brainstack.stages import neighbours
from brainstack.stamps import Step, digest
from tasks.base import SectionTask
from tasks.white_point import read_background

log = logging.getLogger("brainstack")


class Deformation(SectionTask):
    """A smooth field for each aligned section, that makes it fit the mean of its two neighbours, all aligned rigidly. A
    section at an end, doubtful or beside one that is, gets none."""

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        why_none, field = _why_none(plan, step.item), None

        if not why_none:
            field = _found(plan, step.item)
            why_none = "" if field is not None else "none makes it fit its neighbours better"
        if why_none:
            log.info("%s", line_of(plan, step, f"not deformed: {why_none}"))

        _write_field(plan.folder.deformation(step.item), field)
        return {"": digest(None if field is None else field.tolist()), "why none": why_none}

    def details(self, values: dict[str, str]) -> dict[str, str]:
        return {"why none": values["why none"]} if values["why none"] else {}


def _found(plan: Plan, key: str) -> Field | None:
    section, before, after = (_read_aligned(plan, one) for one in (key, *neighbours(plan, key)))
    return deformation(
        section,
        before,
        after,
        pixel_size_um=plan.pixel_size_um,
        settings=plan.settings.deformation,
        comparing=plan.settings.elastix,
    )


def _write_field(path: Path, field: Field | None) -> None:
    """None becomes a field without any pixel."""
    with whole_file(path) as part, part.open("wb") as file:
        np.save(file, np.zeros((0, 0, 2), np.float32) if field is None else field)


def _why_none(plan: Plan, key: str) -> str:
    """Why a section is not deformed; "" where it may be."""
    near = neighbours(plan, key)
    if len(near) < 2:
        return "it has no neighbours on both sides"
    placed = read_matrices(plan)["matrices"]
    verdicts = {one.section: one.verdict for one in read_alignment_metrics(plan.folder.alignment_metrics)[0]}
    for one in (key, *near):
        if one not in placed or verdicts.get(one) != "good":
            return f"{one} is {verdicts.get(one, 'without a place')}"
        if plan.section[one].copy:
            return f"{one} is a copy"
    return ""


def _read_aligned(plan: Plan, key: str) -> AlignedSection:
    channel, transforms = plan.settings.elastix.channel, read_matrices(plan)
    picture = read_tiff(plan.folder.keyed("thumbnail_cleaned", key, channel))
    if plan.is_colour:
        picture = inverted_luminance(picture, read_background(plan, channel))
    matrix, canvas = np.array(transforms["matrices"][key]), tuple(transforms["canvas"])
    mask = align(read_cleaned_mask(plan, key).astype(np.uint8) * 255, matrix, canvas_shape=canvas)
    return AlignedSection(align(picture, matrix, canvas_shape=canvas), mask > 127)
