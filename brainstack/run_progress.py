"""How far a run is, read from its log, and what Luigi says beside it, as they grow: whoever started it, and whoever
looks."""

from __future__ import annotations

import re
import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from brainstack.stages import STAGES

TIME = r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d "
SAID = re.compile(TIME + r"(?P<animal>\S+) (?P<what>[A-Z][^|]*?) \| (?P<said>.*)$")
"""What brainstack says of a step (run_log.py)."""
OURS = re.compile(TIME + r"(?!\()")
TO_DO = re.compile(r"\(luigi-interface .* that task\s+(?P<id>(?P<stage>[A-Za-z]+)_\S+)\s+has status\s+PENDING")
GONE_THROUGH = re.compile(r"\(luigi-interface .*\] Worker Worker\(.*\) done\s+(?P<stage>[A-Za-z]+)\((?P<words>.*)\)$")
"""What Luigi says: of a task that has to be made, and of one, or a batch of them, that was gone through, also where it
turned out to be as it should be."""
BATCH = re.compile(r"\b(?:section|slide|piece|layer)=([^=]*?)(?:@\w+)?(?=, \w+=|$)")
SHOWN = 200
"""Lines of the log that are kept for people to see: what brainstack says."""


@dataclass(frozen=True)
class StageProgress:
    """expected : steps that have to be looked at. passed : of these, so many were made, failed, or were as they should
    be. made, failed : steps."""

    stage: str
    expected: int
    passed: int
    made: int
    failed: int


@dataclass(frozen=True)
class RunProgress:
    """stages : in order, those of which anything has to be made. now : what is being made. failures : each step that
    failed, with its sentence. lines : the end of the log."""

    stages: tuple[StageProgress, ...]
    now: tuple[str, ...]
    failures: tuple[tuple[str, str], ...]
    lines: tuple[str, ...]

    @property
    def expected(self) -> int:
        return sum(one.expected for one in self.stages)

    @property
    def passed(self) -> int:
        return sum(one.passed for one in self.stages)

    @property
    def made(self) -> int:
        return sum(one.made for one in self.stages)


def luigi_log(log: Path) -> Path:
    """What Luigi says in the run of a log. It is no .log: of those there is one a run."""
    return log.with_name(f"{log.stem}-luigi.out")


class RunLog:
    """A log that is read on from where it was read before. Several threads may ask."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read = {path: 0, luigi_log(path): 0}
        self._to_do: dict[str, set[str]] = {}
        self._passed: Counter[str] = Counter()
        self._made: Counter[str] = Counter()
        self._failed: dict[str, str] = {}
        self._now: dict[str, None] = {}
        self._lines: deque[str] = deque(maxlen=SHOWN)
        self._lock = threading.Lock()

    def progress(self) -> RunProgress:
        """As of now. A log that is not there says nothing."""
        with self._lock:
            for file in self._read:
                for line in self._new_lines(file):
                    self._take(line)
            failed = Counter(_stage(what) for what in self._failed)
            return RunProgress(
                tuple(self._stage(stage, failed) for stage in STAGES if self._to_do.get(stage) or self._made[stage]),
                tuple(self._now),
                tuple(self._failed.items()),
                tuple(self._lines),
            )

    def _stage(self, stage: str, failed: Mapping[str, int]) -> StageProgress:
        made, lost = self._made[stage], failed.get(stage, 0)
        expected = max(len(self._to_do.get(stage, ())), made + lost)
        return StageProgress(stage, expected, min(expected, max(self._passed[stage], made + lost)), made, lost)

    def _new_lines(self, path: Path) -> list[str]:
        if not path.is_file():
            return []
        with path.open("rb") as file:
            file.seek(self._read[path])
            new = file.read()
        whole, _, _ = new.rpartition(b"\n")
        self._read[path] += len(whole) + (1 if whole else 0)
        return whole.decode(errors="replace").splitlines()

    def _take(self, line: str) -> None:
        if found := TO_DO.search(line):
            self._to_do.setdefault(found["stage"], set()).add(found["id"])
        elif found := GONE_THROUGH.search(line):
            batch = BATCH.search(found["words"])
            self._passed[found["stage"]] += batch[1].count(",") + 1 if batch else 1
        elif found := SAID.match(line):
            self._take_said(found["what"], found["said"])
        if OURS.match(line):
            self._lines.append(line)

    def _take_said(self, what: str, said: str) -> None:
        if said == "started":
            self._now[what] = None
        elif said.startswith("done in "):
            self._now.pop(what, None)
            self._failed.pop(what, None)
            self._made[_stage(what)] += 1
        elif said.startswith("failed: "):
            self._now.pop(what, None)
            self._failed[what] = said.removeprefix("failed: ")


def _stage(what: str) -> str:
    return what.partition(" ")[0]
