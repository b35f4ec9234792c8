"""What readers make of damaged CZI files: a table of what was hit and what came of it.

    python benchmarks/fuzz_czi.py --inputs 50000 --seed 7             # our reader
    python benchmarks/fuzz_czi.py --inputs 5000 --reader pylibczirw   # the library that puts planes together itself
    python benchmarks/fuzz_czi.py --seed 7 --only 1234 --keep .       # one input again; its file is kept

The inputs and the judge are those of tests/files/test_czi_damage_at_random.py, which runs the first 2,000 of another
seed. "as before" and the columns up to "refused" are right: see tests/damaging.py for what damage cannot be seen. Of
pylibCZIrw only boxes, channels and the pixels of the lowest plane are judged, and any error of its own is a refusal.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from pylibCZIrw import czi as pylibczi

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import damaging
from damaging import BAD, GOOD, Case, Outcome, Reading, RefusedError

AT_ONCE = 2000
SHOWN = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--reader", choices=READERS, default="brainstack")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", type=int, help="the number of one input")
    parser.add_argument("--keep", type=Path, help="a folder for the file of --only")
    options = parser.parse_args()
    numbers = range(options.inputs) if options.only is None else [options.only]
    if options.only is not None and options.keep:
        options.keep.joinpath(f"case{options.only}.czi").write_bytes(
            damaging.damaged(options.only, options.seed).content
        )
    start = time.monotonic()
    outcomes: list[Outcome] = []
    for first in range(0, len(numbers), AT_ONCE):
        some = numbers[first : first + AT_ONCE]
        outcomes += damaging.run(some, options.seed, READERS[options.reader], options.processes)
        print(f"{len(outcomes)} of {len(numbers)}, {time.monotonic() - start:.0f} s", file=sys.stderr)
    cases = [damaging.damaged(one.number, options.seed) for one in outcomes]
    print(f"{options.reader}, {len(outcomes)} inputs of seed {options.seed}\n")
    for title, about in (("where", _place), ("how", _how), ("file", _file)):
        print(table(title, about, cases, outcomes))
    shown = BAD if options.only is None else (*GOOD, *BAD)
    told = [(case, one) for case, one in zip(cases, outcomes, strict=True) if one.what in shown]
    for case, one in told[:SHOWN]:
        print(f"{case}: {one.what}: {one.told}")


def _place(case: Case) -> str:
    return case.place


def _how(case: Case) -> str:
    return case.how


def _file(case: Case) -> str:
    return case.whole.kind.name


def table(title: str, about: Callable[[Case], str], cases: Iterable[Case], outcomes: Iterable[Outcome]) -> str:
    """How often each outcome came of each kind of damage, in Markdown."""
    counts = Counter((about(case), one.what) for case, one in zip(cases, outcomes, strict=True))
    columns = (*GOOD, *BAD)
    lines = [f"| {title} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for name in [*dict.fromkeys(name for name, _ in counts), "all"]:
        numbers = [sum(n for (of, what), n in counts.items() if what == one and name in (of, "all")) for one in columns]
        lines.append(f"| {name} | {' | '.join(map(str, numbers))} |")
    return "\n".join(lines) + "\n"


def read_by_pylibczirw(path: Path) -> Reading:
    try:
        return _read_by_pylibczirw(path)
    except Exception as error:  # whatever it throws counts as a refusal
        raise RefusedError(f"{type(error).__name__}: {error}") from error


def _read_by_pylibczirw(path: Path) -> Reading:
    with pylibczi.open_czi(str(path)) as file:
        found = file.scenes_bounding_rectangle_no_pyramid or {0: file.total_bounding_rectangle_no_pyramid}
        boxes = {index + 1: (box.x, box.y, box.w, box.h) for index, box in found.items()}
        channels = file.total_bounding_box["C"][1]
        pixels = {
            (number, channel + 1, "first"): file.read(
                roi=box, plane={"C": channel}, **({"scene": number - 1} if file.scenes_bounding_rectangle else {})
            ).squeeze()
            for number, box in boxes.items()
            for channel in range(channels)
        }
        types = [file.get_channel_pixel_type(channel) for channel in range(channels)]
    return Reading(facts={"scenes": boxes, "channels": channels, "pixel type": types}, pixels=pixels, boxes=boxes)


READERS = {"brainstack": damaging.read_by_brainstack, "pylibczirw": read_by_pylibczirw}


if __name__ == "__main__":
    main()
