"""Export: the aligned sections for other programs, as OME-Zarr or OME-TIFF; and ExportSection, what that takes of one
section."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import luigi
import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.export_room import check_export_room
from brainstack.export_slots import Slot, slots_of, write_slots
from brainstack.exports import FORMATS, TIFF_SECTIONS, ZARR, ExportKind, Piece, export_kind, export_piece
from brainstack.files import ome_tiff, ome_zarr
from brainstack.files.tiff import read_tiff
from brainstack.files.whole import whole_folder
from brainstack.images.plane_pyramid import Render, levels_until
from brainstack.images.rendering import Renderer
from brainstack.images.threads import use_one_thread
from brainstack.plan import Plan
from brainstack.stages.outputs import export_section_files
from brainstack.stamps import Step
from brainstack.viewing import channels_shown
from tasks import current
from tasks.base import FULL, AnimalTask, BatchTask, resolution_parameter, together
from tasks.full_sections import BLOCK_PX, open_scan, read_placement
from tasks.volumes import Volume
from tasks.white_point import read_background

log = logging.getLogger("brainstack")


class FormatParameter(luigi.ChoiceParameter):  # type: ignore[misc]
    """The name of a format."""

    def parse(self, x: str) -> str:
        if x not in FORMATS:
            raise SystemExit(f"brainstack: --format {x}: wanted one of {', '.join(FORMATS)}.")
        return x


class Export(AnimalTask):
    """Puts the aligned sections of all channels together for other programs: an OME-Zarr, an OME-TIFF, or an OME-TIFF a
    section. With --resolution full, at the scan's resolution."""

    format = FormatParameter(
        choices=FORMATS, default=ZARR,
        description="ome-zarr; ome-tiff, one file; or ome-tiff-sections, a file a section, as QuPath wants them",
    )  # fmt: skip
    resolution = resolution_parameter()

    @property
    def kind(self) -> ExportKind:
        return ExportKind(self.format, self.resolution)

    @property
    def step(self) -> Step:
        return Step(self.task_family, 0, self.kind.item)

    @classmethod
    def parameters_of(cls, step: Step) -> dict[str, Any]:
        kind = export_kind(step.item)
        return {"format": kind.form, "resolution": kind.resolution}

    def announcement(self) -> str:
        return check_export_room(current.progress(self.animal), self.kind)

    def make(self, plan: Plan, step: Step) -> None:
        use_one_thread()
        kind, slots = export_kind(step.item), slots_of(plan, step)
        if missing := [slot.key for slot in slots if slot.is_missing]:
            log.warning("%s: sections that failed are empty in the export: %s", plan.folder.prep_id, ", ".join(missing))

        name = kind.file_name(plan.folder.prep_id)
        {ZARR: _put_zarr, TIFF_SECTIONS: _put_sections}.get(kind.form, _put_stack)(plan, kind, slots)

        write_slots(plan.folder.export_table(name), slots)


class ExportSection(BatchTask):
    """Writes what an export takes of one section: all channels, with their smaller levels."""

    item_name = "piece"
    piece = luigi.Parameter(
        default="", batch_method=together, description="such as slide058_S2:zarr:thumbnail; Export asks for it"
    )

    @property
    def batchable(self) -> bool:
        """At the scan's resolution a section takes minutes: to processes here, each is handed over by itself."""
        is_long = self.piece.endswith(f":{FULL}") and self.task_family not in current.cluster_stages
        return not is_long and super().batchable

    def known_steps(self) -> tuple[Step, ...]:
        """Those of the same export."""
        kind = self.items()[0].partition(":")[2]
        return tuple(step for step in super().known_steps() if step.item.endswith(f":{kind}"))

    def check(self) -> None:
        if not self.piece:
            raise BrainstackError(
                f"ExportSection makes what Export asks for: luigi --module tasks Export --animal {self.animal} "
                "--format ome-zarr"
            )
        super().check()

    def make(self, plan: Plan, step: Step) -> None:
        use_one_thread()
        piece = export_piece(step.item)
        (path,) = export_section_files(plan, step)
        renders = _renders(plan, piece)
        if piece.kind == "tiff":
            name = f"{plan.folder.prep_id} {piece.key}"
            ome_tiff.write_section(path, _tiff_layout(plan, piece.is_full), renders, name)
        else:
            ome_zarr.write_section(path, _zarr_layout(plan, piece.is_full), renders, _background(plan))


