"""How near brainstack comes to the truth of the made-up animal, beside the simplest other ways.

    BRAINSTACK_DATA_ROOT=/somewhere python benchmarks/demo_accuracy.py            # prints, and writes docs/accuracy.md
    BRAINSTACK_DATA_ROOT=/somewhere python benchmarks/demo_accuracy.py --animal OTHER --stain nissl --write other.md

The animal is made and run first where that was not done yet.

Masks: Dice with the true mask; a section without a mask counts 0. Otsu: the light above Otsu's threshold, nothing else;
of a section in colour, what it is darker than white.
Pairs: the mean distance, over the fixed section's true tissue, between where its pixels are put and where they belong.
A pair fails where it was refused, or lies more than 200 um off; a refused one has no error.
Stack: the same distance for each section after composing to the middle one, where the rigid transform that lays the
middle section on the truth is taken off all of them.
Shift only: centroid upon centroid of the masks, then phase correlation of the cleaned images. None: sections as they
are placed on the canvas, the middle of their tissue's box in its middle.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from skimage.filters import threshold_otsu

from brainstack.adding import known_animals
from brainstack.demo import Truth, read_truth
from brainstack.demo.measuring import as_scanned, pair_error_px
from brainstack.environment import CHECKOUT
from brainstack.files.tiff import read_tiff
from brainstack.files.transforms import read_transforms
from brainstack.geometry import Matrix, compose_to_middle, inverse, points, rigid, scaled, shift
from brainstack.images.cleaning import cleaning_matrix, place_on_canvas, turn
from brainstack.images.colour import PURE_WHITE, inverted_luminance
from brainstack.images.planes import dice
from brainstack.plan import Plan
from brainstack.planning import look

FAIL_UM = 200.0
DOCS = CHECKOUT / "docs" / "accuracy.md"


@dataclass(frozen=True)
class Made:
    """What the pipeline made of an animal. cleaning : for each key, from the thumbnail as scanned to the canvas."""

    plan: Plan
    truth: Truth
    canvas: tuple[int, int]
    cleaning: dict[str, Matrix]

    @property
    def keys(self) -> list[str]:
        return list(self.cleaning)


Way = Callable[[Made, str, str], Matrix | None]
"""The map from a fixed section's cleaned image to the moving one's; None where it was refused."""


def run_pipeline(animal: str, stain: str) -> None:
    """Make and run the animal where that was not done; what is done stays as it is."""
    here = Path(sys.executable).parent
    if animal not in known_animals():
        subprocess.run([here / "brainstack", "demo", "--name", animal, "--stain", stain], cwd=CHECKOUT, check=True)
    luigi = [here / "luigi", "--module", "tasks", "Animal", "--animal", animal, "--local-scheduler"]
    subprocess.run(luigi, cwd=CHECKOUT, check=False)  # a failed pair is a figure too


def read_made(animal: str) -> Made:
    plan = look(animal)
    size = json.loads(plan.folder.small("canvas").read_text())
    canvas = (size["rows"], size["columns"])
    turns = (plan.records.scan_run.rotation, plan.records.scan_run.flip)
    cleaning = {key: cleaning_matrix(mask_of(plan, key), *turns, canvas) for key in plan.chain}
    return Made(plan, read_truth(plan.folder.root), canvas, cleaning)


def mask_of(plan: Plan, key: str) -> npt.NDArray[np.bool_]:
    return np.asarray(read_tiff(plan.folder.keyed("thumbnail_masked", key)) > 0)


def light_of(path: Path) -> npt.NDArray[np.generic]:
    """An image, (rows, columns); one in colour as if it shone."""
    image = read_tiff(path)
    return image if image.ndim == 2 else inverted_luminance(image, (PURE_WHITE,) * 3)


# Masks


def ours_dice(made: Made, key: str) -> float:
    return dice(mask_of(made.plan, key), made.truth.mask(key)) if key in made.cleaning else 0.0


def otsu_dice(made: Made, key: str) -> float:
    plan = made.plan
    name = plan.section[key].tif_name(plan.settings.masks.channel)
    thumbnail = light_of(plan.folder.tif_thumbnail(name))
    return dice(thumbnail > threshold_otsu(thumbnail), made.truth.mask(key))


# Pairs


def ours(made: Made, fixed: str, moving: str) -> Matrix | None:
    path = made.plan.folder.pair(f"{fixed}..{moving}")
    if made.plan.is_blocked(next(step for step in made.plan.pairs if step.item == f"{fixed}..{moving}")):
        return None
    pair, um = json.loads(path.read_text()), made.plan.pixel_size_um
    return rigid(pair["rotation_rad"], pair["shift_x_um"] / um, pair["shift_y_um"] / um, made.canvas)


def shift_only(made: Made, fixed: str, moving: str) -> Matrix:
    start = shift(*(centroid(made, moving) - centroid(made, fixed)))
    channel = made.plan.settings.elastix.channel
    still, other = (
        light_of(made.plan.folder.keyed("thumbnail_cleaned", key, channel)).astype(np.float32)
        for key in (fixed, moving)
    )
    moved = cv2.warpAffine(other, start[:2], still.shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    (by_x, by_y), _ = cv2.phaseCorrelate(still, moved)
    return start @ shift(by_x, by_y)


def none(made: Made, fixed: str, moving: str) -> Matrix:
    return np.eye(3)


def centroid(made: Made, key: str) -> npt.NDArray[np.float64]:
    """Of the mask on the canvas, (x, y)."""
    scan_run = made.plan.records.scan_run
    turned = turn(mask_of(made.plan, key), scan_run.rotation, scan_run.flip)
    rows, columns = np.nonzero(place_on_canvas(turned, turned, made.canvas))
    return np.array([columns.mean(), rows.mean()])


def pair_errors_px(made: Made, found: list[Matrix | None]) -> list[float]:
    """Of each pair; infinite for one that was refused."""
    return [
        float("inf") if matrix is None else
        pair_error_px(made.truth, fixed, moving, as_scanned(matrix, made.cleaning[fixed], made.cleaning[moving]))
        for (fixed, moving), matrix in zip(itertools.pairwise(made.keys), found, strict=True)
    ]  # fmt: skip


# Stack


def stack_errors_px(made: Made, to_cleaned: dict[str, Matrix]) -> list[float]:
    """Of each section but the middle one. to_cleaned : from the aligned canvas to each section's cleaned image."""
    onto = {key: inverse(matrix) @ made.cleaning[key] for key, matrix in to_cleaned.items()}
    true = {
        key: scaled(inverse(made.truth.section(key).to_scene()), 1 / made.truth.thumbnail_factor) for key in to_cleaned
    }
    anchor = made.plan.chain[made.plan.anchor]
    lying = onto[anchor] @ inverse(true[anchor])
    errors = []
    for key in [key for key in to_cleaned if key != anchor]:
        tissue = np.argwhere(made.truth.mask(key))[:, ::-1].astype(np.float64)
        apart = points(onto[key], tissue) - points(lying @ true[key], tissue)
        errors.append(float(np.linalg.norm(apart, axis=1).mean()))
    return errors


