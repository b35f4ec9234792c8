"""What a report is made from, read once: the plan, what is done of it, what failed, the log, and what people said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from brainstack.database import open_database
from brainstack.environment import database_url
from brainstack.mask_areas import rows_in_doubt, said_of_mask
from brainstack.plan import Plan
from brainstack.planning import failed_still, progress_of
from brainstack.progress import Progress
from brainstack.records import Ran, Section
from brainstack.report.pictures import PictureBox
from brainstack.report.runs import LoggedRun, runs_of
from brainstack.said import Decided, JournalEntry
from brainstack.stamps import Step


@dataclass(frozen=True)
class Source:
    """failed : each step that failed in the last run, or before and was not tried since, with its sentence. ran : the
    log of all steps, by time. made_at : of the report."""

    plan: Plan
    progress: Progress
    failed: Mapping[Step, str]
    ran: Sequence[Ran]
    decided: Sequence[Decided]
    notes: Sequence[JournalEntry]
    box: PictureBox
    made_at: datetime

    @property
    def prep_id(self) -> str:
        return self.plan.folder.prep_id

    @property
    def pixel_size_um(self) -> float | None:
        """Of a thumbnail; None where nobody has said how large the scan's pixels are."""
        resolution_um = self.plan.records.scan_run.resolution_um
        return None if resolution_um is None else self.plan.pixel_size_um

    @cached_property
    def runs(self) -> tuple[LoggedRun, ...]:
        """All of which a log is kept, by time."""
        return runs_of(self.plan.folder)

    @cached_property
    def last_tries(self) -> tuple[Ran, ...]:
        """Of each step, by the log."""
        return tuple({(one.stage, one.channel, one.item): one for one in self.ran}.values())

    @cached_property
    def mask_doubts(self) -> dict[str, str]:
        """Of each section whose mask is in doubt, by key, the sentence that says why."""
        return {one.key: said_of_mask(self.plan, one.key) for one in rows_in_doubt(self.plan)}

    def troubles_of(self, section: Section) -> list[tuple[Step, str]]:
        """What failed of a section, its pairs and its slide."""
        return self._troubles.get(section.key, []) + self._troubles.get(section.slide, [])

    @cached_property
    def _troubles(self) -> dict[str, list[tuple[Step, str]]]:
        found: dict[str, list[tuple[Step, str]]] = {}
        for step, sentence in sorted(self.failed.items()):
            for name in step.item.split(".."):
                if name:
                    found.setdefault(name, []).append((step, sentence))
        return found


def source_of(plan: Plan, progress: Progress | None = None, *, quick: bool = False) -> Source:
    """progress : of the plan, where somebody has looked already. quick : see PictureBox. Changes nothing."""
    prep_id, folder = plan.folder.prep_id, plan.folder
    with open_database(database_url()) as database:
        ran, decided, notes = database.log_of(prep_id), database.decided(prep_id), database.notes(prep_id)
    box = PictureBox(folder.root, folder.report_pictures, quick=quick)
    progress = progress or progress_of(plan)
    return Source(plan, progress, failed_still(progress), ran, decided, notes, box, datetime.now(UTC))
