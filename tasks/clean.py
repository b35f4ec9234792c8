"""Clean: sections without glass, at one gain or on one white, turned, on one canvas."""

from __future__ import annotations

import json

import numpy as np
from numpy.typing import NDArray

from brainstack.files.tiff import read_tiff, write_tiff
from brainstack.images.cleaning import apply_gain, blank_outside, place_on_canvas, turn
from brainstack.plan import Plan
from brainstack.stamps import Step
from tasks.base import SectionChannelTask
from tasks.white_point import read_background


class Clean(SectionChannelTask):
    """Mask, gain (none in colour), quarter turns and mirror, canvas. Nothing is resampled."""

    def make(self, plan: Plan, step: Step) -> None:
        thumbnail = read_tiff(plan.folder.tif_thumbnail(plan.section[step.item].tif_name(step.channel)))
        mask = read_tiff(plan.folder.keyed("thumbnail_masked", step.item)) > 0
        background, gain = read_background(plan, step.channel), _read_gain(plan, step.channel)
        canvas, scan_run = read_canvas(plan), plan.records.scan_run

        tissue = blank_outside(thumbnail, mask, background)
        bright = tissue if gain is None else apply_gain(tissue, gain)
        turned = turn(bright, scan_run.rotation, scan_run.flip)
        cleaned = place_on_canvas(turned, turn(mask, scan_run.rotation, scan_run.flip), canvas, background)

        write_tiff(plan.folder.keyed("thumbnail_cleaned", step.item, step.channel), cleaned, plan.pixel_size_um)


def _read_gain(plan: Plan, channel: int) -> float | None:
    """None for an animal in colour: its sections stay as bright as they were scanned."""
    if plan.is_colour:
        return None
    return float(json.loads(plan.folder.small(f"gain_C{channel}").read_text())["gain"])


def read_canvas(plan: Plan) -> tuple[int, int]:
    """The canvas of cleaned images, (rows, columns)."""
    content = json.loads(plan.folder.small("canvas").read_text())
    return content["rows"], content["columns"]


def read_cleaned_mask(plan: Plan, key: str) -> NDArray[np.bool_]:
    """The mask of a section where its cleaned image is: turned, on the canvas."""
    mask = read_tiff(plan.folder.keyed("thumbnail_masked", key)) > 0
    turned = turn(mask, plan.records.scan_run.rotation, plan.records.scan_run.flip)
    return place_on_canvas(turned, turned, read_canvas(plan))
