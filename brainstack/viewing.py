"""What the viewer shows of an animal: its volumes as they are on the disk, with contrast from the animal's gain, or in
the colours that were scanned."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from brainstack.errors import BrainstackError
from brainstack.files.volume_info import read_volume_info
from brainstack.plan import Plan
from brainstack.planning import progress_of
from brainstack.progress import Progress
from brainstack.stamps import Step
from brainstack.viewer import BLACK, ImageVolume, State, animal_state

HEADROOM = 1.3
"""White lies so many times above the level that the gain brings bright tissue to: the brightest cells keep form."""


def display_white(plan: Plan) -> int:
    """The grey value that is shown as white."""
    return round(min(1.0, plan.settings.gain.target * HEADROOM) * np.iinfo(plan.pixel_type).max)


def volume_of(progress: Progress, channel: int) -> Path:
    """The volume of a channel that is to be looked at: at the scan's resolution, where that is as it should be now."""
    is_done = progress.is_done(Step("FullDownsampling", channel))
    return progress.plan.folder.volume(channel, full=is_done)


def state_of(plan: Plan) -> State:
    """Neuroglancer's state with every volume of the animal. Raises BrainstackError where there is none yet."""
    prep_id, progress = plan.folder.prep_id, progress_of(plan)
    channels = [one for one in plan.channels if (volume_of(progress, one.number) / "info").exists()]
    if not channels:
        raise BrainstackError(
            f"{prep_id} has no volume yet; make it with `luigi --module tasks Animal --animal {prep_id}`."
        )
    first = read_volume_info(volume_of(progress, channels[0].number))
    white = 255 if first.data_type != plan.pixel_type else display_white(plan)
    volumes = [
        ImageVolume(
            f"C{one.number} {one.name}", volume_of(progress, one.number).name, (0, white), first.num_channels == 3
        )
        for one in channels
    ]
    return animal_state(
        volumes,
        size_xyz=first.size_xyz,
        voxel_size_um=first.voxel_size_um,
        title=prep_id,
        background=_glass(plan, channels[0].number) if plan.is_colour else BLACK,
    )


def _glass(plan: Plan, channel: int) -> str:
    """The colour of the glass, so that it does not end where the volume ends."""
    white = json.loads(plan.folder.small(f"white_point_C{channel}").read_text())["white"]
    return "#{:02x}{:02x}{:02x}".format(*white)
