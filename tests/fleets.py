"""Fleets on a Slurm, the real one or the fake one, with tasks that leave an empty file each: for tests of what becomes
of jobs, whatever they make.

    python tests/fleets.py FOLDER WORD ...    # a process that drives such tasks, to be killed
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[1]
if __name__ == "__main__":
    sys.path.insert(0, str(CHECKOUT))

import hpc.arrays  # noqa: E402
import hpc.fleet  # noqa: E402
import hpc.slurm  # noqa: E402
from hpc.arrays import ArrayFolder, TaskSpec, arrays_in, read_manifest  # noqa: E402
from hpc.cluster import Cluster, Limits, Request, Watch  # noqa: E402
from hpc.fleet import ABSENT, DONE, Fleet, Outcome  # noqa: E402
from hpc.outbox import Client  # noqa: E402
from hpc.slurm import Slurm  # noqa: E402

MODULE = '''
"""Tasks of a test. What they do is in their word."""

import os
import time
from pathlib import Path

import luigi

folder = Path()
check = print


def prepare_node(context, writer, check_in):
    global folder, check
    folder, check = Path(context["folder"]), check_in


def sentence_of(error):
    return str(error)


def note(name, word):
    file = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, f"{word}\\n".encode())


class Sum(luigi.Task):
    word = luigi.Parameter()

    def run(self):
        note("begun", self.word)
        if self.word.startswith("bad"):
            raise ValueError(f"{self.word} is no good.")
        while self.word.startswith("waits") and not (folder / "go").exists():
            time.sleep(0.02)
        if self.word.startswith("eats"):
            bytearray(400 * 1024**2)
        if self.word.startswith("feeds"):  # a part of it is killed, and it does not notice
            if os.system(f"{os.sys.executable} -c 'bytearray(400 * 1024**2)'"):
                return
        check()
        (folder / "made" / self.word).touch()
        note("ended", self.word)
'''
ONE_EACH = 1e-6
"""Minutes that an element shall last, so that each task is one."""
WATCH = Watch(look_s=0.05, ask_s=0.3, grace_s=2.0, gather_s=0.0)


def spec(word: str) -> TaskSpec:
    return TaskSpec("Sum", {"word": word})


def word_of(spec: TaskSpec) -> str:
    return spec.parameters["word"]


class Place:
    """Where fleets of one animal work. Each task is an element of its own.

    command : what a node runs.
    """

    command = f"{shlex.quote(sys.executable)} -m hpc.run"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.made = path / "made"
        self.made.mkdir(parents=True, exist_ok=True)
        (path / "tasks_of_the_fleet.py").write_text(MODULE)

    @property
    def arrays(self) -> Path:
        return self.path / "jobs" / "arrays"

    def fleet(self, watch: Watch = WATCH, limits: Limits | None = None, **request: Any) -> Fleet:
        request = {"memory_gb": 0.1, "minutes": 5.0} | request
        limits = limits or Limits(element_minutes=ONE_EACH, memory_gb=4.0, minutes=60.0)
        client = Client(
            module="tasks_of_the_fleet",
            job_name=lambda array: f"test.{array.name}",
            command=self.command,
            setup=f"export PYTHONPATH={self.path}:{CHECKOUT}",
            context=lambda: {"folder": str(self.path)},
        )
        cluster = Cluster(limits, watch, stages={"Sum": Request(**request)})
        return Fleet(self.arrays, cluster, Slurm(), client, self.state)

    def state(self, specs: Collection[TaskSpec], writers: Collection[str]) -> Mapping[str, str]:
        names = {path.name for path in self.made.iterdir()}
        return {one.key: DONE if word_of(one) in names else ABSENT for one in specs}

    # What is seen afterwards

    def count(self, what: str) -> Counter[str]:
        """How often each task has begun, or has ended: what = "begun" or "ended"."""
        path = self.path / what
        return Counter(path.read_text().split()) if path.exists() else Counter()

    def folders(self) -> list[ArrayFolder]:
        return arrays_in(self.arrays, closed=True)

    def sent(self) -> list[list[str]]:
        """The words that each array was to make, in the order in which they were submitted."""
        manifests = [read_manifest(one.manifest) for one in self.folders()]
        return [[word_of(spec) for tasks in one.elements for spec in tasks] for one in manifests]

    def asked(self) -> list[Request]:
        return [read_manifest(one.manifest).request for one in self.folders()]

    # Another process

    def start(self, *words: str, die_at: int = 0) -> subprocess.Popen[str]:
        """A process that drives these tasks to their end, going on with what it finds. die_at : it kills itself before
        so many times it has written something down or asked Slurm."""
        command = [sys.executable, __file__, str(self.path), str(die_at), *words]
        return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def drive(self, *words: str, die_at: int = 0) -> tuple[int, dict[str, str]]:
        """Exit status, and outcomes of what this process learnt of: word -> error, "" where it was made."""
        process = self.start(*words, die_at=die_at)
        out, error = process.communicate(timeout=120)
        assert not process.returncode or process.returncode < 0, error
        return process.returncode, json.loads(out) if out else {}


def run(fleet: Fleet, words: Iterable[str] = (), *, seconds: float = 90) -> dict[str, str]:
    """Drive a fleet until all of these came to an end. Returns the error of each, "" where it was made."""
    words = set(words)
    fleet.submit([spec(word) for word in sorted(words)])
    found: dict[str, str] = {}

    def are_ended() -> bool:
        found.update(ended(fleet.poll()))
        return set(found) >= words

    until(are_ended, f"of {sorted(words)} some did not come to an end", seconds)
    return found


def ended(outcomes: Iterable[Outcome]) -> dict[str, str]:
    return {word_of(one.spec): one.error for one in outcomes}


def until(condition: Callable[[], bool], otherwise: str, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, otherwise
        time.sleep(0.02)


def die_at(number: int) -> None:
    """Have this process killed when it writes something down, or asks Slurm, for this time."""
    left = iter(range(number - 1, -1, -1))

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if next(left, None) == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **named)

        return call

    hpc.arrays.write_whole = hpc.fleet.write_whole = counted(hpc.arrays.write_whole)  # type: ignore[attr-defined]
    hpc.slurm._ask = counted(hpc.slurm._ask)


def main() -> None:
    place, words = Place(Path(sys.argv[1])), sys.argv[3:]
    die_at(int(sys.argv[2]))
    fleet = place.fleet()
    fleet.adopt()
    left = [word for word in words if not (place.made / word).exists()]
    sys.stdout.write(json.dumps(run(fleet, left)))


if __name__ == "__main__":
    main()
