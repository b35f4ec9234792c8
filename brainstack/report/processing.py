"""Chapter: what ran, when, how long, with how much memory, on which machine, in which version."""

from __future__ import annotations

import os
import platform
import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from brainstack.last_run import DONE, FAILED, KILLED, RUNNING, STOPPED, WAITING
from brainstack.records import Ran
from brainstack.report.packages import packages_here
from brainstack.report.plots import bars
from brainstack.report.runs import LoggedRun, run_of
from brainstack.report.source import Source
from brainstack.report.templating import duration
from brainstack.stages import STAGES
from brainstack.versions import brainstack_version

SHOWN = {"failed": "failed", "blocked": "held up", "stale": "stale", "to do": "to do"}
"""State of a step that is not done -> what it is called."""
OUTCOMES = {
    DONE: "done",
    WAITING: "waits for people to approve masks",
    FAILED: "failed",
    STOPPED: "was stopped by a person",
    KILLED: "was killed, or the computer went down",
    RUNNING: "is at work",
    "": "not noted",
}
"""How a run ended -> in words."""
NOTHING_MADE = {DONE: "nothing was to be made", WAITING: "nothing can be made before that"}
MOST_RUNS = 12
"""Runs that are not folded away."""


@dataclass(frozen=True)
class StageRow:
    """Of a stage, the last try of each step. of : how many steps the animal has. others : (state, how many), of those
    that are not done. longest : the step that took longest, in words."""

    stage: str
    done: int
    of: int
    others: tuple[tuple[str, int], ...]
    steps: int
    seconds: float
    median_s: float
    longest_s: float
    longest: str
    memory_gb: float
    hosts: str
    versions: str
    last_at: str


@dataclass(frozen=True)
class RunRow:
    """One run, as far as its log is kept: everything between its begin and that of the next. outcome : in words; look :
    the state whose colour it has. made, failed : how many steps. reason : why it ended before its time, or why it made
    nothing."""

    began_at: str
    outcome: str
    look: str
    reason: str
    made: int
    failed: int
    wall: str
    step_time: str
    memory_gb: float
    hosts: str
    stages: str


@dataclass(frozen=True)
class ProcessingChapter:
    stages: tuple[StageRow, ...]
    runs: tuple[RunRow, ...]
    earlier_runs: tuple[RunRow, ...]
    bars: str
    hosts: tuple[str, ...]
    machine: tuple[tuple[str, str], ...]
    packages: tuple[tuple[str, str], ...]
    total: str


def processing_chapter(source: Source) -> ProcessingChapter:
    rows = tuple(_stages(source))
    runs = _runs(source)
    timed = [(one.stage, one.seconds, f"{duration(one.seconds)}, {one.steps} step{'s' * (one.steps != 1)}")
             for one in rows if one.seconds > 0]  # fmt: skip
    return ProcessingChapter(
        stages=rows,
        runs=tuple(runs[:MOST_RUNS]),
        earlier_runs=tuple(runs[MOST_RUNS:]),
        bars=bars(timed, "Time of each stage") if timed else "",
        hosts=tuple(sorted({one.host for one in source.ran})),
        machine=tuple(_machine()),
        packages=tuple(packages_here().items()),
        total=duration(sum(one.seconds for one in rows)),
    )


# Stages


def _stages(source: Source) -> list[StageRow]:
    last: dict[str, dict[tuple[int, str], Ran]] = defaultdict(dict)
    for one in source.ran:
        last[one.stage][one.channel, one.item] = one
    rows = []
    for stage in STAGES:
        ran = list(last[stage].values())
        states = Counter(source.progress.state(step) for step in source.plan.steps(stage))
        if ran or states:
            rows.append(_stage(stage, ran, states))
    return rows


def _stage(stage: str, ran: Sequence[Ran], states: Counter[str]) -> StageRow:
    longest = max(ran, key=lambda one: one.seconds, default=None)
    return StageRow(
        stage=stage,
        done=states["done"],
        of=sum(states.values()),
        others=tuple((SHOWN[state], states[state]) for state in SHOWN if states[state]),
        steps=len(ran),
        seconds=sum(one.seconds for one in ran),
        median_s=statistics.median([one.seconds for one in ran]) if ran else 0.0,
        longest_s=longest.seconds if longest else 0.0,
        longest=_item(longest) if longest else "",
        memory_gb=max((one.memory_gb for one in ran), default=0.0),
        hosts=", ".join(sorted({one.host for one in ran})),
        versions=", ".join(sorted({one.version for one in ran if one.version})),
        last_at=_minute(max((one.started_at for one in ran), default="")),
    )


def _item(ran: Ran) -> str:
    return " ".join(filter(None, [ran.item, f"channel {ran.channel}" if ran.channel else ""]))


def _minute(iso: str) -> str:
    return iso.replace("T", " ")[:16]


# Runs


def _runs(source: Source) -> list[RunRow]:
    """The latest first. A run begins where its log does; what ran before the oldest log that is kept is together."""
    by_run: dict[int, list[tuple[datetime, Ran]]] = {place: [] for place in range(len(source.runs))}
    for one in source.ran:
        started = datetime.fromisoformat(one.started_at)
        by_run.setdefault(run_of(source.runs, started), []).append((started, one))
    return [_run(source.runs[place] if place >= 0 else None, by_run[place]) for place in sorted(by_run, reverse=True)]


def _run(logged: LoggedRun | None, timed: Sequence[tuple[datetime, Ran]]) -> RunRow:
    """logged : None for all that ran before the oldest log."""
    ran = [one for _, one in timed]
    began = logged.began if logged else min((at for at, _ in timed), default=None)
    ended = max((at + timedelta(seconds=one.seconds) for at, one in timed), default=None)
    wall = duration((ended - began).total_seconds()) if began and ended and logged else ""
    stages = list(dict.fromkeys(one.stage for one in ran))
    outcome = logged.outcome if logged else ""
    failed = sum(bool(one.error) for one in ran)
    return RunRow(
        began_at=("" if logged else "before ") + (f"{began:%Y-%m-%d %H:%M}" if began else ""),
        outcome=OUTCOMES.get(outcome, outcome),
        look={FAILED: "failed", KILLED: "failed", STOPPED: "stale", WAITING: "stale"}.get(outcome, ""),
        reason=(logged.reason if logged else "") or ("" if ran else NOTHING_MADE.get(outcome, "nothing was made")),
        made=sum(not one.error for one in ran),
        failed=failed if logged is None or logged.failed is None else logged.failed,
        wall=wall,
        step_time=duration(sum(one.seconds for one in ran)) if ran else "",
        memory_gb=max((one.memory_gb for one in ran), default=0.0),
        hosts=", ".join(sorted({one.host for one in ran})),
        stages=", ".join(stages[:4]) + (f" and {len(stages) - 4} more" if len(stages) > 4 else ""),
    )


# Machine and versions


def _machine() -> list[tuple[str, str]]:
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return [
        ("name", platform.node()),
        ("system", f"{platform.system()} {platform.release()}, {platform.machine()}"),
        ("cores, memory", f"{os.cpu_count()} cores, {memory_gb:.0f} GB"),
        ("Python", platform.python_version()),
        ("brainstack", brainstack_version()),
    ]
