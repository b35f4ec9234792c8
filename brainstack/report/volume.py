"""Chapter: the volume, in three cuts through its middle, how large it is, and where it is looked at."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from brainstack.environment import public_url
from brainstack.errors import BrainstackError
from brainstack.files.miniatures import jpeg_uri
from brainstack.files.volume_cuts import Cuts, read_cuts
from brainstack.files.volume_info import read_layout
from brainstack.images.miniatures import added_up
from brainstack.report.source import Source
from brainstack.stamps import Step
from brainstack.tidying import readable
from brainstack.viewer import State
from brainstack.viewing import state_of
from brainstack.volume_records import blocks_of

MOST_PX = 900
"""Of a cut: as wide as the page."""
WIDE, BETWEEN = 920, 8
BAR_MM = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20)
"""Lengths of the scale bar; the longest is taken that is no more than a fifth of the picture."""


@dataclass(frozen=True)
class VolumeRow:
    """name : of its folder. voxels, voxel_um, size_mm : (x, y, z), in words. state : done, stale ..."""

    name: str
    channel: str
    voxels: str
    voxel_um: str
    size_mm: str
    levels: int
    encoding: str
    size: str
    state: str


@dataclass(frozen=True)
class VolumeChapter:
    """picture : the cuts as SVG. layers : of labels, meshes and points, by name. link : where others look at it, ""
    where there is no server. missing : why there is no picture."""

    picture: str
    at: str
    colours: tuple[tuple[str, str], ...]
    rows: tuple[VolumeRow, ...]
    layers: tuple[str, ...]
    link: str
    folder: str
    missing: str = ""


def volume_chapter(source: Source) -> VolumeChapter:
    plan = source.plan
    rows = tuple(_rows(source))
    picture, at, missing = "", "", ""
    colours: tuple[tuple[str, str], ...] = ()
    layers: tuple[str, ...] = ()
    try:
        state = state_of(plan, source.progress)
        names = [one.name for one in rows]
        shown = [one for one in state["layers"] if one["source"].removeprefix("precomputed://") in names]
        layers = tuple(one["name"] for one in state["layers"] if one not in shown)
        unfinished = [
            one.number for one in plan.channels if source.progress.stamps.read(Step("Downsampling", one.number)) is None
        ]
        if unfinished:
            raise BrainstackError(f"The volume of channel {', '.join(map(str, unfinished))} is not finished yet.")
        picture, at = _cut(source, shown)
        colours = tuple((one["name"], one.get("shaderControls", {}).get("color", "")) for one in shown)
    except (BrainstackError, OSError) as error:
        missing = str(error)
    address = public_url()
    link = f"{address}/{source.prep_id}" if address and not missing else ""
    return VolumeChapter(picture, at, colours, rows, layers, link, str(plan.folder.neuroglancer_data), missing)


def _cut(source: Source, shown: Sequence[State]) -> tuple[str, str]:
    """The picture of the cuts, and where they are; made anew where a volume or how it is shown is another."""
    folders = [_folder(source, one) for one in shown]
    records = [path for one in source.plan.channels for full in (False, True)
               if (path := source.plan.folder.volume_record(one.number, "levels", full=full)).exists()]  # fmt: skip
    shaders = json.dumps([one.get("shaderControls") for one in shown])

    def make() -> list[str]:
        cuts = [read_cuts(folder, MOST_PX) for folder in folders]
        return [_picture(shown, cuts), _place(cuts[0])]

    name = f"cuts {' '.join(folder.name for folder in folders)} {shaders}"
    picture, at = source.box.remembered(name, [*(folder / "info" for folder in folders), *records], make)
    return str(picture), str(at)


def _folder(source: Source, layer: State) -> Path:
    return source.plan.folder.neuroglancer_data / str(layer["source"]).removeprefix("precomputed://")


def _place(cuts: Cuts) -> str:
    x, y, z = cuts.at
    return f"section {z}, column {x}, row {y} of the volume"


def _rows(source: Source) -> list[VolumeRow]:
    plan, rows = source.plan, []
    for channel in plan.channels:
        for full, stage in ((False, "Downsampling"), (True, "FullDownsampling")):
            path = plan.folder.volume(channel.number, full=full)
            if not (path / "info").exists():
                continue
            layout = read_layout(path)
            first = layout.scales[0]
            um = [nm / 1000 for nm in first.resolution_nm]
            size_mm = [size * one / 1000 for size, one in zip(first.size_xyz, um, strict=True)]
            written = sum(sum(block.written_bytes) for block in blocks_of(plan, channel.number, full=full))
            rows.append(
                VolumeRow(
                    name=path.name,
                    channel=f"{channel.number} {channel.name}",
                    voxels=" × ".join(f"{one:,}" for one in first.size_xyz),
                    voxel_um=" × ".join(f"{one:.4g}" for one in um),
                    size_mm=" × ".join(f"{one:.2f}" for one in size_mm),
                    levels=len(layout.scales),
                    encoding=f"{first.encoding}, {layout.data_type}{', sharded' if first.sharding else ''}",
                    size=readable(written),
                    state=source.progress.state(Step(stage, channel.number)),
                )
            )
    return rows


# The picture


def _picture(layers: Sequence[State], cuts: Sequence[Cuts]) -> str:
    """The section in the middle, what is below it along the stack, and what is beside it; all to one scale."""
    x_mm, y_mm, z_mm = (side / 1000 for side in cuts[0].size_um)
    scale = (WIDE - BETWEEN) / (x_mm + z_mm)
    x, y, z = (max(2.0, side * scale) for side in (x_mm, y_mm, z_mm))
    uris = [_composed(layers, [getattr(one, name) for one in cuts]) for name in ("xy", "xz", "zy")]
    boxes = ((0, 0, x, y), (0, y + BETWEEN, x, z), (x + BETWEEN, 0, z, y))
    names = ("the middle section", "along the stack, from above", "along the stack, from the side")
    parts = [
        f'<image href="{uri}" x="{left:.1f}" y="{top:.1f}" width="{wide:.1f}" height="{high:.1f}" '
        f'preserveAspectRatio="none"><title>{escape(name)}</title></image>'
        for uri, (left, top, wide, high), name in zip(uris, boxes, names, strict=True)
    ]
    bar_mm = max((one for one in BAR_MM if one <= x_mm / 5), default=BAR_MM[0])
    bottom = y + BETWEEN + z + 18
    parts.append(f'<path d="M0 {bottom:.1f}h{bar_mm * scale:.1f}" stroke="#111" stroke-width="4"/>')
    parts.append(f'<text x="{bar_mm * scale + 8:.1f}" y="{bottom + 4:.1f}">{bar_mm:g} mm</text>')
    return (
        f'<svg class="plot fits" viewBox="0 0 {WIDE} {bottom + 12:.0f}" width="{WIDE}" height="{bottom + 12:.0f}" '
        f'role="img" aria-label="Three cuts through the middle of the volume">{"".join(parts)}</svg>'
    )


def _composed(layers: Sequence[State], planes: Sequence[np.ndarray]) -> str:
    if planes[0].ndim == 3:  # colour
        return jpeg_uri(np.ascontiguousarray(planes[0]), 85)
    controls = [one["shaderControls"] for one in layers]
    ranges = [(float(one["normalized"]["range"][0]), float(one["normalized"]["range"][1])) for one in controls]
    return jpeg_uri(added_up(planes, ranges, [str(one["color"]) for one in controls]), 85)
