"""What the stages of label volumes share: their names, meshes and skeletons, and where they may stand."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from brainstack.errors import BrainstackError
from brainstack.files.label_volume import LabelReader
from brainstack.files.meshes import MeshWriter, write_plain_info, write_plain_mesh
from brainstack.files.segment_properties import FOLDER, write_segment_properties
from brainstack.files.skeletons import write_skeleton, write_skeleton_info
from brainstack.images.mesh_fragments import QUANTIZATION_BITS, octree
from brainstack.images.meshing import label_meshes, levels_of_detail, simplified
from brainstack.images.skeletons import skeletons
from brainstack.images.threads import use_one_thread
from brainstack.labels import Segment
from brainstack.settings import MeshesSettings
from brainstack.triangles import Mesh

MESHES, PLAIN, SKELETONS = "mesh", "mesh_plain", "skeletons"
"""Folders of a layer: its meshes in levels of detail, and in the plain form; its skeletons."""

OURS = "brainstack_labels"
"""The member of a layer's `info` by which brainstack knows its own."""

BLOCK = 256
"""Voxels a side that are meshed at once."""

MOST_SKELETON_VOXELS = 2**25
"""Skeletons are made of the finest level that has no more."""


def layer_info(made_by: str, *, has_skeletons: bool = False) -> dict[str, object]:
    """What a layer's `info` says beside the volume: where its meshes and names are. made_by : the stage."""
    found: dict[str, object] = {"mesh": MESHES, "segment_properties": FOLDER, OURS: {"made_by": made_by}}
    return found | {"skeletons": SKELETONS} if has_skeletons else found


def check_place(path: Path) -> None:
    """Raise BrainstackError where something stands that brainstack did not make as a layer of labels."""
    if not path.exists():
        return
    try:
        info = json.loads((path / "info").read_text())
    except (OSError, ValueError):
        info = {}
    if OURS not in info:
        raise BrainstackError(
            f"{path} is there already, and is no layer of labels that brainstack made; move it away, or choose another "
            "name, and run the same command again."
        )


def write_names(layer: Path, segments: list[Segment], voxels: Mapping[int, int], voxel_um: Iterable[float]) -> None:
    """Write what the labels of a layer are called. voxels : of each label. voxel_um : the sides of one."""
    mm3 = float(np.prod(list(voxel_um))) / 1e9
    write_segment_properties(layer / FOLDER, segments, {label: count * mm3 for label, count in voxels.items()})


@dataclass(frozen=True)
class Written:
    """What was written of meshes: triangles of the finest level, bytes of all levels, and the seconds that it took."""

    labels: int
    triangles: int
    bytes: int
    seconds: float


def write_meshes(
    meshes: Iterable[tuple[int, Mesh]],
    settings: MeshesSettings,
    folder: Path,
    plain: Path | None = None,
    *,
    segment_properties: str = "",
) -> Written:
    """Write surfaces with their levels of detail. meshes : (label, surface), in order. plain : folder of the plain
    form, None for none. segment_properties : where the names are, seen from `folder`; "" where the volume says it."""
    labels = triangles = size = 0
    started = time.monotonic()
    with MeshWriter(folder, quantization_bits=QUANTIZATION_BITS, segment_properties=segment_properties) as writer:
        for label, mesh in meshes:
            levels = levels_of_detail(mesh, most=settings.levels, triangles=settings.coarsest_triangles)
            size += writer.put(label, octree(levels))
            if plain is not None:
                write_plain_mesh(plain, label, mesh)
            labels, triangles = labels + 1, triangles + len(mesh.faces)
    if plain is not None:
        write_plain_info(plain)
    return Written(labels, triangles, size, round(time.monotonic() - started, 1))


def meshes_of(reader: LabelReader, error_um: float) -> Iterator[tuple[int, Mesh]]:
    """(label, its surface) of a label volume, with as few triangles as the error allows."""
    use_one_thread()
    found = label_meshes(
        reader.shape_zyx, reader.read, voxel_um=reader.voxel_um, offset_um=reader.offset_um, block=BLOCK
    )
    for label, mesh in found:
        yield label, simplified(mesh, error_um)


def write_skeletons(layer: Path) -> None:
    """Write the skeletons of a layer's labels, of a level that fits into memory."""
    with LabelReader(layer) as reader:
        scales = reader.layout.scales
    small = [level for level, scale in enumerate(scales) if np.prod(scale.size_xyz) <= MOST_SKELETON_VOXELS]
    level = small[0] if small else len(scales) - 1
    with LabelReader(layer, level) as reader:
        depth, rows, columns = reader.shape_zyx
        labels = reader.read((slice(0, depth), slice(0, rows), slice(0, columns)))
        corner, side = np.array(reader.offset_um), np.array(reader.voxel_um)
    write_skeleton_info(layer / SKELETONS)
    if labels is not None:
        for label, one in skeletons(labels):
            write_skeleton(layer / SKELETONS, label, corner + (one.vertices[:, ::-1] + 0.5) * side, one.edges)
