"""Histogram, ChannelHistogram, HistogramPicture, SingleHistogram: grey values of the tissue, counted and drawn."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import luigi
import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.files.arrays import read_arrays, write_arrays
from brainstack.files.histogram_files import COLOURS, Mark, write_counts, write_histogram
from brainstack.files.tiff import read_tiff
from brainstack.files.whole import write_json
from brainstack.gains import channel_gain, section_gain
from brainstack.images.histograms import (
    Axis,
    axis_for,
    beyond,
    binned,
    brightest_level,
    saturated_share,
    tabled,
    tissue_counts,
)
from brainstack.images.planes import not_scanned
from brainstack.plan import Plan, section_named
from brainstack.stages import IMAGES
from brainstack.stamps import Step, digest
from brainstack.viewing import HEADROOM
from tasks.base import ChannelParameter, ChannelTask, SectionChannelTask, wanted_of


class Histogram(SectionChannelTask):
    """Counts the grey values of a section's thumbnail inside its mask; of a colour scan those of its glass as well."""

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        name = plan.section[step.item].tif_name(step.channel)
        thumbnail = read_tiff(plan.folder.tif_thumbnail(name))
        mask = read_tiff(plan.folder.keyed("thumbnail_masked", step.item)) > 0

        scanned = ~not_scanned(thumbnail)
        counts = tissue_counts(thumbnail, mask)
        arrays = {"counts": counts}
        if plan.is_colour:
            arrays["glass"] = tissue_counts(thumbnail, ~mask & scanned)

        write_arrays(plan.folder.keyed("histogram", step.item, step.channel, ".npz"), **arrays)
        return {
            "covered": f"{np.count_nonzero(mask & scanned) / max(1, np.count_nonzero(scanned)):.6f}",
            "saturated": f"{saturated_share(counts):.6f}",
            "brightest": str(brightest_level(counts)),
        }

    def details(self, values: dict[str, str]) -> dict[str, str]:
        return values


class ChannelHistogram(ChannelTask):
    """The grey values of all sections of a channel together, with what its gain does; the axis of all pictures."""

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        counts = counts_of_channel(plan, step)
        highest = counts.shape[-1] - 1
        marks = _marks_of_channel(plan, step.channel, highest)
        axis = _axis_of_animal(plan, step, highest)
        together = dataclasses.replace(axis, tallest=_tallest(counts, axis))

        title = f"{_channel_title(plan, step.channel)}: {len(_gathered_of_channel(plan, step))} sections, as scanned"
        _write(plan.folder.histogram(step.channel, plan.folder.prep_id), counts, together, title, marks)
        shared = {"axis": dataclasses.asdict(axis), "marks": [dataclasses.asdict(one) for one in marks]}
        write_json(plan.folder.small(f"channel_histogram_C{step.channel}"), shared)
        return {"": digest(shared)}


class HistogramPicture(SectionChannelTask):
    """The histogram of a section, drawn on the axis that all sections and channels share, and its numbers as CSV."""

    def make(self, plan: Plan, step: Step) -> None:
        counts = read_arrays(plan.folder.keyed("histogram", step.item, step.channel, ".npz"))["counts"]
        shared = json.loads(plan.folder.small(f"channel_histogram_C{step.channel}").read_text())

        # Of the section's own gain: evened out, it is not the channel's.
        gain = None if plan.is_colour else section_gain(plan, step.channel, step.item)
        axis, marks = Axis(**shared["axis"]), _marks(plan, step.channel, gain, highest=counts.shape[-1] - 1)
        title = f"{_channel_title(plan, step.channel)}: {step.item}, as scanned"

        _write(plan.folder.keyed("histogram", step.item, step.channel, ".png"), counts, axis, title, marks)


class SingleHistogram(SectionChannelTask):
    """The grey values of one section of one channel, of any stage's image, background included."""

    section = luigi.Parameter(default="", description="key such as slide058_S2, or its number; it has to be given")
    channel = ChannelParameter(default=0, description="counted from 1; it has to be given")
    image = luigi.Parameter(default="thumbnail_aligned", description=f"one of {', '.join(IMAGES)}")

    @property
    def batchable(self) -> bool:
        return False

    def check(self) -> None:
        if self.image not in IMAGES:
            raise BrainstackError(f"There is no image {self.image!r} of a section; wanted one of {', '.join(IMAGES)}.")
        if self.is_whole_stage:
            raise BrainstackError("SingleHistogram is of one section: give --section and --channel.")
        wanted_of(self.plan, (), self.channel_number, "")
        self.steps()

    def steps(self) -> tuple[Step, ...]:
        key = section_named(self.plan, self.section).key
        return (Step(self.task_family, self.channel_number, f"{key}:{self.image}"),)

    def make(self, plan: Plan, step: Step) -> None:
        key, _, image = step.item.partition(":")
        thumbnail = plan.folder.tif_thumbnail(plan.section[key].tif_name(step.channel))
        path = thumbnail if image == "thumbnail" else plan.folder.keyed(image, key, step.channel)
        pixels = read_tiff(path)

        counts = tissue_counts(pixels, np.ones(pixels.shape[:2], bool))
        axis = axis_for(counts, [counts], plan.settings.histogram.bins)

        picture = plan.folder.histogram(step.channel, step.item.replace(":", "_"))
        title = f"{_channel_title(plan, step.channel)}: {key}, {image}, with background"
        _write(picture, counts, axis, title, [], of="pixels")


