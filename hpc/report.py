"""What stages asked for beside what they used, and what they should ask for."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from hpc.bundles import seconds_of
from hpc.cluster import Request
from hpc.history import Used
from hpc.verdicts import OUT_OF_MEMORY, TIME_LIMIT

SPARE_MEMORY = 1.3
SPARE_TIME = 3.0
"""Times what was seen that is proposed: a section may be larger than those seen, a node slower."""
LEAST_CORE_USE = 0.6
"""Below it, fewer cores are proposed."""
STEP_GB = 0.5


@dataclass(frozen=True)
class Row:
    """Of a stage. seconds : a task's median. most_gb, most_seconds : of an element and of a task. core_use : share of
    the cores asked for that worked. advice : what to write into cluster.toml, as name -> value."""

    stage: str
    elements: int
    tasks: int
    seconds: float
    most_seconds: float
    asked_gb: float
    most_gb: float
    core_use: float
    lost: dict[str, int]
    advice: dict[str, float | int]


def report(history: Iterable[Used], stages: dict[str, Request]) -> list[Row]:
    """A row for each stage of which something was seen, in the order of cluster.toml."""
    by_stage: dict[str, list[Used]] = defaultdict(list)
    for used in history:
        by_stage[used.stage].append(used)
    return [_row(stage, by_stage[stage], request) for stage, request in stages.items() if by_stage[stage]]


def _row(stage: str, used: list[Used], request: Request) -> Row:
    times = [seconds for one in used for seconds in one.task_seconds]
    ended = [one for one in used if one.seconds]
    lost = Counter(one.cause for one in used if one.cause)
    row = Row(
        stage=stage,
        elements=len(used),
        tasks=len(times),
        seconds=seconds_of(stage, [(stage, one) for one in times], request),
        most_seconds=max(times, default=0.0),
        asked_gb=request.memory_gb,
        most_gb=max((one.memory_gb for one in ended), default=0.0),
        core_use=sum(one.core_seconds for one in ended) / max(sum(one.seconds * one.cores for one in ended), 0.001),
        lost=dict(lost),
        advice={},
    )
    return replace(row, advice=_advice(row, used, request))


def _advice(row: Row, used: list[Used], request: Request) -> dict[str, float | int]:
    advice: dict[str, float | int] = {}
    too_small = max((one.asked_memory_gb for one in used if one.cause == OUT_OF_MEMORY), default=0.0)
    memory_gb = math.ceil(max(row.most_gb * SPARE_MEMORY, too_small * SPARE_MEMORY) / STEP_GB) * STEP_GB
    if row.tasks and abs(memory_gb - request.memory_gb) >= STEP_GB:
        advice["memory_gb"] = memory_gb
    minutes = max(1, math.ceil(row.most_seconds * SPARE_TIME / 60))
    too_short = any(one.cause == TIME_LIMIT for one in used)
    if row.tasks and (minutes * 2 <= request.minutes or minutes > request.minutes or too_short):
        advice["minutes"] = max(minutes, math.ceil(request.minutes * 2)) if too_short else minutes
    if row.tasks and not request.seconds / 2 <= row.seconds <= request.seconds * 2:
        advice["seconds"] = max(0.1, round(row.seconds, 1 if row.seconds < 10 else 0))
    cores = max(1, math.ceil(request.cores * row.core_use))
    if row.core_use and row.core_use < LEAST_CORE_USE and cores < request.cores:
        advice["cores"] = cores
    return advice


def table(rows: list[list[str]]) -> str:
    """Columns of text, the first to the left and numbers to the right; the first row is the heading."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) if place == 0 else cell.rjust(width)
                 for place, (cell, width) in enumerate(zip(row, widths, strict=True))]  # fmt: skip
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def as_text(rows: list[Row]) -> str:
    head = ["stage", "jobs", "tasks", "seconds", "longest", "GB asked", "GB used", "cores used", "lost"]
    body = [
        [
            one.stage, str(one.elements), str(one.tasks), f"{one.seconds:.1f}", f"{one.most_seconds:.1f}",
            f"{one.asked_gb:g}", f"{one.most_gb:.2f}", f"{one.core_use:.0%}",
            ", ".join(f"{count} {cause}" for cause, count in one.lost.items()) or "-",
        ]
        for one in rows
    ]  # fmt: skip
    lines = [table([head, *body])]
    if changed := [one for one in rows if one.advice]:
        lines.append("\nFor config/cluster.toml, by what was seen:")
        for one in changed:
            lines.append(f"\n[stages.{one.stage}]")
            lines += [f"{name} = {value:g}" for name, value in one.advice.items()]
    return "\n".join(lines)


def counted(count: int, word: str) -> str:
    """Such as "1 job", "2 jobs"."""
    return f"{count} {word}{'' if count == 1 else 's'}"
