"""How near a model that learnt from 20 painted sections comes to the truth on the others, beside none at all.

    python benchmarks/mask_model.py                    # prints, and writes docs/mask_model.md
    python benchmarks/mask_model.py --scenes /tmp/made # keeps the made-up sections there, and takes what is there

No pipeline: 60 sections of a made-up animal, 0.15 mm apart, each a thumbnail of 8.2 um a pixel. Every third one is
painted, with its true mask; the figures are of the 40 others.

Dice: overlap with the true mask; a section without a mask counts 0. Outlines: mean distance between them, both ways, of
sections that got a mask. Better: on how many of the others the model is nearer to the truth. Core-seconds: for one
section of 2,300 x 1,230 pixels of 10.4 um, and for all of the training, with the test of itself that TrainMasks adds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from brainstack.demo.scenes import photograph
from brainstack.demo.slides import phantom_of, plan_animal
from brainstack.environment import CHECKOUT
from brainstack.images.mask_model import MaskModel, Origin, PaintedSection, propose_mask_by_model, train
from brainstack.images.mask_shapes import NoTissueError
from brainstack.images.masks import propose_mask
from brainstack.images.planes import dice
from brainstack.settings import load_settings

Mask = NDArray[np.bool_]
Way = Callable[[NDArray[Any], float], Mask]

SETTINGS, TRAINING = load_settings().masks, load_settings().train_masks
SECTIONS, SPACING_UM, SCENE_PX = 60, 150.0, (1840, 1230)
EVERY = 3
CASES = (("fluorescence", "middle"), ("fluorescence", "hard"), ("nissl", "hard"))
DOCS = CHECKOUT / "docs" / "mask_model.md"
FIGURES = ("<!-- figures: written by benchmarks/mask_model.py -->\n", "<!-- end of figures -->")


@dataclass(frozen=True)
class Scene:
    """image : (rows, columns) uint16, or (rows, columns, 3) uint8, red first. true : (rows, columns) bool."""

    key: str
    slide: str
    image: NDArray[Any]
    true: Mask
    pixel_um: float


def made(stain: str, difficulty: str, folder: Path | None) -> list[Scene]:
    """The made-up sections, from `folder` where they were kept."""
    truth = plan_animal(Path(), SECTIONS, SCENE_PX, seed=1, spacing_um=SPACING_UM, stain=stain, difficulty=difficulty)
    truth = replace(truth, thumbnail_factor=1)
    phantom = phantom_of(truth, 1)
    scenes = []
    for section in truth.sections:
        kept = folder / f"{stain}_{difficulty}" / f"{section.key}.npz" if folder else None
        if kept and kept.is_file():
            with np.load(kept) as arrays:
                image, mask = arrays["image"], arrays["mask"]
        else:
            found = photograph(section, truth, phantom)
            first = found.pictures[0]
            image, mask = (first if first.ndim == 2 else np.ascontiguousarray(first[..., ::-1])), found.mask
        if kept and not kept.is_file():
            kept.parent.mkdir(parents=True, exist_ok=True)
            np.savez(kept, image=image, mask=mask)
        scenes.append(Scene(section.key, section.slide, image, mask, truth.pixel_size_um))
    return scenes


def outlines_um(found: Mask, true: Mask, pixel_um: float) -> float:
    """Mean distance between the outlines of two masks, both ways, in micrometres."""
    edges = [mask & ~(cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0) for mask in (found, true)]
    away = [cv2.distanceTransform((~edge).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) for edge in edges]
    return float(np.concatenate([away[0][edges[1]], away[1][edges[0]]]).mean()) * pixel_um


def proposed(way: Way, scene: Scene) -> Mask:
    try:
        return way(scene.image, scene.pixel_um)
    except NoTissueError:
        return np.zeros_like(scene.true)


def core_seconds(way: Way, scene: Scene) -> float:
    """Of all threads, for a section as large as the lab's; the best of three."""
    large = cv2.resize(scene.image, (2300, 1230), interpolation=cv2.INTER_AREA)
    spent = []
    for _ in range(3):
        start = time.process_time()
        proposed(way, replace(scene, image=large, true=np.zeros(large.shape[:2], bool), pixel_um=10.4))
        spent.append(time.process_time() - start)
    return min(spent)


def trained(scenes: Sequence[Scene], stain: str) -> MaskModel:
    sections = [PaintedSection(one.key, one.slide, lambda one=one: (one.image, one.true)) for one in scenes]  # type: ignore[misc]
    return train(
        sections, Origin("DEMO", 1, stain == "nissl", scenes[0].pixel_um), settings=SETTINGS, training=TRAINING
    )


def by_model(image: NDArray[Any], pixel_um: float, *, model: MaskModel) -> Mask:
    return propose_mask_by_model(image, model, pixel_size_um=pixel_um, settings=SETTINGS)


def classical(image: NDArray[Any], pixel_um: float) -> Mask:
    return propose_mask(image, pixel_size_um=pixel_um, settings=SETTINGS)


def rows(stain: str, difficulty: str, folder: Path | None) -> list[str]:
    scenes = made(stain, difficulty, folder)
    start = time.process_time()
    model = trained(scenes[::EVERY], stain)
    training_s = time.process_time() - start
    others = [scene for place, scene in enumerate(scenes) if place % EVERY]
    found: dict[str, list[float]] = {}
    lines = []
    for name, way in (("without a model", classical), ("by the model", partial(by_model, model=model))):
        masks = [proposed(way, scene) for scene in others]
        found[name] = [dice(mask, scene.true) for mask, scene in zip(masks, others, strict=True)]
        away = [
            outlines_um(mask, one.true, one.pixel_um) for mask, one in zip(masks, others, strict=True) if mask.any()
        ]
        tenth = np.quantile(found[name], 0.1)
        better = sum(one > two for one, two in zip(found[name], found["without a model"], strict=True))
        lines.append(
            f"| {stain}, {difficulty} | {name} | {np.median(found[name]):.3f} | {tenth:.3f} | {min(found[name]):.3f} | "
            f"{np.median(away):.0f} um | {f'{better} of {len(others)}' if better else ''} | "
            f"{core_seconds(way, others[0]):.1f} | {f'{training_s:.0f}' if better else ''} |"
        )
    measured = np.median([one.dice for one in model.lessons if one.dice is not None])
    print(*lines, f"of itself the model says: median Dice {measured:.3f}", sep="\n", flush=True)
    return lines


def main() -> None:
    """Make what was not made, train, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=Path, help="folder that keeps the made-up sections")
    wanted = parser.parse_args()
    table = [
        "| sections | proposal | median Dice | lowest tenth | lowest | outlines | better | core-seconds | training |",
        "|---|---|---|---|---|---|---|---|---|",
        *(line for case in CASES for line in rows(*case, wanted.scenes)),
    ]
    before, _, rest = DOCS.read_text(encoding="utf-8").partition(FIGURES[0])
    after = rest.partition(FIGURES[1])[2]
    meaning = (__doc__ or "").split("\n\n")
    words = "\n\n".join([*meaning[2:3], "\n".join(table), meaning[3].strip()])
    DOCS.write_text(f"{before}{FIGURES[0]}\n{words}\n\n{FIGURES[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
