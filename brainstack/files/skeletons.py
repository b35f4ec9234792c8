"""Skeletons as Neuroglancer reads them, a file each.

https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/skeleton.rst
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from brainstack.files.meshes import NM
from brainstack.files.whole import whole_file, write_json


def write_skeleton_info(folder: Path) -> None:
    """Write the file `info` of a folder of skeletons."""
    write_json(folder / "info", {"@type": "neuroglancer_skeletons", "transform": NM, "vertex_attributes": []})


def write_skeleton(folder: Path, label: int, vertices_um: NDArray[np.float64], edges: NDArray[np.int64]) -> None:
    """Write a label's skeleton. vertices_um : (n, 3), (x, y, z) in micrometres. edges : (m, 2)."""
    with whole_file(folder / str(label)) as part:
        part.write_bytes(
            struct.pack("<II", len(vertices_um), len(edges))
            + (vertices_um * 1000).astype("<f4").tobytes()
            + edges.astype("<u4").tobytes()
        )
