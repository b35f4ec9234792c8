"""How well neighbouring sections are registered, against known truth: a table, the ways side by side.

    python benchmarks/registration.py stack <folder of TIFF planes> --pixel-um 40 --spacing-um 50 --first 100 --last 140
    python benchmarks/registration.py animal <made-up animal>

`stack` takes a brain that a microscope cut by light, so that its planes lie as they should, enlarges each plane, and
turns, shifts, brightens and roughens it. `animal` takes what `brainstack.demo.make_animal` made, with its true masks.
The error of a pair is the mean distance over the fixed section's tissue between where its pixels go and where they
should; a pair fails beyond 200 um. Chained: the same distance after composing to the middle section.
"""

from __future__ import annotations

import argparse
import itertools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import tifffile

from brainstack import geometry
from brainstack.errors import BrainstackError
from brainstack.geometry import Matrix
from brainstack.images import registration
from brainstack.settings import ElastixSettings, load_settings

FAIL_UM = 200.0


@dataclass(frozen=True)
class Placed:
    """A section on the common canvas. to_truth : from its canvas to where all sections fit together."""

    picture: npt.NDArray[Any]
    mask: npt.NDArray[np.bool_]
    to_truth: Matrix


Way = Callable[[Placed, Placed, float, ElastixSettings], Matrix]


def translation_only(fixed: Placed, moving: Placed, pixel_um: float, settings: ElastixSettings) -> Matrix:
    """Centroid upon centroid, then phase correlation."""
    start = geometry.shift(*(_centroid(moving.mask) - _centroid(fixed.mask)))
    warped = cv2.warpAffine(
        moving.picture.astype(np.float32), start[:2], fixed.picture.shape[::-1], flags=cv2.WARP_INVERSE_MAP
    )
    (by_x, by_y), _ = cv2.phaseCorrelate(fixed.picture.astype(np.float32), warped)
    return start @ geometry.shift(by_x, by_y)


def start_only(fixed: Placed, moving: Placed, pixel_um: float, settings: ElastixSettings) -> Matrix:
    """The ring of rotations and ECC, without elastix."""
    _, levels = registration.pyramid(
        fixed.picture, moving.picture, fixed.mask, moving.mask, pixel_size_um=pixel_um, settings=settings
    )
    return registration.start_of(levels, settings, pixel_um)


def ours(fixed: Placed, moving: Placed, pixel_um: float, settings: ElastixSettings) -> Matrix:
    """What the pipeline does."""
    found = registration.register_pair(
        fixed.picture,
        moving.picture,
        fixed_mask=fixed.mask,
        moving_mask=moving.mask,
        pixel_size_um=pixel_um,
        settings=settings,
    )
    shift_px = found.shift_x_um / pixel_um, found.shift_y_um / pixel_um
    return geometry.rigid(found.rotation_rad, *shift_px, fixed.picture.shape)


def elastix_default(fixed: Placed, moving: Placed, pixel_um: float, settings: ElastixSettings) -> Matrix:
    """elastix' own rigid parameters, from centre of gravity upon centre of gravity."""
    import SimpleITK as sitk  # noqa: N813

    shipped = dict(sitk.GetDefaultParameterMap("rigid"))
    start = geometry.shift(*(_centroid(moving.mask) - _centroid(fixed.mask)))
    full, _ = registration.pyramid(
        fixed.picture, moving.picture, fixed.mask, moving.mask, pixel_size_um=pixel_um, settings=settings
    )
    return registration.elastix(full, start, settings.model_copy(update={"rigid": shipped}), 0)


WAYS: dict[str, Way] = {"translation only": translation_only, "ring + ECC": start_only, "ours": ours}


