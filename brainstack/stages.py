"""The stages: what one step of each reads and writes, and which settings and facts its result depends on.

The order of the stages is nowhere written down: it follows from `inputs`. To change what a stage computes, change
its module in brainstack/images and raise `version` here, so that what was made by the old way is made again.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainstack.settings import ElastixSettings
from brainstack.stamps import Step

if TYPE_CHECKING:
    from brainstack.plan import Plan


@dataclass(frozen=True)
class Input:
    """A step that another reads. part : which of its values, "" for the whole.

    needed : False for one of many that are gathered; the step goes on without those that failed, and says so.
    """

    step: Step
    part: str = ""
    needed: bool = True


Facts = dict[str, Any]
"""By names that `brainstack status` says when one has changed."""


def nothing(plan: Plan, step: Step) -> Facts:
    return {}


@dataclass(frozen=True)
class Stage:
    """version : raise it when the same inputs give another result. settings : "table" or "table.name".

    per : the stage's steps. facts : what it takes from the database and from people.
    """

    per: Callable[[Plan, str], Iterable[Step]]
    inputs: Callable[[Plan, Step], Iterable[Input]]
    outputs: Callable[[Plan, Step], list[Path]]
    settings: tuple[str, ...] = ()
    facts: Callable[[Plan, Step], Facts] = nothing
    version: int = 1


# What one step of a stage is for


def slide(plan: Plan, stage: str) -> Iterable[Step]:
    """Not of slides that a person marked as bad: what cannot be read must not be."""
    bad = {name for name, slide in plan.slides.items() if slide.status != "Good"}
    return (Step(stage, 0, file.slide) for file in plan.czi_files if file.slide not in bad)


def slide_and_channel(plan: Plan, stage: str) -> Iterable[Step]:
    """Only of slides that sections are taken from."""
    used = dict.fromkeys(section.slide for section in plan.section.values())
    return (Step(stage, channel.number, name) for channel in plan.channels for name in used)


def section(plan: Plan, stage: str) -> Iterable[Step]:
    return (Step(stage, 0, key) for key in plan.section)


def section_and_channel(plan: Plan, stage: str) -> Iterable[Step]:
    return (Step(stage, channel.number, key) for channel in plan.channels for key in plan.section)


def pair(plan: Plan, stage: str) -> Iterable[Step]:
    return (Step(stage, 0, one.item) for one in plan.pairs)


def finer_pair(plan: Plan, stage: str) -> Iterable[Step]:
    """Neighbours, where the setting asks for it, but for those that a person put right or left out."""
    if not plan.settings.elastix.finer_factor:
        return ()
    pairs = (f"{fixed}..{moving}" for fixed, moving in itertools.pairwise(plan.chain))
    return (Step(stage, 0, one) for one in pairs if one not in plan.left_out and one not in plan.by_hand)


def deformed(plan: Plan, stage: str) -> Iterable[Step]:
    """Sections of the stack, where the setting asks for it."""
    return (Step(stage, 0, key) for key in (plan.chain if plan.settings.deformation.grid_um else ()))


def channel(plan: Plan, stage: str) -> Iterable[Step]:
    return (Step(stage, channel.number) for channel in plan.channels if plan.section)


def grey_channel(plan: Plan, stage: str) -> Iterable[Step]:
    return () if plan.is_colour else channel(plan, stage)


def colour_channel(plan: Plan, stage: str) -> Iterable[Step]:
    return channel(plan, stage) if plan.is_colour else ()


def animal(plan: Plan, stage: str) -> Iterable[Step]:
    return (Step(stage),) if plan.section else ()


def asked_for(plan: Plan, stage: str) -> Iterable[Step]:
    """Made only when somebody asks for it by name."""
    return ()


def section_asked_for(plan: Plan, stage: str) -> Iterable[Step]:
    """Made only when somebody asks for it by name: item is a section's key."""
    return ()


def animal_asked_for(plan: Plan, stage: str) -> Iterable[Step]:
    """Made only when somebody asks for it by name."""
    return ()


# What steps read


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


def held_by(kind: str) -> Callable[[Plan, str], Iterable[Step]]:
    """A stage for each section that is aligned, where that is what holds the stack's shape."""

    def section_that_is_held(plan: Plan, stage: str) -> Iterable[Step]:
        return (Step(stage, 0, key) for key in plan.chain) if plan.settings.shape.held_by == kind else ()

    return section_that_is_held


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
    return [*pairs, *all_of(plan, "Midline"), *all_of(plan, "ReferencePlace"), Input(Step("Canvas")), *masks]


