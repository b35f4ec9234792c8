"""ApprovedMasks: what Clean waits for where [review] require asks for it. People make it, and no task."""

from __future__ import annotations

import luigi

from brainstack.mask_approvals import is_required, may_go_on
from brainstack.stamps import Step
from tasks import current
from tasks.base import AnimalTask, BatchTask


class ApprovedMasks(luigi.ExternalTask, AnimalTask):  # type: ignore[misc]
    """All masks of the animal, approved by people: on the review page, or by `brainstack mask approve`."""

    @property
    def is_waiting(self) -> bool:
        return True

    def steps(self) -> tuple[Step, ...]:
        return ()

    def output(self) -> list[luigi.LocalTarget]:
        return []

    def complete(self) -> bool:
        return may_go_on(current.progress(self.animal))


class AfterApproval(BatchTask):
    """A stage that waits for it."""

    def requires(self) -> list[luigi.Task]:
        waits = is_required(self.plan) and not self.is_whole_stage
        return [*super().requires(), *([ApprovedMasks(animal=self.animal)] if waits else [])]
