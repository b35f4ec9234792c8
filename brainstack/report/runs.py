"""The runs of an animal, by their logs: when each began, how it ended, and with which packages it worked."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from brainstack.animal_folder import AnimalFolder
from brainstack.last_run import KILLED, RUNNING, read_last_run
from brainstack.locking import holder_of
from brainstack.report.packages import packages_from_words

TAIL_BYTES = 200_000
"""How much of a log's end is looked at first: the log of a large animal has tens of megabytes."""
HEAD_BYTES = 8_000
NAME = re.compile(r"\d{8}-\d{6}-")
"""Of a run's log: when it began, in UTC, and its process."""


@dataclass(frozen=True)
class LoggedRun:
    """outcome : see last_run; "" where an older brainstack noted none. made, failed : how many steps, as it said at its
    end; None where it did not. reason : why it ended before its time, in a sentence. packages : name -> version, none
    where an older brainstack did not note them."""

    began: datetime
    outcome: str = ""
    made: int | None = None
    failed: int | None = None
    reason: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)


def runs_of(folder: AnimalFolder) -> tuple[LoggedRun, ...]:
    """By time. Logs that cannot be read are of runs of which nothing more is known."""
    paths = sorted(path for path in folder.log("x").parent.glob("*.log") if NAME.match(path.name))
    holder = holder_of(folder)
    return tuple(_run(folder, path, is_living=bool(holder) and path == paths[-1]) for path in paths)


def run_of(runs: Sequence[LoggedRun], started_at: datetime) -> int:
    """Place of the run in which a step was begun; -1 where that was before the oldest log that is kept."""
    begins = [one.began for one in runs]
    return bisect_right(begins, started_at + timedelta(seconds=1)) - 1


def _run(folder: AnimalFolder, path: Path, *, is_living: bool) -> LoggedRun:
    began = datetime.strptime(path.name[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    try:
        head, tail = _ends(path)
    except OSError:
        return LoggedRun(began)
    packages = _last(folder, r"packages: (.*)", head)
    noted = packages_from_words(packages[1]) if packages else {}
    ended = _last(folder, r"ended, (\w+): (\d+) made, (\d+) failed", tail)
    gave_up = _last(folder, r"gave up: (.*)", tail)
    if ended is None:
        return LoggedRun(began, RUNNING if is_living else _unsaid(folder, path, head), packages=noted)
    return LoggedRun(began, ended[1], int(ended[2]), int(ended[3]), gave_up[1] if gave_up else "", noted)


def _unsaid(folder: AnimalFolder, path: Path, head: str) -> str:
    """How a run ended whose log does not say it: it was killed, or is older than such words."""
    try:
        last = read_last_run(folder)
    except (OSError, ValueError, TypeError):
        last = None
    if last is not None and Path(last.log).name == path.name:
        return last.outcome or KILLED
    return KILLED if _last(folder, r"started by ", head) else ""


def _ends(path: Path) -> tuple[str, str]:
    """The begin of a log, and its end: all of it where the end says nothing of how the run ended."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        size = file.seek(0, 2)
        file.seek(max(0, size - TAIL_BYTES))
        tail = file.read()
        if b" | ended, " not in tail:
            file.seek(0)
            tail = file.read()
    return head.decode(errors="replace"), tail.decode(errors="replace")


def _last(folder: AnimalFolder, words: str, text: str) -> re.Match[str] | None:
    """The last line that says it of this animal: several may be run at once, and each log takes what all say."""
    found = list(re.finditer(rf"^\S+ \S+ {re.escape(folder.prep_id)} \| {words}", text, re.MULTILINE))
    return found[-1] if found else None
