"""The made-up animal as a lab gets it from its scanner: a CZI for each slide, four sections on each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from pylibCZIrw import czi as pylibczi

from brainstack.demo.drawing import Grid
from brainstack.demo.glass import LOOKS, Picture
from brainstack.demo.phantom import CANVAS_MM, LENGTH_MM, Phantom
from brainstack.demo.scenes import photograph
from brainstack.demo.truth import SectionTruth, Truth, make_matrix, write_cells, write_mask, write_truth
from brainstack.files.whole import whole_file

SCENES_A_SLIDE = 4
THUMBNAIL_UM = 40.0
"""Side of a thumbnail's pixel; the factor is the whole number that comes nearest."""

TILE_PX = 1024
COMPRESSION = "zstd1:ExplicitLevel=1;PreProcess=HiLoByteUnpack"


def make_animal(
    folder: Path,
    *,
    sections: int = 24,
    width_px: int = 3000,
    height_px: int = 2000,
    seed: int = 1,
    spacing_um: float = 50.0,
    progress: Callable[[int, int], None] | None = None,
) -> Truth:
    """Write <folder>/czi/DEMO_ID_0001_slide001.czi and so on, and what is true of them into <folder>/truth.

    width_px, height_px : of a scene, give or take 4 in a hundred; the brain fills it whatever the size, so that a
    smaller scene has larger pixels. spacing_um : between sections; 50 keeps neighbours alike. The same arguments give
    the same pixels. progress : called with the number of sections done and of all of them.
    Raises ValueError for less than one section or more than the brain holds.
    """
    if not 1 <= sections <= LENGTH_MM * 1000 / spacing_um:
        raise ValueError(f"The brain holds 1 to {LENGTH_MM * 1000 / spacing_um:.0f} sections, found {sections}.")
    truth = _plan(folder, sections, (width_px, height_px), seed, spacing_um)
    pixel_mm = truth.pixel_size_um / 1000
    # Anatomy has no detail below 12 um; cells and grain are added at the scan's own scale.
    grid_mm = max(0.0125, pixel_mm)
    grid = Grid(math.ceil(height_px * pixel_mm / grid_mm), math.ceil(width_px * pixel_mm / grid_mm), grid_mm)
    phantom = Phantom(seed, grid)
    cells = []
    for file in truth.czi_files:
        on_slide = [section for section in truth.sections if section.slide == file.stem]
        with whole_file(file) as part, pylibczi.create_czi(str(part), compression_options=COMPRESSION) as writer:
            for section in on_slide:
                found = photograph(section, truth, phantom)
                _write_scene(writer, section, found.pictures, on_slide)
                write_mask(folder, section, found.mask)
                cells.append(found.cells_um)
                if progress is not None:
                    progress(len(cells), sections)
            metres = truth.pixel_size_um * 1e-6
            names = dict(enumerate(truth.channel_names))
            writer.write_metadata(file.stem, channel_names=names, scale_x=metres, scale_y=metres)
    write_cells(folder, np.vstack(cells))
    write_truth(truth)
    return truth


def _plan(folder: Path, count: int, size_px: tuple[int, int], seed: int, spacing_um: float) -> Truth:
    """Where every section is to lie. size_px : (width, height) of the ideal canvas."""
    pixel_size_um = round(1000 * max(CANVAS_MM[0] / size_px[0], CANVAS_MM[1] / size_px[1]), 6)
    random = np.random.default_rng([seed, 1])
    return Truth(
        folder=folder,
        pixel_size_um=pixel_size_um,
        spacing_um=spacing_um,
        canvas_px=size_px,
        thumbnail_factor=max(1, round(THUMBNAIL_UM / pixel_size_um)),
        channel_names=tuple(look.name for look in LOOKS),
        sections=tuple(_placed(order, size_px, pixel_size_um, spacing_um, random) for order in range(count)),
    )


def _placed(
    order: int, size_px: tuple[int, int], pixel_size_um: float, spacing_um: float, random: np.random.Generator
) -> SectionTruth:
    slide, scene = order // SCENES_A_SLIDE + 1, order % SCENES_A_SLIDE + 1
    scene_px = (round(size_px[0] * random.uniform(0.97, 1.04)), round(size_px[1] * random.uniform(0.97, 1.04)))
    degrees = random.uniform(-15, 15)
    # A brush lays most sections nearly straight, and one in six askew.
    if random.random() < 1 / 6:
        degrees = random.choice((-1, 1)) * random.uniform(20, 30)
    rotation_rad = float(np.deg2rad(degrees))
    shift_px = (random.uniform(-600, 600) / pixel_size_um, random.uniform(-250, 250) / pixel_size_um)
    gain = random.uniform(0.65, 1.3) if random.random() < 0.8 else random.uniform(0.48, 0.6)
    return SectionTruth(
        key=f"slide{slide:03d}_S{scene}",
        slide=f"DEMO_ID_0001_slide{slide:03d}",
        scene=scene,
        order=order,
        z_um=order * spacing_um,
        width_px=scene_px[0],
        height_px=scene_px[1],
        rotation_rad=rotation_rad,
        shift_px=shift_px,
        gain=gain,
        matrix=make_matrix(size_px, scene_px, rotation_rad, shift_px),
    )


def _write_scene(
    writer: pylibczi.CziWriter, section: SectionTruth, pictures: Sequence[Picture], on_slide: Sequence[SectionTruth]
) -> None:
    """Two by two on the slide, in tiles, as scanners write them."""
    left_px = max(one.width_px for one in on_slide) + 200
    upper_px = max(one.height_px for one in on_slide) + 150
    number = section.scene - 1
    # Stages count from the middle of the slide, so that places may be negative.
    corner_x, corner_y = (number % 2) * left_px - left_px, (number // 2) * upper_px - upper_px
    for channel, picture in enumerate(pictures):
        for top in range(0, section.height_px, TILE_PX):
            for left in range(0, section.width_px, TILE_PX):
                tile = np.ascontiguousarray(picture[top : top + TILE_PX, left : left + TILE_PX, np.newaxis])
                place = (corner_x + left, corner_y + top)
                writer.write(tile, location=place, plane={"C": channel, "T": 0, "Z": 0}, scene=number)