def neighbours(plan: Plan, key: str) -> list[str]:
    """The sections before and after one in the chain: one only at its ends."""
    place = plan.place_in_chain[key]
    return [*plan.chain[max(place - 1, 0) : place], *plan.chain[place + 1 : place + 2]]


def deformation_inputs(plan: Plan, step: Step) -> list[Input]:
    """The whole alignment, as its verdicts count."""
    number = plan.settings.elastix.channel
    keys = [step.item, *neighbours(plan, step.item)]
    return [Input(Step("Transforms")), *(Input(Step("Clean", number, key)) for key in keys), *white(plan, number)]


def field_of(plan: Plan, step: Step) -> list[Input]:
    """The smooth field of a section, where there are any."""
    one = Step("Deformation", 0, step.item)
    return [Input(one)] if one in plan.steps("Deformation") else []


def alignment_pictures_inputs(plan: Plan, step: Step) -> list[Input]:
    """The channel that pairs are compared in, before and after."""
    number = plan.settings.elastix.channel
    images = [*all_of(plan, "Clean", number), *all_of(plan, "Alignment", number)]
    return [Input(Step("Transforms")), *images, *white(plan, number)]


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


# What steps take from the database and from people


def czi_file(plan: Plan, step: Step) -> Facts:
    file = next(file for file in plan.czi_files if file.slide == step.item)
    return {
        "the CZI's name": file.name,
        "the CZI's size": file.size,
        "the CZI's time of change": file.modified_ns,
        "the slide's number": plan.slide_number(file),
        "the slide's rescan": plan.slide_rescan(file),
    }


def scan_pixel_size(plan: Plan, step: Step) -> Facts:
    return {"the scan's pixel size": plan.records.scan_run.resolution_um}


def depths(plan: Plan, step: Step) -> Facts:
    return {"the depths of sections": [[section.key, section.z_um] for section in plan.section.values()]}


def order(plan: Plan, step: Step) -> Facts:
    return {"the order of sections": [[section.key, section.gap] for section in plan.sections]}


def edit(plan: Plan, step: Step) -> Facts:
    return {"the mask a person made": plan.edits.get(step.item)}


def all_edits(plan: Plan, step: Step) -> Facts:
    return {"the masks that people made": {key: plan.edits[key] for key in painted(plan)}}


def refused_edits(plan: Plan, step: Step) -> Facts:
    return {"the masks that people made and that cannot be used": sorted(plan.refused)}


def mask_model(plan: Plan, step: Step) -> Facts:
    return {"the mask model": plan.mask_model}


def by_hand(plan: Plan, step: Step) -> Facts:
    return {"the transform a person gave": plan.by_hand.get(step.item)}


def scanned_shape(plan: Plan, key: str) -> tuple[int, int]:
    """(rows, columns) of a section as it was scanned."""
    section = plan.section[key]
    scene = next(one for one in plan.slides[section.slide].scenes if one.number == section.scene)
    return scene.height, scene.width


def scan_shape(plan: Plan, step: Step) -> Facts:
    return {"the scene's rows and columns": scanned_shape(plan, step.item)}


def turns(plan: Plan, step: Step) -> Facts:
    return {"quarter turns": plan.records.scan_run.rotation, "mirror": plan.records.scan_run.flip}


def pixel_size(plan: Plan, step: Step) -> Facts:
    return {"the pixel size": plan.pixel_size_um}


def section_thickness(plan: Plan, step: Step) -> Facts:
    return {"the section thickness": plan.records.histology.section_thickness_um}


def by_elastix(plan: Plan, step: Step) -> Facts:
    return {"whether elastix refines the pair": plan.is_fine(step.item)}


def chain(plan: Plan, step: Step) -> Facts:
    return {"the sections to be aligned": plan.chain, "the middle section": plan.chain[plan.anchor]}


def plane_of_cut(plan: Plan, step: Step) -> Facts:
    return {"how the brain was cut": plan.records.histology.orientation}


def depth_in_reference(plan: Plan, step: Step) -> Facts:
    depth_um = plan.section[step.item].z_um + plan.settings.shape.reference_first_um
    return {"the section's depth in the reference": depth_um}


def pairs_left_out(plan: Plan, step: Step) -> Facts:
    return {"the pairs that a person left out": sorted(plan.left_out)}


