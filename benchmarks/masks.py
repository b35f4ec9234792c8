"""How near the proposed masks come to the truth at three difficulties, beside the simplest other ways.

    python benchmarks/masks.py                    # prints, writes docs/masks.md and docs/pictures/masks_*.jpg
    python benchmarks/masks.py --scenes /tmp/made # keeps the made-up sections there, and takes what is there

No pipeline, and no help from neighbours: three brains on glass of their own, of each 24 sections from its front to its
back, 0.44 mm apart, each a thumbnail of 40 um a pixel, four times as coarse as a lab's.

Dice: overlap with the true mask; a section without a mask counts 0. Distance: between the outlines, both ways, mean and
95 %, of the sections that got a mask; the median over them. Failed: no mask, or Dice below 0.8.
Otsu, triangle, local, watershed: of the light cut at its brightest half per cent, as dust misleads them all; holes are
filled, and specks smaller than the smallest piece of tissue are taken away. Plain Otsu is without all that. Local:
above the Gaussian mean of 4 mm around. Watershed: of the slope, from what is halfway between Otsu's threshold and the
darkest and brightest tenth. Colour sections are what they are darker than white.
Core-seconds: of all threads, for one section of 2,300 x 1,230 pixels of 10.4 um.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes
from skimage.filters import sobel, threshold_local, threshold_otsu, threshold_triangle
from skimage.morphology import remove_small_objects
from skimage.segmentation import watershed

from brainstack.demo.difficulty import DIFFICULTIES
from brainstack.demo.scenes import photograph
from brainstack.demo.slides import phantom_of, plan_animal
from brainstack.environment import CHECKOUT
from brainstack.images.colour import PURE_WHITE, inverted_luminance
from brainstack.images.mask_shapes import NoTissueError
from brainstack.images.masks import propose_mask
from brainstack.images.planes import dice
from brainstack.settings import load_settings

Image = NDArray[Any]
Mask = NDArray[np.bool_]

SETTINGS = load_settings().masks
STAINS = ("fluorescence", "nissl")
SEEDS = (1, 2, 3)
SECTIONS, SPACING_UM, SCENE_PX = 24, 440.0, (1500, 1000)
FAILED = 0.8
DOCS = CHECKOUT / "docs" / "masks.md"
PICTURES = CHECKOUT / "docs" / "pictures"
MARK = "<!-- figures: written by benchmarks/masks.py -->"
GREEN, RED = (0, 255, 0), (255, 0, 0)


@dataclass(frozen=True)
class Scene:
    """thumbnail : (rows, columns) uint16, or (rows, columns, 3) uint8, red first. true : (rows, columns) bool."""

    thumbnail: Image
    true: Mask
    pixel_um: float


@dataclass(frozen=True)
class Result:
    """Of one section. distances_um : mean and 95 % between the outlines; None where there is no mask."""

    dice: float
    distances_um: tuple[float, float] | None


# Sections


def made(stain: str, difficulty: str, seed: int, folder: Path | None) -> list[Scene]:
    """The made-up sections, from `folder` where they were kept."""
    kept = folder / f"{stain}_{difficulty}_{seed}.npz" if folder else None
    if kept and kept.is_file():
        with np.load(kept) as arrays:
            return [
                Scene(arrays[f"image{number}"], arrays[f"mask{number}"], float(arrays["pixel_um"]))
                for number in range(SECTIONS)
            ]
    truth = plan_animal(
        Path(), SECTIONS, SCENE_PX, seed=seed, spacing_um=SPACING_UM, stain=stain, difficulty=difficulty
    )
    phantom, factor = phantom_of(truth, seed), truth.thumbnail_factor
    scenes = []
    for section in truth.sections:
        found = photograph(section, truth, phantom)
        first = found.pictures[0] if found.pictures[0].ndim == 2 else found.pictures[0][..., ::-1]
        scenes.append(Scene(averaged(first, factor), found.mask, truth.pixel_size_um * factor))
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        arrays = {f"image{number}": scene.thumbnail for number, scene in enumerate(scenes)}
        arrays |= {f"mask{number}": scene.true for number, scene in enumerate(scenes)}
        np.savez(kept, pixel_um=scenes[0].pixel_um, **arrays)
    return scenes


def averaged(picture: Image, factor: int) -> Image:
    """The averages of factor x factor pixels; the last ones are of what is left, continued."""
    rows, columns = (-(-size // factor) for size in picture.shape[:2])
    lower, right = rows * factor - picture.shape[0], columns * factor - picture.shape[1]
    whole = cv2.copyMakeBorder(np.ascontiguousarray(picture), 0, lower, 0, right, cv2.BORDER_REPLICATE)
    small = cv2.resize(whole.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
    return np.rint(small).astype(picture.dtype)


# Ways


def light_of(scene: Scene) -> Image:
    image = scene.thumbnail
    shining = image if image.ndim == 2 else inverted_luminance(image, (PURE_WHITE,) * 3)
    return shining.astype(np.float32)


def without_dust(scene: Scene) -> Image:
    light = light_of(scene)
    return np.minimum(light, np.quantile(light, 0.995))


def tidied(found: Mask, scene: Scene) -> Mask:
    least_px = round(SETTINGS.piece_um2 / scene.pixel_um**2)
    return np.asarray(remove_small_objects(np.asarray(binary_fill_holes(found)), max_size=least_px))


def ours(scene: Scene) -> Mask:
    try:
        return propose_mask(scene.thumbnail, pixel_size_um=scene.pixel_um, settings=SETTINGS)
    except NoTissueError:
        return np.zeros_like(scene.true)


def plain_otsu(scene: Scene) -> Mask:
    light = light_of(scene)
    return np.asarray(light > threshold_otsu(light))


def otsu(scene: Scene) -> Mask:
    light = without_dust(scene)
    return tidied(light > threshold_otsu(light), scene)


def triangle(scene: Scene) -> Mask:
    light = without_dust(scene)
    return tidied(light > threshold_triangle(light), scene)


def local(scene: Scene) -> Mask:
    light = without_dust(scene)
    block_px = 2 * round(2000 / scene.pixel_um) + 1
    return tidied(light > threshold_local(light, block_px), scene)


def from_markers(scene: Scene) -> Mask:
    light = cv2.GaussianBlur(without_dust(scene), (0, 0), 1)
    middle = threshold_otsu(light)
    dark, bright = np.quantile(light, (0.1, 0.9))
    markers = np.where(light < (middle + dark) / 2, 1, 0) + np.where(light > (middle + bright) / 2, 2, 0)
    return tidied(watershed(sobel(light), markers) == 2, scene)


WAYS: dict[str, Callable[[Scene], Mask]] = {
    "brainstack": ours,
    "plain Otsu": plain_otsu,
    "Otsu": otsu,
    "triangle": triangle,
    "local": local,
    "watershed": from_markers,
}


# Measures


def measured(found: Mask, scene: Scene) -> Result:
    return Result(dice(found, scene.true), distances_um(found, scene.true, scene.pixel_um) if found.any() else None)


def distances_um(found: Mask, true: Mask, pixel_um: float) -> tuple[float, float]:
    """How far each pixel of one outline is from the other one, both ways: mean and 95 %, micrometres."""
    inner = [
        cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
        for mask in (found, true)
    ]
    outlines = [mask & (inside == 0) for mask, inside in zip((found, true), inner, strict=True)]
    away = [cv2.distanceTransform((~line).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) for line in outlines]
    both = [away[1][outlines[0]], away[0][outlines[1]]]
    mean = float(np.mean([distance.mean() for distance in both]))
    return pixel_um * mean, pixel_um * max(float(np.quantile(distance, 0.95)) for distance in both)


def core_seconds(scene: Scene) -> float:
    size = (2300, 1230)
    image = cv2.resize(scene.thumbnail, size, interpolation=cv2.INTER_LINEAR)
    start = time.process_time()
    ours(Scene(image, np.zeros(size[::-1], bool), 10.4))
    return time.process_time() - start


# The page


def row(name: str, results: list[Result]) -> str:
    values = [result.dice for result in results]
    known = [result.distances_um for result in results if result.distances_um is not None]
    mean, most = np.median(known, axis=0) if known else (np.nan, np.nan)
    failed = sum(value < FAILED for value in values)
    cells = (
        f"{np.median(values):.3f}",
        f"{min(values):.3f}",
        f"{mean:.0f}",
        f"{most:.0f}",
        f"{failed} of {len(values)}",
    )
    return f"| {name} | {' | '.join(cells)} |"


def table(scenes: list[Scene]) -> tuple[list[str], list[Mask]]:
    """The lines, and our masks."""
    lines = ["| masks | median Dice | lowest | mean distance, um | 95 %, um | failed |", "|---|---|---|---|---|---|"]
    masks = {name: [way(scene) for scene in scenes] for name, way in WAYS.items()}
    for name, found in masks.items():
        lines.append(row(name, [measured(*pair) for pair in zip(found, scenes, strict=True)]))
    return lines, masks["brainstack"]


def drawn(scene: Scene, found: Mask) -> Image:
    """The section with its true outline in green below the proposed one in red."""
    image = scene.thumbnail
    if image.ndim == 2:
        dark, bright = np.quantile(image, (0.01, 0.99))
        grey = 255 * np.clip((image - dark) / (bright - dark), 0, 1) ** 0.6
        image = np.repeat(grey[..., np.newaxis], 3, axis=2).astype(np.uint8)
    page = np.ascontiguousarray(image)
    for mask, colour, width_px in ((scene.true, GREEN, 3), (found, RED, 1)):
        lines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(page, lines, -1, colour, width_px)
    return cv2.resize(page, (250, round(250 * page.shape[0] / page.shape[1])), interpolation=cv2.INTER_AREA)


def sheet(pictures: list[Image], columns: int = 8) -> Image:
    height, width = (max(picture.shape[side] for picture in pictures) for side in (0, 1))
    page = np.zeros((-(-len(pictures) // columns) * height, columns * width, 3), np.uint8)
    for place, picture in enumerate(pictures):
        at_row, at_column = divmod(place, columns)
        page[at_row * height :, at_column * width :][: picture.shape[0], : picture.shape[1]] = picture
    return page


def main() -> None:
    """Make, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=Path, help="a folder that keeps the made-up sections")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="each another brain and glass")
    parser.add_argument("--write", type=Path, default=DOCS, help="the Markdown file that takes the tables")
    wanted = parser.parse_args()
    meaning = (__doc__ or "").split("\n\n", 2)[-1]
    page = [MARK, ""]
    seconds: list[float] = []
    for difficulty in DIFFICULTIES:
        pictures = []
        for stain in STAINS:
            scenes = [scene for seed in wanted.seeds for scene in made(stain, difficulty, seed, wanted.scenes)]
            lines, masks = table(scenes)
            page += [f"### {difficulty.capitalize()}, {stain}\n", *lines, ""]
            print(*page[-len(lines) - 2 :], sep="\n", flush=True)
            pictures += [drawn(*pair) for pair in zip(scenes[:SECTIONS], masks, strict=False)]
            seconds += [core_seconds(scene) for scene in scenes[::12]]
        cv2.imwrite(
            str(PICTURES / f"masks_{difficulty}.jpg"), sheet(pictures)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80]
        )
        page.append(f"![{difficulty}](pictures/masks_{difficulty}.jpg)\n")
    page.append(f"### Cost\n\n{np.median(seconds):.1f} core-seconds a section, {max(seconds):.1f} at most.\n")
    pictures_say = "Pictures, of the first brain: green is the true outline, red the proposed one."
    page.append(f"### What the figures mean\n\n{pictures_say}\n\n{meaning.strip()}\n")
    about = wanted.write.read_text().partition(MARK)[0] if wanted.write.exists() else ""
    wanted.write.write_text(about + "\n".join(page))
    print(page[-2])


if __name__ == "__main__":
    main()
