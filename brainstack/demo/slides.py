"""The made-up animal as a lab gets it from its scanner: a CZI for each slide, four sections on each."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from brainstack.demo.brightfield import AnyPicture
from brainstack.demo.czi_writer import Attachment, Tile, picture_attachment, write_czi
from brainstack.demo.difficulty import DIFFICULTIES, Difficulty
from brainstack.demo.drawing import Grid
from brainstack.demo.phantom import CANVAS_MM, LENGTH_MM, Phantom
from brainstack.demo.scenes import Photograph, photograph
from brainstack.demo.slide_pictures import Overview, draw_label
from brainstack.demo.slide_settings import CHANNELS, slide_metadata
from brainstack.demo.truth import SectionTruth, Truth, make_matrix, write_cells, write_mask, write_truth
from brainstack.files.whole import whole_file

SCENES_A_SLIDE = 4
THUMBNAIL_UM = 40.0
"""Side of a thumbnail's pixel; the factor is the whole number that comes nearest."""

TILE_PX = 1024
COMPRESSION = "zstd1"
PYRAMID_PX = 512
"""A pyramid ends with the level whose longer side is no longer than this."""


def make_animal(
    folder: Path,
    *,
    sections: int = 24,
    width_px: int = 3000,
    height_px: int = 2000,
    seed: int = 1,
    spacing_um: float = 50.0,
    stain: str = "fluorescence",
    difficulty: str = "easy",
    progress: Callable[[int, int], None] | None = None,
) -> Truth:
    """Write <folder>/czi/DEMO_ID_0001_slide001.czi and so on, and what is true of them into <folder>/truth.

    width_px, height_px : of a scene, give or take 4 in a hundred; the brain fills it whatever the size, so that a
    smaller scene has larger pixels. spacing_um : between sections; 50 keeps neighbours alike. stain : "fluorescence",
    three channels of 16 bits; or "nissl", colours of bright field, of the same brain laid in the same way.
    difficulty : "easy", "middle" or "hard", of what lies on the glass and what befell the sections. The same
    arguments give the same bytes. progress : called with the number of sections done and of all of them.
    Raises ValueError for less than one section or more than the brain holds, and for another stain or difficulty.
    """
    if stain not in CHANNELS:
        raise ValueError(f"The stain is one of {', '.join(CHANNELS)}, found {stain!r}.")
    if difficulty not in DIFFICULTIES:
        raise ValueError(f"The difficulty is one of {', '.join(DIFFICULTIES)}, found {difficulty!r}.")
    if not 1 <= sections <= LENGTH_MM * 1000 / spacing_um:
        raise ValueError(f"The brain holds 1 to {LENGTH_MM * 1000 / spacing_um:.0f} sections, found {sections}.")
    truth = plan_animal(folder, sections, (width_px, height_px), seed=seed, spacing_um=spacing_um,
                        stain=stain, difficulty=difficulty)  # fmt: skip
    phantom = phantom_of(truth, seed)
    cells = []

    def keep(section: SectionTruth, found: Photograph) -> None:
        write_mask(folder, section, found.mask)
        cells.append(found.cells_um)
        if progress is not None:
            progress(len(cells), sections)

    for file in truth.czi_files:
        _write_slide(file, truth, phantom, keep)
    write_cells(folder, np.vstack(cells))
    write_truth(truth)
    return truth


def phantom_of(truth: Truth, seed: int) -> Phantom:
    """The brain whose sections `truth` has."""
    width_px, height_px = truth.canvas_px
    pixel_mm = truth.pixel_size_um / 1000
    # Anatomy has no detail below 12 um; cells and grain are added at the scan's own scale.
    grid_mm = max(0.0125, pixel_mm)
    grid = Grid(math.ceil(height_px * pixel_mm / grid_mm), math.ceil(width_px * pixel_mm / grid_mm), grid_mm)
    return Phantom(seed, grid)


