"""Chapter: the histogram of each channel, and the contrast that was chosen for it."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from brainstack.brightness import doubts_in_full
from brainstack.files.histogram_table import read_counts
from brainstack.gains import channel_gain, has_gain
from brainstack.records import Channel
from brainstack.report.attempts import attempted
from brainstack.report.plots import Curve, Panel, Upright, figure
from brainstack.report.scales import linear, logarithmic
from brainstack.report.source import Source
from brainstack.viewing import contrast_of, display_range

COLOURS = (("red", "#c23b22", ""), ("green", "#2e8b3d", "6 3"), ("blue", "#1f50d4", "2 3"))
"""Sample, its colour, and its dashes, which tell it in grey print."""


@dataclass(frozen=True)
class ChannelHistogram:
    """facts : of its gain and contrast: name, value. missing : why there is no plot, in a sentence."""

    number: int
    name: str
    plot: str
    facts: tuple[tuple[str, str], ...]
    missing: str = ""


@dataclass(frozen=True)
class BrightnessChapter:
    channels: tuple[ChannelHistogram, ...]
    doubts: tuple[str, ...]


def brightness_chapter(source: Source) -> BrightnessChapter:
    channels = tuple(_channel_or_why(source, one) for one in source.plan.channels)
    found = doubts_in_full(source.plan, source.progress.stamps)
    where = " (all of them: see Failures and warnings)"
    return BrightnessChapter(channels, tuple(f"{one}{where if one.more else ''}" for one in found))


def _channel_or_why(source: Source, channel: Channel) -> ChannelHistogram:
    """One that cannot be shown does not hide the others."""
    found, trouble = attempted(lambda: _channel(source, channel), "This histogram", source.prep_id)
    return found or ChannelHistogram(channel.number, channel.name, "", (), trouble)


def _channel(source: Source, channel: Channel) -> ChannelHistogram:
    plan = source.plan
    table = plan.folder.histogram(channel.number, source.prep_id).with_suffix(".csv")
    shared = plan.folder.small(f"channel_histogram_C{channel.number}")
    if not (table.exists() and shared.exists()):
        missing = "There is no histogram: ChannelHistogram was not made yet."
        return ChannelHistogram(channel.number, channel.name, "", (), missing)
    counted = {name: np.array(values) for name, values in read_counts(table).items()}
    starts, counts = counted["from"], {name: one for name, one in counted.items() if name not in ("from", "to")}
    end = int(json.loads(shared.read_text())["axis"]["end"])
    facts = _white_point(source, channel.number) if plan.is_colour else _gain(source, channel.number)
    title = f"Grey values of channel {channel.number} {channel.name}"
    return ChannelHistogram(
        channel.number, channel.name, _plot(source, channel, starts, counts, end, title), tuple(facts)
    )


def _plot(
    source: Source, channel: Channel, starts: np.ndarray, counts: dict[str, np.ndarray], end: int, title: str
) -> str:
    is_seen = starts < end
    curves, tallest = [], 1.0
    for name, column in counts.items():
        shade, dash = next(((colour, dash) for one, colour, dash in COLOURS if one == name), ("#5b7aa3", ""))
        is_filled = name == "pixels"
        levels = np.maximum(column[is_seen], 0.5)
        tallest = max(tallest, float(levels.max(initial=1.0)))
        edges = np.append(starts[is_seen], end)
        points = [(float(x), float(y)) for k, y in enumerate(levels) for x in (edges[k], edges[k + 1])]
        curves.append(Curve(points, shade, 1.6, dash, is_filled, "" if is_filled else name))
    uprights, shaded = ([], None) if source.plan.is_colour else _contrast(source, channel.number, end)
    panel = Panel(
        "pixels of tissue", logarithmic([tallest], lowest=0.5, least_top=100.0), curves, (), uprights, shaded, 190
    )
    return figure([panel], linear([], include=(0.0, float(end)), most=8), "grey value, as scanned", title)


def _contrast(source: Source, channel: int, end: int) -> tuple[list[Upright], tuple[float, float] | None]:
    """What the viewer shows black and white, as grey values of the scan."""
    plan = source.plan
    if not has_gain(plan, channel):
        return [], None
    gain = channel_gain(plan, channel)
    black, white = (level / gain for level in display_range(plan, channel))
    found = [Upright(black, f"black {black:.0f}", "#111111"), Upright(white, f"white {white:.0f}", "#8a6200")]
    return [one for one in found if one.x <= end], (min(black, end), min(white, end))


def _gain(source: Source, channel: int) -> list[tuple[str, str]]:
    plan = source.plan
    if not has_gain(plan, channel):
        return []
    gain, target = channel_gain(plan, channel), plan.settings.gain.target
    approved = ", approved" if f"gain_C{channel}" in plan.approved else ""
    even = f", evened out over {plan.settings.gain.even_um:g} µm along the stack" if plan.settings.gain.even_um else ""
    return [
        ("gain", f"{gain:.4g}{approved}{even}"),
        ("bright tissue", f"the {plan.settings.gain.quantile:.0%} quantile goes to {target:.0%} of the range"),
        ("shown by the viewer", _shown(source, channel)),
    ]


def _shown(source: Source, channel: int) -> str:
    black, white = display_range(source.plan, channel)
    said = contrast_of(source.plan, channel)
    chosen = "as it follows from gain and histogram" if said is None else f"as {said.person or 'a person'} chose"
    return f"grey values {black:,} to {white:,} after cleaning, {chosen}"


def _white_point(source: Source, channel: int) -> list[tuple[str, str]]:
    path = source.plan.folder.small(f"white_point_C{channel}")
    if not path.exists():
        return []
    red, green, blue = json.loads(path.read_text())["white"]
    approved = ", approved" if f"white_point_C{channel}" in source.plan.approved else ""
    return [("colour of the glass", f"red {red}, green {green}, blue {blue} of 255{approved}"),
            ("contrast", "as scanned: colours are not changed")]  # fmt: skip
