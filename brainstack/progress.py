"""How far an animal is: which steps of its plan are done, by the stamps on the disk."""

from __future__ import annotations

from pathlib import Path

from brainstack.files.listing import Listing
from brainstack.plan import Plan
from brainstack.stages import STAGES
from brainstack.stamps import Stamps, Step

STATES = ("done", "failed", "blocked", "stale", "to do")
"""Of a step: as it should be; failed in the last run; kept from being made by one that failed; made, but of other
things than there are now; never made."""


class Progress:
    """Which steps are done, by the stamps on the disk.

    A step that is done stays so for the length of a run, as nothing that it read can change: this is remembered.
    """

    def __init__(self, plan: Plan, stamps: Stamps) -> None:
        self.plan = plan
        self.stamps = stamps
        self._done: set[Step] = set()
        self._listing = Listing()

    def is_done(self, step: Step) -> bool:
        """True when all that a step reads is done, its output is there, and its stamp is the one expected."""
        if step in self._done:
            return True
        if self.plan.is_blocked(step) or not all(self.is_done(one.step) for one in self.plan.inputs(step)):
            return False
        stamp = self.stamps.read(step)
        done = (
            stamp is not None
            and stamp.digest == self.plan.expected(step, self.stamps)
            and all(self._is_there(path) for path in STAGES[step.stage].outputs(self.plan, step))
            and (step.stage != "Meta" or step.item in self.plan.slides)
        )
        if done:
            self._done.add(step)
        return done

    def _is_there(self, path: Path) -> bool:
        return self._listing.has(path) or path.exists()

    def state(self, step: Step) -> str:
        """One of STATES."""
        if step in self.plan.failed:
            return "failed"
        if self.plan.is_blocked(step):
            return "blocked"
        if self.is_done(step):
            return "done"
        return "to do" if self.stamps.read(step) is None else "stale"
