"""Meshes as Neuroglancer reads them: in several levels of detail, sharded; and the plain form that came before.

https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/mesh.rst
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import DracoPy
import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.files.morton import Sharding, chunk_codes
from brainstack.files.shard_files import OpenFiles, ShardWriter, read_shard_index
from brainstack.files.whole import whole_file
from brainstack.triangles import Mesh, merged

SHARDING = Sharding(preshift_bits=0, minishard_bits=0, shard_bits=0, data_encoding="raw")
"""One file: its index, which a viewer fetches first, takes less than 24 bytes a label."""

SHARD = SHARDING.shard_name(0)

NM = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]
"""Meshes are kept in nanometres from where the axes begin: nothing has to be done to them."""

COMPRESSION_LEVEL = 7
"""Of Draco, from 0 to 10."""


class AFragment(Protocol):
    """As `brainstack.images.mesh_fragments.Fragment`."""

    @property
    def position(self) -> tuple[int, int, int]: ...
    @property
    def vertices(self) -> NDArray[np.int32]: ...
    @property
    def faces(self) -> NDArray[np.uint32]: ...


class AnOctree(Protocol):
    """As `brainstack.images.mesh_fragments.Octree`."""

    @property
    def origin_nm(self) -> NDArray[np.float32]: ...
    @property
    def cell_nm(self) -> NDArray[np.float32]: ...
    @property
    def levels(self) -> Sequence[Sequence[AFragment]]: ...
    @property
    def scales_nm(self) -> Sequence[float]: ...


class MeshWriter:
    """Writes the meshes of a layer in several levels of detail, one label after another, in order. Used in a `with`
    block; the folder is whole at its end."""

    def __init__(self, folder: Path, *, quantization_bits: int, segment_properties: str = "") -> None:
        """segment_properties : folder of the names, seen from this one; "" where the volume says it."""
        self._folder = folder
        self._shard = ShardWriter(folder / SHARD, SHARDING)
        self._info = {
            "@type": "neuroglancer_multilod_draco",
            "vertex_quantization_bits": quantization_bits,
            "transform": NM,
            "lod_scale_multiplier": 1,
            "sharding": SHARDING.to_json(),
        }
        if segment_properties:
            self._info["segment_properties"] = segment_properties

    def put(self, label: int, tree: AnOctree) -> int:
        """Add a label's surface. Returns how many bytes it takes."""
        levels = [[(one, _encoded(one)) for one in _in_z_order(level)] for level in tree.levels]
        manifest = _manifest(tree, levels)
        data = b"".join(data for level in levels for _, data in level)
        self._shard.append(label, manifest, before=data)
        return len(data) + len(manifest)

    def __enter__(self) -> MeshWriter:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._shard.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._shard.__exit__(*error)  # type: ignore[arg-type]
        if error[0] is None:
            _write_info(self._folder, self._info)


def _in_z_order(fragments: Sequence[AFragment]) -> list[AFragment]:
    positions = np.array([one.position for one in fragments])
    side = 1 << int(positions.max(initial=1)).bit_length()
    codes = chunk_codes((side, side, side), *positions.T)
    return [fragments[place] for place in np.argsort(codes)]


def _encoded(fragment: AFragment) -> bytes:
    """Draco with whole numbers as they are; nothing where there is no triangle."""
    if not len(fragment.faces):
        return b""
    return bytes(DracoPy.encode(fragment.vertices, fragment.faces, compression_level=COMPRESSION_LEVEL))


def _manifest(tree: AnOctree, levels: Sequence[Sequence[tuple[AFragment, bytes]]]) -> bytes:
    parts = [
        tree.cell_nm.astype("<f4").tobytes(),
        tree.origin_nm.astype("<f4").tobytes(),
        struct.pack("<I", len(levels)),
        np.array(tree.scales_nm, "<f4").tobytes(),
        np.zeros((len(levels), 3), "<f4").tobytes(),
        np.array([len(level) for level in levels], "<u4").tobytes(),
    ]
    for level in levels:
        parts.append(np.array([one.position for one, _ in level], "<u4").T.tobytes())
        parts.append(np.array([len(data) for _, data in level], "<u4").tobytes())
    return b"".join(parts)


# Reading them again


@dataclass(frozen=True, eq=False)
class Manifest:
    """What is said of a mesh. positions : of each level, (fragments, 3). sizes : of each level, bytes of each."""

    cell_nm: NDArray[np.float64]
    origin_nm: NDArray[np.float64]
    scales_nm: NDArray[np.float32]
    positions: tuple[NDArray[np.int64], ...]
    sizes: tuple[NDArray[np.int64], ...]


