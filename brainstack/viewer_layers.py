"""The layers of an animal beside its channels: all that stands in neuroglancer_data, known by its `info`.

Who made it does not matter: brainstack's shell, meshes and points, or what a lab put there with its own programs.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from brainstack.labels import SHELL
from brainstack.viewer import (
    ANNOTATION_COLORS,
    State,
    annotation_layer,
    other_image_layer,
    segmentation_layer,
    shell_layer,
)

log = logging.getLogger(__name__)

ON_THE_WAY = re.compile(r"\..*|.*_rechunkme|mesh_input.*")
"""Folders that no one looks at: what is being written, and what the lab's scripts leave on the way to a volume."""

MOST_SEGMENTS = 100
"""Of a layer with more labels none is chosen at first: the client fetches the mesh of each that is."""

MESHES = ("neuroglancer_multilod_draco", "neuroglancer_legacy_mesh", "neuroglancer_skeletons")
ANNOTATIONS = "neuroglancer_annotations_v1"


def layers_in(folder: Path, *, but: Collection[str] = ()) -> list[State]:
    """Layers to be drawn on top of the channels: other images (not shown at first), the shell, label volumes and
    meshes, annotations; each kind by name. folder : neuroglancer_data. but : names of volumes that are layers already.
    """
    images: list[State] = []
    segmentations: list[State] = []
    annotations: list[State] = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        info = None if path.name in but or ON_THE_WAY.fullmatch(path.name) else read_info(path)
        if info is None:
            continue
        of_layer, of_volume = info.get("@type"), info.get("type")
        if of_layer == ANNOTATIONS:
            color = ANNOTATION_COLORS[len(annotations) % len(ANNOTATION_COLORS)]
            points = str(info.get("annotation_type")).casefold() == "point"
            annotations.append(annotation_layer(path.name, path.name, color=color, points=points))
        elif of_volume == "segmentation" or of_layer in MESHES:
            segmentations.append(_segmentation(path, info))
        elif of_volume == "image":
            images.append(other_image_layer(path.name, path.name, rgb=info.get("num_channels") == 3))
    segmentations.sort(key=lambda layer: layer["name"] != SHELL)
    return [*images, *segmentations, *annotations]


def read_info(path: Path) -> dict[str, Any] | None:
    """The `info` of a volume or layer; None where there is none, or, which is said, where it cannot be read."""
    try:
        info = json.loads((path / "info").read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        log.warning("%s cannot be read (%s), so it is not shown; make it again.", path / "info", error)
        return None
    return info if isinstance(info, dict) else None


def _segmentation(path: Path, info: dict[str, Any]) -> State:
    """Meshes whose names are another layer's are the same labels meshed otherwise: they are there to be switched on."""
    labels, colors = _labels(path, info)
    another = re.match(r"\.\./([^/]+)/", str(info.get("segment_properties", "")))
    more: State = {"visible": False} if another else {}
    if SHELL in (path.name, another and another[1]):
        return shell_layer(path.name, path.name, segments=labels or [1]) | more
    chosen = labels if len(labels) <= MOST_SEGMENTS else ()
    return segmentation_layer(path.name, path.name, segments=chosen, colors=colors) | more


def _labels(path: Path, info: dict[str, Any]) -> tuple[list[int], dict[int, str]]:
    """The labels that have a name, and the colours of those that have one ("#0cff95"). The client shows the names by
    itself, and knows no colours."""
    names = info.get("segment_properties")
    found = read_info(path / names) if isinstance(names, str) else None
    inline = (found or {}).get("inline") or {}
    try:
        labels = [int(label) for label in inline.get("ids", [])]
        columns = {one["id"].casefold(): one.get("values", []) for one in inline.get("properties", [])}
    except (AttributeError, KeyError, TypeError, ValueError):
        log.warning(
            "%s is not as Neuroglancer wants it (ids and properties of its labels); their names are not shown: "
            "make the "
            "layer again.",
            path / str(names) / "info",
        )
        return [], {}
    given = columns.get("color", columns.get("colour", []))
    pairs = zip(labels, given, strict=False)
    return labels, {label: color for label, color in pairs if re.fullmatch(r"#[0-9a-fA-F]{6}", str(color))}
