"""The stages: what one step of each reads and writes, and which settings and facts its result depends on.

The order of the stages is nowhere written down: it follows from `inputs`. To change what a stage computes, change
its module in brainstack/images and raise `version` here, so that what was made by the old way is made again.
"""

from __future__ import annotations

from brainstack.settings import ElastixSettings
from brainstack.stages.facts import (
    all_edits,
    approved_alignment,
    approved_canvas,
    approved_gain,
    approved_white_point,
    by_elastix,
    by_hand,
    chain,
    czi_file,
    depth_in_reference,
    depths,
    edit,
    joined,
    mask_model,
    narrowing,
    order,
    pairs_left_out,
    pieces_of_slab,
    pixel_size,
    pixel_type,
    places_by_hand,
    plane_of_cut,
    refused_edits,
    scan_pixel_size,
    scan_shape,
    section_thickness,
    slab_order,
    slots,
    states_by_hand,
    turns,
)
from brainstack.stages.inputs import (
    alignment_pictures_inputs,
    all_needed,
    all_of,
    channel_histogram_inputs,
    clean_inputs,
    cleaned,
    deformation_inputs,
    evening,
    field_of,
    finer_inputs,
    group_inputs,
    histograms,
    painted,
    pair_inputs,
    proposal_inputs,
    retry_inputs,
    sections_of_slab,
    shapes,
    single_input,
    slab_inputs,
    tif_of,
    transforms_inputs,
    white,
)
from brainstack.stages.kinds import Input, Stage, no_step
from brainstack.stages.outputs import channel_histogram_files, keyed, links, meta_files, small, tif_files, with_numbers
from brainstack.stages.steps import (
    animal,
    channel,
    colour_channel,
    deformed,
    finer_pair,
    grey_channel,
    group,
    group_of_slab,
    held_by,
    pair,
    section,
    section_and_channel,
    slab,
    slide,
    slide_and_channel,
)
from brainstack.stamps import Step

PAIR_SETTINGS = tuple(f"elastix.{name}" for name in ElastixSettings.model_fields if not name.startswith("finer_"))
"""Those that thumbnails are registered by: the finer pictures come after, and change none of that."""

