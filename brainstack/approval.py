"""What people have approved: a gain, a white point, a canvas or an alignment that stays in force, whatever later edits
make of it.

The stages compute as always. Where a value is approved, that one goes on, and beside it in the small file there is
`computed`: what it would be now.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import numpy as np

from brainstack.animal_folder import AnimalFolder
from brainstack.errors import BrainstackError
from brainstack.files.whole import write_json
from brainstack.geometry import inverse, points
from brainstack.plan import Plan
from brainstack.stamps import Step, digest

Content = Mapping[str, Any]

MOVED_PX = 0.01
"""Less is no move: it comes from rounding alone."""


class What(StrEnum):
    """What can be approved."""

    CANVAS = "canvas"
    GAIN = "gain"
    WHITE_POINT = "white-point"
    ALIGNMENT = "alignment"


def small_names(plan: Plan, what: What) -> list[str]:
    """The small files that hold it: none for the gain of an animal in colour, or the white point of another."""
    if what in (What.GAIN, What.WHITE_POINT):
        has_it = plan.is_colour == (what is What.WHITE_POINT)
        return [f"{what.replace('-', '_')}_C{channel.number}" for channel in plan.channels if has_it]
    return ["canvas" if what is What.CANVAS else "transforms"]


def step_of(name: str) -> Step:
    """The step that makes a small file."""
    stage, _, channel = name.partition("_C")
    return Step("".join(word.capitalize() for word in stage.split("_")), int(channel or 0))


# For the plan and the stages


def read_approved(folder: AnimalFolder) -> dict[str, Any]:
    """All that is approved: name of the small file -> the content approved of it."""
    paths = sorted(folder.approved("x").parent.glob("[!.]*.json"))
    return {path.stem: json.loads(path.read_text()) for path in paths}


def in_force(plan: Plan, name: str, computed: dict[str, Any]) -> dict[str, Any]:
    """The content of a small file: as computed, or what is approved with that beside it."""
    if name not in plan.approved:
        return computed
    check_still_fits(plan, name)
    return {**plan.approved[name], "computed": computed}


def check_still_fits(plan: Plan, name: str) -> None:
    """Raise BrainstackError for what was approved in other pixels than there are now."""
    approved = plan.approved[name]
    what = "alignment" if name == "transforms" else name
    for thing, now in (("pixel_size_um", plan.pixel_size_um), ("rotation", plan.records.scan_run.rotation)):
        if approved.get(thing, now) != now:
            words = thing.replace("_um", " in micrometres").replace("_", " ").replace("rotation", "number of turns")
            raise BrainstackError(
                f"The {what} was approved when the {words} was {approved[thing]}, now it is {now}; "
                f"release it with `brainstack approve {plan.folder.prep_id} {what} --release`."
            )


def known_value(plan: Plan, step: Step) -> str | None:
    """The value that goes on from a step as it is approved, where that is known before it is made again."""
    if step.stage == "Gain" and f"gain_C{step.channel}" in plan.approved:
        return digest(plan.approved[f"gain_C{step.channel}"]["gain"])
    if step.stage == "WhitePoint" and f"white_point_C{step.channel}" in plan.approved:
        return digest(plan.approved[f"white_point_C{step.channel}"]["white"])
    if step.stage == "Canvas" and "canvas" in plan.approved:
        return digest([plan.approved["canvas"]["rows"], plan.approved["canvas"]["columns"]])
    return None


# For people


def approve(plan: Plan, what: What) -> list[str]:
    """Keep what is in force; where something is approved already, approve what it would be now. Returns lines that
    say what was done. Raises BrainstackError where there is nothing to approve yet."""
    contents = {name: _newest(plan, name) for name in small_names(plan, what)}
    if not contents and plan.channels:
        scans, other = ("in colour", What.WHITE_POINT) if plan.is_colour else ("in grey", What.GAIN)
        raise BrainstackError(
            f"{plan.folder.prep_id} has no {what.replace('-', ' ')}, as its slides are {scans}; approve its "
            f"{other.replace('-', ' ')}: `brainstack approve {plan.folder.prep_id} {other}`."
        )
    if not contents:
        raise BrainstackError(
            f"{plan.folder.prep_id} has no {what} yet, as its slides were not read; run it first: luigi --module "
            f"tasks Animal --animal {plan.folder.prep_id}"
        )
    lines = []
    for name, content in contents.items():
        before = plan.approved.get(name)
        write_json(plan.folder.approved(name), content)
        was = f"; before: {described(name, before)}" if before is not None and before != content else ""
        lines.append(f"{_title(name)}: {described(name, content)}, approved{was}")
    return lines


def release(plan: Plan, what: What) -> list[str]:
    """Let it follow from the stages again."""
    lines = []
    for name in small_names(plan, what):
        if name in plan.approved:
            plan.folder.approved(name).unlink()
            lines.append(f"{_title(name)}: {described(name, plan.approved[name])}, no longer approved")
    return lines or [f"No {what} was approved; nothing changed."]


def shown(plan: Plan) -> list[str]:
    """What is approved, and since when."""
    lines = []
    for name in [name for what in What for name in small_names(plan, what)]:
        line = f"{_title(name)}: not approved"
        if name in plan.approved:
            at = datetime.fromtimestamp(plan.folder.approved(name).stat().st_mtime, UTC)
            line = f"{_title(name)}: {described(name, plan.approved[name])}, approved {at:%Y-%m-%d %H:%M} UTC"
        lines.append(line)
    return lines + differences(plan)


def differences(plan: Plan) -> list[str]:
    """Where the last run would have had another value than the approved one."""
    lines = []
    for name, approved in plan.approved.items():
        path = plan.folder.small(name)
        content = json.loads(path.read_text()) if path.exists() else {}
        if "computed" in content and (sentence := difference(plan, name, approved, content)):
            lines.append(sentence)
    return lines


def difference(plan: Plan, name: str, approved: Content, content: Content) -> str:
    """One sentence, or "" where there is no difference. content : of the small file."""
    computed = content["computed"]
    if "error" in computed:
        return f"{_title(name)} could not be made now ({computed['error']}), the approved one is in force"
    if name == "transforms":
        return _moved(plan, approved, content)
    if described(name, approved) == described(name, computed):
        return ""
    return f"{_title(name)} would be {described(name, computed)} now, approved is {described(name, approved)}"


def described(name: str, content: Content) -> str:
    if name == "transforms":
        rows, columns = content["canvas"]
        return f"{len(content['matrices'])} sections on {rows} x {columns} pixels (rows x columns)"
    if name == "canvas":
        return f"{content['rows']} x {content['columns']} pixels (rows x columns)"
    if "white" in content:
        return "red {}, green {}, blue {}".format(*content["white"])
    return f"{content['gain']:.4g}"


def _title(name: str) -> str:
    stage, _, channel = name.partition("_C")
    return (
        f"{stage.replace('_', ' ')} of channel {channel}" if channel else {"transforms": "alignment"}.get(stage, stage)
    )


def _newest(plan: Plan, name: str) -> dict[str, Any]:
    """What a small file says it would be now, without what only the stage needs."""
    path = plan.folder.small(name)
    if not path.exists():
        raise BrainstackError(
            f"{step_of(name)} of {plan.folder.prep_id} was not made yet, so that there is nothing to approve; "
            f"run it first: luigi --module tasks {step_of(name).stage} --animal {plan.folder.prep_id}"
        )
    content: dict[str, Any] = json.loads(path.read_text())
    computed = content.pop("computed", {})
    if "error" in computed:
        raise BrainstackError(f"There is no other {_title(name)} to approve: {computed['error']}")
    content |= computed
    content.pop("outside", None)
    if name == "transforms":
        content["placements"] = {key: content["placements"][key] for key in content["matrices"]}
    return content


def _moved(plan: Plan, approved: Content, content: Content) -> str:
    """How many sections would lie elsewhere. That all of them move alike means nothing."""
    computed = content["computed"]["matrices"]
    both = [key for key in approved["matrices"] if key in computed]
    if not both:
        return ""
    rows, columns = approved["canvas"]
    corners = np.array([(0, 0), (columns, 0), (0, rows), (columns, rows)], float)
    moves = []
    for key in both:
        placed = np.array(content["placements"][key]) @ inverse(np.array(approved["placements"][key]))
        there = points(placed @ np.array(approved["matrices"][key]), corners)
        moves.append(points(inverse(np.array(computed[key])), there))
    distances_px = np.linalg.norm(moves - np.median(moves, axis=0), axis=2).max(axis=1)
    moved = int(np.count_nonzero(distances_px > MOVED_PX))
    if not moved:
        return ""
    return (
        f"alignment would be another now: {moved} of {len(both)} approved sections would lie elsewhere, "
        f"by up to {distances_px.max() * plan.pixel_size_um:.0f} um"
    )
