"""Made-up sections for the benchmark of full resolution: textured, noisy tissue on half of the canvas, and a plan of
them that the tasks' own functions take.

A few scans stand for many sections, each under a transform of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from brainstack.files.tiff import Compression, write_tiff, write_tiff_in_strips
from brainstack.files.tiles import TiledTiff
from brainstack.files.volume_info import VolumeLayout, lay_out
from brainstack.geometry import rigid
from brainstack.images.rendering import Placement
from brainstack.settings import load_settings

SETTINGS = load_settings()
FACTOR = SETTINGS.tifs.thumbnail_factor
TILE_PX = 512
PIXEL_UM = 0.325
SECTION_UM = 20.0
GAIN = 1.1
CHANNEL = 1
TURN_DEG, SHIFT = 5.0, 0.01
"""Up to these the sections are turned, and shifted as a share of the canvas."""

TEXTURE_PX = 2048
TISSUE_GREY, GLASS_GREY, NOISE = 1500, 200, 0.04


@dataclass(frozen=True)
class Size:
    """columns, rows : of a section, and of the canvas. scans : how many there are on disk.

    blocks : how many of the first level are written, spread evenly over the canvas; None is all.
    """

    name: str
    sections: int
    columns: int
    rows: int
    scans: int
    block_px: int
    group_px: int
    blocks: int | None = None

    @property
    def thumbnail(self) -> tuple[int, int]:
        """(rows, columns)."""
        return -(-self.rows // FACTOR), -(-self.columns // FACTOR)

    @property
    def canvas(self) -> tuple[int, int]:
        """(rows, columns): whole pixels of the thumbnail."""
        return self.thumbnail[0] * FACTOR, self.thumbnail[1] * FACTOR

    @property
    def gigapixels(self) -> float:
        """Of canvas, in all sections that are written."""
        layout = self.layout(sharded=True)
        boxes = [layout.block_box(block) for block in self.blocks_written(layout)]
        return self.sections * sum((bottom - top) * (right - left) for top, bottom, left, right in boxes) / 1e9

    def layout(self, *, sharded: bool, sections: int | None = None) -> VolumeLayout:
        return lay_out(
            (sections or self.sections, *self.canvas),
            data_type="uint16",
            num_channels=1,
            voxel_size_um=(PIXEL_UM, PIXEL_UM, SECTION_UM),
            chunk_size=SETTINGS.neuroglancer.chunk_size,
            largest_plain_chunks=0,
            gzip=True,
            sharded=sharded,
            smallest_side_px=SETTINGS.downsampling.smallest_side_px,
            block_px=self.block_px,
            group_px=self.group_px,
        )

    def blocks_written(self, layout: VolumeLayout) -> list[tuple[int, int]]:
        every = sorted(block for group in range(layout.groups) for block in layout.blocks_of(group))
        step = 1 if self.blocks is None else len(every) / self.blocks
        return [every[int((number + 0.5) * step)] for number in range(self.blocks or 0)] or every


SIZES = {
    size.name: size
    for size in (
        Size("quick", 64, 3_000, 2_000, scans=2, block_px=1024, group_px=1024),
        Size("prototype", 64, 12_000, 8_000, scans=4, block_px=2048, group_px=4096),
        Size("real", 64, 74_500, 39_500, scans=1, block_px=2048, group_px=2048, blocks=8),
    )
}
"""Groups are smaller than the settings' 16,384 pixels, so that there are several, as in a real channel."""


def make_scans(size: Size, folder: Path, ways: tuple[Compression, ...]) -> None:
    """Write the scans, packed in these ways; and as the lab's cleaning would leave them, by zstd; and their masks."""
    mask = tissue_mask(size)
    for number in range(size.scans):
        write_tiff(folder / f"mask.{number}.tif", mask.view(np.uint8) * 255, PIXEL_UM * FACTOR)
        for packed in ways:
            _write_scan(size, mask, folder / f"{packed}.{number}.tif", number, packed, GLASS_GREY)
        if size.blocks is None:
            _write_scan(size, mask, folder / f"cleaned.{number}.tif", number, "zstd", 0)


def tissue_mask(size: Size) -> npt.NDArray[np.bool_]:
    """An ellipse with a wavy outline on half of the thumbnail: (rows, columns)."""
    rows, columns = size.thumbnail
    y, x = np.ogrid[:rows, :columns]
    y, x = (y + 0.5) / rows * 2 - 1, (x + 0.5) / columns * 2 - 1
    wave = 1 + 0.06 * np.sin(7 * np.arctan2(y, x))
    return np.asarray(np.hypot(x, y) < math.sqrt(2 / math.pi) * wave)


