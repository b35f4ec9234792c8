"""What steps write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from brainstack.exports import PIECE_SUFFIXES, export_kind, export_piece
from brainstack.mesh_costs import variant_name
from brainstack.stages.inputs import mesh_parts
from brainstack.stamps import Step

if TYPE_CHECKING:
    from brainstack.plan import Plan


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


def label_files(layer: str | None = None) -> Callable[[Plan, Step], list[Path]]:
    """A layer of labels: its volume, meshes and names. layer : None for the one that the step is for."""

    def paths(plan: Plan, step: Step) -> list[Path]:
        volume = plan.folder.label_volume(layer or step.item)
        return [volume / name / "info" for name in ("", "mesh", "segment_properties")]

    return paths


def other_mesh_files(plan: Plan, step: Step) -> list[Path]:
    layer, mip, error_um = mesh_parts(step.item)
    variant = variant_name(mip, error_um)
    return [plan.folder.other_mesh(layer, variant) / "info", plan.folder.mesh_cost(layer, variant)]


def export_section_files(plan: Plan, step: Step) -> list[Path]:
    piece = export_piece(step.item)
    return [plan.folder.export_piece(f"{piece.kind}_{piece.resolution}", piece.key + PIECE_SUFFIXES[piece.kind])]


def export_files(plan: Plan, step: Step) -> list[Path]:
    name = export_kind(step.item).file_name(plan.folder.prep_id)
    return [plan.folder.export(name), plan.folder.export_table(name)]
