"""What steps read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from brainstack.exports import export_kind, export_piece
from brainstack.labels import VOLUME
from brainstack.stages.kinds import Input
from brainstack.stamps import Step
from brainstack.volume_pieces import slab_count, slab_keys, slab_name

if TYPE_CHECKING:
    from brainstack.plan import Plan


def all_of(plan: Plan, stage: str, channel: int | None = None) -> list[Input]:
    """All steps of a stage (of one channel), of which those that failed are left out."""
    return [Input(one, needed=False) for one in plan.steps(stage) if channel in (None, one.channel)]


def histograms(plan: Plan, step: Step) -> list[Input]:
    """Of the sections themselves: a copy tells nothing new of how bright a channel is."""
    return [one for one in histograms_of_animal(plan) if one.step.channel == step.channel]


def histograms_of_animal(plan: Plan) -> list[Input]:
    return [one for one in all_of(plan, "Histogram") if not plan.section[one.step.item].copy]


def channel_histogram_inputs(plan: Plan, step: Step) -> list[Input]:
    """Of all channels, as they share an axis: without those that failed, so that one that is black fails alone."""
    others = [brightness(plan, one.number) for one in plan.channels if one.number != step.channel]
    return [
        *histograms_of_animal(plan),
        brightness(plan, step.channel),
        *(replace(one, needed=False) for one in others),
    ]


def tif_of(plan: Plan, key: str, channel: int) -> Input:
    return Input(Step("Tifs", channel, plan.section[key].slide))


def brightness(plan: Plan, number: int) -> Input:
    """What a channel (counted from 1) is made bright by: its gain, or in colour the white of its glass."""
    return Input(Step("WhitePoint" if plan.is_colour else "Gain", number))


def evening(plan: Plan, step: Step) -> list[Input]:
    """What evens out a section, where that is asked for."""
    is_evened = plan.settings.gain.even_um > 0 and not plan.is_colour
    return [Input(Step("Gain", step.channel), part=original(plan, step.item))] if is_evened else []


def clean_inputs(plan: Plan, step: Step) -> list[Input]:
    return [
        tif_of(plan, step.item, step.channel),
        Input(Step("Masks", 0, step.item)),
        brightness(plan, step.channel),
        *evening(plan, step),
        Input(Step("Canvas")),
    ]


def original(plan: Plan, key: str) -> str:
    """The section that one is a copy of; one that is no copy is its own."""
    section = plan.section[key]
    place = (section.slide, section.scene)
    return next(one.key for one in plan.section.values() if not one.copy and (one.slide, one.scene) == place)


def white(plan: Plan, number: int) -> list[Input]:
    """The background of a channel (counted from 1) in colour; that of grey images is 0."""
    return [Input(Step("WhitePoint", number))] if plan.is_colour else []


def pair_inputs(plan: Plan, step: Step) -> list[Input]:
    number = plan.settings.elastix.channel
    return [*(Input(Step("Clean", number, key)) for key in step.item.split("..")), *white(plan, number)]


def retry_inputs(plan: Plan, step: Step) -> list[Input]:
    """Of the check only what it says of this pair: another section's edit seldom changes that."""
    return [Input(Step("Elastix", 0, step.item)), Input(Step("PairCheck"), part=step.item), *pair_inputs(plan, step)]


def cleaned(plan: Plan, step: Step) -> list[Input]:
    number = plan.settings.elastix.channel
    return [Input(Step("Clean", number, step.item)), *white(plan, number)]


def finer_inputs(plan: Plan, step: Step) -> list[Input]:
    """The pair in force, and what both sections are cut out and placed by."""
    number, keys = plan.settings.elastix.channel, step.item.split("..")
    scans = dict.fromkeys(tif_of(plan, key, number) for key in keys)
    masks = [Input(Step("Masks", 0, key)) for key in keys]
    return [Input(Step("PairRetry", 0, step.item)), *scans, *masks, Input(Step("Canvas")), *white(plan, number)]


def used_pairs(plan: Plan) -> list[Input]:
    """All pairs in force, and those that were refined on finer pictures."""
    return [*all_of(plan, "PairRetry"), *all_of(plan, "PairFiner")]


def transforms_inputs(plan: Plan, step: Step) -> list[Input]:
    """The pairs, and the masks on the canvas: the aligned canvas holds the tissue of all sections."""
    masks = [Input(Step("Masks", 0, key)) for key in plan.chain]
    pairs = [*used_pairs(plan), Input(Step("PairCheck"))]
    held = [one for stage in ("Midline", "Outline", "ReferencePlace") for one in all_of(plan, stage)]
    return [*pairs, *held, Input(Step("Canvas")), *masks]


def neighbours(plan: Plan, key: str) -> list[str]:
    """The sections before and after one in the chain: one only at its ends."""
    place = plan.place_in_chain[key]
    return [*plan.chain[max(place - 1, 0) : place], *plan.chain[place + 1 : place + 2]]


def deformation_inputs(plan: Plan, step: Step) -> list[Input]:
    """The whole alignment, as its verdicts count."""
    number = plan.settings.elastix.channel
    keys = [step.item, *neighbours(plan, step.item)]
    return [Input(Step("Transforms")), *(Input(Step("Clean", number, key)) for key in keys), *white(plan, number)]


def web_inputs(plan: Plan, step: Step) -> list[Input]:
    """A contrast that a person gave is of the grey values as scanned, which the gain makes those of the section."""
    channel = plan.settings.web.channel
    by_hand = not plan.is_colour and any(one.channel == channel for one in plan.records.contrasts)
    return [Input(Step("Alignment", channel, step.item)), *([Input(Step("Gain", channel))] if by_hand else [])]


