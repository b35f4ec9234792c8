"""Sections whose brightness or mask is doubtful: saturated, cut off by cleaning, black, or all tissue.

Histogram and Clean measure it and leave it in their stamps; here it is put into sentences for people.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from brainstack.plan import Plan
from brainstack.stamps import Stamps, Step

MOST_NAMED = 5
"""Sections named in a line, the worst first; the animal's report names all."""
THROUGHOUT = 0.2
"""A section is saturated throughout where more than this share of what its mask holds is: no picture is left of it. The
mask of such a section grows into the glass, which glows, and tissue is often but a third of a scan: a share of one half
would keep silent just there. Of a good section not a hundredth is saturated."""
ALL_TISSUE = 0.98
"""A mask that covers more of the scan than this leaves no glass around the tissue: scanners always take in some."""

Found = list[tuple[float, str]]
"""What was measured of sections, and their keys."""


@dataclass(frozen=True)
class Doubt:
    """A kind of doubt. what : which, and in how many sections. sections : these, the worst first, with what was
    measured; none where it is about all. todo : what to do."""

    what: str
    sections: tuple[str, ...] = ()
    todo: str = ""

    @property
    def more(self) -> int:
        """How many sections its sentence does not name."""
        return max(0, len(self.sections) - MOST_NAMED)

    def __str__(self) -> str:
        more = f" and {self.more} more" if self.more else ""
        named = f": {', '.join(self.sections[:MOST_NAMED])}{more}" if self.sections else ""
        return f"{self.what}{named}{f'; {self.todo}' if self.todo else ''}"


def doubts(plan: Plan, stamps: Stamps) -> list[str]:
    """A line for each kind of doubt and channel, with the worst sections; none where all is well. Of what is made."""
    return [str(one) for one in doubts_in_full(plan, stamps)]


def doubts_in_full(plan: Plan, stamps: Stamps) -> list[Doubt]:
    """The same with all sections."""
    found = _all_tissue(plan, stamps)
    for channel in (one.number for one in plan.channels):
        found += _of_channel(plan, stamps, channel)
    return found


def _all_tissue(plan: Plan, stamps: Stamps) -> list[Doubt]:
    channel = plan.settings.masks.channel
    found = _measured(plan, stamps, "Histogram", channel, "covered", lambda share: share > ALL_TISSUE)
    if not found:
        return []
    return [
        Doubt(
            f"{_sections(found)} nothing but tissue, by the mask",
            _named(plan, found),
            "wanted some glass around it; look at preps/masks/thumbnail_colored and paint the glass black, or mark the "
            "scene as bad",
        )
    ]


def _of_channel(plan: Plan, stamps: Stamps, channel: int) -> list[Doubt]:
    limit = plan.settings.clean.clipped_share
    mark_as_bad = f"mark the scene as bad with `brainstack animal set {plan.folder.prep_id} --slide N --scene N --qc 2`"
    black = _measured(plan, stamps, "Histogram", channel, "brightest", lambda level: level == 0)
    saturated = _measured(plan, stamps, "Histogram", channel, "saturated", lambda share: share > limit)
    clipped = _measured(plan, stamps, "Clean", channel, "clipped", lambda share: share > limit)
    lost = [one for one in saturated if one[0] > THROUGHOUT]
    kinds = (
        (black, "no light at all", f"what is made of it is black; scan the slide again, or {mark_as_bad}"),
        (lost, "saturated tissue throughout", f"scan the slide again with less light, or {mark_as_bad}"),
        (saturated, f"more than {limit:.1%} of the tissue saturated in the scan", ""),
        (clipped, f"more than {limit:.1%} of the tissue cut off by cleaning", "a lower [gain] target keeps more"),
    )
    return _of_gain(plan, stamps, channel) + [
        Doubt(f"channel {channel}: {_sections(found)} {what}", _named(plan, found, shares=found is not black), todo)
        for found, what, todo in kinds
        if found
    ]


def _of_gain(plan: Plan, stamps: Stamps, channel: int) -> list[Doubt]:
    """Of a gain that follows from the sections: which of them had no say, or that it is one of saturated sections."""
    stamp = stamps.read(Step("Gain", channel))
    if stamp is None or f"gain_C{channel}" in plan.approved or "gain" not in stamp.values:
        return []
    values, above = stamp.values, f"more than {100 * (1 - plan.settings.gain.quantile):.3g}% of the tissue"
    if values["is_saturated"] == "1":
        return [
            Doubt(
                f"channel {channel}: half of its sections or more are saturated in {above}, where the gain is "
                f"measured, so that the gain is only {float(values['gain']):.3g}",
                todo="scan the slides again with less light, or set [gain] quantile lower",
            )
        ]
    if keys := [key for key in values["left_out"].split() if key in plan.section]:
        without = f"its gain is measured without {len(keys)} section{'s' * (len(keys) > 1)}"
        what = f"channel {channel}: {without}, saturated in {above}"
        return [Doubt(what, _named(plan, [(0.0, key) for key in keys], shares=False))]
    return []


def _measured(
    plan: Plan, stamps: Stamps, stage: str, channel: int, name: str, is_doubtful: Callable[[float], bool]
) -> Found:
    """The sections of the plan whose value of this name is doubtful, the largest first."""
    found = []
    for key in plan.section:
        stamp = stamps.read(Step(stage, channel, key))
        if stamp is not None and name in stamp.values and is_doubtful(float(stamp.values[name])):
            found.append((float(stamp.values[name]), key))
    return sorted(found, key=lambda one: -one[0])


def _sections(found: Found) -> str:
    return f"{len(found)} section has" if len(found) == 1 else f"{len(found)} sections have"


def _named(plan: Plan, found: Found, *, shares: bool = True) -> tuple[str, ...]:
    return tuple(f"{plan.section[key].number} ({key})" + (f" {share:.1%}" if shares else "") for share, key in found)
