"""How long the report of a whole brain takes, how large it is, and how much memory that needs.

    python benchmarks/report.py                     # 440 sections of 2328 x 1234 pixels, three channels
    python benchmarks/report.py --sections 110

The animal is made up and has run: stamps, log, tables, and for each section a picture, a mask and an aligned section of
the size that a scan of 74,500 x 39,500 pixels has. Of the pictures there is one, under each section's name; a decoder
does not know. Printed: the first report, which makes all small pictures, and the next one, which has them. Ends with
status 1 where the first takes 60 s or more, or the file has 25 MB or more.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

CHECKOUT = Path(__file__).parents[1]
sys.path[:0] = [str(CHECKOUT / "tests"), str(CHECKOUT)]

ANIMAL = "BENCH"
SCENES = 4
CHANNELS = 3
MOST_S, MOST_MB = 60.0, 25.0
ROWS, COLUMNS = 1234, 2328
LEVEL = (308, 582)
"""Rows and columns of the level that the cuts are read from: a quarter of a thumbnail's."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sections", type=int, default=440)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(timed()))
        return
    with tempfile.TemporaryDirectory() as root:
        os.environ["BRAINSTACK_DATA_ROOT"] = root
        os.environ.pop("BRAINSTACK_DATABASE_URL", None)
        make_animal(options.sections)
        first, again = (json.loads(child(root)) for _ in range(2))
    print(f"{options.sections} sections of {COLUMNS} x {ROWS} pixels, {CHANNELS} channels, {os.cpu_count()} cores")
    print("| report | s | of a core, s | file, MB | memory, GB |\n|---|---|---|---|---|")
    for name, one in (("the first", first), ("the next", again)):
        print(f"| {name} | {one['s']:.1f} | {one['core_s']:.1f} | {one['mb']:.1f} | {one['gb']:.2f} |")
    sys.exit(int(first["s"] >= MOST_S or first["mb"] >= MOST_MB))


def child(root: str) -> str:
    """What a process of its own measured."""
    command = [sys.executable, __file__, "--child"]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=CHECKOUT).stdout


def timed() -> dict[str, float]:
    """One report, with the look at the animal that a run has had already."""
    from brainstack.planning import look, progress_of
    from brainstack.report.page import write_report

    plan = look(ANIMAL)
    progress = progress_of(plan)
    started, core = time.monotonic(), time.process_time()
    path = write_report(plan, progress)
    return {
        "s": time.monotonic() - started,
        "core_s": time.process_time() - core,
        "mb": path.stat().st_size / 1e6,
        "gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2,
    }


# The animal


