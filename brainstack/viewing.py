"""What the viewer shows of an animal: all layers that are on the disk, channels with contrast from the animal's gain,
which follows from its histograms, or as a person said, or in the colours that were scanned."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from brainstack.errors import BrainstackError
from brainstack.files.histogram_table import read_counts
from brainstack.files.ome_xml import OmeChannel
from brainstack.files.volume_info import read_volume_info
from brainstack.gains import channel_gain, has_gain
from brainstack.plan import Plan
from brainstack.planning import progress_of
from brainstack.progress import Progress
from brainstack.records import Contrast
from brainstack.stamps import Step
from brainstack.viewer import BLACK, COLORS, WHITE, ImageVolume, State, animal_state
from brainstack.viewer_layers import layers_in

HEADROOM = 1.3
"""White lies so many times above the level that the gain brings bright tissue to: the brightest cells keep form."""

MOST_BLACK = 0.8
"""Of white: a channel with nothing but haze is not stretched to look like more."""

DARK_SHARE = {1: 0.01}
"""The share of a channel's tissue that is shown black: hardly any of the counterstain; of labels, the darker half,
which only glows by itself and would hide the other channels."""

DARK_SHARE_OF_LABELS = 0.5


def display_white(plan: Plan) -> int:
    """The grey value that is shown as white."""
    return round(min(1.0, plan.settings.gain.target * HEADROOM) * np.iinfo(plan.pixel_type).max)


def display_black(plan: Plan, channel: int) -> int:
    """The grey value that is shown as black, from the histogram of the channel's tissue; 0 where it does not say how
    bright the volume is: there is none yet, or the background was taken away."""
    table = plan.folder.histogram(channel, plan.folder.prep_id).with_suffix(".csv")
    if plan.settings.clean.background_um or not (table.exists() and has_gain(plan, channel)):
        return 0
    level = level_of_share(table, DARK_SHARE.get(channel, DARK_SHARE_OF_LABELS))
    return round(min(level * channel_gain(plan, channel), MOST_BLACK * display_white(plan)))


def computed_range(plan: Plan, channel: int) -> tuple[int, int]:
    """The grey values of the volume that are shown black and white, as they follow from gain and histogram."""
    return display_black(plan, channel), display_white(plan)


def contrast_of(plan: Plan, channel: int) -> Contrast | None:
    """What a person said of a channel's contrast; None where nobody did, or the animal is in colour."""
    said = () if plan.is_colour else plan.records.contrasts
    return next((one for one in said if one.channel == channel), None)


def by_hand_range(plan: Plan, said: Contrast) -> tuple[float, float]:
    """A contrast that a person gave in grey values as scanned, in those of the volume: as the gain makes them."""
    gain, highest = channel_gain(plan, said.channel), np.iinfo(plan.pixel_type).max
    return min(said.low * gain, highest - 1.0), min(said.high * gain, float(highest))


def display_range(plan: Plan, channel: int) -> tuple[int, int]:
    """The grey values of the volume that Neuroglancer shows black and white: as a person said, else computed."""
    said = contrast_of(plan, channel)
    if said is None or not has_gain(plan, channel):
        return computed_range(plan, channel)
    black, white = by_hand_range(plan, said)
    return round(black), max(round(black) + 1, round(white))


def web_range(plan: Plan) -> tuple[float, float]:
    """The grey values of aligned sections that web pictures show black and white: as a person said of their channel,
    else from 0 to where the gain puts bright tissue."""
    said = contrast_of(plan, plan.settings.web.channel)
    if said is not None:
        return by_hand_range(plan, said)
    return 0.0, float(plan.settings.gain.target * np.iinfo(plan.pixel_type).max)


def level_of_share(table: Path, share: float) -> int:
    """The grey value that this share of the pixels is at or below, from a histogram's CSV (`write_counts`). Raises
    BrainstackError for another table."""
    counts = read_counts(table, "pixels")
    counted = np.cumsum(counts["pixels"] or [0])
    return counts["from"][int(np.searchsorted(counted, share * counted[-1]))] if counted[-1] else 0


def volume_of(progress: Progress, channel: int) -> Path:
    """The volume of a channel that is to be looked at: at the scan's resolution, where that is as it should be now."""
    is_done = progress.is_done(Step("FullDownsampling", channel))
    return progress.plan.folder.volume(channel, full=is_done)


def state_of(plan: Plan, progress: Progress | None = None) -> State:
    """Neuroglancer's state with every layer of the animal. progress : of the plan, where somebody has looked already.
    Raises BrainstackError where it has no channel yet."""
    prep_id, progress = plan.folder.prep_id, progress or progress_of(plan)
    channels = [one for one in plan.channels if (volume_of(progress, one.number) / "info").exists()]
    if not channels:
        raise BrainstackError(
            f"{prep_id} has no volume yet; make it with `luigi --module tasks Animal --animal {prep_id}`."
        )
    first = read_volume_info(volume_of(progress, channels[0].number))
    is_rgb = first.num_channels == 3
    is_narrowed = first.data_type != plan.pixel_type  # to 8 bit, where 255 is what the gain makes white
    scale = 255 / display_white(plan) if is_narrowed else 1.0
    volumes = [
        ImageVolume(
            f"C{one.number} {one.name}",
            volume_of(progress, one.number).name,
            (0, 255) if is_rgb else _scaled(display_range(plan, one.number), scale),
            is_rgb,
        )
        for one in channels
    ]
    return animal_state(
        volumes,
        size_xyz=first.size_xyz,
        voxel_size_um=first.voxel_size_um,
        title=prep_id,
        more_layers=layers_in(plan.folder.neuroglancer_data, but=_volumes_of_channels(plan)),
        background=_glass(plan, channels[0].number) if plan.is_colour else BLACK,
    )


def channels_shown(plan: Plan, *, as_samples: bool = False) -> tuple[OmeChannel, ...]:
    """Names, colours and contrast of the channels for other programs, as the viewer has them.

    as_samples : a channel in colour becomes three, for a format that has no colours.
    """
    if plan.is_colour and as_samples:
        named = zip(("red", "green", "blue"), ("#ff0000", "#00ff00", "#0000ff"), strict=True)
        return tuple(OmeChannel(name, color, (0, 255)) for name, color in named)
    if plan.is_colour:
        return tuple(OmeChannel(one.name) for one in plan.channels)
    colors = COLORS if len(plan.channels) > 1 else (WHITE,)
    return tuple(
        OmeChannel(one.name, colors[place % len(colors)], display_range(plan, one.number))
        for place, one in enumerate(plan.channels)
    )


def _scaled(levels: tuple[int, int], scale: float) -> tuple[int, int]:
    black, white = (min(255, round(level * scale)) if scale != 1 else level for level in levels)
    return min(black, white - 1), white


def _volumes_of_channels(plan: Plan) -> set[str]:
    return {plan.folder.volume(one.number, full=full).name for one in plan.channels for full in (False, True)}


def _glass(plan: Plan, channel: int) -> str:
    """The colour of the glass, so that it does not end where the volume ends."""
    white = json.loads(plan.folder.small(f"white_point_C{channel}").read_text())["white"]
    return "#{:02x}{:02x}{:02x}".format(*white)
