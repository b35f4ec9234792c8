"""What the viewer shows of an animal: its volumes as they are on the disk, with contrast from the animal's gain, or in
the colours that were scanned."""

from __future__ import annotations

import json

import numpy as np

from brainstack.errors import BrainstackError
from brainstack.files.precomputed import read_volume_info
from brainstack.plan import Plan
from brainstack.viewer import BLACK, ImageVolume, State, animal_state

HEADROOM = 1.3
"""White lies so many times above the level that the gain brings bright tissue to: the brightest cells keep form."""


def state_of(plan: Plan) -> State:
    """Neuroglancer's state with every volume of the animal. Raises BrainstackError where there is none yet."""
    prep_id = plan.folder.prep_id
    channels = [one for one in plan.channels if (plan.folder.volume(one.number) / "info").exists()]
    if not channels:
        raise BrainstackError(
            f"{prep_id} has no volume yet; make it with `luigi --module tasks Animal --animal {prep_id}`."
        )
    first = read_volume_info(plan.folder.volume(channels[0].number))
    white = min(1.0, plan.settings.gain.target * HEADROOM) * np.iinfo(first.data_type).max
    volumes = [
        ImageVolume(
            f"C{one.number} {one.name}", plan.folder.volume(one.number).name, (0, round(white)), first.num_channels == 3
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
