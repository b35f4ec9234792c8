"""MaskProposal and Masks: where the tissue is, first as proposed to people, then as they want it."""

from __future__ import annotations

import dataclasses
import json
import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack.brightness import THROUGHOUT
from brainstack.edits import keep_if_edited, planned_mask
from brainstack.errors import BrainstackError
from brainstack.files.tiff import read_tiff, write_tiff
from brainstack.files.whole import write_json
from brainstack.images.mask_outliers import Expectation, shape_of
from brainstack.images.mask_retry import better_mask
from brainstack.images.paint import preview
from brainstack.images.planes import Mask
from brainstack.intake import record_seen
from brainstack.plan import Plan
from brainstack.run_log import line_of
from brainstack.stamps import Step, digest
from tasks.base import SectionTask, resolution_parameter

log = logging.getLogger("brainstack")


class MaskProposal(SectionTask):
    """Tries a mask that does not fit the stack again, with its neighbours' help, and draws the outline of what is
    proposed on the section, for a person to paint on."""

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        folder, key, channel = plan.folder, step.item, plan.settings.masks.channel
        found = read_tiff(folder.keyed("found", key)) > 0
        normalized = read_tiff(folder.keyed("normalized", key, channel))
        edited = planned_mask(plan, key) > 0 if key in plan.edits else None
        expected = _expected_of_outlier(plan, key)

        better = _tried_again(plan, key, found, expected) if expected is not None else None
        proposal = found if better is None else better
        in_force = proposal if edited is None else edited
        shown = preview(normalized, in_force)
        described = {"verdict": _verdict(in_force, is_edited=edited is not None, is_outlier=expected is not None,
                                         is_better=better is not None)}  # fmt: skip
        described |= dataclasses.asdict(shape_of(in_force, plan.pixel_size_um))
        described |= {"found": digest(found)}
        if edited is not None:
            described |= _beside_edit(plan, key, proposal, edited)

        proposal_image = np.where(proposal, 255, 0).astype(np.uint8)
        write_tiff(folder.keyed("proposal", key), proposal_image, plan.pixel_size_um)
        write_json(folder.keyed("proposal", key, suffix=".json"), described)
        _keep_edit(plan, "thumbnail_colored", key, shown)
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


def _beside_edit(plan: Plan, key: str, proposal: Mask, edited: Mask) -> dict[str, Any]:
    """How a proposal differs from the mask that a person made, and whether it has changed since.

    What was found before their edit was first met says that: the proposal of an edited section is what was found, even
    where it was mended before. Of an edit that was there before anything was found, what was found first.
    """
    path = plan.folder.keyed("proposal", key, suffix=".json")
    before = json.loads(path.read_text()) if path.exists() else {}
    now = digest(proposal)
    seen = before["seen"] if before.get("edit") == plan.edits[key] else before.get("found", now)
    differing_um2 = round(np.count_nonzero(proposal != edited) * plan.pixel_size_um**2)
    return {
        "edit": plan.edits[key],
        "seen": seen,
        "proposal_differs_um2": differing_um2,
        "proposal_changed": seen != now and differing_um2 > 0,
    }


def _verdict(in_force: Mask, *, is_edited: bool, is_outlier: bool, is_better: bool) -> str:
    if is_edited:
        return "edited"
    if not in_force.any():
        return "no tissue"
    if not is_outlier:
        return "as proposed"
    return "mended" if is_better else "doubtful"


def _keep_edit(plan: Plan, kind: str, key: str, new: NDArray[np.uint8]) -> None:
    """What a person saved while this run was making the same file is kept, and taken in when the run looks again."""
    kept = keep_if_edited(plan, kind, key, new)
    if kept is not None:
        said = f"warning: {kept} was saved by a person during this run; it is kept, and taken in as an edit"
        log.warning("%s", line_of(plan, Step("Masks" if kind == "thumbnail_masked" else "MaskProposal", 0, key), said))


class Masks(SectionTask):
    """The mask in force: what a person made of it, else the proposal."""

    full_stage = "FullMasks"
    resolution = resolution_parameter()

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        folder, key = plan.folder, step.item
        mask = planned_mask(plan, key) if key in plan.edits else read_tiff(folder.keyed("proposal", key))
        if not mask.any():
            raise BrainstackError(_nothing_found(plan, key))

        _keep_edit(plan, "thumbnail_masked", key, mask)
        write_tiff(folder.keyed("thumbnail_masked", key), mask, plan.pixel_size_um)
        record_seen(folder, folder.keyed("thumbnail_masked", key))
        return {"": digest(mask), "file": digest(mask)}


def _nothing_found(plan: Plan, key: str) -> str:
    """What to tell a person of a section without a mask; where its scan is saturated there is nothing to be painted."""
    folder, section = plan.folder, plan.section[key]
    thumbnail = read_tiff(folder.tif_thumbnail(section.tif_name(plan.settings.masks.channel)))
    highest = np.iinfo(thumbnail.dtype).max
    to_mark = f"brainstack animal set {folder.prep_id} --slide N --scene {section.scene} --qc 2"
    share = 0.0 if plan.is_colour else float(np.mean(thumbnail == highest))
    if share > THROUGHOUT:
        return (
            f"No tissue was found on scene {section.scene} of {section.slide}, as {share:.1%} of it is saturated "
            f"({highest}); scan the slide again with less light, or mark the scene as bad with `{to_mark}`."
        )
    return (
        f"No tissue was found on scene {section.scene} of {section.slide}: none stands out from its glass, or tissue "
        f"fills it; paint it white in {folder.numbered('thumbnail_colored', section.number)}, or mark the scene as bad "
        f"with `{to_mark}`."
    )
