"""Stacks of sections with known truth, aligned in several ways, side by side: pairs, jitter, drift, what is flagged.

    python benchmarks/alignment.py <folder of the real brain's planes>         # prints, and writes docs/alignment.md
    python benchmarks/alignment.py <folder> --kept /tmp/alignment              # goes on where it was stopped

Four sets: a real brain (a mouse's, by light sheet, planes 50 um apart, enlarged to 1,100 x 900 pixels of 13.3 um) and
the made-up one, each with its sections at any angle and within ten degrees. All are shifted, lit otherwise, made noisy
and dusty; one in seven lost a little tissue. 5 % are badly damaged, 2 % missing, 2 % mirrored.

Ways: the lab's (elastix' translation and rigid map with the lab's parameters, a minute a pair), elastix' own rigid map,
a ring of rotations with ECC, and brainstack. The lab's is measured on 24 sections in the middle of each set; the other
two are chained from neighbour to neighbour to the middle section. What holds the stack's shape has the same pairs.

Pairs: of two neighbours that are whole, the mean distance over the tissue between where its pixels go and where they
should, in micrometres; failed beyond 200. Stack: after the best single rigid motion, the root mean square distance over
each whole section's tissue. Drift: what of that is left when it is smoothed along the stack by five sections; jitter:
the rest. Beside: how far a whole section of the aligned stack lies from where it should beside the whole one before it,
across damaged ones too (mean distance over the tissue). The lab's 24: the same of those sections only, with jitter, of
a stack of nothing else. Core-seconds: of one core, for a section, with all its pairs and what was tried again.
"""

from __future__ import annotations

import os

