"""MaskProposal and Masks: where the tissue is, first as found, then as people want it."""

from __future__ import annotations

import numpy as np

from brainstack.errors import BrainstackError
from brainstack.files.tiff import read_tiff, write_tiff
from brainstack.images.masks import NoTissueError, propose_mask
from brainstack.images.paint import preview
from brainstack.intake import record_seen
from brainstack.plan import Plan
from brainstack.stamps import Step, digest
from tasks.base import SectionTask


class MaskProposal(SectionTask):
    """Finds the tissue and draws its outline on the section, for a person to paint on."""

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        channel, folder = plan.settings.masks.channel, plan.folder
        thumbnail = read_tiff(folder.tif_thumbnail(plan.section[step.item].tif_name(channel)))
        normalized = read_tiff(folder.keyed("normalized", step.item, channel))
        edited = read_tiff(folder.edit(step.item)) > 0 if step.item in plan.edits else None

        try:
            proposal = propose_mask(thumbnail, pixel_size_um=plan.pixel_size_um, settings=plan.settings.masks)
        except NoTissueError:  # a person may know better: Masks says so where nobody painted a mask
            proposal = np.zeros(thumbnail.shape[:2], bool)
        shown = preview(normalized, proposal if edited is None else edited)

        proposal_image = np.where(proposal, 255, 0).astype(np.uint8)
        write_tiff(folder.keyed("proposal", step.item), proposal_image, plan.pixel_size_um)
        write_tiff(folder.keyed("thumbnail_colored", step.item), shown, plan.pixel_size_um)
        record_seen(folder, folder.keyed("thumbnail_colored", step.item))
        return {"": digest(proposal_image), "file": digest(shown)}


class Masks(SectionTask):
    """The mask in force: what a person made of it, else the proposal."""

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        folder, key = plan.folder, step.item
        mask = read_tiff(folder.edit(key) if key in plan.edits else folder.keyed("proposal", key))
        if not mask.any():
            section = plan.section[key]
            raise BrainstackError(
                f"No tissue was found on scene {section.scene} of {section.slide}; paint it white in "
                f"{folder.numbered('thumbnail_colored', section.number)}, or mark the scene as bad with "
                f"`brainstack animal set {folder.prep_id} --slide N --scene {section.scene} --qc 2`."
            )

        write_tiff(folder.keyed("thumbnail_masked", key), mask, plan.pixel_size_um)
        record_seen(folder, folder.keyed("thumbnail_masked", key))
        return {"": digest(mask), "file": digest(mask)}
