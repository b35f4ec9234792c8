"""A Slurm that is none: its commands answer as the real ones and run jobs here, and things go wrong as a test wants.

    with FakeSlurm(folder) as slurm:
        slurm.faults(sbatch=["timeout"], elements={"*:3": ["OUT_OF_MEMORY"]})

What can go wrong is told in commands.py, FAULTS.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self

from slurm_asking import Slurm

BIN = Path(__file__).parent / "bin"


class FakeSlurm(Slurm):
    def __init__(self, folder: Path) -> None:
        """folder : an empty one for what the commands know, of this Slurm only"""
        self.folder = folder

    @property
    def environment(self) -> dict[str, str]:
        path = f"{BIN}:{os.environ.get('PATH', os.defpath)}"
        return {"FAKE_SLURM_DIR": str(self.folder), "FAKE_SLURM_PYTHON": sys.executable, "PATH": path}

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "closed").unlink(missing_ok=True)
        self.run("squeue")
        (self.folder / "calls.jsonl").unlink()
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing that it runs is left, and its commands do not answer any more."""
        (self.folder / "closed").touch()
        with (self.folder / "daemon.lock").open("a") as lock:
            self.wait_for(lambda: _taken(lock), "what runs jobs does not end")

    def faults(self, **said: Any) -> None:
        """What goes wrong from now on, and nothing else: keys of FAULTS in commands.py. Counts of calls begin anew."""
        new = self.folder / "faults.new"
        new.write_text(json.dumps(said))
        with sqlite3.connect(self.folder / "state.sqlite", timeout=60) as database:
            database.execute("DELETE FROM used WHERE key NOT IN ('job', 'node')")
        database.close()
        new.replace(self.folder / "faults.json")

    def calls(self, command: str | None = None) -> list[dict[str, Any]]:
        """Calls so far, of all commands or of one: time (seconds since 1970), command, argv and pid."""
        file = self.folder / "calls.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return [call for call in map(json.loads, lines) if command in (None, call["command"])]

    def last_of_the_log(self) -> str:
        log = self.folder / "daemon.log"
        return log.read_text()[-2000:] if log.exists() else "none"


def _taken(lock: IO[str]) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
