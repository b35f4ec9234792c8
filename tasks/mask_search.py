"""MaskSearch: where the tissue of a section is, as its own image says."""

from __future__ import annotations

import dataclasses

import numpy as np

from brainstack.edits import edited_mask
from brainstack.files.tiff import read_tiff, write_tiff
from brainstack.files.whole import write_json
from brainstack.images.mask_model import propose_mask_by_model
from brainstack.images.mask_outliers import shape_of
from brainstack.images.mask_shapes import NoTissueError
from brainstack.images.masks import propose_mask
from brainstack.images.planes import Image, Mask
from brainstack.mask_models import model_in_use
from brainstack.plan import Plan
from brainstack.stamps import Step, digest
from tasks.base import SectionTask


class MaskSearch(SectionTask):
    """Finds the tissue of each section by itself, and describes its mask, or the one that a person made, in a few
    numbers for its neighbours."""

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        folder, key = plan.folder, step.item
        thumbnail = read_tiff(folder.tif_thumbnail(plan.section[key].tif_name(plan.settings.masks.channel)))
        edited = edited_mask(plan, key) > 0 if key in plan.edits else None

        try:
            found = _found(plan, thumbnail)
        except NoTissueError:  # its neighbours or a person may know better: Masks says so where nobody does
            found = np.zeros(thumbnail.shape[:2], bool)
        shape = dataclasses.asdict(shape_of(found if edited is None else edited, plan.pixel_size_um))
        described = shape | {"is_edited": edited is not None}

        found_image = np.where(found, 255, 0).astype(np.uint8)
        write_tiff(folder.keyed("found", key), found_image, plan.pixel_size_um)
        write_json(folder.keyed("found", key, suffix=".json"), described)
        return {"": digest(found_image), "shape": digest(described)}


def _found(plan: Plan, thumbnail: Image) -> Mask:
    """By the model that the settings name, else by the light alone."""
    settings, model = plan.settings.masks, model_in_use(plan.folder, plan.settings)
    if model is None:
        return propose_mask(thumbnail, pixel_size_um=plan.pixel_size_um, settings=settings)
    return propose_mask_by_model(thumbnail, model, pixel_size_um=plan.pixel_size_um, settings=settings)