def places_by_hand(plan: Plan, step: Step) -> Facts:
    said = [one for one in plan.records.alignment_edits if one.kind != "leave_out"]
    numbers = [
        [one.kind, one.section, one.other, one.rotation_rad, one.shift_x_um, one.shift_y_um, one.mirrored]
        for one in said
    ]
    return {"the places that people gave": numbers}


def approved_gain(plan: Plan, step: Step) -> Facts:
    return {"the approved gain": plan.approved.get(f"gain_C{step.channel}", {}).get("gain")}


def approved_white_point(plan: Plan, step: Step) -> Facts:
    return {"the approved white point": plan.approved.get(f"white_point_C{step.channel}", {}).get("white")}


def approved_canvas(plan: Plan, step: Step) -> Facts:
    return {"the approved canvas": plan.approved.get("canvas")}


def approved_alignment(plan: Plan, step: Step) -> Facts:
    return {"the approved alignment": plan.approved.get("transforms")}


def joined(*several: Callable[[Plan, Step], Facts]) -> Callable[[Plan, Step], Facts]:
    def facts(plan: Plan, step: Step) -> Facts:
        return {name: value for one in several for name, value in one(plan, step).items()}

    return facts


# What steps write


def meta_files(plan: Plan, step: Step) -> list[Path]:
    """Pictures only of a slide that has them, which is known once it was read."""
    slide = plan.slides.get(step.item)
    pictures = [plan.folder.slide_picture(step.item, name) for name in (slide.pictures if slide else ())]
    return [plan.folder.meta(step.item), *pictures]


def tif_files(plan: Plan, step: Step) -> list[Path]:
    names = [f"{step.item}_S{scene.number}_C{step.channel}.tif" for scene in plan.slides[step.item].scenes]
    folder = plan.folder
    return [make(name) for name in names for make in (folder.tif, folder.tif_thumbnail, folder.scene_picture)]


def with_numbers(picture: Path) -> list[Path]:
    """A histogram's picture, and its numbers beside it."""
    return [picture, picture.with_suffix(".csv")]


def channel_histogram_files(plan: Plan, step: Step) -> list[Path]:
    return [
        *with_numbers(plan.folder.histogram(step.channel, plan.folder.prep_id)),
        plan.folder.small(f"channel_histogram_C{step.channel}"),
    ]


def links(plan: Plan, step: Step) -> list[Path]:
    return [
        plan.folder.numbered(kind, section.number, one.step.channel)
        for one in plan.inputs(step)
        for section in plan.section.values()
        if section.slide == one.step.item
        for kind in ("full", "thumbnail")
    ]


def keyed(kind: str, *others: str) -> Callable[[Plan, Step], list[Path]]:
    def paths(plan: Plan, step: Step) -> list[Path]:
        return [plan.folder.keyed(name, step.item, step.channel or None) for name in (kind, *others)]

    return paths


def small(name: str) -> Callable[[Plan, Step], list[Path]]:
    def paths(plan: Plan, step: Step) -> list[Path]:
        return [plan.folder.small(f"{name}_C{step.channel}" if step.channel else name)]

    return paths


PAIR_SETTINGS = tuple(f"elastix.{name}" for name in ElastixSettings.model_fields if not name.startswith("finer_"))
"""Those that thumbnails are registered by: the finer pictures come after, and change none of that."""

