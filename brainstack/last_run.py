"""When an animal was run last, and how that ended: noted when a run begins, and again when it ends."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path

from brainstack.animal_folder import AnimalFolder
from brainstack.files.whole import write_json

DONE, WAITING, FAILED, STOPPED = "done", "waiting", "failed", "stopped"
KILLED, RUNNING = "killed", "running"
"""How a run ended. waiting : all was made that can be, and masks wait for approval. stopped : by a person, with Ctrl-C
or the like. killed : it ended without noting how."""


@dataclass(frozen=True)
class LastRun:
    """started_at, ended_at : ISO, in UTC; ended_at is "" where no end was noted. log : path of its log. outcome : DONE,
    WAITING, FAILED, STOPPED, or "" where no end was noted. made, failed : how many steps."""

    started_at: str
    log: str
    process: str
    outcome: str = ""
    ended_at: str = ""
    made: int = 0
    failed: int = 0


def begun_now(log: Path) -> LastRun:
    """A run by this process."""
    return LastRun(_now(), str(log), f"process {os.getpid()} on {os.uname().nodename}")


def note_begun(folder: AnimalFolder, run: LastRun) -> LastRun:
    """For whoever holds the animal's lock."""
    write_json(folder.last_run, asdict(run))
    return run


def note_ended(folder: AnimalFolder, run: LastRun, outcome: str, *, made: int, failed: int) -> None:
    ended = replace(run, outcome=outcome, ended_at=_now(), made=made, failed=failed)
    write_json(folder.last_run, asdict(ended))


def read_last_run(folder: AnimalFolder) -> LastRun | None:
    """None where there was no run yet, or only before runs were noted."""
    if not folder.last_run.exists():
        return None
    content = json.loads(folder.last_run.read_text(encoding="utf-8"))
    known = {field.name for field in fields(LastRun)}  # a newer brainstack may have noted more
    return LastRun(**{name: value for name, value in content.items() if name in known})


def outcome_of(run: LastRun, holder: str) -> str:
    """How a run ended, or that it goes on. holder : who holds the animal's lock, "" for nobody."""
    if run.outcome:
        return run.outcome
    return RUNNING if holder else KILLED


def local_time(iso: str) -> str:
    """A time as people read it, of the clock of this computer."""
    return f"{datetime.fromisoformat(iso).astimezone():%Y-%m-%d %H:%M}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
