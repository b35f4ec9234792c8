"""What the viewer shows of an animal: its volumes as they are on the disk, with contrast from the animal's gain."""

from __future__ import annotations

import numpy as np

from brainstack.errors import BrainstackError
from brainstack.files.precomputed import read_volume_info
from brainstack.plan import Plan
from brainstack.viewer import ImageVolume, State, animal_state

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
        ImageVolume(f"C{one.number} {one.name}", plan.folder.volume(one.number).name, (0, round(white)))
        for one in channels
    ]
    return animal_state(volumes, size_xyz=first.size_xyz, voxel_size_um=first.voxel_size_um, title=prep_id)
