"""What sections at the scan's resolution cost, from full TIFF to finished pyramid; written to docs/performance.md.

    python benchmarks/full_resolution.py --size quick                  # a few minutes; writes no docs
    python benchmarks/full_resolution.py --size prototype real --prototype ../shared/tools/prototypes --docs

Core-seconds per gigapixel of canvas, user and system time of a process and its children, with gzip: of the lab's way
with the same public libraries (its pass of cleaning left out), of the prototype, and of the functions that brainstack's
tasks call; then each of our steps beside its own limit; then what one process has resident at most. The sections are
made up: textured, noisy tissue on half of the canvas, tiles of 512 pixels packed by zstd.

Sizes: "quick" is 64 sections of 3,000 x 2,000; "prototype" 64 of 12,000 x 8,000, 6.1 gigapixels (50 GB of room, half
an hour of two free cores); "real" is 74,500 x 39,500, without the lab's way, which needs 20 GB of memory for it, and
only a few blocks of the volume. Bars of memory are for the last one.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import importlib.metadata
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from full_resolution_memory import MEMORY, fits
from full_resolution_scans import SIZES, Size, make_scans
from full_resolution_shares import shares, table
from full_resolution_ways import LAB, ONE, OURS, PLAIN, PROTOTYPE, TWO, Bench, Found, prototype, stored

CHECKOUT = Path(__file__).parents[1]
DOCS = CHECKOUT / "docs" / "performance.md"
MARK = "figures"
LAB_BAR, PROTOTYPE_BAR, TWO_BAR = 1 / 6, 1.3, 0.6
SCANS, SHARES = "scans", "shares"
CHANNEL_SECTIONS, CHANNEL_PX = 440, 74_500 * 39_500
NOT_OURS = ("tifffile", "imagecodecs", "numpy", "opencv-python-headless", "cloud-volume", "igneous-pipeline",
            "tinybrain", "pillow")  # fmt: skip
KEPT = ("aligned", "rechunkme", "volume")
"""Folders that a step of the lab's leaves for the next."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", nargs="+", choices=SIZES, default=["quick"])
    parser.add_argument("--folder", type=Path, help="for temporary data; default: the system's")
    parser.add_argument("--prototype", type=Path, help="the folder with its render.py and volume.py")
    parser.add_argument("--rounds", type=int, default=1, help="of prototype and ours, in turn; the median counts")
    parser.add_argument("--docs", action="store_true", help="write the tables to docs/performance.md")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        bench = Bench(SIZES[options.size[0]], options.folder, options.prototype)
        (bench.folder / "result.json").write_text(json.dumps(child(options.child, bench)))
        return
    lines = machine()
    print(*lines, sep="\n", flush=True)
    for name in options.size:
        check_room(SIZES[name], options.folder)
        with tempfile.TemporaryDirectory(prefix="full-resolution-", dir=options.folder) as root:
            for line in measured(Bench(SIZES[name], Path(root), options.prototype), options.rounds):
                lines.append(line)
                print(line, flush=True)
    if options.docs:
        write_part(DOCS, MARK, lines)


def child(what: str, bench: Bench) -> Any:
    """In a process that did nothing before."""
    if what == SCANS:
        make_scans(bench.size, bench.folder, ("zstd",) if bench.size.blocks else ("zstd", "zlib"))
        return {}
    if what == SHARES:
        return shares(bench)
    if what in MEMORY:
        return MEMORY[what][0](bench)
    return ({**LAB, **OURS} | {PROTOTYPE: prototype})[what](bench)


def in_child(what: str, bench: Bench) -> Any:
    command = [sys.executable, __file__, "--child", what, "--size", bench.size.name, "--folder", str(bench.folder)]
    if bench.prototype:
        command += ["--prototype", str(bench.prototype.resolve())]
    subprocess.run(command, cwd=CHECKOUT, check=True, stdout=subprocess.DEVNULL)
    return json.loads((bench.folder / "result.json").read_text())


def measured(bench: Bench, rounds: int) -> Any:
    """Lines of all tables of a size, as they are found."""
    size = bench.size
    what = f"{size.sections} sections of {size.columns:,} x {size.rows:,} pixels"
    if size.blocks:
        what += f", {size.blocks} blocks of {size.block_px} x {size.block_px} of them, spread evenly"
    yield from ("", f"### {what}: {size.gigapixels:.2f} gigapixels of canvas", "")
    in_child(SCANS, bench)
    yield "| from full TIFF to finished pyramid | core-s per gigapixel | wall, s | resident at most, MB | files | GB |"
    yield "|---|---|---|---|---|---|"
    lab = list[Found]()
    for way in LAB if size.blocks is None else ():
        lab.append(in_child(way, bench))
        for name in KEPT[: min(len(lab) - 1, 2)]:
            shutil.rmtree(bench.folder / name, ignore_errors=True)
        yield row(way, [lab[-1]], size, *stored(bench.folder / KEPT[min(len(lab) - 1, 2)]))
    if lab:
        together = {"core_s": sum(one["core_s"] for one in lab), "wall_s": sum(one["wall_s"] for one in lab)}
        lab_one = Found(together, peak_mb=max(one["peak_mb"] for one in lab))
        yield row("**lab, in all**, cleaning not counted", [lab_one], size)
    found: dict[str, list[Found]] = {}
    places: dict[str, tuple[int, int]] = {}
    wanted = [*([PROTOTYPE] if bench.prototype else []), *(OURS if size.blocks is None else [ONE])]
    for turn in range(rounds):
        for way in wanted:
            if turn == 0 or way in (PROTOTYPE, ONE, TWO):
                clear(bench)
                found.setdefault(way, []).append(in_child(way, bench))
                places[way] = stored(bench.volume)
    for way in wanted:
        yield row(way, found[way], size, *places[way])
    if not bench.prototype:
        yield "| prototype: left out, as no --prototype was given | | | | | |"
    channel = CHANNEL_SECTIONS * CHANNEL_PX / 1e9
    hours = statistics.median(one["core_s"] for one in found[ONE]) / size.gigapixels * channel / 3600
    yield from ("", f"A channel of {CHANNEL_SECTIONS} sections of 74,500 x 39,500, {channel:,.0f} gigapixels, takes "
                    f"brainstack {hours:.1f} core-hours at this rate.", "")  # fmt: skip
    yield from bars(found, lab_one["core_s"] if lab else None)
    clear(bench)
    yield from ("", f"Steps of one process, {size.name} size, counted around the functions in a run of its own:", "")
    yield from table(in_child(SHARES, bench), size.gigapixels)
    clear(bench)
    if not lab or size.name == "quick":
        yield from memory(bench)