# One section, channel by channel


def _renders(plan: Plan, piece: Piece) -> Iterator[Render]:
    """Of each channel, in order. One is good until the next is asked for."""
    for channel in plan.channels:
        with (
            _full(plan, piece.key, channel.number)
            if piece.is_full
            else _thumbnail(plan, piece.key, channel.number) as one
        ):
            yield one


@contextmanager
def _thumbnail(plan: Plan, key: str, channel: int) -> Iterator[Render]:
    image = read_tiff(plan.folder.keyed("thumbnail_aligned", key, channel))
    background = np.array(read_background(plan, channel), image.dtype)

    def render(top: int, left: int, out: NDArray[Any]) -> bool:
        np.copyto(out, image[top : top + out.shape[0], left : left + out.shape[1]])
        return bool((out != background).any())

    yield render


@contextmanager
def _full(plan: Plan, key: str, channel: int) -> Iterator[Render]:
    """Straight from the tiles of the scan, as the volume at its resolution is."""
    renderer, placement = Renderer(), read_placement(plan, key, channel)
    with open_scan(plan, key, channel) as scan:

        def render(top: int, left: int, out: NDArray[Any]) -> bool:
            found = False
            for down in range(0, out.shape[0], BLOCK_PX):
                for across in range(0, out.shape[1], BLOCK_PX):
                    part = out[down : down + BLOCK_PX, across : across + BLOCK_PX]
                    found |= renderer.render(scan, placement, top + down, left + across, part)
            return found

        yield render


# All sections


def _put_zarr(plan: Plan, kind: ExportKind, slots: Iterable[Slot]) -> None:
    layout, background = _zarr_layout(plan, kind.is_full), _background(plan)
    name = kind.file_name(plan.folder.prep_id)
    with whole_folder(plan.folder.export(name)) as part:
        ome_zarr.start_image(part, layout)
        for slot in slots:
            if slot.piece is None:
                ome_zarr.fill_section(part, layout, slot.number, background)
            else:
                ome_zarr.place_section(slot.piece, part, slot.number, layout.levels_in_plane)
        ome_zarr.make_deep_levels(part, layout)
        ome_zarr.describe_image(part, layout, f"{plan.folder.prep_id} aligned", channels_shown(plan, as_samples=True))


def _put_stack(plan: Plan, kind: ExportKind, slots: Iterable[Slot]) -> None:
    path = plan.folder.export(kind.file_name(plan.folder.prep_id))
    name = f"{plan.folder.prep_id} aligned"
    ome_tiff.write_stack(path, _tiff_layout(plan, kind.is_full), [slot.piece for slot in slots], name)


def _put_sections(plan: Plan, kind: ExportKind, slots: Iterable[Slot]) -> None:
    with whole_folder(plan.folder.export(kind.file_name(plan.folder.prep_id))) as part:
        for slot in slots:
            if slot.piece is not None:
                ome_zarr.link_or_copy(slot.piece, part / f"{slot.number:03d}_{slot.piece.name}")


def _zarr_layout(plan: Plan, full: bool) -> ome_zarr.OmeZarrLayout:
    """With the levels of the animal's volumes."""
    volume = Volume(plan, plan.channels[0].number, full)
    channels = 3 if plan.is_colour else len(plan.channels)
    return ome_zarr.OmeZarrLayout(volume.layout.scales, channels, plan.pixel_type)


def _tiff_layout(plan: Plan, full: bool) -> ome_tiff.OmeTiffLayout:
    _, rows, columns = Volume(plan, plan.channels[0].number, full).layout.scales[0].size_xyz[::-1]
    factor = plan.settings.tifs.thumbnail_factor if full else 1
    return ome_tiff.OmeTiffLayout(
        shape=(rows, columns),
        levels=levels_until((rows, columns), plan.settings.downsampling.smallest_side_px),
        dtype=plan.pixel_type,
        background=_background(plan),
        channels=channels_shown(plan),
        pixel_size_um=plan.pixel_size_um / factor,
        section_um=plan.records.histology.section_thickness_um,
        tile_px=plan.settings.tifs.tile_px,
        compression=plan.settings.tifs.compression,
        block_px=8 * plan.settings.tifs.tile_px,
    )


def _background(plan: Plan) -> tuple[int, ...]:
    return read_background(plan, plan.channels[0].number)