def plan_animal(
    folder: Path,
    count: int,
    size_px: tuple[int, int],
    *,
    seed: int,
    spacing_um: float,
    stain: str,
    difficulty: str,
) -> Truth:
    """Where every section is to lie, and what befalls it; writes nothing. size_px : (width, height) of the ideal
    canvas."""
    pixel_size_um = round(1000 * max(CANVAS_MM[0] / size_px[0], CANVAS_MM[1] / size_px[1]), 6)
    random = np.random.default_rng([seed, 1])
    return Truth(
        folder=folder,
        pixel_size_um=pixel_size_um,
        spacing_um=spacing_um,
        canvas_px=size_px,
        thumbnail_factor=max(1, round(THUMBNAIL_UM / pixel_size_um)),
        channel_names=tuple(channel.name for channel in CHANNELS[stain]),
        sections=tuple(
            _befallen(
                _placed(order, size_px, pixel_size_um, spacing_um, random),
                size_px,
                pixel_size_um,
                DIFFICULTIES[difficulty],
                np.random.default_rng([seed, 5, order]),
            )
            for order in range(count)
        ),
        stain=stain,
        difficulty=difficulty,
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


def _befallen(
    section: SectionTruth,
    size_px: tuple[int, int],
    pixel_size_um: float,
    difficulty: Difficulty,
    random: np.random.Generator,
) -> SectionTruth:
    """The section with its flaws: fainter, or shifted so far that the scan's edge cuts it."""
    flaws = difficulty.flaws(random)
    gain, shift_px = section.gain, section.shift_px
    if "faint" in flaws:
        gain = random.uniform(*difficulty.faint_gain)
    if "cut" in flaws:
        away = random.choice((-1, 1)) / pixel_size_um
        sideways = random.random() < 0.4
        shift_px = (
            (away * random.uniform(2000, 3200), shift_px[1])
            if sideways
            else (shift_px[0], away * random.uniform(1300, 2300))
        )
    matrix = make_matrix(size_px, (section.width_px, section.height_px), section.rotation_rad, shift_px)
    return replace(section, gain=gain, shift_px=shift_px, matrix=matrix, flaws=flaws)


def _write_slide(file: Path, truth: Truth, phantom: Phantom, keep: Callable[[SectionTruth, Photograph], None]) -> None:
    """One CZI: a section is photographed when its tiles are wanted, and handed to `keep`."""
    placed = _on_slide([section for section in truth.sections if section.slide == file.stem])
    overview = Overview(truth.pixel_size_um, truth.stain)

    def tiles() -> Iterator[Tile]:
        for section, x, y in placed:
            found = photograph(section, truth, phantom)
            overview.add(found.pictures[0], x, y)
            for channel, picture in enumerate(found.pictures):
                yield from _tiles(picture, x, y, channel=channel, scene=section.scene - 1)
            keep(section, found)

    def attachments() -> Iterator[Attachment]:  # asked for when all sections have been seen
        yield picture_attachment("Label", draw_label(file.stem, truth.channel_names))
        yield picture_attachment("SlidePreview", overview.draw())

    with whole_file(file) as part:
        write_czi(part, tiles(), metadata=slide_metadata(file.stem, truth, placed), attachments=attachments())


def _on_slide(sections: Sequence[SectionTruth]) -> list[tuple[SectionTruth, int, int]]:
    """Each section with the x and y of its scene's corner: two by two, about the middle of the slide."""
    left_px = max(one.width_px for one in sections) + 200
    upper_px = max(one.height_px for one in sections) + 150
    # Stages count from the middle of the slide, so that places may be negative.
    return [
        (one, ((one.scene - 1) % 2) * left_px - left_px, ((one.scene - 1) // 2) * upper_px - upper_px)
        for one in sections
    ]


def _tiles(picture: AnyPicture, x: int, y: int, *, channel: int, scene: int) -> Iterator[Tile]:
    """The picture in tiles, then its pyramid."""
    zoom = 1
    level: AnyPicture = picture
    while True:
        for top in range(0, level.shape[0], TILE_PX):
            for left in range(0, level.shape[1], TILE_PX):
                pixels = level[top : top + TILE_PX, left : left + TILE_PX]
                place = (x + left * zoom, y + top * zoom)
                yield Tile(pixels, *place, scene=scene, channel=channel, compression=COMPRESSION, zoom=zoom)
        if max(level.shape[:2]) <= PYRAMID_PX:
            return
        zoom, level = 2 * zoom, _halved(level)


def _halved(picture: AnyPicture) -> AnyPicture:
    """The averages of two by two pixels; an odd row or column counts twice."""
    rows, columns = picture.shape[:2]
    even = cv2.copyMakeBorder(picture, 0, rows % 2, 0, columns % 2, cv2.BORDER_REPLICATE)
    half: AnyPicture = cv2.resize(even, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return half