def _write_scan(
    size: Size, mask: npt.NDArray[np.bool_], path: Path, number: int, packed: Compression, glass: int
) -> None:
    write_tiff_in_strips(
        path,
        _strips(size, mask, number, glass),
        shape=(size.rows, size.columns),
        dtype=np.dtype(np.uint16),
        tile_px=TILE_PX,
        pixel_size_um=PIXEL_UM,
        compression=packed,
    )


def _strips(size: Size, mask: npt.NDArray[np.bool_], number: int, glass: int) -> Iterator[npt.NDArray[np.uint16]]:
    """glass : its grey value, with noise; 0 is none."""
    tissue = np.roll(texture(TISSUE_GREY), 700 * number, axis=1)
    around = texture(glass, slow=0.02) if glass else np.zeros_like(tissue)
    times = -(-size.columns // TEXTURE_PX)
    for top in range(0, size.rows, TILE_PX):
        rows = np.arange(top, min(top + TILE_PX, size.rows))
        inside = np.repeat(mask[rows // FACTOR], FACTOR, axis=1)[:, : size.columns]
        one, other = (np.tile(image[rows % TEXTURE_PX], times)[:, : size.columns] for image in (tissue, around))
        yield np.where(inside, one, other)


def texture(grey: int, slow: float = 0.25) -> npt.NDArray[np.uint16]:
    """A square that fits its own borders: fibres and cells in steps of size, and the camera's noise."""
    random = np.random.default_rng(grey)
    image = np.ones((TEXTURE_PX, TEXTURE_PX), np.float32)
    for sigma in (64, 16, 4, 1.5):
        blurred = cv2.GaussianBlur(np.pad(random.standard_normal(image.shape, np.float32), 256, "wrap"), (0, 0), sigma)
        part = blurred[256:-256, 256:-256]
        image += slow / 2 * part / part.std()
    image += NOISE * random.standard_normal(image.shape, np.float32)
    return np.clip(np.rint(grey * image), 1, 65535).astype(np.uint16)


class Sections:
    """The plan of the sections, as far as tasks/full_sections.py asks for it; and its functions made to take it."""

    def __init__(self, size: Size, folder: Path, packed: Compression = "zstd", sections: int | None = None) -> None:
        import tasks.full_sections as full

        self.size, self.full = size, full
        self.keys = {slot: f"{slot:03}" for slot in range(sections or size.sections)}
        random = np.random.default_rng(1)
        turns, shifts = random.uniform(-TURN_DEG, TURN_DEG, 1000), random.uniform(-SHIFT, SHIFT, (1000, 2))
        rows, columns = size.thumbnail
        matrices = {
            key: rigid(math.radians(turns[n]), shifts[n, 0] * columns, shifts[n, 1] * rows, size.thumbnail)
            for n, key in self.keys.items()
        }
        self.plan: Any = SimpleNamespace(
            settings=SETTINGS,
            folder=SimpleNamespace(
                tif=lambda key: folder / f"{packed}.{int(key) % size.scans}.tif",
                keyed=lambda kind, key, channel=0: (
                    folder / (f"mask.{int(key) % size.scans}.tif" if kind == "thumbnail_masked" else f"{kind}.tif")
                ),
            ),
            section={key: SimpleNamespace(tif_name=lambda channel, key=key: key) for key in self.keys.values()},
            records=SimpleNamespace(scan_run=SimpleNamespace(rotation=0, flip="none")),
            channels=[SimpleNamespace(number=CHANNEL, name="DAPI")],
            pixel_size_um=PIXEL_UM * FACTOR,
            is_colour=False,
            is_narrowed=False,
            turns=lambda key: (0, "none"),
        )
        answers = {
            "read_matrices": lambda plan: {"matrices": matrices, "canvas": size.thumbnail},
            "read_canvas": lambda plan: size.thumbnail,
            "read_field": lambda plan, key: None,
            "section_gain": lambda plan, channel, key: GAIN,
            "read_background": lambda plan, channel: 0,
            "scanned_shape": lambda plan, key: (size.rows, size.columns),
        }
        for name, answer in answers.items():
            if not hasattr(full, name):
                raise SystemExit(f"tasks/full_sections.py has no {name} any more: its stand-in is to be changed.")
            setattr(full, name, answer)

    def opened(self, slots: range | None = None) -> Any:
        """tasks.full_sections.FullSections of these sections, None: all."""
        volume: Any = SimpleNamespace(plan=self.plan, channel=CHANNEL, white=0)
        return self.full.FullSections(volume, {slot: self.keys[slot] for slot in slots or self.keys})

    def placement(self, slot: int) -> Placement:
        found: Placement = self.full.read_placement(self.plan, self.keys[slot], CHANNEL)
        return found

    def scan(self, slot: int) -> TiledTiff:
        found: TiledTiff = self.full.open_scan(self.plan, self.keys[slot], CHANNEL)
        return found