def composed(made: Made, found: list[Matrix | None]) -> dict[str, Matrix]:
    steps = [np.eye(3) if matrix is None else matrix for matrix in found]
    return dict(zip(made.keys, compose_to_middle(steps, made.plan.anchor), strict=True))


# The table


def figures(made: Made) -> str:
    plan, truth = made.plan, made.truth
    keys = [section.key for section in truth.sections]
    lines = [
        f"{len(keys)} sections of about {truth.canvas_px[0]:,} x {truth.canvas_px[1]:,} pixels, "
        f"{truth.stain}; a thumbnail's pixel is {plan.pixel_size_um:g} um.",
        "",
        "| masks | median Dice | lowest Dice |",
        "|---|---|---|",
    ]
    for name, measure in (("brainstack", ours_dice), ("Otsu", otsu_dice)):
        values = [measure(made, key) for key in keys]
        lines.append(f"| {name} | {np.median(values):.3f} | {min(values):.3f} |")
    lines += [
        "",
        "| alignment, in thumbnail pixels | pairs: median | 90 % | largest | failed | stack: median | largest |",
        "|---|---|---|---|---|---|---|",
    ]
    ways: dict[str, Way] = {"brainstack": ours, "shift only": shift_only, "none": none}
    return "\n".join(lines + [row(made, name, way) for name, way in ways.items()]) + "\n"


def row(made: Made, name: str, way: Way) -> str:
    found = [way(made, *pair) for pair in itertools.pairwise(made.keys)]
    errors = pair_errors_px(made, found)
    failed = sum(error * made.plan.pixel_size_um > FAIL_UM for error in errors)
    known = [error for error in errors if np.isfinite(error)]
    aligned = read_transforms(made.plan.folder.transforms) if way is ours else composed(made, found)
    stack = stack_errors_px(made, aligned)
    cells = [f"{value:.2f}" for value in (np.median(known), np.quantile(known, 0.9), max(known))]
    cells += [f"{failed} of {len(errors)}", f"{np.median(stack):.2f}", f"{max(stack):.2f}"]
    return f"| {name} | {' | '.join(cells)} |"


def page(table: str) -> str:
    about = (__doc__ or "").partition("\n\n")[0]
    meaning = (__doc__ or "").split("\n\n")[-1]
    return (
        f"# Accuracy on the made-up animal\n\n{about}\nWritten by `benchmarks/demo_accuracy.py`.\n\n"
        f"{table}\n{meaning.strip()}\n"
    )


def main() -> None:
    """Run what was not run, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--animal", default="DEMO", help="made by `brainstack demo`; made here where it is not there")
    parser.add_argument("--write", type=Path, default=DOCS, help="the Markdown file that takes the table")
    parser.add_argument("--stain", default="fluorescence", help="of an animal that is made here; or nissl")
    wanted = parser.parse_args()
    run_pipeline(wanted.animal, wanted.stain)
    table = figures(read_made(wanted.animal))
    print(table)
    wanted.write.write_text(page(table))


if __name__ == "__main__":
    main()
