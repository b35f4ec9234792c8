"""Chapter: what ran, when, how long, with how much memory, on which machine, in which version."""

from __future__ import annotations

import os
import platform
import statistics
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version

from brainstack.records import Ran
from brainstack.report.plots import bars
from brainstack.report.source import Source
from brainstack.stages import STAGES
from brainstack.versions import brainstack_version

PACKAGES = (
    "luigi", "numpy", "scipy", "scikit-image", "opencv-python-headless", "SimpleITK-SimpleElastix", "tifffile",
    "imagecodecs", "lightgbm", "zmesh", "DracoPy", "cloud-volume", "neuroglancer", "pydantic", "sqlalchemy",
    "matplotlib",
)  # fmt: skip
"""Those that pixels, tables and volumes are made by."""
SHOWN = {"failed": "failed", "blocked": "held up", "stale": "stale", "to do": "to do"}
"""State of a step that is not done -> what it is called."""
MOST_RUNS = 12


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
    """One run, as far as its log is kept: everything between its begin and that of the next."""

    began_at: str
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
    more_runs: int
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
        more_runs=max(0, len(runs) - MOST_RUNS),
        bars=bars(timed, "Time of each stage") if timed else "",
        hosts=tuple(sorted({one.host for one in source.ran})),
        machine=tuple(_machine()),
        packages=tuple((name, found) for name in PACKAGES if (found := _version(name))),
        total=duration(sum(one.seconds for one in rows)),
    )


def duration(seconds: float) -> str:
    """As people say it: "0.4 s", "75 s", "12 min", "3.2 h"."""
    if seconds < 10:
        return f"{seconds:.2g} s" if seconds >= 0.1 else f"{seconds:.1g} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


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
    logs = source.plan.folder.log("x").parent
    begins = sorted(
        datetime.strptime(path.name[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
        for path in logs.glob("[0-9]*-[0-9]*-*.log")
    )
    by_run: dict[int, list[tuple[datetime, Ran]]] = {place: [] for place in range(len(begins))}
    for one in source.ran:
        started = datetime.fromisoformat(one.started_at)
        by_run.setdefault(bisect_right(begins, started + timedelta(seconds=1)) - 1, []).append((started, one))
    return [_run(begins, place, by_run[place]) for place in sorted(by_run, reverse=True)]


def _run(begins: Sequence[datetime], place: int, timed: Sequence[tuple[datetime, Ran]]) -> RunRow:
    ran = [one for _, one in timed]
    began = begins[place] if place >= 0 else min((at for at, _ in timed), default=None)
    ended = max((at + timedelta(seconds=one.seconds) for at, one in timed), default=None)
    wall = duration((ended - began).total_seconds()) if began and ended and place >= 0 else ""
    stages = list(dict.fromkeys(one.stage for one in ran))
    return RunRow(
        began_at=("before " if place < 0 else "") + (f"{began:%Y-%m-%d %H:%M}" if began else ""),
        made=sum(not one.error for one in ran),
        failed=sum(bool(one.error) for one in ran),
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


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
