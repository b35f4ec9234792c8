"""MaskProposal and Masks: where the tissue is, first as proposed to people, then as they want it."""

from __future__ import annotations

import dataclasses
import json

import numpy as np

from brainstack.errors import BrainstackError
from brainstack.files.tiff import read_tiff, write_tiff
from brainstack.files.whole import write_json
from brainstack.images.mask_outliers import Expectation, shape_of
from brainstack.images.mask_retry import better_mask
from brainstack.images.masks import Mask
from brainstack.images.paint import preview
from brainstack.intake import record_seen
from brainstack.plan import Plan
from brainstack.stamps import Step, digest
from tasks.base import SectionTask


class MaskProposal(SectionTask):
    """Tries a mask that does not fit the stack again, with its neighbours' help, and draws the outline of what is
    proposed on the section, for a person to paint on."""

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        folder, key, channel = plan.folder, step.item, plan.settings.masks.channel
        found = read_tiff(folder.keyed("found", key)) > 0
        normalized = read_tiff(folder.keyed("normalized", key, channel))
        edited = read_tiff(folder.edit(key)) > 0 if key in plan.edits else None
        expected = _expected_of_outlier(plan, key)

        better = _tried_again(plan, key, found, expected) if expected is not None else None
        proposal = found if better is None else better
        in_force = proposal if edited is None else edited
        shown = preview(normalized, in_force)
        described = {"verdict": _verdict(in_force, is_edited=edited is not None, is_outlier=expected is not None,
                                         is_better=better is not None)}  # fmt: skip
        described |= dataclasses.asdict(shape_of(in_force, plan.pixel_size_um))

        proposal_image = np.where(proposal, 255, 0).astype(np.uint8)
        write_tiff(folder.keyed("proposal", key), proposal_image, plan.pixel_size_um)
        write_json(folder.keyed("proposal", key, suffix=".json"), described)
        write_tiff(folder.keyed("thumbnail_colored", key), shown, plan.pixel_size_um)
        record_seen(folder, folder.keyed("thumbnail_colored", key))
        return {"": digest(proposal_image), "file": digest(shown), "shape": digest(described)}


def _expected_of_outlier(plan: Plan, key: str) -> Expectation | None:
    """What the neighbours of a section make expected, where its mask is far from that; else None."""
    checked = json.loads(plan.folder.small("mask_check").read_text())[key]
    return Expectation.from_json(checked["expected"]) if checked["is_outlier"] else None


def _tried_again(plan: Plan, key: str, found: Mask, expected: Expectation) -> Mask | None:
    settings = plan.settings.masks
    thumbnail = read_tiff(plan.folder.tif_thumbnail(plan.section[key].tif_name(settings.channel)))
    return better_mask(thumbnail, found, expected, pixel_size_um=plan.pixel_size_um, settings=settings)


def _verdict(in_force: Mask, *, is_edited: bool, is_outlier: bool, is_better: bool) -> str:
    if is_edited:
        return "edited"
    if not in_force.any():
        return "no tissue"
    if not is_outlier:
        return "as proposed"
    return "mended" if is_better else "doubtful"


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
