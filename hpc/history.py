"""What elements of arrays used: for the length of the next ones, and for advice on what to ask for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hpc.arrays import naming


@dataclass(frozen=True)
class Used:
    """What an element used of what it had asked for. element : its array and number. seconds : of wall time."""

    element: str
    stage: str
    at: str
    seconds: float
    task_seconds: tuple[float, ...]
    core_seconds: float
    memory_gb: float
    cores: int
    asked_memory_gb: float
    asked_minutes: float
    cause: str = ""


@dataclass
class History:
    """All elements that ended, in a file."""

    path: Path
    _seconds: list[tuple[str, float]] | None = field(default=None, repr=False)

    def add(self, used: Used) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with naming(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(f"\n{json.dumps(asdict(used))}\n")  # in case that the line before was torn by a kill
        if self._seconds is not None:
            self._seconds += [(used.stage, one) for one in used.task_seconds]

    def all(self) -> Iterator[Used]:
        """Each element once: whoever went on for a killed process may have noted it again."""
        seen: set[str] = set()
        if not self.path.exists():
            return
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                content = json.loads(line)
            except ValueError:  # torn, or empty
                continue
            if content["element"] not in seen:
                seen.add(content["element"])
                yield Used(**content | {"task_seconds": tuple(content["task_seconds"])})

    def seconds(self) -> list[tuple[str, float]]:
        """(stage, seconds) of each task, the oldest first."""
        if self._seconds is None:
            self._seconds = [(used.stage, one) for used in self.all() for one in used.task_seconds]
        return self._seconds
