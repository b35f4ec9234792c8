"""The stages of an animal: which there are, what one step of each reads and writes, and what its result depends on."""

from brainstack.stages.facts import scanned_shape
from brainstack.stages.inputs import IMAGES, mesh_parts, neighbours, original, painted
from brainstack.stages.kinds import Input, Stage
from brainstack.stages.outputs import tif_files
from brainstack.stages.steps import colour_channel
from brainstack.stages.table import ASKED_FOR, STAGES

__all__ = [
    "ASKED_FOR",
    "IMAGES",
    "STAGES",
    "Input",
    "Stage",
    "colour_channel",
    "mesh_parts",
    "neighbours",
    "original",
    "painted",
    "scanned_shape",
    "tif_files",
]
