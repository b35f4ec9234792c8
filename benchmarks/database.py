"""How quick the database is with a large animal: 170 slides x 4 scenes x 3 channels, on SQLite and on MariaDB.

    python benchmarks/database.py        # a server of its own is started, as for the tests

Each figure is the middle of five tries, in this process, with a connection of its own for each.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT / "tests"))

import mariadb_server  # noqa: E402

from brainstack.animal_folder import AnimalFolder  # noqa: E402
from brainstack.database import create_or_upgrade, open_database  # noqa: E402
from brainstack.intake import record, take_in_records  # noqa: E402
from brainstack.records import Animal, Channel, Histology, Ran, ScanRun, Scene, SlideScan  # noqa: E402

SLIDES, SCENES, CHANNELS, RECORDS, TRIES = 170, 4, 3, 16_000, 5
NAME = "DK39"


def main() -> None:
    print("| | " + " | ".join(("SQLite", "MariaDB, mysql-connector", "MariaDB, PyMySQL")) + " |")
    print("|---|---|---|---|")
    columns = [measured(url) for url in urls()]
    for name in columns[0]:
        print(f"| {name} | " + " | ".join(shown(column[name]) for column in columns) + " |")


def shown(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def urls() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder, mariadb_server.shared("benchmark") as server:
        yield f"sqlite:///{folder}/brainstack.db"
        for driver in ("mysqlconnector", "pymysql"):
            name = f"benchmark_{driver}_{os.getpid()}"
            server.sql(f"CREATE DATABASE {name}")
            yield server.url(name, driver=driver)
            server.sql(f"DROP DATABASE {name}")


def measured(url: str) -> dict[str, float]:
    create_or_upgrade(url)
    with tempfile.TemporaryDirectory() as root, open_root(root, url):
        with open_database(url) as database:
            database.add_animal(Animal(NAME), Histology(NAME), ScanRun(NAME, str(Path(root) / NAME / "czi")))
        folder = AnimalFolder(Path(root) / NAME)
        (folder.root / "czi").mkdir(parents=True)
        figures = {"taking in the slides": once(lambda: take_in_slides(folder, url))}
        leave_records(folder)
        figures[f"taking in {RECORDS} records"] = once(lambda: take_in_records(folder, url))
        leave_records(folder)
        figures["the same once more"] = once(lambda: take_in_records(folder, url))
        figures["an empty transaction"] = middle(lambda: ask_nothing(url))
        figures["the section list"] = middle(lambda: section_list(url))
        figures["`brainstack status`"] = middle(status)
    return figures


@contextmanager
def open_root(root: str, url: str) -> Iterator[None]:
    os.environ.update(BRAINSTACK_DATA_ROOT=root, BRAINSTACK_DATABASE_URL=url)
    yield


def once(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def middle(work: Callable[[], object]) -> float:
    work()
    return statistics.median(once(work) for _ in range(TRIES))


def take_in_slides(folder: AnimalFolder, url: str) -> None:
    channels = tuple(Channel(number, f"stain {number}", 2.5) for number in range(1, CHANNELS + 1))
    for slide in range(1, SLIDES + 1):
        scenes = tuple(Scene(number, number - 1, 7, -3, 60000, 30000, (1.0, 2.0)) for number in range(1, SCENES + 1))
        scan = SlideScan(f"{NAME}_slide{slide:03d}.czi", "Gray16", (0.325, 0.325), channels, scenes)
        record(folder, "slide", {"scan": asdict(scan), "slide_number": slide, "file_size": 2**33})
    take_in_records(folder, url)


def leave_records(folder: AnimalFolder) -> None:
    stages = RECORDS // (SLIDES * SCENES) + 1
    keys = [f"slide{slide:03d}_S{scene}" for slide in range(1, SLIDES + 1) for scene in range(1, SCENES + 1)]
    steps = [(stage, key) for stage in range(stages) for key in keys][:RECORDS]
    for number, (stage, key) in enumerate(steps):
        at = f"2024-05-01T{number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}+00:00"
        record(folder, "ran", asdict(Ran(f"stage{stage:02d}", 1, key, at, 1.0, 1.0, "node")))


def ask_nothing(url: str) -> None:
    with open_database(url) as database:
        database.animals()


def section_list(url: str) -> None:
    with open_database(url) as database:
        database.animal_records(NAME)


def status() -> None:
    words = [Path(sys.executable).parent / "brainstack", "status", NAME]
    subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=CHECKOUT, check=False)


if __name__ == "__main__":
    main()
