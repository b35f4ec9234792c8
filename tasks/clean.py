"""Clean: sections without glass, at one gain or on one white, turned, on one canvas."""

from __future__ import annotations

from brainstack.alignment_results import placed_on_canvas
from brainstack.files.tiff import read_tiff, write_tiff
from brainstack.gains import section_gain
from brainstack.images.cleaning import (
    apply_gain,
    blank_outside,
    clipped_share,
    turn,
    without_background,
)
from brainstack.plan import Plan
from brainstack.stamps import Step
from tasks.approval import AfterApproval
from tasks.base import SectionChannelTask, resolution_parameter
from tasks.white_point import read_background


class Clean(AfterApproval, SectionChannelTask):
    """Mask, gain (none in colour), quarter turns and mirror, canvas. Nothing is resampled."""

    full_stage = "FullClean"
    resolution = resolution_parameter()

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        thumbnail = read_tiff(plan.folder.tif_thumbnail(plan.section[step.item].tif_name(step.channel)))
        mask = read_tiff(plan.folder.keyed("thumbnail_masked", step.item)) > 0
        background = read_background(plan, step.channel)
        gain = None if plan.is_colour else section_gain(plan, step.channel, step.item)
        radius_px = plan.settings.clean.background_um / plan.pixel_size_um
        turns = plan.turns(step.item)

        tissue = blank_outside(thumbnail, mask, background)
        even = without_background(tissue, mask, radius_px=radius_px) if radius_px and gain is not None else tissue
        bright = even if gain is None else apply_gain(even, gain)
        turned = turn(bright, *turns)
        cleaned = placed_on_canvas(plan, turned, turn(mask, *turns), background)

        write_tiff(plan.folder.keyed("thumbnail_cleaned", step.item, step.channel), cleaned, plan.pixel_size_um)
        return {"clipped": f"{clipped_share(tissue, bright, mask):.6f}"}

    def details(self, values: dict[str, str]) -> dict[str, str]:
        return values
