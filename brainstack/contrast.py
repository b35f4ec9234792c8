"""The contrast of a channel: the grey values that web pictures and Neuroglancer show black and white, as they follow
from the histogram, or as a person says.

A person says them in grey values as they were scanned, as the histograms have them, so that another gain leaves them
valid; pictures and volumes have those times the gain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brainstack.database import Database, create_or_upgrade, run_in_transaction
from brainstack.environment import database_url
from brainstack.errors import BrainstackError
from brainstack.gains import channel_gain, has_gain
from brainstack.plan import Plan
from brainstack.planning import look
from brainstack.records import Contrast
from brainstack.said import Decided, Decision
from brainstack.viewing import by_hand_range, computed_range, contrast_of, web_range

COMPUTED = "as computed"


class ContrastChangedError(BrainstackError):
    """Somebody else gave the channel another contrast meanwhile; nothing was overwritten."""


@dataclass(frozen=True)
class Shown:
    """How a channel is shown. name : as the microscope calls it. gain : None where there is none yet. highest : of the
    scans' type. viewer, web : (black, white) in grey values as scanned, in force; web is None but for the channel that
    web pictures are made of. computed_viewer, computed_web : the same without a person. by_hand : what a person said,
    or None. Without a gain, nothing but what a person said is known."""

    channel: int
    name: str
    gain: float | None
    highest: int
    viewer: tuple[float, float] | None
    web: tuple[float, float] | None
    computed_viewer: tuple[float, float] | None
    computed_web: tuple[float, float] | None
    by_hand: Contrast | None


def shown_of(plan: Plan, channel: int) -> Shown:
    """How a channel of an animal in grey is shown. channel : counted from 1."""
    name = next(one.name for one in plan.channels if one.number == channel)
    highest, by_hand, is_web = int(np.iinfo(plan.pixel_type).max), contrast_of(plan, channel), False
    is_web = channel == plan.settings.web.channel
    if not has_gain(plan, channel):
        said = (float(by_hand.low), float(by_hand.high)) if by_hand else None
        return Shown(channel, name, None, highest, said, said if is_web else None, None, None, by_hand)
    gain = channel_gain(plan, channel)

    def as_scanned(levels: tuple[float, float]) -> tuple[float, float]:
        return levels[0] / gain, levels[1] / gain

    computed_viewer, white = as_scanned(computed_range(plan, channel)), plan.settings.gain.target * highest
    computed_web = as_scanned((0.0, white)) if is_web else None
    viewer = as_scanned(by_hand_range(plan, by_hand)) if by_hand else computed_viewer
    web = as_scanned(web_range(plan)) if is_web else None
    return Shown(channel, name, gain, highest, viewer, web, computed_viewer, computed_web, by_hand)


def version_of(by_hand: Contrast | None) -> str:
    """A word for what a person said of a channel's contrast: another one whenever it is said anew; "" for nothing."""
    return f"{by_hand.low},{by_hand.high} {by_hand.person} {by_hand.at}" if by_hand else ""


def set_contrast(
    prep_id: str,
    channel: int,
    levels: tuple[int, int] | None,
    *,
    person: str,
    reason: str = "",
    seen: str | None = None,
) -> list[Decided]:
    """Give a channel a contrast. Returns what was changed by it: nothing where it was so already.

    levels : grey values as scanned that are shown black and white; None for those that are computed. seen :
    `version_of` what the person saw, None for whatever there was. Raises BrainstackError for an animal in colour, a
    channel that there is not, and levels that cannot be; ContrastChangedError where it is not as seen any more.
    """
    plan = look(prep_id)
    check_channel(plan, channel)
    if levels is not None:
        _check_levels(plan, levels)
    value = "" if levels is None else f"{levels[0]},{levels[1]}"

    def work(database: Database) -> list[Decided]:
        database.take_turns(prep_id)
        _check_seen(database, prep_id, channel, seen)
        return database.decide(prep_id, [Decision(f"contrast {channel}", value)], person=person, reason=reason)

    create_or_upgrade(database_url())
    return run_in_transaction(database_url(), work)


def _check_seen(database: Database, prep_id: str, channel: int, seen: str | None) -> None:
    said = database.animal_records(prep_id).contrasts
    now = next((one for one in said if one.channel == channel), None)
    if seen is None or version_of(now) == seen:
        return
    what = f"{now.low} to {now.high}, by {now.person or 'nobody named'}" if now else COMPUTED
    raise ContrastChangedError(
        f"The contrast of channel {channel} was changed since this page showed it: it is {what}. Nothing was "
        "overwritten; look at it as it is now, then set it once more."
    )


def check_channel(plan: Plan, channel: int) -> None:
    """Raises BrainstackError for a channel that has no contrast."""
    prep_id, numbers = plan.folder.prep_id, [one.number for one in plan.channels]
    if plan.is_colour:
        raise BrainstackError(
            f"{prep_id} was scanned in colour, and is shown in the colours of the scan on the white of its glass: it "
            f"has no contrast to be set; see `brainstack approve {prep_id} white-point` for its white point."
        )
    if channel not in numbers:
        known = ", ".join(map(str, numbers)) or "none yet"
        raise BrainstackError(f"{prep_id} has no channel {channel}; wanted one of its channels: {known}.")


def _check_levels(plan: Plan, levels: tuple[int, int]) -> None:
    low, high = levels
    highest = int(np.iinfo(plan.pixel_type).max)
    if not 0 <= low < high <= highest:
        raise BrainstackError(
            f"The contrast was given as {low} to {high}; wanted two grey values from 0 to {highest}, the lower one "
            "first."
        )


def lines(plan: Plan) -> list[str]:
    """What people are told of all channels."""
    if plan.is_colour:
        return [f"{plan.folder.prep_id} was scanned in colour, and is shown in its own colours, on its white point."]
    return [line for one in plan.channels for line in _lines_of(shown_of(plan, one.number))]


def _lines_of(one: Shown) -> list[str]:
    title = f"channel {one.channel} ({one.name})" if one.name else f"channel {one.channel}"
    if one.by_hand:
        said = f"by hand ({one.by_hand.person or '-'}, {one.by_hand.at[:16].replace('T', ' ')} UTC)"
    else:
        said = COMPUTED
    if one.gain is None:
        return [f"{title}: its gain is not known yet" + (f"; {one.by_hand.low} to {one.by_hand.high} {said}"
                                                         if one.by_hand else "")]  # fmt: skip
    found = [f"{title}: grey values as scanned, black to white, {said}; gain {one.gain:.4g}"]
    for name, now, computed in (
        ("Neuroglancer", one.viewer, one.computed_viewer),
        ("web pictures", one.web, one.computed_web),
    ):
        if now and computed:
            also = f" (computed: {computed[0]:.0f} to {computed[1]:.0f})" if one.by_hand else ""
            found.append(f"  {name}: {now[0]:.0f} to {now[1]:.0f}{also}")
    return found
