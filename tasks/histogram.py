"""Histogram, ChannelHistogram, SingleHistogram: grey values of the tissue, counted and drawn."""

from __future__ import annotations

from typing import Any

import luigi
import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.files.arrays import read_arrays, write_arrays
from brainstack.files.pictures import write_histogram
from brainstack.files.tiff import read_tiff
from brainstack.images.histograms import binned, tissue_counts
from brainstack.images.masks import not_scanned
from brainstack.plan import Plan, section_named
from brainstack.stages import IMAGES
from brainstack.stamps import Step
from tasks.base import ChannelTask, SectionChannelTask, wanted_of


class Histogram(SectionChannelTask):
    """Counts the grey values of a section's thumbnail inside its mask; of a colour scan those of its glass as well."""

    def make(self, plan: Plan, step: Step) -> None:
        name = plan.section[step.item].tif_name(step.channel)
        thumbnail = read_tiff(plan.folder.tif_thumbnail(name))
        mask = read_tiff(plan.folder.keyed("thumbnail_masked", step.item)) > 0

        counts = tissue_counts(thumbnail, mask)
        arrays = {"counts": counts}
        if plan.is_colour:
            arrays["glass"] = tissue_counts(thumbnail, ~mask & ~not_scanned(thumbnail))

        write_arrays(plan.folder.keyed("histogram", step.item, step.channel, ".npz"), **arrays)
        picture = plan.folder.keyed("histogram", step.item, step.channel, ".png")
        write_histogram(picture, *binned(counts, plan.settings.histogram.bins), f"{name}, {thumbnail.dtype}")


class ChannelHistogram(ChannelTask):
    """The grey values of all sections of a channel together."""

    def make(self, plan: Plan, step: Step) -> None:
        counts = counts_of_channel(plan, step)

        path = plan.folder.histogram(step.channel, plan.folder.prep_id)
        title = f"{plan.folder.prep_id} channel {step.channel}, {len(plan.inputs(step))} sections"
        write_histogram(path, *binned(counts, plan.settings.histogram.bins), title)


class SingleHistogram(SectionChannelTask):
    """The grey values of one section of one channel, of any stage's image, background included."""

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

    def steps(self) -> tuple[Step, ...]:
        key = section_named(self.plan, self.section).key
        return (Step(self.task_family, self.channel_number, f"{key}:{self.image}"),)

    def make(self, plan: Plan, step: Step) -> None:
        key, _, image = step.item.partition(":")
        thumbnail = plan.folder.tif_thumbnail(plan.section[key].tif_name(step.channel))
        path = thumbnail if image == "thumbnail" else plan.folder.keyed(image, key, step.channel)
        pixels = read_tiff(path)

        counts = tissue_counts(pixels, np.ones(pixels.shape[:2], bool))

        picture = plan.folder.histogram(step.channel, step.item.replace(":", "_"))
        title = f"{plan.folder.prep_id} {key} channel {step.channel}, {image}, with background"
        write_histogram(picture, *binned(counts, plan.settings.histogram.bins), title)


def counts_of_channel(plan: Plan, step: Step, what: str = "counts") -> NDArray[Any]:
    """The counts of all sections that a step gathers, added up. what : "counts" of the tissue, or of the "glass"."""
    files = [plan.folder.keyed("histogram", one.step.item, step.channel, ".npz") for one in plan.inputs(step)]
    total = read_arrays(files[0])[what]
    for file in files[1:]:
        total = total + read_arrays(file)[what]
    return total