os.environ.setdefault("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "1")  # read when elastix is loaded

import argparse
import dataclasses
import json
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import alignment_ways as ways
import cv2
import numpy as np
from alignment_errors import StackErrors, centre_radius_um, stack_errors
from alignment_sets import ANGLES_DEG, BRAINS, CANVAS, PIXEL_UM, REFERENCE_FACTOR, Placed, reference_of, stack_of

from brainstack import geometry
from brainstack.environment import CHECKOUT
from brainstack.errors import BrainstackError
from brainstack.geometry import Matrix
from brainstack.images.alignment_verdicts import Verdict
from brainstack.images.midline import Midline, find_midline
from brainstack.images.outline_holds import find_outline
from brainstack.images.pair_check import Measured, Request, check_pairs
from brainstack.images.reference import place_on_reference
from brainstack.images.registration import Registered, register_pair
from brainstack.images.stack_alignment import Held, Rules, Stack, align_stack
from brainstack.images.stack_solving import Frame, Hold
from brainstack.settings import load_settings

SETTINGS = load_settings()
RULES = Rules(SETTINGS.elastix, SETTINGS.pair_check, SETTINGS.transforms, SETTINGS.shape)
FAIL_UM, LAB_SECTIONS = 200.0, 24
OURS = "brainstack"
SLOW = ("lab",)
"""Ways that are measured on the lab's sections only."""
DOCS = CHECKOUT / "docs" / "alignment.md"
FIGURES = ("<!-- figures: written by benchmarks/alignment.py -->\n", "<!-- end of figures -->")
OTHERS: dict[str, Callable[[Placed, Placed], Matrix]] = {
    "lab": ways.lab, "elastix' own": ways.elastix_default, "ring + ECC": ways.ecc,
}  # fmt: skip

ONLY_KEPT = False
Places = tuple[int, int]
Found = dict[Places, tuple[Any, float]]
"""By places of the pair: what a way found (None where it gave up), and the core-seconds it took."""


@dataclass(frozen=True)
class Row:
    """A way on a set. seconds : core-seconds a section. lab_stack : of the lab's sections only, None where not all of
    their pairs are known. verdicts : by place, of brainstack only."""

    way: str
    pairs_um: Sequence[float]
    lab_pairs_um: Sequence[float]
    failed: int
    lab_stack: StackErrors | None
    stack: StackErrors | None
    seconds: float
    verdicts: Sequence[Verdict] = ()


# Registering


def measured(
    sections: Sequence[Placed], wanted: Iterable[Places], register: Callable[..., Any], kept: Path | None
) -> Found:
    """Each pair registered, in two processes with a thread each; what is kept is not made again."""
    found: Found = {}
    if kept and kept.is_file():
        for line in kept.read_text().splitlines():
            one = json.loads(line)
            found[one["places"][0], one["places"][1]] = one["found"], one["seconds"]
    missing = [places for places in wanted if places not in found]
    with ProcessPoolExecutor(2, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        jobs = [(sections[a], sections[b], (a, b)) for a, b in missing]
        for places, (result, seconds) in zip(missing, pool.map(partial(_timed, register), jobs), strict=True):
            found[places] = result, seconds
            if kept:
                kept.parent.mkdir(parents=True, exist_ok=True)
                with kept.open("a") as file:
                    file.write(json.dumps({"places": places, "found": result, "seconds": seconds}) + "\n")
    return {places: found[places] for places in wanted}


def _timed(register: Callable[..., Any], job: tuple[Placed, Placed, Places]) -> tuple[Any, float]:
    began = time.process_time()
    result = register(*job)
    return result, time.process_time() - began


def _other(name: str, fixed: Placed, moving: Placed, places: Places) -> list[list[float]] | None:
    try:
        return np.asarray(OTHERS[name](fixed, moving)).tolist()
    except RuntimeError:  # elastix gave up
        return None


def _ours(fixed: Placed, moving: Placed, places: Places, **others: Any) -> dict[str, Any]:
    fine = places[1] - places[0] <= SETTINGS.elastix.fine_reach
    options: dict[str, Any] = {"settings": SETTINGS.elastix, "mirrors": "try" if fine else "no"} | others
    return dataclasses.asdict(
        register_pair(fixed.picture, moving.picture, fixed_mask=fixed.mask, moving_mask=moving.mask,
                      pixel_size_um=PIXEL_UM, by_elastix=fine, **options)
    )  # fmt: skip


# Stacks


def chained(found: Mapping[Places, Matrix | None], places: range) -> dict[int, Matrix]:
    """From neighbour to neighbour to the middle section; a pair that was given up leaves its sections as they lie."""
    middle = places[len(places) // 2]
    placed = {middle: np.eye(3)}
    for place in range(middle, places[-1]):
        step = found[place, place + 1]
        placed[place + 1] = (np.eye(3) if step is None else step) @ placed[place]
    for place in range(middle, places[0], -1):
        step = found[place - 1, place]
        placed[place - 1] = geometry.inverse(np.eye(3) if step is None else step) @ placed[place]
    return placed


def row_of_other(name: str, sections: Sequence[Placed], kept: Path | None) -> Row | None:
    """None where nothing is kept, and nothing shall be registered. There is a stack where all neighbours are known."""
    count = len(sections)
    wanted = neighbours(count)
    if name in SLOW:
        wanted = [pair for pair in lab_pairs(count) if is_whole(sections, pair)]
    if ONLY_KEPT:
        known = (
            [json.loads(line)["places"] for line in kept.read_text().splitlines()] if kept and kept.is_file() else []
        )
        wanted = [pair for pair in wanted if [*pair] in known]
    found = measured(sections, wanted, partial(_other, name), kept)
    if not found:
        return None
    matrices = {places: None if one is None else np.array(one) for places, (one, _) in found.items()}
    placed = chained(matrices, range(count)) if set(neighbours(count)) <= set(found) else None
    return _row(name, sections, matrices, placed, sum(seconds for _, seconds in found.values()) / len(found))


def rows_of_ours(sections: Sequence[Placed], planes: Sequence[Any], folder: Path | None, name: str) -> list[Row]:
    """The plain chain of brainstack's neighbour pairs, and its solution, held in several ways.

    planes : of the reference, by place in the brain. folder, name : where what was registered is kept.
    """
    count = len(sections)
    wanted = [(a, b) for a in range(count) for b in range(a + 1, min(a + 1 + SETTINGS.elastix.reach, count))]
    found = measured(sections, wanted, _ours, _kept(folder, name, "brainstack"))
    pairs = {places: Registered(**one) for places, (one, _) in found.items()}
    seconds = sum(spent for _, spent in found.values())
    chain_of = {places: one.matrix(PIXEL_UM, CANVAS) for places, one in pairs.items() if places[1] - places[0] == 1}
    chain = chained(chain_of, range(count))
    rows = [_row("its pairs, plainly chained", sections, chain_of, chain, seconds / count)]
    stack, spent = _checked(sections, pairs, _kept(folder, name, "again"))
    midlines, outlines = _midlines(sections, _kept(folder, name, "midline")), _outlines(sections)
    holds = {
        OURS: (Held(), 0.0),
        "the same, held by the midline": midlines,
        "the same, held by the outline": outlines,
        "the same, held by both": _both(midlines, outlines),
        "the same, held by a reference": _on_reference(
            sections, planes, stack.mirrored, _kept(folder, name, "reference")
        ),
    }
    for way, (held, more) in holds.items():
        began = time.process_time()
        solved = align_stack(stack, held, RULES)
        used = (seconds + spent + more + time.process_time() - began) / count
        matrices = {at: stack.pairs[at].matrix(PIXEL_UM, CANVAS) for at in neighbours(count)}
        row = _row(way, sections, matrices, solved.placed, used)
        rows.append(dataclasses.replace(row, verdicts=solved.sections if way == OURS else ()))
    return rows


def _kept(folder: Path | None, name: str, what: str) -> Path | None:
    return folder and folder / f"{name}, {what}.jsonl"


def _checked(sections: Sequence[Placed], pairs: dict[Places, Registered], kept: Path | None) -> tuple[Stack, float]:
    """The stack with its wrong pairs registered again, and the core-seconds it took."""
    count, radius_um = len(sections), centre_radius_um(sections)
    began = time.process_time()
    checked = check_pairs(
        count,
        [Measured(*at, one.matrix(PIXEL_UM, CANVAS), one.likeness, one.likeness_other) for at, one in pairs.items()],
        radius_um=radius_um, pixel_size_um=PIXEL_UM, shape=CANVAS, settings=SETTINGS.pair_check,
    )  # fmt: skip
    spent = time.process_time() - began
    again = measured(sections, checked.requests, partial(_again, checked.requests), kept)
    tried = {places: Registered(**one) for places, (one, _) in again.items()}
    frame = Frame(CANVAS, PIXEL_UM, radius_um)
    names = [str(place) for place in range(count)]
    stack = Stack(names, pairs | tried, checked.mirrored, count // 2, frame)
    return stack, spent + sum(seconds for _, seconds in again.values())


def _again(requests: Mapping[Places, Request], fixed: Placed, moving: Placed, places: Places) -> dict[str, Any]:
    request = requests[places]
    twice = {"ring_steps": 2 * SETTINGS.elastix.ring_steps, "candidates": 2 * SETTINGS.elastix.candidates}
    mirrors = "yes" if request.mirrored else "no"
    settings = SETTINGS.elastix.model_copy(update=twice)
    return _ours(fixed, moving, places, settings=settings, mirrors=mirrors, starts=request.starts)


def _midlines(sections: Sequence[Placed], kept: Path | None) -> tuple[Held, float]:
    found = measured(sections, [(place, place) for place in range(len(sections))], _midline, kept)
    lines = {places[0]: Midline(**one) for places, (one, _) in found.items()}
    lines = {place: one for place, one in lines.items() if one.likeness >= SETTINGS.shape.lowest_likeness}
    return Held(midlines=lines), sum(seconds for _, seconds in found.values())


def _midline(section: Placed, _: Placed, places: Places) -> dict[str, Any]:
    found = find_midline(section.picture, section.mask, pixel_size_um=PIXEL_UM, settings=SETTINGS.elastix)
    return dataclasses.asdict(found)


def _outlines(sections: Sequence[Placed]) -> tuple[Held, float]:
    began = time.process_time()
    found = {place: find_outline(section.mask, PIXEL_UM) for place, section in enumerate(sections)}
    held = Held(outlines=found, depths_um=[section.z_um for section in sections])
    return held, time.process_time() - began


def _both(one: tuple[Held, float], other: tuple[Held, float]) -> tuple[Held, float]:
    """Midlines of the one and outlines of the other."""
    held = dataclasses.replace(one[0], outlines=other[0].outlines, depths_um=other[0].depths_um)
    return held, one[1] + other[1]


def _on_reference(
    sections: Sequence[Placed], planes: Sequence[Any], mirrored: Collection[int], kept: Path | None
) -> tuple[Held, float]:
    """mirrored : places of the sections that the check found to be so."""
    wanted = [(place, place) for place in range(len(sections))]
    found = measured(sections, wanted, partial(_reference_place, planes), kept)
    placed = {places[0]: Registered(**one) for places, (one, _) in found.items() if one is not None}
    sigma_um = (SETTINGS.shape.reference_um,) * 3
    holds = [
        Hold(place, one.matrix(PIXEL_UM, CANVAS), sigma_um)
        for place, one in placed.items()
        if one.mirrored == (place in mirrored) and one.metric > SETTINGS.elastix.lowest_metric
    ]
    return Held(reference=holds), sum(seconds for _, seconds in found.values())


def _reference_place(planes: Sequence[Any], section: Placed, _: Placed, places: Places) -> dict[str, Any] | None:
    try:
        found = place_on_reference(
            section.picture, section.mask, planes[section.number], pixel_size_um=PIXEL_UM,
            reference_pixel_size_um=REFERENCE_FACTOR * PIXEL_UM, settings=SETTINGS.elastix, mirrors="try",
        )  # fmt: skip
    except BrainstackError:  # at the ends of the brain, a plane may have no tissue
        return None
    return dataclasses.asdict(found)


def _row(
    name: str, sections: Sequence[Placed], matrices: Mapping[Places, Matrix | None],
    placed: Mapping[int, Matrix] | None, seconds: float,
) -> Row:  # fmt: skip
    """placed : the aligned stack, None where there is none of all sections."""
    errors = {at: _error_um(sections, at, matrix) for at, matrix in matrices.items() if is_whole(sections, at)}
    inside = set(lab_pairs(len(sections)))
    return Row(
        name, [*errors.values()], [error for at, error in errors.items() if at in inside],
        sum(error > FAIL_UM for error in errors.values()), _lab_stack(sections, matrices, placed),
        None if placed is None else stack_errors(sections, placed), seconds,
    )  # fmt: skip


def _lab_stack(
    sections: Sequence[Placed], matrices: Mapping[Places, Matrix | None], placed: Mapping[int, Matrix] | None
) -> StackErrors | None:
    """Of the lab's sections, as far as they are whole and follow each other: the longest such run."""
    run = lab_run(sections)
    if placed is None and all((place, place + 1) in matrices for place in run[:-1]):
        placed = chained(matrices, run)
    return None if placed is None else stack_errors(sections, {place: placed[place] for place in run})


def _error_um(sections: Sequence[Placed], places: Places, matrix: Matrix | None) -> float:
    fixed, moving = (sections[place] for place in places)
    true = geometry.inverse(moving.to_truth) @ fixed.to_truth
    return float("inf") if matrix is None else ways.mean_distance_um(matrix, true, fixed.mask)


def neighbours(count: int) -> list[Places]:
    return [(place, place + 1) for place in range(count - 1)]


def lab_pairs(count: int) -> list[Places]:
    """Those of the sections that the lab's way is measured on."""
    first = count // 2 - LAB_SECTIONS // 2
    return [(place, place + 1) for place in range(first, first + LAB_SECTIONS - 1)]


def lab_run(sections: Sequence[Placed]) -> range:
    """The longest run of whole ones among the lab's sections."""
    pairs = [places for places in lab_pairs(len(sections)) if is_whole(sections, places)]
    runs: list[list[Places]] = []
    for places in pairs:
        if runs and runs[-1][-1][1] == places[0]:
            runs[-1].append(places)
        else:
            runs.append([places])
    longest = max(runs, key=len)
    return range(longest[0][0], longest[-1][1] + 1)


def is_whole(sections: Sequence[Placed], places: Places) -> bool:
    return all(sections[place].state == "good" for place in places)


# Tables


def lines_of(row: Row, sections: Sequence[Placed]) -> str:
    errors, inside = np.array(row.pairs_um), np.array(row.lab_pairs_um)
    cells = [row.way, *(f"{value:.1f}" for value in (np.median(inside), np.quantile(inside, 0.9), inside.max()))]
    lab = row.lab_stack
    cells.append(f"{np.median(lab.jitter):.1f} / {lab.jitter.max():.1f}" if lab else "")
    if row.stack is None:
        none = [""] * 6
        none[1] = f"{row.failed} of {len(errors)}"
        return f"| {' | '.join([*cells, *none, f'{row.seconds:.1f}'])} |"
    whole = np.array([section.state != "damaged" for section in sections])
    stack = row.stack
    cells += [
        f"{np.median(errors):.1f} / {np.quantile(errors, 0.9):.1f} / {errors.max():.0f}",
        f"{row.failed} of {len(errors)}",
        f"{np.median(stack.beside):.1f} / {stack.beside.max():.0f} ({stack.beside.max() / PIXEL_UM:.1f} px)",
        f"{np.median(stack.jitter[whole]):.1f} / {stack.jitter[whole].max():.0f} "
        f"({stack.jitter[whole].max() / PIXEL_UM:.1f} px)",
        f"{np.median(stack.drift):.0f} / {stack.drift.max():.0f}",
        f"{np.median(stack.whole[whole]):.0f} / {stack.whole[whole].max():.0f}",
        f"{row.seconds:.1f}",
    ]
    return f"| {' | '.join(cells)} |"


HEAD = (
    "| way | pairs of the lab's 24: median | 90 % | worst | their jitter: median / worst "
    "| all pairs: median / 90 % / worst | failed | beside: median / worst | jitter: median / worst "
    "| drift: median / worst | stack: median / worst | core-seconds |"
)


def flagged(row: Row, sections: Sequence[Placed]) -> str:
    bad = [section.state != "good" for section in sections]
    said = [verdict.word != "good" for verdict in row.verdicts]
    right = sum(one and two for one, two in zip(bad, said, strict=True))
    wrong = sum(two and not one for one, two in zip(bad, said, strict=True))
    return (
        f"Flagged: {right} of {sum(bad)} damaged or mirrored sections, and {wrong} of {len(bad) - sum(bad)} good ones."
    )


def main() -> None:
    """Make the sets, register, solve, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="with the planes of the real brain, image_0000.tif and so on")
    parser.add_argument("--kept", type=Path, help="folder that keeps what was registered")
    parser.add_argument("--ways", default="lab,elastix' own,ring + ECC,brainstack", help="those that are measured")
    parser.add_argument("--only-kept", action="store_true", help="of other ways, only the pairs that are kept already")
    parser.add_argument("--print", action="store_true", help="write nothing")
    wanted = parser.parse_args()
    cv2.setNumThreads(1)  # a pool of threads does not outlive a fork
    global ONLY_KEPT
    ONLY_KEPT = wanted.only_kept
    text = []
    for brain in BRAINS:
        kept_brain = wanted.kept and wanted.kept / "made up"
        planes = reference_of(brain, wanted.folder, kept=kept_brain)
        for angles in ANGLES_DEG:
            sections = stack_of(brain, angles, wanted.folder, kept=kept_brain)
            rows: list[Row] = []
            for name in wanted.ways.split(","):
                if name == OURS:
                    rows += rows_of_ours(sections, planes, wanted.kept, f"{brain}, {angles}")
                else:
                    row = row_of_other(name, sections, _kept(wanted.kept, f"{brain}, {angles}", name))
                    rows += [row] if row is not None else []
            title = f"{brain} brain, {'at any angle' if angles == 'any' else 'within ten degrees'}"
            text += [
                f"**{title[0].upper()}{title[1:]}**: {len(sections)} sections.", "",
                HEAD, "|" + "---|" * HEAD.count(" | ") + "---|",
                *(lines_of(row, sections) for row in rows), "",
                *(flagged(row, sections) for row in rows if row.verdicts), "",
            ]  # fmt: skip
            print("\n".join(text), flush=True)
            if not wanted.print:
                write(text)


def write(text: Sequence[str]) -> None:
    """Put the tables into the page, with what they mean."""
    before, _, rest = DOCS.read_text(encoding="utf-8").partition(FIGURES[0])
    after = rest.partition(FIGURES[1])[2]
    meaning = "\n\n".join(part.strip() for part in (__doc__ or "").split("\n\n")[2:])
    DOCS.write_text(f"{before}{FIGURES[0]}\n{meaning}\n\n" + "\n".join(text) + f"{FIGURES[1]}{after}", "utf-8")


if __name__ == "__main__":
    main()
