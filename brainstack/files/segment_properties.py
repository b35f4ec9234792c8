"""What the labels of a volume are called, as Neuroglancer reads it.

https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/segment_properties.rst
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from brainstack.files.whole import write_json
from brainstack.labels import Segment

FOLDER = "segment_properties"
"""Of the names, in the folder of their volume."""


def write_segment_properties(folder: Path, segments: Sequence[Segment], volumes_mm3: Mapping[int, float]) -> None:
    """Write the names of labels, with their colour and how large each is. folder : of the names.

    The format has no colours that Neuroglancer shows by itself: `read_segments` gives them to whoever makes a state.
    """
    write_json(
        folder / "info",
        {
            "@type": "neuroglancer_segment_properties",
            "inline": {
                "ids": [str(one.label) for one in segments],
                "properties": [
                    {"id": "label", "type": "label", "values": [one.name for one in segments]},
                    {"id": "description", "type": "description", "values": [one.description for one in segments]},
                    {"id": "color", "type": "string", "values": [one.shown_color for one in segments]},
                    {
                        "id": "volume_mm3",
                        "type": "number",
                        "data_type": "float32",
                        "description": "Its voxels, in cubic millimetres",
                        "values": [float(f"{volumes_mm3[one.label]:.6g}") for one in segments],
                    },
                ],
            },
        },
    )


def read_segments(folder: Path) -> list[Segment]:
    """The labels of a volume, by name, with their colours. folder : of the volume. Nothing where there are no names."""
    try:
        inline: dict[str, Any] = json.loads((folder / FOLDER / "info").read_text())["inline"]
    except FileNotFoundError:
        return []
    columns = {one["id"]: one["values"] for one in inline["properties"]}
    count = len(inline["ids"])
    empty = [""] * count
    return [
        Segment(int(label), name, description, color)
        for label, name, description, color in zip(
            inline["ids"], columns["label"], columns.get("description", empty), columns.get("color", empty), strict=True
        )
    ]
