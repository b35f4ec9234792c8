"""What layers beside the channels may be called: labels, points and meshes stand in one folder, each under its name."""

from __future__ import annotations

import re

from brainstack.animal_folder import AnimalFolder
from brainstack.errors import BrainstackError

LABELS, POINTS = "labels", "points"
"""Kinds of layers that people ask for, as their commands are called."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")
TAKEN = re.compile(r"C\d+T?|shell|.*_mesh_mip_.*|.*_meshes\.csv", re.IGNORECASE)
"""What stages call their own: volumes of channels, the shell, what DifferentMesh makes."""


def check_name(layer: str, kind: str, what: str) -> None:
    """Raise BrainstackError for what cannot be a folder beside the volumes. kind : LABELS or POINTS. what : that is
    called so."""
    if not NAME.fullmatch(layer) or TAKEN.fullmatch(layer):
        raise BrainstackError(
            f"{what} cannot be a layer of {kind}; wanted a name of letters, digits, '_', '-' and '.', and not one that "
            "a stage gives: that of a channel's volume, such as C1T, nor shell, nor that of other meshes, such as "
            "nuclei_mesh_mip_1_err_20."
        )


def check_layer_name(folder: AnimalFolder, layer: str, kind: str) -> None:
    """Raise BrainstackError for a name that cannot be, or that a layer of the other kind was given, be it made or not.
    kind : LABELS or POINTS."""
    check_name(layer, kind, repr(layer))
    other = POINTS if kind == LABELS else LABELS
    said = [folder.labels(layer)] if other == LABELS else [folder.points(layer), folder.points(layer, ".json")]
    for path in said:
        if path.exists():
            raise BrainstackError(
                f"{layer!r} cannot be a layer of {kind}: {path} says that it is one of {other}; choose another name, "
                f"or take that one away with `brainstack {other} remove {folder.prep_id} {layer}`."
            )
