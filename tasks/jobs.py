"""A task that is made on a cluster, in Luigi's list of running tasks: it takes no process while it waits."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from luigi.worker import TaskStatusReporter

from hpc.fleet import Fleet
from tasks.base import AnimalTask
from tasks.cluster import spec_of


@dataclass
class ClusterJob:
    """task : a batch or a single one. waiting : its members that have not come to an end, by their keys.

    Luigi asks a process whether it lives; this one always does, and its end is told by the fleet.
    """

    task: AnimalTask
    members: list[AnimalTask]
    fleet: Fleet
    status_reporter: TaskStatusReporter
    waiting: dict[str, AnimalTask] = field(default_factory=dict)
    failed: bool = False
    said: str = ""
    exitcode: int | None = None
    timeout_time: float | None = None
    use_multiprocessing: bool = True

    def start(self) -> None:
        specs = [spec_of(one.step, one.animal) for one in self.members]
        self.waiting = {spec.key: task for spec, task in zip(specs, self.members, strict=True)}
        self.fleet.submit(specs)

    def is_alive(self) -> bool:
        return True

    def terminate(self) -> None:
        """What is on the cluster goes on; ending it is `fleet.cancel`."""

    def join(self, *arguments: Any) -> None:
        pass

    def tell(self) -> str:
        """Say on luigid's page how far its stage is; and return that."""
        said = self.fleet.summary(self.task.task_family)
        if said and said != self.said:
            self.said = said
            self.status_reporter.update_status_message(said)
            done = len(self.members) - len(self.waiting)
            self.status_reporter.update_progress_percentage(round(100 * done / len(self.members)))
        return said


def link_to(path: Path | None) -> str | None:
    return path.as_uri() if path else None