def scrambled_stack(folder: Path, first: int, last: int, times: int, pixel_um: float, seed: int) -> list[Placed]:
    """Planes `first` to `last`, enlarged, each turned by N(0, 8 degrees), shifted by N(0, 400 um) and dimmed or lit."""
    random = np.random.default_rng(seed)
    planes = [tifffile.imread(path).astype(np.float32) for path in sorted(folder.glob("*.tif"))[first : last + 1]]
    rows, columns = (times * side for side in planes[0].shape)
    canvas = (round(rows * 1.5) // 2 * 2, round(columns * 1.35) // 2 * 2)
    return [_scrambled(plane, times, canvas, pixel_um, random) for plane in planes]


def _scrambled(
    plane: npt.NDArray[Any], times: int, canvas: geometry.Shape, pixel_um: float, random: np.random.Generator
) -> Placed:
    picture = cv2.resize(plane, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
    turn_rad, shift_px = math.radians(random.normal(0, 8)), random.normal(0, 400, 2) / pixel_um
    to_truth = geometry.inverse(geometry.placing(picture.shape, canvas)) @ geometry.rigid(turn_rad, *shift_px, canvas)
    size, flags = (canvas[1], canvas[0]), cv2.WARP_INVERSE_MAP
    light = cv2.warpAffine(picture, to_truth[:2], size, flags=flags | cv2.INTER_LINEAR) * random.uniform(0.8, 1.2)
    light = light + random.normal(0, 0.02 * float(np.quantile(picture, 0.99)), canvas)
    mask = cv2.warpAffine(_tissue(picture), to_truth[:2], size, flags=flags | cv2.INTER_NEAREST) > 0
    return Placed(np.where(mask, np.clip(light, 0, 65535), 0).astype(np.uint16), mask, to_truth)


def _tissue(picture: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    smooth = cv2.GaussianBlur(picture, (0, 0), 4)
    bright = (smooth > 0.25 * np.quantile(smooth, 0.9)).astype(np.uint8)
    _, labels, parts, _ = cv2.connectedComponentsWithStats(bright)
    largest = (labels == 1 + np.argmax(parts[1:, cv2.CC_STAT_AREA])).astype(np.uint8)
    return np.asarray(cv2.morphologyEx(largest, cv2.MORPH_CLOSE, np.ones((15, 15), np.uint8)))


def made_up_animal(folder: Path, channel: int) -> tuple[list[Placed], float]:
    """The sections of a made-up animal as cleaned thumbnails, in order, and the thumbnail's pixel size."""
    from brainstack.demo import read_truth
    from brainstack.files.czi import read_slide, read_strips

    truth = read_truth(folder)
    factor, sections = truth.thumbnail_factor, []
    for section in sorted(truth.sections, key=lambda each: each.order):
        slide = folder / "czi" / f"{section.slide}.czi"
        full = np.concatenate(list(read_strips(slide, read_slide(slide).scenes[section.scene - 1], channel, 2048)))
        filled = np.pad(full, [(0, -side % factor) for side in full.shape], mode="edge")
        size = (filled.shape[1] // factor, filled.shape[0] // factor)
        sections.append((cv2.resize(filled, size, interpolation=cv2.INTER_AREA), truth.mask(section.key), section))
    rows, columns = (round(1.2 * max(mask.shape[axis] for _, mask, _ in sections)) // 2 * 2 for axis in (0, 1))
    placed = []
    for picture, mask, section in sections:
        onto = geometry.placing(mask.shape, (rows, columns))
        to_ideal = geometry.scaled(geometry.inverse(section.to_scene()), 1 / factor)
        warp = {"dsize": (columns, rows), "flags": cv2.INTER_NEAREST}
        tissue = cv2.warpAffine(mask.astype(np.uint8), onto[:2], **warp) > 0
        light = cv2.warpAffine(picture, onto[:2], **warp)
        placed.append(Placed(np.where(tissue, light, 0), tissue, to_ideal @ geometry.inverse(onto)))
    return placed, truth.pixel_size_um * factor


def _centroid(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    rows, columns = np.nonzero(mask)
    return np.array([columns.mean(), rows.mean()])


def mean_distance(one: Matrix, other: Matrix, mask: npt.NDArray[np.bool_]) -> float:
    """Mean distance in pixels between where the two maps take the mask's pixels."""
    rows, columns = np.nonzero(mask)
    at = np.stack([columns, rows], axis=-1)[::5]
    return float(np.linalg.norm(geometry.points(one, at) - geometry.points(other, at), axis=1).mean())


def measured(way: Way, sections: list[Placed], pixel_um: float) -> Iterator[str]:
    """The cells of this way's row."""
    settings = load_settings().elastix
    estimates, errors_um, refused = [], [], 0
    began = time.process_time()
    for fixed, moving in itertools.pairwise(sections):
        try:
            estimates.append(way(fixed, moving, pixel_um, settings))
        except BrainstackError:
            estimates.append(np.eye(3))
            refused += 1
    seconds = (time.process_time() - began) / len(estimates)
    for estimate, fixed, moving in zip(estimates, sections, sections[1:], strict=False):
        true = geometry.inverse(moving.to_truth) @ fixed.to_truth
        errors_um.append(mean_distance(estimate, true, fixed.mask) * pixel_um)
    anchor = len(sections) // 2
    chained_um = [
        mean_distance(
            geometry.inverse(matrix), geometry.inverse(sections[anchor].to_truth) @ section.to_truth, section.mask
        )
        * pixel_um
        for matrix, section in zip(geometry.compose_to_middle(estimates, anchor), sections, strict=True)
    ]
    yield from (f"{value:.1f}" for value in (np.median(errors_um), np.quantile(errors_um, 0.9), max(errors_um)))
    yield f"{np.median(errors_um) / pixel_um:.2f}"
    yield f"{sum(error > FAIL_UM for error in errors_um)}+{refused} of {len(errors_um)}"
    yield f"{seconds:.2f}"
    yield from (f"{value:.0f}" for value in (np.median(chained_um), max(chained_um)))


def main() -> None:
    """Read the sections, measure each way, print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["stack", "animal"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pixel-um", type=float, default=40.0, help="of the stack's planes")
    parser.add_argument("--times", type=int, default=3, help="how much larger the stack's planes are made")
    parser.add_argument("--first", type=int, default=100)
    parser.add_argument("--last", type=int, default=140)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--channel", type=int, default=1, help="of the animal, counted from 1")
    parser.add_argument("--elastix-default", action="store_true", help="elastix' own rigid parameters as well")
    wanted = parser.parse_args()
    if wanted.kind == "stack":
        pixel_um = wanted.pixel_um / wanted.times
        sections = scrambled_stack(wanted.folder, wanted.first, wanted.last, wanted.times, pixel_um, wanted.seed)
    else:
        sections, pixel_um = made_up_animal(wanted.folder, wanted.channel)
    rows, columns = sections[0].mask.shape
    print(f"{len(sections)} sections of {columns} x {rows} pixels of {pixel_um:.2f} um")
    print(
        "| way | pair um: median | p90 | max | median px | fails+refused | core-s a pair | chained um: median | max |"
    )
    print("|" + "---|" * 9)
    ways = WAYS | ({"elastix default": elastix_default} if wanted.elastix_default else {})
    for name, way in ways.items():
        print("| " + " | ".join((name, *measured(way, sections, pixel_um))) + " |", flush=True)


if __name__ == "__main__":
    main()