def field_of(plan: Plan, step: Step) -> list[Input]:
    """The smooth field of a section, where there are any."""
    one = Step("Deformation", 0, step.item)
    return [Input(one)] if one in plan.steps("Deformation") else []


def alignment_pictures_inputs(plan: Plan, step: Step) -> list[Input]:
    """The channel that pairs are compared in, before and after."""
    number = plan.settings.elastix.channel
    images = [*all_of(plan, "Clean", number), *all_of(plan, "Alignment", number)]
    return [Input(Step("Transforms")), *images, *white(plan, number)]


def shell_inputs(plan: Plan, step: Step) -> list[Input]:
    """The masks of all sections, and where they belong."""
    return [Input(Step("Transforms")), Input(Step("Canvas")), *all_of(plan, "Masks"), *all_of(plan, "Deformation")]


def label_inputs(plan: Plan, step: Step) -> list[Input]:
    """The canvas that labels are drawn on; a volume with a geometry of its own has none."""
    return [] if plan.labels[step.item].kind == VOLUME else [Input(Step("Transforms"), part="canvas")]


def mesh_parts(item: str) -> tuple[str, int, float]:
    """Layer, level and error (micrometres) of what DifferentMesh is asked for. item : "nuclei:1:20"."""
    layer, mip, error_um = item.split(":")
    return layer, int(mip), float(error_um)


def other_mesh_inputs(plan: Plan, step: Step) -> list[Input]:
    """The layer that is meshed otherwise."""
    layer, _, _ = mesh_parts(step.item)
    return [Input(Step("NeuroglancerMesh", 0, layer) if layer in plan.labels else Step("Shell"))]


def proposal_inputs(plan: Plan, step: Step) -> list[Input]:
    """Of the check only what it says of this section: an edit of another one seldom changes that."""
    channel = plan.settings.masks.channel
    return [
        tif_of(plan, step.item, channel),
        Input(Step("Normalized", channel, step.item)),
        Input(Step("MaskSearch", 0, step.item)),
        Input(Step("MaskCheck"), part=step.item),
    ]


def shapes(plan: Plan, stage: str) -> list[Input]:
    """The masks of all sections in a few numbers, as far as they can be had."""
    return [Input(one, part="shape", needed=False) for one in plan.steps(stage)]


def painted(plan: Plan) -> tuple[str, ...]:
    """Keys of the sections whose mask a person made, in order."""
    return tuple(key for key in plan.section if key in plan.edits)


def all_needed(plan: Plan, stage: str, channel: int) -> list[Input]:
    """All steps of a stage and channel, none of which can be done without."""
    return [Input(one) for one in plan.steps(stage) if one.channel == channel]


def sections_of_slab(plan: Plan, step: Step) -> list[Input]:
    """The aligned sections of a slab, of which those that failed are left out, and what stands where none is.

    A slab whose sections all failed is empty, and holds up no other; where no section of the channel could be made,
    all slabs wait.
    """
    sections = [Step("Alignment", step.channel, key) for key in slab_keys(plan, int(step.item))]
    if all(plan.is_blocked(one) for one in sections) and not _is_all_blocked(plan, step.channel):
        sections = []
    return [*(Input(one, needed=False) for one in sections), *white(plan, step.channel)]


def _is_all_blocked(plan: Plan, channel: int) -> bool:
    return all(plan.is_blocked(one) for one in plan.steps("Alignment") if one.channel == channel)


def slab_inputs(plan: Plan, step: Step) -> list[Input]:
    """The sections of a slab, and the volume's layout."""
    return [*sections_of_slab(plan, step), Input(Step("NeuroglancerInfo", step.channel))]


def group_inputs(plan: Plan, step: Step) -> list[Input]:
    """A group of blocks, in all slabs."""
    slabs = (slab_name(number) for number in range(slab_count(plan)))
    return [Input(Step("FullImage", step.channel, f"{slab}.{step.item}")) for slab in slabs]


def export_section_inputs(plan: Plan, step: Step) -> list[Input]:
    """A section, aligned, of all channels."""
    key, first = export_piece(step.item).key, [one.number for one in plan.channels[:1]]
    aligned = [Input(Step("Alignment", one.number, key)) for one in plan.channels]
    return [*aligned, *(background for number in first for background in white(plan, number))]


def export_inputs(plan: Plan, step: Step) -> list[Input]:
    """All sections, of which those that failed are left out; and what the channels are shown by."""
    kind = export_kind(step.item)
    sections = [Input(Step("ExportSection", 0, kind.piece(key).item), needed=False) for key in plan.section]
    shown = [Input(Step("ChannelHistogram", one.number), needed=False) for one in plan.channels]
    if step.item.startswith("ome-zarr") and not plan.is_colour:  # a contrast by hand is of the grey values as scanned
        shown += [Input(Step("Gain", one.channel), needed=False) for one in plan.records.contrasts]
    return [*sections, *shown, *(background for one in plan.channels for background in white(plan, one.number))]


IMAGES = {
    "thumbnail": "Tifs",
    "normalized": "Normalized",
    "thumbnail_cleaned": "Clean",
    "thumbnail_aligned": "Alignment",
}
"""The images of a section that SingleHistogram can be asked for, and the stage that makes each."""


def single_input(plan: Plan, step: Step) -> Input:
    """item : "key:image", such as "slide001_S2:thumbnail_cleaned"."""
    key, _, image = step.item.partition(":")
    if image == "thumbnail":
        return tif_of(plan, key, step.channel)
    return Input(Step(IMAGES[image], step.channel, key))
