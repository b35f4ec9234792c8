"""Midline, Outline and ReferencePlace: what holds the shape of the stack from outside."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack.alignment_results import read_cleaned_mask
from brainstack.errors import BrainstackError
from brainstack.files.reference import open_reference
from brainstack.files.tiff import read_tiff
from brainstack.files.whole import write_json
from brainstack.images.colour import inverted_luminance
from brainstack.images.midline import find_midline
from brainstack.images.outline_holds import find_outline
from brainstack.images.reference import place_on_reference
from brainstack.images.registration import Registered
from brainstack.plan import Plan
from brainstack.stamps import Step, digest
from tasks.base import SectionTask
from tasks.white_point import read_background

WITHOUT_AXIS = ("sagittal", "oblique")


class Midline(SectionTask):
    """Finds the axis of symmetry of a coronal or horizontal section, where the brain's midline shall hold the stack."""

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        cut = plan.records.histology.orientation
        if cut in WITHOUT_AXIS:
            raise BrainstackError(
                f"The sections of {plan.folder.prep_id} are {cut} and have no axis of symmetry; set [shape] held_by to "
                f'"nothing" or "reference", or say how the brain was cut: brainstack animal set {plan.folder.prep_id} '
                "--orientation coronal."
            )
        picture, mask = read_section(plan, step.item)

        found = find_midline(picture, mask, pixel_size_um=plan.pixel_size_um, settings=plan.settings.elastix)

        write_json(plan.folder.held("midline", step.item), dataclasses.asdict(found))
        return {"": digest(dataclasses.asdict(found))}


class Outline(SectionTask):
    """Finds the rim of a section's tissue, where the outlines shall hold the stack."""

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        found = find_outline(read_cleaned_mask(plan, step.item), plan.pixel_size_um)

        content = {"rims": [rim.round(2).tolist() for rim in found]}
        write_json(plan.folder.held("outline", step.item), content)
        return {"": digest(content)}


class ReferencePlace(SectionTask):
    """Finds where a section lies on its plane of the reference volume, where that shall hold the stack. Outside the
    volume it has no such place: only its neighbours hold it."""

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        if not plan.settings.shape.reference:
            raise BrainstackError(
                '[shape] held_by is "reference", but [shape] reference names no volume; give its path in '
                f"{plan.folder.settings}."
            )
        reference = open_reference(
            plan.folder.root / Path(plan.settings.shape.reference).expanduser(),
            spacing_um=plan.settings.shape.reference_spacing_um,
            pixel_size_um=plan.settings.shape.reference_pixel_size_um,
        )
        depth_um = plan.section[step.item].z_um + plan.settings.shape.reference_first_um

        found = _on_plane(plan, step.item, reference.plane(depth_um)) if reference.reaches(depth_um) else None

        content = found and dataclasses.asdict(found)
        write_json(plan.folder.held("reference", step.item), content)
        return {"": digest(content)}


def _on_plane(plan: Plan, key: str, plane: NDArray[np.float32]) -> Registered:
    picture, mask = read_section(plan, key)
    return place_on_reference(
        picture,
        mask,
        plane,
        pixel_size_um=plan.pixel_size_um,
        reference_pixel_size_um=plan.settings.shape.reference_pixel_size_um,
        settings=plan.settings.elastix,
        mirrors="try",
    )


def read_section(plan: Plan, key: str) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """A cleaned thumbnail, bright on dark whatever its stain, and its mask."""
    channel = plan.settings.elastix.channel
    picture = read_tiff(plan.folder.keyed("thumbnail_cleaned", key, channel))
    if plan.is_colour:
        picture = inverted_luminance(picture, read_background(plan, channel))
    return picture, read_cleaned_mask(plan, key)