def counts_of_channel(plan: Plan, step: Step, what: str = "counts") -> NDArray[Any]:
    """The counts of all sections of its channel that a step gathers, added up. what : "counts" of the tissue, or of the
    "glass"."""
    return _added_up(plan, _gathered_of_channel(plan, step), what)


def counts_of_section(plan: Plan, step: Step, what: str = "counts") -> NDArray[Any]:
    """What a step of Histogram counted."""
    return read_arrays(plan.folder.keyed("histogram", step.item, step.channel, ".npz"))[what]


def _added_up(plan: Plan, steps: list[Step], what: str = "counts") -> NDArray[Any]:
    first, *others = steps
    total = counts_of_section(plan, first, what)
    for one in others:
        total = total + counts_of_section(plan, one, what)
    return total


def _gathered(plan: Plan, step: Step, stage: str = "Histogram") -> list[Step]:
    return [one.step for one in plan.inputs(step) if one.step.stage == stage]


def _gathered_of_channel(plan: Plan, step: Step) -> list[Step]:
    return [one for one in _gathered(plan, step) if one.channel == step.channel]


def _axis_of_animal(plan: Plan, step: Step, highest: int) -> Axis:
    """One axis for all sections of all channels, of those that a step gathers. highest : of the type."""
    sections = _gathered(plan, step)
    lit = {one.channel for stage in ("Gain", "WhitePoint") for one in _gathered(plan, step, stage)}
    reach = max(mark.level for channel in lit for mark in _marks_of_channel(plan, channel, highest))
    counts = (counts_of_section(plan, one) for one in sections)
    return axis_for(_added_up(plan, sections), counts, plan.settings.histogram.bins, reach=reach)


def _channel_title(plan: Plan, channel: int) -> str:
    """Without numbers of sections: these change when one before them goes, and the picture stays with its section."""
    name = next((one.name for one in plan.channels if one.number == channel), "")
    return f"{plan.folder.prep_id}, channel {channel}" + (f" ({name})" if name else "")


def _marks_of_channel(plan: Plan, channel: int, highest: int) -> list[Mark]:
    gain = None if plan.is_colour else channel_gain(plan, channel)
    return _marks(plan, channel, gain, highest=highest)


def _marks(plan: Plan, channel: int, gain: float | None, *, highest: int) -> list[Mark]:
    """What becomes of grey values as they were scanned: where the viewers show white, and what the gain saturates; in
    colour, where there is no gain, the white point. highest : of the type."""
    if gain is None:
        white = json.loads(plan.folder.small(f"white_point_C{channel}").read_text())["white"]
        names = ("red of the glass", "green of the glass", "blue of the glass")
        return [Mark(level, name, colour) for level, name, colour in zip(white, names, COLOURS, strict=True)]
    white = plan.settings.gain.target * highest / gain
    in_viewer = min(highest / gain, HEADROOM * white)
    return [
        Mark(0, f"gain {gain:.4g}; black", "#111111"),
        Mark(white, "white in www, the gain's target", "#1a7a3a"),
        Mark(in_viewer, "white in the viewer", "#b8860b"),
        Mark(highest / gain, "saturated from here on by the gain"),
    ]


def _tallest(counts: NDArray[Any], axis: Axis) -> int:
    """For a picture of its own: twice the tallest bin."""
    return 2 * max(1, int(binned(counts, axis).max()))


def _write(
    picture: Path, counts: NDArray[Any], axis: Axis, title: str, marks: list[Mark], *, of: str = "pixels of tissue"
) -> None:
    """The picture, and beside it the numbers."""
    highest = counts.shape[-1] - 1
    beside = (
        f"{beyond(counts, axis):,} brighter than this axis, {int(counts[..., highest].sum()):,} saturated ({highest})"
    )
    write_histogram(picture, binned(counts, axis), axis.edges, title, tallest=axis.tallest, marks=marks, of=of,
                    beside=beside)  # fmt: skip
    starts, rows = tabled(counts, axis)
    write_counts(picture.with_suffix(".csv"), rows, starts, highest)
