"""How even the brightness of a structure is along the stack, before and after cleaning.

    BRAINSTACK_DATA_ROOT=/somewhere python benchmarks/cleaning.py            # prints, and writes docs/cleaning.md

The made-up animal is made and run first where that was not done yet. Its sections are scanned with the light of each
multiplied by a number of its own, from 0.48 to 1.3, as stain, lamp and thickness do.

The reference structure is the column of tissue that all sections share, by the truth of the made-up animal: the same
place of the brain in each, at least 300 um inside the tissue. Its mean grey value is taken in every section, as scanned
and as cleaned, and the coefficient of variation (standard deviation by mean) of these means along the stack is given.
The smaller, the more even.

What is kept: the contrast of each section (standard deviation by mean inside the structure), the median of its ratio to
that of the scan. What is cut off: the largest share of a section's tissue pixels that cleaning made saturated or black.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from brainstack.adding import known_animals
from brainstack.demo import Truth, read_truth
from brainstack.environment import CHECKOUT
from brainstack.files.arrays import read_arrays
from brainstack.files.tiff import read_tiff
from brainstack.geometry import scaled
from brainstack.images.cleaning import apply_gain, blank_outside, clipped_share, without_background
from brainstack.images.histograms import evening_factors, gain_for, quantile_level
from brainstack.plan import Plan
from brainstack.planning import look

DOCS = CHECKOUT / "docs" / "cleaning.md"
INSIDE_UM = 300.0
EVEN_UM, BACKGROUND_UM = 500.0, 1000.0
"""What the settings propose where they are used at all."""
MARK = "<!-- figures: written by benchmarks/cleaning.py -->"

Image = npt.NDArray[np.generic]


@dataclass(frozen=True)
class Stack:
    """The sections of one channel, in order. gain : of the channel. even : what evens each section out."""

    plan: Plan
    truth: Truth
    channel: int
    keys: list[str]
    gain: float
    even: dict[str, float]

    def scanned(self, key: str) -> Image:
        return read_tiff(self.plan.folder.tif_thumbnail(self.plan.section[key].tif_name(self.channel)))

    def mask(self, key: str) -> npt.NDArray[np.bool_]:
        return np.asarray(read_tiff(self.plan.folder.keyed("thumbnail_masked", key)) > 0)


Way = Callable[[Stack, str], Image]
"""A section, where it was scanned: as it is, or as Clean makes it, before it is turned."""


def as_scanned(stack: Stack, key: str) -> Image:
    return stack.scanned(key)


def cleaned(stack: Stack, key: str) -> Image:
    return apply_gain(blank_outside(stack.scanned(key), stack.mask(key)), stack.gain)


def evened(stack: Stack, key: str) -> Image:
    return apply_gain(blank_outside(stack.scanned(key), stack.mask(key)), stack.gain * stack.even[key])


def evened_without_background(stack: Stack, key: str) -> Image:
    radius_px = BACKGROUND_UM / stack.plan.pixel_size_um
    flat = without_background(blank_outside(stack.scanned(key), stack.mask(key)), stack.mask(key), radius_px=radius_px)
    return apply_gain(flat, stack.gain * stack.even[key])


WAYS: dict[str, Way] = {
    "as scanned": as_scanned,
    "cleaned, as shipped": cleaned,
    f"cleaned, `[gain] even_um = {EVEN_UM:g}`": evened,
    f"... and `[clean] background_um = {BACKGROUND_UM:g}`": evened_without_background,
}


def run_pipeline(animal: str) -> None:
    """Make and clean the animal where that was not done; what is done stays as it is."""
    here = Path(sys.executable).parent
    if animal not in known_animals():
        subprocess.run([here / "brainstack", "demo", "--name", animal], cwd=CHECKOUT, check=True)
    luigi = [here / "luigi", "--module", "tasks", "Clean", "--animal", animal, "--local-scheduler"]
    subprocess.run(luigi, cwd=CHECKOUT, check=True)


def read_stack(animal: str, channel: int) -> Stack:
    plan = look(animal)
    keys = list(plan.section)
    counts = [read_arrays(plan.folder.keyed("histogram", key, channel, ".npz"))["counts"] for key in keys]
    settings = plan.settings.gain.model_copy(update={"even_um": EVEN_UM})
    levels = np.array([quantile_level(one, settings.even_quantile) for one in counts], float)
    depths_um = np.array([plan.section[key].z_um for key in keys])
    factors = evening_factors(levels, depths_um, settings)
    gain = gain_for(counts, settings, name=f"channel {channel}").gain
    even = dict(zip(keys, factors.tolist(), strict=True))
    return Stack(plan, read_truth(plan.folder.root), channel, keys, gain, even)


# The reference structure


def column(truth: Truth, um: float) -> npt.NDArray[np.bool_]:
    """Where all sections have tissue, on the ideal canvas in thumbnail pixels, (rows, columns). um : of a pixel."""
    shared = None
    for section in truth.sections:
        on_canvas = placed(truth, section.key, truth.mask(section.key).astype(np.uint8), cv2.INTER_NEAREST) > 0
        shared = on_canvas if shared is None else shared & on_canvas
    reach = 2 * round(INSIDE_UM / um) + 1
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    return np.asarray(cv2.erode(np.asarray(shared, np.uint8), disk, borderValue=0) > 0)


def placed(truth: Truth, key: str, image: Image, how: int) -> Image:
    """An image of a scene (thumbnail), where the truth puts it on the ideal canvas."""
    to_scene = scaled(truth.section(key).to_scene(), 1 / truth.thumbnail_factor)
    width, height = (-(-side // truth.thumbnail_factor) for side in truth.canvas_px)
    return cv2.warpAffine(image, to_scene[:2], (width, height), flags=how | cv2.WARP_INVERSE_MAP)


def pixels(stack: Stack, way: Way, where: npt.NDArray[np.bool_]) -> Iterator[npt.NDArray[np.float64]]:
    """The grey values of the structure, section by section."""
    for key in stack.keys:
        yield placed(stack.truth, key, way(stack, key), cv2.INTER_LINEAR)[where].astype(np.float64)


def variation(values: npt.ArrayLike) -> float:
    return float(np.std(values) / np.mean(values))


# The table


def figures(animal: str) -> str:
    plan = look(animal)
    truth, um = read_truth(plan.folder.root), plan.pixel_size_um
    where = column(truth, um)
    gains = [section.gain for section in truth.sections]
    lines = [
        f"{len(gains)} sections, {truth.spacing_um:g} um apart; its area is {where.sum() * um**2 / 1e6:.1f} mm2 in",
        f"each. The light of a section was multiplied by {min(gains):.2f} to {max(gains):.2f}, a variation of "
        f"{variation(gains):.1%}.",
        "",
        "| channel | | variation along the stack | contrast kept | most that is cut off |",
        "|---|---|---|---|---|",
    ]
    for channel in plan.channels:
        stack = read_stack(animal, channel.number)
        before = list(pixels(stack, as_scanned, where))
        for name, way in WAYS.items():
            lines.append(f"| {channel.number} {channel.name} | {name} | {row(stack, way, where, before)} |")
    return "\n".join(lines) + "\n"


def row(stack: Stack, way: Way, where: npt.NDArray[np.bool_], before: list[npt.NDArray[np.float64]]) -> str:
    found = list(pixels(stack, way, where))
    kept = np.median([variation(now) / variation(then) for now, then in zip(found, before, strict=True)])
    cut = max(
        clipped_share(blank_outside(stack.scanned(key), stack.mask(key)), way(stack, key), stack.mask(key))
        for key in stack.keys
    )
    return f"{variation([one.mean() for one in found]):.1%} | {kept:.2f} | {cut:.2%}"


def main() -> None:
    """Run what was not run, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--animal", default="DEMO", help="made by `brainstack demo`; made here where it is not there")
    parser.add_argument("--write", type=Path, default=DOCS, help="the page whose figures are written anew")
    wanted = parser.parse_args()
    run_pipeline(wanted.animal)
    table = figures(wanted.animal)
    print(table)
    about = (wanted.write.read_text() if wanted.write.exists() else "").partition(MARK)[0]
    meaning = (__doc__ or "").split("\n\n", 3)[-1].strip()
    wanted.write.write_text(f"{about}{MARK}\n\n{table}\n{meaning}\n")


if __name__ == "__main__":
    main()