def make_animal(sections: int) -> None:
    from by_hand import run_by_hand

    from brainstack.database import create_or_upgrade, open_database
    from brainstack.environment import animal_folder, database_url
    from brainstack.planning import look
    from brainstack.records import Animal, Channel, Histology, ScanRun, Scene, SlideScan
    from brainstack.stamps import Stamps

    folder = animal_folder(ANIMAL)
    folder.czi.mkdir(parents=True)
    create_or_upgrade(database_url())
    channels = tuple(Channel(number, f"C{number}", 100.0) for number in range(1, CHANNELS + 1))
    scenes = tuple(Scene(number, number - 1, 0, 0, 32 * COLUMNS, 32 * ROWS) for number in range(1, SCENES + 1))
    with open_database(database_url()) as database:
        database.add_animal(Animal(ANIMAL), Histology(ANIMAL), ScanRun(ANIMAL, str(folder.czi), 0.325))
        for number in range(1, sections // SCENES + 1):
            name = f"slide{number:03d}.czi"
            (folder.czi / name).touch()
            scan = SlideScan(name, "Gray16", (0.325, 0.325), channels, scenes)
            database.take_in_slide(ANIMAL, scan, slide_number=number, rescan=1, file_size=10**10,
                                   pictures=("label", "preview"))  # fmt: skip
    plan = look(ANIMAL)
    run_by_hand(plan, Stamps(folder.stamps), files=True)
    write_log(plan)
    write_tables(plan)
    write_pictures(plan)
    write_volumes(plan)


def write_log(plan) -> None:
    """A row for each step, one after the other."""
    from brainstack.database import open_database
    from brainstack.environment import database_url
    from brainstack.records import Ran
    from brainstack.stages import STAGES

    began, rows = datetime(2026, 1, 1, tzinfo=UTC), []
    for step in (step for stage in STAGES for step in plan.steps(stage)):
        at = (began + timedelta(seconds=len(rows))).isoformat(timespec="milliseconds")
        rows.append(Ran(step.stage, step.channel, step.item, at, 1.0, 0.5, "node1", version="0.1.0/1"))
    with open_database(database_url()) as database:
        database.take_in_log(ANIMAL, rows)


def write_tables(plan) -> None:
    """Areas, alignment, histograms and gains, as the stages would have written them; one section in 50 is doubtful."""
    from brainstack.files.alignment_metrics import write_alignment_metrics
    from brainstack.files.histogram_files import write_counts
    from brainstack.files.whole import write_json
    from brainstack.images.alignment_plots import pairs_figure, png
    from brainstack.images.stack_views import StackViews, views_figure
    from brainstack.mask_areas import MaskArea, write_mask_areas
    from brainstack.records import PairTransform, SectionAlignment

    random, keys, folder = np.random.default_rng(0), list(plan.section), plan.folder
    words = ["doubtful" if place % 50 == 7 else "good" for place in range(len(keys))]
    of_masks = ["doubtful" if word == "doubtful" else "as proposed" for word in words]
    areas = [1e6 * (5 + 45 * math.sin(math.pi * place / len(keys))) for place in range(len(keys))]
    write_mask_areas(folder.mask_areas, [
        MaskArea(place, key, areas[place], areas[place], 1, of_masks[place], False)
        for place, key in enumerate(keys)
    ])  # fmt: skip
    sections = [
        SectionAlignment(key, *random.normal(0, 0.1, 1), *random.normal(0, 300, 2), False, 0.6, 0.2, 0.9, 20.0,
                         words[place], "its outline is less like those around it")
        for place, key in enumerate(keys)
    ]  # fmt: skip
    pairs = [
        PairTransform(keys[place], keys[place + apart], 0.0, 0.0, 0.0, float(random.uniform(0.2, 0.9)),
                      metric_before=0.1, overlap=0.95, residual_um=float(random.uniform(1, 90)), verdict="good")
        for place in range(len(keys)) for apart in (1, 2, 3) if place + apart < len(keys)
    ]  # fmt: skip
    numbers = {key: section.number for key, section in plan.section.items()}
    write_alignment_metrics(folder.alignment_metrics, sections, pairs, numbers)
    views = StackViews(*(random.normal(900, 200, (side, len(keys))).astype(np.float32) for side in (ROWS, COLUMNS)))
    folder.alignment_picture("pairs").write_bytes(png(pairs_figure(sections, pairs, numbers, "pairs")))
    figure = views_figure(views, views, pixel_size_um=10.4, thickness_um=20.0, title="views")
    folder.alignment_picture("views").write_bytes(png(figure))
    starts = np.arange(0, 65536, 32)
    counts = (1e6 * np.exp(-starts / 900)).astype(np.int64)
    for number in range(1, CHANNELS + 1):
        write_counts(folder.histogram(number, ANIMAL).with_suffix(".csv"), counts, starts, 65535)
        write_json(folder.small(f"channel_histogram_C{number}"), {"axis": {"end": 8000}})
        write_json(folder.small(f"gain_C{number}"), {"gain": 10.0, "sections": {}})


def write_pictures(plan) -> None:
    """One section, of the size and grain of a real one, under all names."""
    import cv2

    from brainstack.files.pictures import write_png
    from brainstack.files.tiff import write_tiff

    random, folder = np.random.default_rng(0), plan.folder
    y, x = np.mgrid[:ROWS, :COLUMNS]
    mask = ((x / COLUMNS - 0.5) / 0.4) ** 2 + ((y / ROWS - 0.5) / 0.4) ** 2 < 1
    grain = cv2.GaussianBlur(random.normal(0, 60, mask.shape).astype(np.float32), (0, 0), 1.0)
    grey = np.clip(np.where(mask, 110 + 3 * grain, 8 + grain / 6), 0, 255).astype(np.uint8)
    first = folder.root / "one"
    first.mkdir()
    write_png(first / "picture.png", grey)
    write_tiff(first / "picture.tif", grey, 10.4)
    write_tiff(first / "mask.tif", np.where(mask, 255, 0).astype(np.uint8), 10.4)
    write_png(first / "glass.png", cv2.resize(grey, (900, 400)))
    for key in plan.section:
        link(first / "picture.png", folder.keyed("web", key, 1, ".png"))
        link(first / "picture.tif", folder.keyed("normalized", key, 1))
        link(first / "mask.tif", folder.keyed("thumbnail_masked", key))
    for name in plan.slides:
        link(first / "glass.png", folder.slide_label(name))
        link(first / "glass.png", folder.slide_preview(name))


def link(file: Path, name: Path) -> None:
    name.parent.mkdir(parents=True, exist_ok=True)
    name.unlink(missing_ok=True)
    os.link(file, name)


def write_volumes(plan) -> None:
    """Of each channel the level that is small enough for a page, with all its chunks."""
    from volumes import write_volume

    random, paths = np.random.default_rng(0), [plan.folder.volume(number) for number in range(1, CHANNELS + 1)]
    sections = random.integers(0, 20000, (len(plan.sections), *LEVEL), dtype=np.uint16)
    for path in paths:
        shutil.rmtree(path, ignore_errors=True)
    write_volume(paths[0], sections, voxel_size_um=(41.6, 41.6, 20.0), chunk_size=(128, 128, 64))
    for path in paths[1:]:
        shutil.copytree(paths[0], path, copy_function=os.link)


if __name__ == "__main__":
    main()
