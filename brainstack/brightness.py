"""Sections whose brightness or mask is doubtful: saturated, cut off by cleaning, black, or all tissue.

Histogram and Clean measure it and leave it in their stamps; here it is put into sentences for people.
"""

from __future__ import annotations

from collections.abc import Callable

from brainstack.plan import Plan
from brainstack.stamps import Stamps, Step

MOST_NAMED = 5
"""Sections named in a line, the worst first."""
THROUGHOUT = 0.2
"""A section is saturated throughout where more than this share of what its mask holds is: no picture is left of it. The
mask of such a section grows into the glass, which glows, and tissue is often but a third of a scan: a share of one half
would keep silent just there. Of a good section not a hundredth is saturated."""
ALL_TISSUE = 0.98
"""A mask that covers more of the scan than this leaves no glass around the tissue: scanners always take in some."""

Found = list[tuple[float, str]]
"""What was measured of sections, and their keys."""


def doubts(plan: Plan, stamps: Stamps) -> list[str]:
    """A line for each kind of doubt and channel, with the worst sections; none where all is well. Of what is made."""
    lines = _all_tissue(plan, stamps)
    for channel in (one.number for one in plan.channels):
        lines += _of_channel(plan, stamps, channel)
    return lines


def _all_tissue(plan: Plan, stamps: Stamps) -> list[str]:
    channel = plan.settings.masks.channel
    found = _measured(plan, stamps, "Histogram", channel, "covered", lambda share: share > ALL_TISSUE)
    if not found:
        return []
    return [
        f"{_sections(found)} nothing but tissue, by the mask: {_worst(plan, found)}; wanted some glass around it; look "
        "at preps/masks/thumbnail_colored and paint the glass black, or mark the scene as bad"
    ]


def _of_channel(plan: Plan, stamps: Stamps, channel: int) -> list[str]:
    limit = plan.settings.clean.clipped_share
    mark_as_bad = f"mark the scene as bad with `brainstack animal set {plan.folder.prep_id} --slide N --scene N --qc 2`"
    black = _measured(plan, stamps, "Histogram", channel, "brightest", lambda level: level == 0)
    saturated = _measured(plan, stamps, "Histogram", channel, "saturated", lambda share: share > limit)
    clipped = _measured(plan, stamps, "Clean", channel, "clipped", lambda share: share > limit)
    lost = [one for one in saturated if one[0] > THROUGHOUT]
    lines = _of_gain(plan, stamps, channel)
    if black:
        lines.append(
            f"channel {channel}: {_sections(black)} no light at all: {_worst(plan, black, shares=False)}; what is made "
            f"of it is black; scan the slide again, or {mark_as_bad}"
        )
    if lost:
        lines.append(
            f"channel {channel}: {_sections(lost)} saturated tissue throughout: {_worst(plan, lost)}; scan the slide "
            f"again with less light, or {mark_as_bad}"
        )
    if saturated:
        lines.append(
            f"channel {channel}: {_sections(saturated)} more than {limit:.1%} of the tissue saturated in the scan: "
            f"{_worst(plan, saturated)}"
        )
    if clipped:
        lines.append(
            f"channel {channel}: {_sections(clipped)} more than {limit:.1%} of the tissue cut off by cleaning: "
            f"{_worst(plan, clipped)}; a lower [gain] target keeps more"
        )
    return lines


def _of_gain(plan: Plan, stamps: Stamps, channel: int) -> list[str]:
    """Of a gain that follows from the sections: which of them had no say, or that it is one of saturated sections."""
    stamp = stamps.read(Step("Gain", channel))
    if stamp is None or f"gain_C{channel}" in plan.approved or "gain" not in stamp.values:
        return []
    values, above = stamp.values, f"more than {100 * (1 - plan.settings.gain.quantile):.3g}% of the tissue"
    if values["is_saturated"] == "1":
        return [
            f"channel {channel}: half of its sections or more are saturated in {above}, where the gain is measured, so "
            f"that the gain is only {float(values['gain']):.3g}; scan the slides again with less light, or set [gain] "
            "quantile lower"
        ]
    if keys := [key for key in values["left_out"].split() if key in plan.section]:
        found = [(0.0, key) for key in keys]
        return [
            f"channel {channel}: its gain is measured without {len(keys)} section{'s' * (len(keys) > 1)}, saturated in "
            f"{above}: {_worst(plan, found, shares=False)}"
        ]
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


def _worst(plan: Plan, found: Found, *, shares: bool = True) -> str:
    names = [
        f"{plan.section[key].number} ({key})" + (f" {share:.1%}" if shares else "") for share, key in found[:MOST_NAMED]
    ]
    return ", ".join(names) + (" ..." if len(found) > MOST_NAMED else "")