def memory(bench: Bench) -> Any:
    size = bench.size
    yield from ("", f"| one process, sections of {size.columns:,} x {size.rows:,} | resident at most, MB | bar | |")
    yield "|---|---|---|---|"
    for what, (_, bar) in MEMORY.items():
        peak = in_child(what, bench)["peak_mb"]
        shutil.rmtree(bench.parts, ignore_errors=True)
        verdict = ("reached" if peak <= bar else "NOT reached") if fits(size) else "for real sections only"
        yield f"| {what} | {peak:,.0f} | {bar:,} | {verdict} |"


def clear(bench: Bench) -> None:
    for path in (bench.volume, bench.parts):
        shutil.rmtree(path, ignore_errors=True)
    for name in ("copy", "written"):
        (bench.folder / name).unlink(missing_ok=True)


def row(way: str, rounds: list[Found], size: Size, files: int | None = None, taken: int | None = None) -> str:
    core_s, wall_s = (statistics.median(one[name] for one in rounds) for name in ("core_s", "wall_s"))
    spread = f" ({min(o['core_s'] for o in rounds) / size.gigapixels:.1f} to " \
             f"{max(o['core_s'] for o in rounds) / size.gigapixels:.1f})" if len(rounds) > 1 else ""  # fmt: skip
    cells = [way, f"{core_s / size.gigapixels:.1f}{spread}", f"{wall_s:.1f}"]
    cells.append(f"{max(one['peak_mb'] for one in rounds):,.0f}")
    cells += ["" if files is None else f"{files:,}", "" if taken is None else f"{taken / 1e9:.2f}"]
    return "| " + " | ".join(cells) + " |"


def bars(found: dict[str, list[Found]], lab_s: float | None) -> list[str]:
    def median(way: str, name: str) -> float:
        return statistics.median(one[name] for one in found[way])

    lines = ["| bar | found | wanted at most | |", "|---|---|---|---|"]
    for way in (ONE, PLAIN):
        if lab_s and way in found:
            lines.append(bar(f"{way}: core-seconds beside the lab's", median(way, "core_s") / lab_s, LAB_BAR))
    if PROTOTYPE in found:
        ratio = median(ONE, "core_s") / median(PROTOTYPE, "core_s")
        lines.append(bar(f"{ONE}: core-seconds beside the prototype's", ratio, PROTOTYPE_BAR))
    if TWO in found:
        lines.append(bar("wall time of two processes beside one's", median(TWO, "wall_s") / median(ONE, "wall_s"),
                         TWO_BAR))  # fmt: skip
        ratio = median(TWO, "busiest_s") / median(ONE, "busiest_s")
        lines.append(f"| core-seconds of the busier of the two beside one's | {ratio:.3f} | | no bar: what the line "
                     "above would be if nothing waited for a core or the disk |")  # fmt: skip
    return lines


def bar(name: str, found: float, wanted: float) -> str:
    return f"| {name} | {found:.3f} | {wanted:.3f} | {'reached' if found <= wanted else 'NOT reached'} |"


def machine() -> list[str]:
    cpu = [
        line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    load = os.getloadavg()[0]
    shared = ": other work shared the cores while this was measured" if load > 1 else ""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in NOT_OURS)
    return [
        f"{datetime.datetime.now().astimezone():%Y-%m-%d %H:%M}. {cpu[0] if cpu else platform.processor()}, "
        f"{os.cpu_count()} cores, {memory_gb:.0f} GB of memory; load before the start {load:.1f}{shared}.",
        f"Python {platform.python_version()}, {versions}.",
    ]


def check_room(size: Size, folder: Path | None) -> None:
    place = folder or Path(tempfile.gettempdir())
    wanted = 8e9 * size.gigapixels if size.blocks is None else 20e9
    free = shutil.disk_usage(place).free
    if free < wanted:
        raise SystemExit(f"{place} has {free / 1e9:.0f} GB free, wanted {wanted / 1e9:.0f}; give another --folder.")


def write_part(page: Path, mark: str, lines: list[str]) -> None:
    """Put lines between the marks of a page; the rest of it is written by hand."""
    text, begin, end = page.read_text(), f"<!-- {mark} -->\n", f"<!-- end of {mark} -->"
    before, rest = text.split(begin)
    page.write_text(before + begin + "\n".join(lines) + "\n" + end + rest.split(end)[1])


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
