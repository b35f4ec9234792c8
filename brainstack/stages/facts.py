"""What steps take from the database and from people."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from brainstack.stages.inputs import painted
from brainstack.stages.kinds import Facts
from brainstack.stamps import Step
from brainstack.volume_pieces import group_count, slab_sections

if TYPE_CHECKING:
    from brainstack.plan import Plan


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


def slots(plan: Plan, step: Step) -> Facts:
    return {"the number of slots": len(plan.sections)}


def slab_order(plan: Plan, step: Step) -> Facts:
    sections = slab_sections(plan, int(step.item.partition(".")[0]))
    return {"the order of the slab's sections": [[section.key, section.gap] for section in sections]}


def pixel_type(plan: Plan, step: Step) -> Facts:
    return {"the scans' pixel type": plan.pixel_type, "whether the scans are in colour": plan.is_colour}


def pieces_of_slab(plan: Plan, step: Step) -> Facts:
    """Which groups of blocks a piece takes hangs on how many pieces there are."""
    return {"the number of pieces of a slab": group_count(plan)}


def channel_names(plan: Plan, step: Step) -> Facts:
    return {"the names of channels": [[one.number, one.name] for one in plan.channels]}


def narrowing(plan: Plan, step: Step) -> Facts:
    """Only where 16 bit become 8."""
    if not plan.is_narrowed:
        return {}
    return {"the gain's target, which white follows": plan.settings.gain.target}


def edit(plan: Plan, step: Step) -> Facts:
    return {"the mask a person made": plan.edits.get(step.item)}


def all_edits(plan: Plan, step: Step) -> Facts:
    return {"the masks that people made": {key: plan.edits[key] for key in painted(plan)}}


def refused_edits(plan: Plan, step: Step) -> Facts:
    return {"the masks that people made and that cannot be used": sorted(plan.refused)}


def mask_model(plan: Plan, step: Step) -> Facts:
    return {"the mask model": plan.mask_model}


def by_hand(plan: Plan, step: Step) -> Facts:
    """With where the two pictures lay on their canvases then, where that is known."""
    said = plan.pairs_by_hand.get(step.item)
    then = {"what it was about": [said.placement, said.frame_sections]} if said and said.placement else {}
    return {"the transform a person gave": plan.by_hand.get(step.item)} | then


def scanned_shape(plan: Plan, key: str) -> tuple[int, int]:
    """(rows, columns) of a section as it was scanned."""
    section = plan.section[key]
    scene = next(one for one in plan.slides[section.slide].scenes if one.number == section.scene)
    return scene.height, scene.width


def scan_shape(plan: Plan, step: Step) -> Facts:
    return {"the scene's rows and columns": scanned_shape(plan, step.item)}


def turns(plan: Plan, step: Step) -> Facts:
    """Of a section."""
    rotation, flip = plan.turns(step.item)
    return {"quarter turns": rotation, "mirror": flip}


def turns_of_all(plan: Plan, step: Step) -> Facts:
    """Of the animal, and of the sections of a pair, or all, that have their own."""
    keys = step.item.split("..") if step.item else list(plan.section)
    own = [[key, *plan.own_turns[key]] for key in keys if key in plan.own_turns]
    rotation, flip = plan.records.scan_run.turns
    return {"quarter turns": rotation, "mirror": flip} | ({"sections turned by themselves": own} if own else {})


def pixel_size(plan: Plan, step: Step) -> Facts:
    return {"the pixel size": plan.pixel_size_um}


def section_thickness(plan: Plan, step: Step) -> Facts:
    return {"the section thickness": plan.records.histology.section_thickness_um}


def contrast(plan: Plan, step: Step) -> Facts:
    """Only where a person gave one: without it, the settings say."""
    said = [[one.low, one.high] for one in plan.records.contrasts if one.channel == plan.settings.web.channel]
    return {"the contrast that a person gave": said[0]} if said and not plan.is_colour else {}


def contrasts(plan: Plan, step: Step) -> Facts:
    """Of all channels, for an export whose format keeps them. Only where a person gave some."""
    said = [[one.channel, one.low, one.high] for one in plan.records.contrasts]
    is_kept = step.item.startswith("ome-zarr") and not plan.is_colour
    return {"the contrasts that people gave": sorted(said)} if said and is_kept else {}


def labels(plan: Plan, step: Step) -> Facts:
    source = plan.labels[step.item]
    names = [[one.abbreviation, one.description, one.color, one.hexadecimal] for one in source.structures]
    made_from = [source.kind, source.path, source.names, source.voxel_um, source.offset_um, source.layer]
    return {"the labels": source.content, "where they are from": made_from, "the structures": names}


def points(plan: Plan, step: Step) -> Facts:
    return {"the points": plan.points[step.item]}


def by_elastix(plan: Plan, step: Step) -> Facts:
    return {"whether elastix refines the pair": plan.is_fine(step.item)}


def chain(plan: Plan, step: Step) -> Facts:
    return {"the sections to be aligned": plan.chain, "the middle section": plan.chain[plan.anchor]}


def plane_of_cut(plan: Plan, step: Step) -> Facts:
    return {"how the brain was cut": plan.records.histology.orientation}


def depth_in_reference(plan: Plan, step: Step) -> Facts:
    depth_um = plan.section[step.item].z_um + plan.settings.shape.reference_first_um
    return {"the section's depth in the reference": depth_um}


def depths_of_outlines(plan: Plan, step: Step) -> Facts:
    return depths(plan, step) if "outline" in plan.settings.shape.kinds else {}


REFERENCE_FILES = "the reference's files"


def reference_files(plan: Plan, step: Step) -> Facts:
    """Of the reference volume the names, sizes and times of change: another one may come to lie at the same path. They
    are looked at once for a plan, as all sections ask for the same; None where there is nothing."""
    known = vars(plan)
    if REFERENCE_FILES not in known:
        known[REFERENCE_FILES] = _told_of_volume(plan) or None
    return {REFERENCE_FILES: known[REFERENCE_FILES]}


def _told_of_volume(plan: Plan) -> list[list[str | int]]:
    """A TIFF, or those of a folder: the time of the folder itself says nothing of its files."""
    if not plan.settings.shape.reference:
        return []
    path = plan.folder.root / Path(plan.settings.shape.reference).expanduser()
    files = sorted(path.glob("*.[tT][iI][fF]*")) if path.is_dir() else [path]
    stats = [(file.name, file.stat()) for file in files if file.is_file()]
    return [[name, found.st_size, found.st_mtime_ns] for name, found in stats]


def pairs_left_out(plan: Plan, step: Step) -> Facts:
    return {"the pairs that a person left out": sorted(plan.left_out)}


def states_by_hand(plan: Plan, step: Step) -> Facts:
    anchors = [[one.section, one.mirrored] for one in plan.records.alignment_edits if one.kind == "anchor"]
    return {"whether the anchors that people placed are mirrored": sorted(anchors)}


def places_by_hand(plan: Plan, step: Step) -> Facts:
    said = [one for one in plan.records.alignment_edits if one.kind != "leave_out"]
    numbers = [
        [one.kind, one.section, one.other, one.rotation_rad, one.shift_x_um, one.shift_y_um, one.mirrored]
        for one in said
    ]
    about = [[one.section, one.frame, one.placement, one.frame_sections] for one in said if one.placement]
    return {"the places that people gave": numbers} | ({"what they were about": about} if about else {})


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
