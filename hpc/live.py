"""An array that is not settled yet, as this process knows it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hpc.arrays import ArrayFolder, Manifest, read_claim, read_end, write_jobs
from hpc.backend import Job
from hpc.verdicts import Known


@dataclass
class Array:
    """jobs : the queue's numbers for it. ours : submitted by this process. seen : what the queue said last of each
    element. missing_since, ended_since : since when it has not named one, or has called it ended. settled : elements
    that are done with. failed : those of them by a task's own error."""

    folder: ArrayFolder
    manifest: Manifest
    jobs: list[str]
    ours: bool
    seen: dict[int, Job] = field(default_factory=dict)
    missing_since: dict[int, float] = field(default_factory=dict)
    ended_since: dict[int, float] = field(default_factory=dict)
    settled: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)

    @property
    def open(self) -> list[int]:
        return [index for index in range(len(self.manifest.elements)) if index not in self.settled]

    @property
    def idle(self) -> list[int]:
        """Elements that have not begun."""
        claimed = self.folder.claimed_elements()
        return [index for index in self.open if index not in claimed]

    @property
    def age_s(self) -> float:
        return (datetime.now(UTC) - datetime.fromisoformat(self.manifest.made_at)).total_seconds()

    def node(self, index: int) -> str:
        job = self.seen.get(index)
        return job.node if job else ""

    def note(self, jobs: Iterable[Job]) -> None:
        """Learn what the queue said. It may know two arrays of this name, where it took one without saying so: of an
        element in both the one counts that is alive."""
        found: dict[int, Job] = {}
        for job in (jobs := sorted(jobs, key=lambda one: one.is_alive)):
            found[job.index] = job
        if numbers := sorted({job.array for job in jobs} - set(self.jobs)):
            self.jobs += numbers
            write_jobs(self.folder, self.jobs)
        clock = time.monotonic()
        for index in self.open:
            if (known := found.get(index)) is None:
                self.missing_since.setdefault(index, clock)
                continue
            self.missing_since.pop(index, None)
            self.seen[index] = known
            if known.is_alive:
                self.ended_since.pop(index, None)
            else:
                self.ended_since.setdefault(index, clock)

    def is_missing(self, seconds: float) -> bool:
        """True where the queue has not named some element for so long."""
        return any(time.monotonic() - self.missing_since.get(index, float("inf")) >= seconds for index in self.open)

    def known(self, index: int, booked: Mapping[tuple[str, int], Job] | None = None) -> Known:
        """What there is to judge an element by. booked : what the queue's books say; None where it was not asked."""
        if (end := read_end(self.folder, index)) is not None:
            return Known(end=end)
        clock = time.monotonic()
        since = self.missing_since.get(index)
        job = self.seen.get(index) if since is None else None
        if job is not None and job.is_alive:
            return Known(job=job)
        return Known(
            job=job,
            claim=read_claim(self.folder, index),
            booked=next((one for number in self.jobs if (one := (booked or {}).get((number, index)))), None),
            asked=booked is not None,
            unseen_s=0.0 if since is None else clock - since,
            ended_s=clock - self.ended_since.get(index, clock),
        )
