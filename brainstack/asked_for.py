"""Whether what was made only because somebody asked for it, exports and the like, is as it would be made now."""

from __future__ import annotations

from brainstack.progress import Progress
from brainstack.stages import STAGES
from brainstack.stamps import Step

NOT_RENEWED = ("ExportSection", "FullInfo", "FullSlab", "TrainMasks")
"""Stages that others ask for, which are stale with them; and a model, which people train anew when they want another
one."""


def stale_asked(progress: Progress) -> list[Step]:
    """What was asked for and made, and would come out otherwise now."""
    return [
        step
        for stage in STAGES
        if stage not in NOT_RENEWED
        for step in progress.plan.asked(stage)
        if progress.stamps.read(step) is not None and progress.state(step) == "stale"
    ]