STAGES: dict[str, Stage] = {
    "Meta": Stage(
        per=slide,
        inputs=lambda plan, step: [],
        facts=czi_file,
        settings=("slides.checksum",),
        outputs=meta_files,
        version=2,
    ),
    "Tifs": Stage(
        per=slide_and_channel,
        inputs=lambda plan, step: [Input(Step("Meta", 0, step.item))],
        facts=scan_pixel_size,
        settings=("tifs",),
        outputs=tif_files,
    ),
    "UpdateTifs": Stage(per=animal, inputs=lambda plan, step: all_of(plan, "Tifs"), outputs=small("tifs")),
    "Preps": Stage(per=animal, inputs=lambda plan, step: all_of(plan, "Tifs"), facts=order, outputs=links),
    "Normalized": Stage(
        per=section_and_channel,
        inputs=lambda plan, step: [tif_of(plan, step.item, step.channel)],
        settings=("normalized",),
        outputs=keyed("normalized"),
    ),
    "MaskSearch": Stage(
        per=section,
        inputs=lambda plan, step: [tif_of(plan, step.item, plan.settings.masks.channel)],
        facts=joined(pixel_size, edit, mask_model),
        settings=("masks",),
        outputs=lambda plan, step: [plan.folder.keyed("found", step.item, suffix=one) for one in (".tif", ".json")],
    ),
    "MaskCheck": Stage(
        per=animal,
        inputs=lambda plan, step: shapes(plan, "MaskSearch"),
        facts=depths,
        settings=("mask_check",),
        outputs=small("mask_check"),
        version=2,
    ),
    "MaskProposal": Stage(
        per=section,
        inputs=proposal_inputs,
        facts=joined(pixel_size, edit),
        settings=("masks",),
        outputs=lambda plan, step: [
            *keyed("thumbnail_colored", "proposal")(plan, step),
            plan.folder.keyed("proposal", step.item, suffix=".json"),
        ],
        version=3,
    ),
    "MaskAreas": Stage(
        per=animal,
        inputs=lambda plan, step: [Input(Step("MaskCheck")), *shapes(plan, "MaskProposal")],
        facts=joined(order, refused_edits),
        outputs=lambda plan, step: [plan.folder.mask_areas],
        version=3,
    ),
    "Masks": Stage(
        per=section,
        inputs=lambda plan, step: [Input(Step("MaskProposal", 0, step.item))],
        facts=joined(pixel_size, edit),
        outputs=keyed("thumbnail_masked"),
    ),
    "Histogram": Stage(
        per=section_and_channel,
        inputs=lambda plan, step: [tif_of(plan, step.item, step.channel), Input(Step("Masks", 0, step.item))],
        outputs=lambda plan, step: [plan.folder.keyed("histogram", step.item, step.channel, ".npz")],
        version=2,
    ),
    "Gain": Stage(
        per=grey_channel,
        inputs=histograms,
        facts=approved_gain,
        settings=("gain",),
        outputs=small("gain"),
        version=3,
    ),
    "WhitePoint": Stage(
        per=colour_channel,
        inputs=histograms,
        facts=approved_white_point,
        settings=("white_point",),
        outputs=small("white_point"),
        version=2,
    ),
    "ChannelHistogram": Stage(
        per=channel,
        inputs=channel_histogram_inputs,
        settings=("histogram", "gain.target"),
        outputs=channel_histogram_files,
        version=4,
    ),
    "HistogramPicture": Stage(
        per=section_and_channel,
        inputs=lambda plan, step: [
            Input(Step("Histogram", step.channel, step.item)),
            Input(Step("ChannelHistogram", step.channel)),
            *evening(plan, step),
        ],
        outputs=lambda plan, step: [
            plan.folder.keyed("histogram", step.item, step.channel, suffix) for suffix in (".png", ".csv")
        ],
        version=2,
    ),
    "Canvas": Stage(
        per=animal,
        inputs=lambda plan, step: all_of(plan, "Masks"),
        facts=joined(turns, pixel_size, approved_canvas),
        settings=("canvas",),
        outputs=small("canvas"),
    ),
    "Clean": Stage(
        per=section_and_channel,
        inputs=clean_inputs,
        facts=turns,
        settings=("clean.background_um",),
        outputs=keyed("thumbnail_cleaned"),
        version=2,
    ),
    "Elastix": Stage(
        per=pair,
        inputs=pair_inputs,
        facts=joined(pixel_size, by_hand, by_elastix),
        settings=PAIR_SETTINGS,
        outputs=lambda plan, step: [plan.folder.pair(step.item)],
        version=2,
    ),
    "PairCheck": Stage(
        per=animal,
        inputs=lambda plan, step: [*all_of(plan, "Elastix"), Input(Step("Canvas"))],
        facts=joined(chain, pixel_size, pairs_left_out),
        settings=("pair_check",),
        outputs=small("pair_check"),
    ),
    "PairRetry": Stage(
        per=pair,
        inputs=retry_inputs,
        facts=joined(pixel_size, by_hand, by_elastix),
        settings=PAIR_SETTINGS,
        outputs=lambda plan, step: [plan.folder.pair_in_force(step.item)],
    ),
    "PairFiner": Stage(
        per=finer_pair,
        inputs=finer_inputs,
        facts=joined(turns, pixel_size),
        settings=("elastix", "tifs.thumbnail_factor"),
        outputs=lambda plan, step: [plan.folder.pair_finer(step.item)],
    ),
    "Midline": Stage(
        per=held_by("midline"),
        inputs=cleaned,
        facts=joined(pixel_size, plane_of_cut),
        settings=("elastix",),
        outputs=lambda plan, step: [plan.folder.held("midline", step.item)],
    ),
    "ReferencePlace": Stage(
        per=held_by("reference"),
        inputs=cleaned,
        facts=joined(pixel_size, depth_in_reference),
        settings=(
            "elastix",
            "shape.reference",
            "shape.reference_spacing_um",
            "shape.reference_pixel_size_um",
        ),
        outputs=lambda plan, step: [plan.folder.held("reference", step.item)],
    ),
    "Transforms": Stage(
        per=animal,
        inputs=transforms_inputs,
        facts=joined(chain, turns, pixel_size, approved_alignment, pairs_left_out, places_by_hand),
        settings=(
            "canvas",
            "tifs.thumbnail_factor",
            "transforms",
            "shape",
            "pair_check",
            "elastix.lowest_metric",
            "elastix.lowest_overlap",
        ),
        outputs=lambda plan, step: [
            plan.folder.small("transforms"),
            plan.folder.transforms,
            plan.folder.alignment_metrics,
        ],
        version=2,
    ),
    "Deformation": Stage(
        per=deformed,
        inputs=deformation_inputs,
        facts=pixel_size,
        settings=("deformation", *PAIR_SETTINGS),
        outputs=lambda plan, step: [plan.folder.deformation(step.item)],
    ),
    "Alignment": Stage(
        per=section_and_channel,
        inputs=lambda plan, step: [
            Input(Step("Clean", step.channel, step.item)),
            Input(Step("Transforms"), part=step.item),
            *field_of(plan, step),
            *white(plan, step.channel),
        ],
        outputs=keyed("thumbnail_aligned"),
    ),
    "AlignmentPictures": Stage(
        per=animal,
        inputs=alignment_pictures_inputs,
        facts=joined(order, pixel_size, section_thickness),
        outputs=lambda plan, step: [
            plan.folder.alignment_picture(name) for name in ("shifts", "similarity", "pairs", "views")
        ],
    ),
    "Web": Stage(
        per=section,
        inputs=lambda plan, step: [Input(Step("Alignment", plan.settings.web.channel, step.item))],
        settings=("web", "gain.target"),
        outputs=lambda plan, step: [plan.folder.keyed("web", step.item, plan.settings.web.channel, ".png")],
    ),
    "NeuroglancerImage": Stage(
        per=channel,
        inputs=lambda plan, step: [*all_of(plan, "Alignment", step.channel), *white(plan, step.channel)],
        facts=joined(order, pixel_size, section_thickness),
        settings=("neuroglancer",),
        outputs=lambda plan, step: [plan.folder.volume(step.channel) / "info"],
    ),
    "Downsampling": Stage(
        per=channel,
        inputs=lambda plan, step: [Input(Step("NeuroglancerImage", step.channel))],
        settings=("downsampling",),
        outputs=lambda plan, step: [plan.folder.volume(step.channel) / "info"],
    ),
    "TrainMasks": Stage(
        per=animal_asked_for,
        inputs=lambda plan, step: [tif_of(plan, key, plan.settings.masks.channel) for key in painted(plan)],
        facts=joined(pixel_size, all_edits),
        settings=("masks", "train_masks"),
        outputs=lambda plan, step: [plan.folder.mask_model],
        version=2,
    ),
    "FullMasks": Stage(
        per=section_asked_for,
        inputs=lambda plan, step: [Input(Step("Masks", 0, step.item))],
        facts=joined(scan_pixel_size, scan_shape),
        settings=("full_masks", "tifs.thumbnail_factor", "tifs.tile_px", "tifs.compression"),
        outputs=keyed("full_masked"),
    ),
    "SingleHistogram": Stage(  # item: "key:image"
        per=asked_for,
        inputs=lambda plan, step: [single_input(plan, step)],
        settings=("histogram",),
        outputs=lambda plan, step: with_numbers(plan.folder.histogram(step.channel, step.item.replace(":", "_"))),
        version=3,
    ),
}

ASKED_FOR = frozenset(
    name for name, stage in STAGES.items() if stage.per in (asked_for, section_asked_for, animal_asked_for)
)
"""Stages that no run makes by itself."""

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
