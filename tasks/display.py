"""What a person sees of a run: a bar a stage in a terminal, a line a stage elsewhere, and a table at the end."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from brainstack.alignment_report import doubtful_sections
from brainstack.approval import differences
from brainstack.brightness import doubts
from brainstack.mask_approvals import waiting
from brainstack.mask_areas import doubtful_masks
from brainstack.plan import Plan
from brainstack.records import Ran
from brainstack.slide_notes import heading
from brainstack.stages import STAGES
from brainstack.stamps import Stamps, Step
from brainstack.status import failures
from brainstack.status_screen import show_failures
from tasks import children

SAY_S = 60.0
"""Between two lines about a stage on a cluster."""


class Display:
    """Progress of one animal's run. animal : its name. log : the run's log, named where something failed.
    command : that a person gave, to be told again."""

    def __init__(self, animal: str, log: Path, command: str) -> None:
        self._animal = animal
        self._command = command
        self._log = log
        self._console = Console(stderr=True)
        self._started = time.monotonic()
        self._expected: dict[str, int] = {}
        self._said: set[str] = set()
        self._told: dict[str, str] = {}
        self._told_at: dict[str, float] = {}
        self._bars: Progress | None = None
        self._bar_of: dict[str, TaskID] = {}

    def announce(self, sentence: str) -> None:
        """Say something before it starts."""
        if sentence:
            self._console.print(sentence, markup=False, highlight=False, soft_wrap=True)

    def tell(self, stage: str, sentence: str) -> None:
        """How far a stage is on a cluster: beside its bar, or a line when that is news, and not too often."""
        if not sentence:
            return
        if self._console.is_terminal and stage in self._bar_of and self._bars is not None:
            self._bars.update(self._bar_of[stage], description=f"{stage:18} {sentence}")
        elif sentence != self._told.get(stage) and time.monotonic() - self._told_at.get(stage, 0.0) > SAY_S:
            self._told[stage], self._told_at[stage] = sentence, time.monotonic()
            self._console.print(f"{self._animal} {stage}: {sentence}", markup=False, highlight=False)

    def expect(self, stage: str, count: int) -> None:
        self._expected[stage] = count

    def refresh(self) -> None:
        """Called whenever something may have moved."""
        for stage in STAGES:
            expected = self._expected.get(stage, 0)
            made, failed, left = (children.counted(stage, outcome) for outcome in children.OUTCOMES)
            if self._console.is_terminal:
                self._move_bar(stage, made + failed, expected - left)
            elif made + failed + left >= expected > 0 and made + failed and stage not in self._said:
                self._said.add(stage)
                lost = f", {failed} failed" if failed else ""
                self._console.print(f"{self._animal} {stage}: {made} made{lost}, {self._elapsed()}", highlight=False)

    def _move_bar(self, stage: str, made: int, expected: int) -> None:
        if expected <= 0:
            return
        if self._bars is None:
            columns = (TextColumn("{task.description:18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._bars = Progress(*columns, console=self._console, auto_refresh=False)
            self._bars.start()
        if stage not in self._bar_of:
            self._bar_of[stage] = self._bars.add_task(stage, total=expected)
        self._bars.update(self._bar_of[stage], completed=made, total=max(made, expected))
        self._bars.refresh()

    def _elapsed(self) -> str:
        return f"{time.monotonic() - self._started:.1f} s since the start"

    def interrupted(self, plan: Plan, failed: dict[Step, str]) -> None:
        self._stop()
        self._show_failures(plan, failed)
        self._console.print("Stopped. What was finished stays; run the same command again to go on.")

    def broken(self, sentence: str) -> None:
        self._stop()
        self._console.print(f"{self._animal}: {sentence}", markup=False, highlight=False)
        self._show_log()

    def finish(self, plan: Plan, failed: dict[Step, str], ran: list[Ran]) -> None:
        """The table of what was made, the failures with their sentences, and how to look at it."""
        self.refresh()
        self._stop()
        if ran:
            self._console.print(table_of(plan, failed, ran, time.monotonic() - self._started))
        elif not failed:
            waits = waiting(plan, Stamps(plan.folder.stamps))
            said = "nothing that can be made now." if waits else "nothing to do, all is as it should be."
            self._console.print(f"{self._animal}: {said}")
        doubtful = [*doubtful_masks(plan), *doubtful_sections(plan), *doubts(plan, Stamps(plan.folder.stamps))]
        for line in (*heading(plan)[1:], *differences(plan), *doubtful):
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)
        if any((plan.folder.volume(one.number) / "info").exists() for one in plan.channels):
            self._console.print(f"Look at it with: brainstack view {self._animal}")
        for line in waiting(plan, Stamps(plan.folder.stamps)):
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)
        self._show_failures(plan, failed)
        if failed:
            self._console.print(f"Once that is mended: {self._command}", markup=False, soft_wrap=True, highlight=False)

    def _show_failures(self, plan: Plan, failed: dict[Step, str]) -> None:
        if failed:
            show_failures(failures(plan, failed), self._console, prep_id=self._animal)
            self._show_log()

    def _show_log(self) -> None:
        self._console.print(f"The run's log: {self._log}", soft_wrap=True, highlight=False)

    def _stop(self) -> None:
        if self._bars is not None:
            self._bars.stop()
            self._bars = None


def table_of(plan: Plan, failed: dict[Step, str], ran: list[Ran], wall_seconds: float) -> Table:
    """By stage: how many were made and failed, and the time and memory that took."""
    table = Table(title=f"{plan.folder.prep_id}, {wall_seconds:.0f} s", title_justify="left")
    table.add_column("stage")
    for name in ("made", "failed", "seconds", "most memory"):
        table.add_column(name, justify="right")
    made = Counter(one.stage for one in ran if not one.error)
    lost = Counter(step.stage for step in failed)
    seconds: Counter[str] = Counter()
    memory_gb: dict[str, float] = {}
    for one in ran:
        seconds[one.stage] += one.seconds  # type: ignore[assignment]
        memory_gb[one.stage] = max(memory_gb.get(one.stage, 0.0), one.memory_gb)
    for stage in [stage for stage in STAGES if made[stage] or lost[stage]]:
        failures = f"[red]{lost[stage]}[/red]" if lost[stage] else ""
        memory = f"{memory_gb.get(stage, 0.0):.2f} GB"
        table.add_row(stage, str(made[stage]), failures, f"{seconds[stage]:.1f}", memory)
    return table