def read_mesh_labels(folder: Path) -> list[int]:
    """The labels that have a mesh in a folder of meshes. Raises BrainstackError where there is none."""
    if not (folder / SHARD).exists():
        raise BrainstackError(
            f"There are no meshes in {folder}; make them first, with the task Shell or NeuroglancerMesh."
        )
    return [int(code) for code in read_shard_index(folder / SHARD, SHARDING)["code"]]


def read_mesh(folder: Path, label: int, level: int = 0) -> Mesh:
    """A label's surface, of one level of detail (0 is the finest), its pieces joined."""
    shard = folder / SHARD
    bits = json.loads((folder / "info").read_text())["vertex_quantization_bits"]
    index = read_shard_index(shard, SHARDING)
    row = index[index["code"] == label]
    if not len(row):
        raise BrainstackError(f"Label {label} has no mesh in {folder}.")
    with OpenFiles() as files:
        start = int(row["offset"][0])
        manifest = parse_manifest(files.read(shard, start, int(row["size"][0])))
        start -= sum(int(sizes.sum()) for sizes in manifest.sizes)
        start += sum(int(sizes.sum()) for sizes in manifest.sizes[:level])
        pieces = list(_decoded(files, shard, start, manifest.sizes[level]))
    corners, faces, count = [], [], 0
    for position, piece in zip(manifest.positions[level], pieces, strict=True):
        if piece is not None:
            inside = piece.points.astype(np.float64) / (2**bits - 1)
            corners.append(manifest.origin_nm + manifest.cell_nm * 2**level * (position + inside))
            faces.append(piece.faces.astype(np.int64) + count)
            count += len(piece.points)
    # Where neighbours meet, the end of one cell and the start of the next are the same number.
    return merged(np.concatenate(corners) / 1000, np.concatenate(faces))


def _decoded(files: OpenFiles, shard: Path, start: int, sizes: NDArray[np.int64]) -> Iterator[DracoPy.DracoMesh | None]:
    for size in sizes.tolist():
        yield DracoPy.decode(files.read(shard, start, size)) if size else None
        start += size


def parse_manifest(data: bytes) -> Manifest:
    """The manifest in some bytes, as the format has it."""
    cell, origin = np.frombuffer(data, "<f4", 3), np.frombuffer(data, "<f4", 3, 12)
    (levels,) = struct.unpack_from("<I", data, 24)
    scales = np.frombuffer(data, "<f4", levels, 28)
    at = 28 + 16 * levels
    counts = np.frombuffer(data, "<u4", levels, at)
    at += 4 * levels
    positions, sizes = [], []
    for count in counts.tolist():
        positions.append(np.frombuffer(data, "<u4", 3 * count, at).reshape(3, count).T.astype(np.int64))
        sizes.append(np.frombuffer(data, "<u4", count, at + 12 * count).astype(np.int64))
        at += 16 * count
    return Manifest(cell.astype(np.float64), origin.astype(np.float64), scales, tuple(positions), tuple(sizes))


# The plain form


def write_plain_mesh(folder: Path, label: int, mesh: Mesh) -> int:
    """Write a label's surface in the form that came before: one level, two files. Returns how many bytes it takes."""
    name = f"{label}:0:mesh"
    data = b"".join(
        (
            struct.pack("<I", len(mesh.vertices)),
            (mesh.vertices * 1000).astype("<f4").tobytes(),
            mesh.faces.astype("<u4").tobytes(),
        )
    )
    with whole_file(folder / name) as part:
        part.write_bytes(data)
    with whole_file(folder / f"{label}:0") as part:
        part.write_text(json.dumps({"fragments": [name]}))
    return len(data)


def write_plain_info(folder: Path, segment_properties: str = "") -> None:
    """Write the file `info` of a folder of meshes in that form."""
    more = {"segment_properties": segment_properties} if segment_properties else {}
    _write_info(folder, {"@type": "neuroglancer_legacy_mesh", **more})


def read_plain_mesh(folder: Path, label: int) -> Mesh:
    """What `write_plain_mesh` wrote."""
    (name,) = json.loads((folder / f"{label}:0").read_text())["fragments"]
    data = (folder / name).read_bytes()
    (count,) = struct.unpack_from("<I", data)
    vertices = np.frombuffer(data, "<f4", 3 * count, 4).reshape(-1, 3).astype(np.float64) / 1000
    return Mesh(vertices, np.frombuffer(data, "<u4", offset=4 + 12 * count).reshape(-1, 3).astype(np.int64))


def _write_info(folder: Path, info: dict[str, object]) -> None:
    with whole_file(folder / "info") as part:
        part.write_text(json.dumps(info, indent=1) + "\n")
