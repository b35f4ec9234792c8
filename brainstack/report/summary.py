"""The animal in a few numbers: the head of its report, and its row among others."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from brainstack.disk_space import sizes_of
from brainstack.gains import channel_gain, has_gain
from brainstack.last_run import KILLED, RUNNING, STOPPED
from brainstack.mask_areas import read_mask_areas, rows_in_doubt
from brainstack.report.alignment_table import alignment_table, median
from brainstack.report.source import Source
from brainstack.stages import STAGES

DONE, FAILED, OPEN, NOTHING = "done", "failed", "not finished", "nothing has run"
"""How an animal is. not finished : something is to be made, or was made of other things than there are now."""


@dataclass(frozen=True)
class Summary:
    """doubtful_masks, doubtful_places : keys of sections. by_hand : sections that people placed. jitter_um,
    jitter_deg : how far, and by how much turned, a section lay from the one before, the median. metric : masked
    correlation of neighbours after alignment, the median. residual_um : of their pairs, the median. seconds : of all
    steps together, as of the last try of each. bytes : of TIFFs and volumes. Numbers that are not known are None."""

    prep_id: str
    state: str
    slides: int
    sections: int
    gaps: int
    copies: int
    channels: tuple[str, ...]
    failed_steps: int
    failed_sections: tuple[str, ...]
    doubtful_masks: tuple[str, ...]
    doubtful_places: tuple[str, ...]
    edited_masks: int
    by_hand: int
    area_mm2: float | None
    jitter_um: float | None
    jitter_deg: float | None
    metric: float | None
    residual_um: float | None
    gains: Mapping[str, float]
    seconds: float
    memory_gb: float
    bytes: int
    states: Mapping[str, int]
    last_ran_at: str


def summary_of(source: Source) -> Summary:
    plan, table = source.plan, alignment_table(source.plan)
    states = Counter(source.progress.state(step) for stage in STAGES for step in plan.steps(stage))
    last = {(one.stage, one.channel, one.item): one for one in source.ran}
    sizes = sizes_of(plan)
    areas = [one.area_um2 / 1e6 for one in read_mask_areas(plan.folder.mask_areas) if one.key in plan.section]
    jitter_um, jitter_deg = _jitter(source)
    return Summary(
        prep_id=source.prep_id,
        state=_state(source, states),
        slides=len({plan.slide_number(file) for file in plan.czi_files}),
        sections=len(plan.sections),
        gaps=sum(one.gap for one in plan.sections),
        copies=sum(one.copy > 0 for one in plan.sections),
        channels=tuple(one.name for one in plan.channels),
        failed_steps=len(source.failed),
        failed_sections=tuple(one.key for one in plan.sections if source.troubles_of(one)),
        doubtful_masks=tuple(one.key for one in rows_in_doubt(plan)),
        doubtful_places=tuple(one.section for one in table.sections if one.verdict == "doubtful"),
        edited_masks=len([key for key in plan.edits if key in plan.section]),
        by_hand=sum(one.by_hand for one in table.sections),
        area_mm2=median(areas),
        jitter_um=jitter_um,
        jitter_deg=jitter_deg,
        metric=median([one.metric for one in table.neighbours()]),
        residual_um=median([one.residual_um for one in table.neighbours()]),
        gains=_gains(source),
        seconds=sum(one.seconds for one in last.values()),
        memory_gb=max((one.memory_gb for one in last.values()), default=0.0),
        bytes=sizes.tif_bytes + sum(sizes.volumes.values()),
        states=dict(states),
        last_ran_at=max((one.started_at for one in source.ran), default=""),
    )


def _gains(source: Source) -> dict[str, float]:
    """By channel; none where they are not known, which the chapter on brightness says."""
    plan = source.plan
    try:
        return {
            f"{one.number} {one.name}": channel_gain(plan, one.number)
            for one in plan.channels
            if not plan.is_colour and has_gain(plan, one.number)
        }
    except (OSError, ValueError):
        return {}


def _state(source: Source, states: Mapping[str, int]) -> str:
    if source.failed or (source.runs and source.runs[-1].reason):
        return FAILED
    if not source.ran and not source.plan.sections:
        return NOTHING
    is_open = any(states.get(name, 0) for name in ("stale", "to do", "blocked", "failed"))
    return OPEN if is_open or not source.plan.sections else DONE


@dataclass(frozen=True)
class Ended:
    """Of a last run that did not come to its end. is_failure : nobody wanted it so. is_over : it is not at work."""

    sentence: str
    is_failure: bool
    is_over: bool = True


def how_it_ended(source: Source) -> Ended | None:
    """None where the last run came to its end, or there was none."""
    if not source.runs:
        return None
    last = source.runs[-1]
    began = f"The last run, of {last.began:%Y-%m-%d %H:%M} UTC,"
    if last.outcome == RUNNING:
        began = f"A run that began {last.began:%Y-%m-%d %H:%M} UTC is at work"
        return Ended(f"{began}: this page is of how things were when it was made.", is_failure=False, is_over=False)
    if last.reason:
        return Ended(f"{began} ended before its time: {last.reason}", is_failure=True)
    if last.outcome == STOPPED:
        return Ended(f"{began} was stopped by a person.", is_failure=False)
    if last.outcome == KILLED:
        return Ended(f"{began} was killed, or its computer went down.", is_failure=True)
    return None


def _jitter(source: Source) -> tuple[float | None, float | None]:
    """Medians over sections that follow each other, of the distance and the angle between where they lay."""
    aligned = [one for one in alignment_table(source.plan).sections if one.verdict != "failed"]
    shifts = [
        math.hypot(after.shift_x_um - before.shift_x_um, after.shift_y_um - before.shift_y_um)
        for before, after in pairwise(aligned)
    ]
    turns = [abs(turned(after.rotation_rad - before.rotation_rad)) for before, after in pairwise(aligned)]
    return median(shifts), median([math.degrees(one) for one in turns])


def turned(angle_rad: float) -> float:
    """The same angle, between minus half a turn and half a turn."""
    return math.remainder(angle_rad, 2 * math.pi)
