"""How long the bookkeeping takes: the real task classes, plan and stamps, with the arithmetic and the images left out.

    python benchmarks/scheduling.py                         # 440 and 110 sections, 3 channels, the local scheduler
    python benchmarks/scheduling.py --luigid --workers 2    # through luigid

Every step writes its outputs as empty files. Measured side by side in one run: a whole run of 440 sections, a quarter
of it, and a second run that finds nothing to do. Seconds on one machine say little; the ratio says whether the time
grows faster than the work.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

BIN = Path(sys.executable).parent
CHECKOUT = Path(__file__).parents[1]
SCENES = 4
ANIMAL = "BENCH"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sections", type=int, default=440)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--luigid", action="store_true", help="through a luigid of its own")
    parser.add_argument("--child", choices=("add", "run"), help=argparse.SUPPRESS)
    options, rest = parser.parse_known_args()
    if options.child == "add":
        add(options.sections)
    elif options.child == "run":
        run_stubbed(rest)
    else:
        compare(options.sections, options.workers, luigid=options.luigid)


def compare(sections: int, workers: int, *, luigid: bool) -> None:
    rows = []
    for count in (sections // 4, sections):
        with tempfile.TemporaryDirectory() as root:
            call(root, "--child", "add", "--sections", str(count))
            with Luigid(Path(root), wanted=luigid) as scheduler:
                command = ("--child", "run", "--workers", str(workers), "Animal", "--animal", ANIMAL, *scheduler)
                whole, memory_gb = call(root, *command)
                nothing, _ = call(root, *command)
            files = sum(len(names) for _, _, names in os.walk(root))
        rows.append((count, whole, nothing, memory_gb, files))
    print(f"{workers} workers, {'luigid' if luigid else 'local scheduler'}")
    print("| sections | run, s | nothing to do, s | memory of the luigi process, GB | files |\n|---|---|---|---|---|")
    for count, whole, nothing, memory_gb, files in rows:
        print(f"| {count} | {whole:.1f} | {nothing:.1f} | {memory_gb:.2f} | {files} |")
    print(f"four times the sections take {rows[1][1] / rows[0][1]:.1f} times as long")


def call(root: str, *words: str) -> tuple[float, float]:
    """Seconds of wall time and gigabytes of a command in a data root of its own. Raises where it fails."""
    environment = os.environ | {"BRAINSTACK_DATA_ROOT": root}
    started = time.monotonic()
    process = subprocess.Popen([sys.executable, __file__, *words], env=environment, cwd=CHECKOUT,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)  # fmt: skip
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(said.decode()[-3000:])
    return time.monotonic() - started, used.ru_maxrss / 1024**2


def add(sections: int) -> None:
    """An animal of empty slides."""
    from brainstack.database import create_or_upgrade, open_database
    from brainstack.environment import animal_folder, database_url
    from brainstack.records import Animal, Histology, ScanRun

    folder = animal_folder(ANIMAL)
    folder.czi.mkdir(parents=True)
    for number in range(1, sections // SCENES + 1):
        (folder.czi / f"slide{number:03d}.czi").touch()
    create_or_upgrade(database_url())
    with open_database(database_url()) as database:
        database.add_animal(Animal(ANIMAL), Histology(ANIMAL), ScanRun(ANIMAL, str(folder.czi), 0.325))


def run_stubbed(words: list[str]) -> None:
    """The `luigi` command, with every `make` replaced."""
    from luigi.retcodes import run_with_retcodes

    import tasks
    from brainstack.intake import record, record_seen
    from brainstack.plan import Plan
    from brainstack.records import Channel, Scene, SlideScan
    from brainstack.slide_names import slide_number
    from brainstack.stages import STAGES
    from brainstack.stamps import Step, digest

    def make(task: tasks.base.AnimalTask, plan: Plan, step: Step) -> dict[str, str]:
        for path in STAGES[step.stage].outputs(plan, step):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            if path.parent.name in ("thumbnail_colored", "thumbnail_masked"):
                record_seen(plan.folder, path)
        if step.stage == "Transforms":
            return {key: digest(key) for key in plan.connected}
        return {"": digest(str(step)), "file": digest(str(step))}

    def make_meta(task: tasks.Meta, plan: Plan, step: Step) -> dict[str, str]:
        scenes = tuple(Scene(number, number - 1, 0, 0, 100, 100) for number in range(1, SCENES + 1))
        channels = tuple(Channel(number, f"C{number}") for number in (1, 2, 3))
        scan = SlideScan(f"{step.item}.czi", "Gray16", (0.325, 0.325), channels, scenes)
        content = {"scan": asdict(scan), "slide_number": slide_number(step.item, plan.settings), "file_size": 0}
        record(plan.folder, "slide", content)
        return make(task, plan, step)

    for name in STAGES:
        getattr(tasks, name).make = make
    tasks.Meta.make = make_meta
    tasks.Preps.make = tasks.preps.Preps.make
    run_with_retcodes(["--module", "tasks", *words])


class Luigid:
    """A luigid for the length of a block, and the words that lead to it; `--local-scheduler` where none is wanted."""

    def __init__(self, root: Path, *, wanted: bool) -> None:
        self._root, self._wanted = root, wanted
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> tuple[str, ...]:
        if not self._wanted:
            return ("--local-scheduler",)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        command = [str(BIN / "luigid"), "--address", "127.0.0.1", "--port", port, "--logdir", str(self._root),
                   "--state-path", str(self._root / "state")]  # fmt: skip
        self._process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            time.sleep(0.1)
            try:
                socket.create_connection(("127.0.0.1", int(port)), timeout=1).close()
                break
            except OSError:
                continue
        return ("--scheduler-host", "127.0.0.1", "--scheduler-port", port)

    def __exit__(self, *error: object) -> None:
        if self._process is not None:
            self._process.terminate()
            _, _, used = os.wait4(self._process.pid, 0)
            print(f"luigid: {used.ru_maxrss / 1024**2:.2f} GB")


if __name__ == "__main__":
    main()
