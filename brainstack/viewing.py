"""What the viewer shows of an animal: all layers that are on the disk, channels with contrast from the animal's gain,
which follows from its histograms, or in the colours that were scanned."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np

from brainstack.errors import BrainstackError
from brainstack.files.volume_info import read_volume_info
from brainstack.gains import channel_gain, has_gain
from brainstack.plan import Plan
from brainstack.planning import progress_of
from brainstack.progress import Progress
from brainstack.stamps import Step
from brainstack.viewer import BLACK, ImageVolume, State, animal_state
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


def level_of_share(table: Path, share: float) -> int:
    """The grey value that this share of the pixels is at or below, from a histogram's CSV (`write_counts`)."""
    with table.open(newline="", encoding="utf-8") as file:
        rows = [(int(row["from"]), int(row["pixels"])) for row in csv.DictReader(file)]
    counted = np.cumsum([pixels for _, pixels in rows])
    return rows[int(np.searchsorted(counted, share * counted[-1]))][0] if counted[-1] else 0


def volume_of(progress: Progress, channel: int) -> Path:
    """The volume of a channel that is to be looked at: at the scan's resolution, where that is as it should be now."""
    is_done = progress.is_done(Step("FullDownsampling", channel))
    return progress.plan.folder.volume(channel, full=is_done)


def state_of(plan: Plan) -> State:
    """Neuroglancer's state with every layer of the animal. Raises BrainstackError where it has no channel yet."""
    prep_id, progress = plan.folder.prep_id, progress_of(plan)
    channels = [one for one in plan.channels if (volume_of(progress, one.number) / "info").exists()]
    if not channels:
        raise BrainstackError(
            f"{prep_id} has no volume yet; make it with `luigi --module tasks Animal --animal {prep_id}`."
        )
    first = read_volume_info(volume_of(progress, channels[0].number))
    is_rgb = first.num_channels == 3
    white = 255 if first.data_type != plan.pixel_type else display_white(plan)
    black = {one.number: 0 if is_rgb else display_black(plan, one.number) for one in channels}
    volumes = [
        ImageVolume(
            f"C{one.number} {one.name}",
            volume_of(progress, one.number).name,
            (round(black[one.number] * white / display_white(plan)), white),
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


def _volumes_of_channels(plan: Plan) -> set[str]:
    return {plan.folder.volume(one.number, full=full).name for one in plan.channels for full in (False, True)}


def _glass(plan: Plan, channel: int) -> str:
    """The colour of the glass, so that it does not end where the volume ends."""
    white = json.loads(plan.folder.small(f"white_point_C{channel}").read_text())["white"]
    return "#{:02x}{:02x}{:02x}".format(*white)
