"""The status for scripts: the same as people see, as JSON whose names stay (docs/status.md lists them)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from brainstack.last_run import LastRun
from brainstack.slide_names import legible
from brainstack.status import BLOCKED, DONE, FAILED, STALE, TO_DO, Doubt, Overview, Status, Trouble
from brainstack.status_of_all import Row

FORMAT = 1
"""Raised where a name goes or comes to mean something else; new names may come without."""


def json_of(status: Status) -> str:
    """One animal."""
    overview = status.overview
    content = {
        "format": FORMAT,
        **_overview(overview),
        "stale": [_trouble(one) for one in status.stale],
        "next_run": [{"sure": one.sure, "reason": one.kind, "steps": dict(one.stages)} for one in status.groups],
        "unread_slides": status.unread_slides,
        "stages": [
            {"stage": stage, "channel": channel or None, **_states(states)}
            for (stage, channel), states in overview.counts.items()
        ],
        "full_resolution": [
            {"stage": stage, "channel": channel, **_states(states)}
            for channel, stages in status.full.items()
            for stage, states in stages.items()
        ],
        "warnings": list(status.warnings),
        "bytes": {
            "tifs": status.sizes.tif_bytes,
            "volumes": dict(status.sizes.volumes),
            "free": status.sizes.free,
        },
    }
    return _text(content)


def json_of_all(rows: Sequence[Row]) -> str:
    """All animals, in the order of the table."""
    return _text({"format": FORMAT, "animals": [_row(row) for row in rows]})


def _row(row: Row) -> dict[str, Any]:
    if row.overview is not None:
        return _overview(row.overview)
    return {"animal": row.prep_id, "state": row.state, "error": row.error, "next_command": row.next_command}


def _overview(one: Overview) -> dict[str, Any]:
    total: Counter[str] = Counter()
    for states in one.counts.values():
        total += states
    return {
        "animal": one.prep_id,
        "state": one.state,
        "error": None,
        "channels": [{"number": channel.number, "name": channel.name} for channel in one.channels],
        "slides": one.slides,
        "sections": one.sections,
        "gaps": one.gaps,
        "copies": one.copies,
        "steps": _states(total),
        "failed": [_trouble(trouble) for trouble in one.failed],
        "doubtful": [_doubt(doubt) for doubt in one.doubtful],
        "last_run": _last_run(one.last_run, one.outcome),
        "running": one.holder or None,
        "next_command": one.next_command,
    }


def _states(states: Counter[str]) -> dict[str, int]:
    names = {"done": DONE, "failed": FAILED, "held_up": BLOCKED, "stale": STALE, "to_do": TO_DO}
    return {"all": states.total(), **{name: states[state] for name, state in names.items()}}


def _trouble(one: Trouble) -> dict[str, Any]:
    return {
        "stage": one.step.stage,
        "channel": one.step.channel or None,
        "item": one.step.item or None,
        "section_key": one.key,
        "section_number": one.number,
        "sentence": one.sentence,
        "command": one.command,
        "file": one.file or None,
    }


def _doubt(one: Doubt) -> dict[str, Any]:
    return {"what": one.what, "section_key": one.key, "section_number": one.number, "command": one.command}


def _last_run(run: LastRun | None, outcome: str) -> dict[str, Any] | None:
    if run is None:
        return None
    return {**asdict(run), "outcome": outcome, "ended_at": run.ended_at or None}


def _text(content: dict[str, Any]) -> str:
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    return legible(text)
