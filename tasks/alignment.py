"""Alignment: cleaned sections where they belong."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from brainstack.alignment_results import read_matrices
from brainstack.errors import BrainstackError
from brainstack.files.tiff import read_tiff, write_tiff
from brainstack.images.alignment import align
from brainstack.plan import Plan
from brainstack.stamps import Step
from tasks.base import SectionChannelTask, resolution_parameter
from tasks.white_point import read_background


class Alignment(SectionChannelTask):
    """Resamples each cleaned section once, onto the canvas of the aligned stack."""

    full_stage = "FullAlignment"
    resolution = resolution_parameter()

    def make(self, plan: Plan, step: Step) -> None:
        cleaned = read_tiff(plan.folder.keyed("thumbnail_cleaned", step.item, step.channel))
        transforms = read_matrices(plan)
        for reasons in (transforms["failed"], transforms["outside"]):
            if step.item in reasons:
                raise BrainstackError(reasons[step.item])
        matrix, background = np.array(transforms["matrices"][step.item]), read_background(plan, step.channel)

        field_um = read_field(plan, step.item)
        field = None if field_um is None else field_um / plan.pixel_size_um

        aligned = align(
            cleaned,
            matrix,
            canvas_shape=tuple(transforms["canvas"]),
            background=background,
            field=field,
            interpolation=plan.settings.alignment.interpolation,
        )

        write_tiff(plan.folder.keyed("thumbnail_aligned", step.item, step.channel), aligned, plan.pixel_size_um)


def read_field(plan: Plan, key: str) -> npt.NDArray[np.float32] | None:
    """The smooth deformation of an aligned section, in micrometres; None where it has none."""
    if not plan.steps("Deformation"):
        return None
    field = np.load(plan.folder.deformation(key))
    return field if field.size else None