TIFF_SETTINGS = ("tifs.tile_px", "tifs.compression")
FULL_SETTINGS = ("full_masks", "tifs.thumbnail_factor", "alignment")
"""How a section is rendered at the scan's resolution, beside what its thumbnail is made by."""
VOLUME_SETTINGS = ("neuroglancer", "downsampling")

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
        version=3,
    ),
    "PairCheck": Stage(
        per=animal,
        inputs=lambda plan, step: [*all_of(plan, "Elastix"), Input(Step("Canvas"))],
        facts=joined(chain, pixel_size, pairs_left_out, states_by_hand),
        settings=("pair_check",),
        outputs=small("pair_check"),
        version=2,
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
        settings=("alignment",),
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
    "NeuroglancerInfo": Stage(
        per=channel,
        inputs=lambda plan, step: [Input(Step("Transforms"), part="canvas")],
        facts=joined(slots, pixel_size, section_thickness, pixel_type),
        settings=VOLUME_SETTINGS,
        outputs=lambda plan, step: [
            plan.folder.volume_layout(step.channel),
            plan.folder.volume(step.channel) / "info",
        ],
    ),
    "NeuroglancerImage": Stage(
        per=slab,
        inputs=slab_inputs,
        facts=joined(slab_order, narrowing),
        outputs=lambda plan, step: [plan.folder.volume_record(step.channel, step.item)],
        version=2,
    ),
    "Downsampling": Stage(
        per=channel,
        inputs=lambda plan, step: [
            *all_needed(plan, "NeuroglancerImage", step.channel),
            Input(Step("NeuroglancerInfo", step.channel), part="levels"),
        ],
        outputs=lambda plan, step: [
            plan.folder.volume(step.channel) / "info",
            plan.folder.volume_record(step.channel, "levels"),
        ],
        version=2,
    ),
    "TrainMasks": Stage(
        per=no_step,
        asked=animal,
        inputs=lambda plan, step: [tif_of(plan, key, plan.settings.masks.channel) for key in painted(plan)],
        facts=joined(pixel_size, all_edits),
        settings=("masks", "train_masks"),
        outputs=lambda plan, step: [plan.folder.mask_model],
        version=2,
    ),
    "FullMasks": Stage(
        per=no_step,
        asked=section,
        inputs=lambda plan, step: [Input(Step("Masks", 0, step.item))],
        facts=joined(scan_pixel_size, scan_shape),
        settings=("full_masks", "tifs.thumbnail_factor", "tifs.tile_px", "tifs.compression"),
        outputs=keyed("full_masked"),
    ),
    "FullClean": Stage(
        per=no_step,
        asked=section_and_channel,
        inputs=clean_inputs,
        facts=joined(turns, scan_pixel_size),
        settings=("clean.background_um", *FULL_SETTINGS, *TIFF_SETTINGS),
        outputs=keyed("full_cleaned"),
    ),
    "FullAlignment": Stage(
        per=no_step,
        asked=section_and_channel,
        inputs=lambda plan, step: [Input(Step("Alignment", step.channel, step.item))],
        facts=scan_pixel_size,
        settings=(*FULL_SETTINGS, *TIFF_SETTINGS),
        outputs=keyed("full_aligned"),
    ),
    "FullInfo": Stage(
        per=no_step,
        asked=channel,
        inputs=lambda plan, step: [Input(Step("Transforms"), part="canvas")],
        facts=joined(slots, scan_pixel_size, section_thickness, pixel_type),
        settings=("tifs.thumbnail_factor", *VOLUME_SETTINGS),
        outputs=lambda plan, step: [
            plan.folder.volume_layout(step.channel, full=True),
            plan.folder.volume(step.channel, full=True) / "info",
        ],
    ),
    "FullSlab": Stage(
        per=no_step,
        asked=slab,
        inputs=sections_of_slab,
        facts=slab_order,
        settings=FULL_SETTINGS,
        outputs=lambda plan, step: [plan.folder.slab(step.channel, step.item)],
    ),
    "FullImage": Stage(
        per=no_step,
        asked=group_of_slab,
        inputs=lambda plan, step: [
            Input(Step("FullInfo", step.channel)),
            Input(Step("FullSlab", step.channel, step.item.partition(".")[0])),
        ],
        facts=joined(narrowing, pieces_of_slab),
        outputs=lambda plan, step: [plan.folder.volume_record(step.channel, step.item, full=True)],
    ),
    "FullShards": Stage(
        per=no_step,
        asked=group,
        inputs=group_inputs,
        facts=pieces_of_slab,
        outputs=lambda plan, step: [plan.folder.volume_record(step.channel, f"shards.{step.item}", full=True)],
    ),
    "FullDownsampling": Stage(
        per=no_step,
        asked=channel,
        inputs=lambda plan, step: [
            *(Input(one) for one in group(plan, "FullShards") if one.channel == step.channel),
            Input(Step("FullInfo", step.channel), part="levels"),
        ],
        outputs=lambda plan, step: [
            plan.folder.volume(step.channel, full=True) / "info",
            plan.folder.volume_record(step.channel, "levels", full=True),
        ],
    ),
    "SingleHistogram": Stage(  # item: "key:image"
        per=no_step,
        inputs=lambda plan, step: [single_input(plan, step)],
        settings=("histogram",),
        outputs=lambda plan, step: with_numbers(plan.folder.histogram(step.channel, step.item.replace(":", "_"))),
        version=3,
    ),
}

ASKED_FOR = frozenset(name for name, stage in STAGES.items() if stage.per is no_step)
"""Stages that no run makes by itself."""
