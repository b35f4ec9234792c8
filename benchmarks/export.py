"""What exporting a section costs: memory and speed by the size of the section; written to docs/export.md.

    python benchmarks/export.py                          # sections of 12,000 and 24,000 pixels across; 2 GB of room
    python benchmarks/export.py --large --docs           # and of 48,000 and 74,500: 10 GB of room, a quarter of an hour

Each export of each size runs in a process of its own, on one core: one channel of a made-up section (textured, noisy
tissue on half of the canvas), rendered from its scan and written with all smaller levels. MB/s are of the canvas' 16
bit pixels, by the processor's time; "rendered only" is the same without writing. Memory is what the process has
resident at most, imports and all (MB: 10^6 bytes). Bar: of sections twice as wide and high at most a quarter more.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np
from full_resolution import write_part
from full_resolution_scans import CHANNEL, PIXEL_UM, SECTION_UM, SETTINGS, Sections, Size, make_scans
from full_resolution_ways import Bench, Found, counted

from brainstack.files import ome_tiff, ome_zarr
from brainstack.files.ome_xml import OmeChannel
from brainstack.images.plane_pyramid import PlanePyramid, Render, levels_until
from brainstack.images.threads import use_one_thread

DOCS = Path(__file__).parents[1] / "docs" / "export.md"
MARK = "figures"
SIZES = {
    size.name: size
    for size in (
        Size("12", 1, 12_000, 8_000, scans=1, block_px=2048, group_px=2048, blocks=1),
        Size("24", 1, 24_000, 16_000, scans=1, block_px=2048, group_px=2048, blocks=1),
        Size("48", 1, 48_000, 32_000, scans=1, block_px=2048, group_px=2048, blocks=1),
        Size("real", 1, 74_500, 39_500, scans=1, block_px=2048, group_px=2048, blocks=1),
    )
}
LARGE = ("48", "real")
GROWTH_BAR = 5 / 4


def zarr(bench: Bench, render: Render) -> Path:
    path = bench.folder / "section.zarr"
    layout = ome_zarr.OmeZarrLayout(bench.size.layout(sharded=True).scales, 1, "uint16")
    ome_zarr.write_section(path, layout, [render], (0,))
    return path


def tiff(bench: Bench, render: Render) -> Path:
    path = bench.folder / "section.ome.tif"
    layout = ome_tiff.OmeTiffLayout(
        bench.size.canvas, levels_until(bench.size.canvas, SETTINGS.downsampling.smallest_side_px), "uint16", (0,),
        (OmeChannel("DAPI"),), PIXEL_UM, SECTION_UM, SETTINGS.tifs.tile_px, SETTINGS.tifs.compression,
    )  # fmt: skip
    ome_tiff.write_section(path, layout, [render], "section")
    return path


def nothing(bench: Bench, render: Render) -> Path:
    pyramid = PlanePyramid(
        bench.size.canvas, levels=1, block_px=ome_zarr.SHARD_PX, dtype=np.dtype("uint16"), background=(0,)
    )
    for _ in pyramid.blocks(render):
        pass
    return bench.folder / "nothing"


WAYS: dict[str, Callable[[Bench, Render], Path]] = {"OME-Zarr": zarr, "OME-TIFF": tiff, "rendered only": nothing}


def measured(way: str, size: Size, folder: Path) -> Found:
    """In a process that did nothing before."""
    command = [sys.executable, __file__, "--child", way, "--size", size.name, "--folder", str(folder)]
    subprocess.run(command, check=True)
    found: Found = json.loads((folder / "result.json").read_text())
    return found


def child(way: str, bench: Bench) -> Found:
    from tasks import export

    use_one_thread()
    sections, found = Sections(bench.size, bench.folder), Found()
    with export._full(sections.plan, sections.keys[0], CHANNEL) as render, counted(found):
        path = WAYS[way](bench, render)
    found["written"] = sum(one.stat().st_size for one in (path, *path.rglob("*")) if one.is_file())
    found["files"] = sum(one.is_file() for one in (path, *path.rglob("*")))
    return found


def machine() -> str:
    """When and by what; the load says how busy the machine was with other things."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("zarr", "numcodecs", "tifffile", "imagecodecs"))
    return f"{date.today()}, {os.cpu_count()} cores, load {os.getloadavg()[1]:.0f} before it began. {versions}."


def line_of(size: Size, way: str, found: Found) -> str:
    rows, columns = size.canvas
    speed = rows * columns * 2 / 1e6 / found["core_s"]
    return (
        f"| {size.columns:,} x {size.rows:,} | {way} | {found['peak_mb']:,.0f} | {speed:.0f} "
        f"| {found['written'] / 1e6:,.0f} | {found['files']:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true", help="sections of 48,000 and 74,500 pixels across too")
    parser.add_argument("--docs", action="store_true", help="write the table to docs/export.md")
    parser.add_argument("--folder", type=Path, help="for temporary data; default: the system's")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--size", choices=SIZES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        found = child(options.child, Bench(SIZES[options.size], options.folder, None))
        (options.folder / "result.json").write_text(json.dumps(found))
        return
    lines = [
        machine(),
        "",
        "| one channel of a section | | resident at most, MB | MB/s of a core | written, MB | files |",
        "|---|---|---|---|---|---|",
    ]  # fmt: skip
    print(*lines, sep="\n", flush=True)
    peaks: dict[tuple[str, str], float] = {}
    for size in (size for size in SIZES.values() if size.name not in LARGE or options.large):
        with tempfile.TemporaryDirectory(prefix="export-", dir=options.folder) as folder:
            make_scans(size, Path(folder), ("zstd",))
            for way in WAYS:
                found = measured(way, size, Path(folder))
                peaks[way, size.name] = found["peak_mb"]
                lines.append(line_of(size, way, found))
                print(lines[-1], flush=True)
    lines += ["", "| bar | found | wanted at most | |", "|---|---|---|---|"]
    for way in ("OME-Zarr", "OME-TIFF"):
        growth = peaks[way, "24"] / peaks[way, "12"]
        verdict = "reached" if growth <= GROWTH_BAR else "**not reached**"
        lines.append(
            f"| {way}: memory, 24,000 pixels across beside 12,000 | {growth:.2f} | {GROWTH_BAR:.2f} | {verdict} |"
        )
    print(*lines[-4:], sep="\n")
    if options.docs:
        write_part(DOCS, MARK, lines)


if __name__ == "__main__":
    main()
