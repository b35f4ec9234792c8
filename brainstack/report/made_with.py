"""The settings and versions that an animal's data were made with, as their stamps and logs have them.

Those in force now may be others: a setting that was changed since is for what the next run makes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from brainstack.plan import short
from brainstack.report.runs import run_of
from brainstack.report.source import Source
from brainstack.settings import Settings

TOLD = (
    "MaskSearch", "MaskProposal", "Masks", "Gain", "WhitePoint", "Clean", "Elastix", "PairRetry", "PairFiner",
    "Midline", "Outline", "ReferencePlace", "Transforms", "Deformation", "Alignment", "NeuroglancerImage", "Shell",
)  # fmt: skip
"""Stages that the methods tell of."""
STATES = {"stale": "stale", "to do": "not made", "failed": "failed", "blocked": "held up"}


@dataclass(frozen=True)
class MadeWith:
    """settings : those that the data were made with, as far as that was noted. changed : what is other now, or was not
    the same for all steps of a stage, in words. unknown : names of settings that were others, which were not kept.
    not_done : stages of which some steps are not as they should be, with how many; never_made : those that have none
    yet."""

    settings: Settings
    changed: tuple[str, ...]
    unknown: frozenset[str]
    not_done: tuple[str, ...]
    never_made: tuple[str, ...]


def made_with(source: Source) -> MadeWith:
    noted = _noted(source)
    now = source.plan.settings
    values = now.model_dump(mode="json")
    changed, unknown = [], []
    for name, counted in noted.items():
        table, _, key = name.removeprefix("[").partition("] ")
        if key not in values.get(table, {}):
            continue  # a setting of an older brainstack
        current = short(values[table][key])
        most = counted.most_common(1)[0][0]
        if most.startswith("#"):
            unknown += [name] if most != current else []
        elif most != current:
            values[table][key] = json.loads(most)
        if words := _difference(name, counted, current):
            changed.append(words)
    try:
        settings = Settings.model_validate(values)
    except ValidationError:  # of an older brainstack, or together no settings any more
        settings, changed = now, [*changed, "the settings of then are none that this brainstack can use: those of now "
                                  "are told"]  # fmt: skip
    not_done, never_made = _states(source)
    return MadeWith(settings, tuple(changed), frozenset(unknown), tuple(not_done), tuple(never_made))


def _noted(source: Source) -> dict[str, Counter[str]]:
    """Of each setting that a stage told of depends on: how many steps were made with which value."""
    found: dict[str, Counter[str]] = {}
    for step in (step for stage in TOLD for step in source.plan.steps(stage)):
        stamp = source.progress.stamps.read(step)
        for name, value in stamp.ingredients.items() if stamp else ():
            if name.startswith("["):
                found.setdefault(name, Counter())[value] += 1
    return found


def _difference(name: str, counted: Counter[str], current: str) -> str:
    """What a reader of the text has to know of a setting; "" where all was made with what it is now."""
    if set(counted) == {current}:
        return ""
    shown = [_shown(value) for value, _ in counted.most_common()]
    now = "other now" if current.startswith("#") else f"{current} now"
    if len(shown) == 1:
        return f"{name}: {shown[0]} then, {now}"
    return f"{name}: {shown[0]} for most, {' and '.join(shown[1:])} for others, {now}"


def _shown(value: str) -> str:
    return "not noted in full" if value.startswith("#") else value


def _states(source: Source) -> tuple[list[str], list[str]]:
    not_done, never_made = [], []
    for stage in TOLD:
        steps = source.plan.steps(stage)
        states = Counter(source.progress.state(step) for step in steps)
        others = [f"{states[state]} {words}" for state, words in STATES.items() if states[state]]
        if not others:
            continue
        if any(source.progress.stamps.read(step) is not None for step in steps):
            not_done.append(f"{stage} ({', '.join(others)} of {len(steps)})")
        else:
            never_made.append(stage)
    return not_done, never_made


def as_made(source: Source, made: MadeWith) -> Source:
    """The same animal, with the settings that its data were made with."""
    return replace(source, plan=replace(source.plan, settings=made.settings))


# Versions


def brainstacks(source: Source) -> list[str]:
    """Versions of brainstack that the last tries of all steps were made by."""
    return sorted({one.version.partition("/")[0] for one in source.last_tries if one.version and not one.error})


def packages_of(source: Source) -> Mapping[str, tuple[str, ...]]:
    """Package -> the versions that the last tries of all steps were made with, where the logs of their runs say it."""
    found: dict[str, dict[str, Any]] = {}
    places = {run_of(source.runs, datetime.fromisoformat(one.started_at)) for one in source.last_tries if not one.error}
    for place in sorted(places):
        for name, version in source.runs[place].packages.items() if place >= 0 else ():
            found.setdefault(name, {})[version] = None
    return {name: tuple(versions) for name, versions in found.items()}
