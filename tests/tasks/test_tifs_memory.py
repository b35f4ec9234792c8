"""A scene is in memory a strip, and the rest of a row of tiles, at a time, however high it is."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from brainstack.demo.czi_writer import ChannelSettings, Tile, metadata_xml, write_czi
from brainstack.files.czi import read_slide
from brainstack.files.tiff import read_tiff_shape
from brainstack.settings import load_settings
from tasks.tifs import Written, write_scene

WIDTH, SIDE, STEP = 1500, 512, 460
STRIP_BYTES = 128 * WIDTH * 2
ROW_OF_TILES_BYTES = SIDE * (WIDTH + WIDTH // STEP * (SIDE - STEP)) * 2
OTHER_BYTES = 2_500_000
"""Packed tiles, lists of tiles, the thumbnail."""


@pytest.mark.parametrize("height", [1000, 15_000])
@pytest.mark.parametrize("compression", ["raw", "zstd1"])
def test_memory_does_not_grow_with_the_height_of_a_scene(tmp_path: Path, compression: str, height: int) -> None:
    about = metadata_xml(channels=[ChannelSettings("DAPI")], pixel_size_um=(0.325, 0.325), pixel_type="Gray16")
    write_czi(tmp_path / "a.czi", tiles(height, compression), metadata=about)
    tifs = load_settings().tifs.model_copy(update={"tile_px": 128})
    scan = read_slide(tmp_path / "a.czi")
    written = Written(*(tmp_path / name for name in ("a.tif", "thumbnail.tif", "a.png")))

    tracemalloc.start()
    write_scene(tmp_path / "a.czi", scan, scan.scenes[0], written, channel=1, thumbnail_um=10.4, tifs=tifs)
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert read_tiff_shape(written.scan) == (height, WIDTH)
    assert most_bytes < STRIP_BYTES + 1.5 * ROW_OF_TILES_BYTES + OTHER_BYTES


def tiles(height: int, compression: str) -> Iterator[Tile]:
    """Rows of tiles that overlap by a tenth; all show the same."""
    picture = np.random.default_rng(1).normal(1500, 30, (SIDE, SIDE)).astype(np.uint16)
    for y in range(0, height, STEP):
        for x in range(0, WIDTH, STEP):
            yield Tile(picture[: height - y, : WIDTH - x], x, y, compression=compression)
