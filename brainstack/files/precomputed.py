"""Volumes that Neuroglancer reads: the "precomputed" format, an image layer in a folder.

Chunks are raw and not compressed, so that any web server can hand them out as they are. cloud-volume and igneous are
imported where they are used: they take seconds, and most stages never need them.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from brainstack.errors import BrainstackError
from brainstack.files.whole import PART, flush, whole_folder, write_json

Image = NDArray[Any]
Size = tuple[int, int, int]

LEVELS_AT_ONCE = 3
"""Levels made from one reading of a block: 1024 x 1024 x 64 voxels of 16 bit (134 MB) when chunks are 128 wide."""


@dataclass(frozen=True)
class VolumeInfo:
    """What a volume's `info` says of its first level.

    size_xyz : in voxels. voxel_size_um : (x, y, z). num_channels : 3 for RGB. levels : 1 when nothing is downsampled.
    """

    size_xyz: Size
    voxel_size_um: tuple[float, float, float]
    data_type: str
    num_channels: int
    levels: int


def read_volume_info(path: Path) -> VolumeInfo:
    """The size and kind of the volume in folder `path`. Raises BrainstackError where there is none."""
    info = _read_info(path)
    first = info["scales"][0]
    x_nm, y_nm, z_nm = first["resolution"]
    width, height, depth = first["size"]
    return VolumeInfo(
        size_xyz=(width, height, depth),
        voxel_size_um=(x_nm / 1000, y_nm / 1000, z_nm / 1000),
        data_type=info["data_type"],
        num_channels=info["num_channels"],
        levels=len(info["scales"]),
    )


def write_volume(
    path: Path,
    planes: Iterator[Image | None],
    *,
    shape_zyx: Size,
    dtype: DTypeLike,
    voxel_size_um: tuple[float, float, float],
    chunk_size: Size,
    num_channels: int = 1,
    empty: int | Sequence[int] = 0,
) -> None:
    """Write sections as the first level of an image volume; what stood at `path` is replaced when all is written.

    planes : one for each z, in order: (rows, columns), or (rows, columns, 3) where `num_channels` is 3, of `dtype`;
        None is an empty slot. As many as a chunk is deep are in memory at a time.
    shape_zyx : sections, rows, columns. dtype : uint8, uint16, uint32 or float32.
    voxel_size_um, chunk_size : (x, y, z). Chunks are never larger than the volume.
    empty : the value of empty slots, or one for each channel.

    Raises BrainstackError for a plane of another shape or dtype, and for too few or too many planes.
    """
    from cloudvolume import CloudVolume

    wanted = (*shape_zyx[1:], 3) if num_channels == 3 else shape_zyx[1:]
    info = _first_info(shape_zyx, np.dtype(dtype), voxel_size_um, chunk_size, num_channels)
    _remove_leftovers(path)
    with whole_folder(path) as part:
        write_json(part / "info", info)
        volume = CloudVolume(_url(part), compress=False, progress=False)
        depth = info["scales"][0]["chunk_sizes"][0][2]
        numbered = enumerate(planes)
        for start in range(0, shape_zyx[0], depth):
            end = min(start + depth, shape_zyx[0])
            slab = np.empty((num_channels, end - start, *shape_zyx[1:]), dtype)
            slab[:] = np.reshape(empty, (-1, 1, 1, 1))
            count = 0
            for number, plane in islice(numbered, end - start):
                count += 1
                if plane is not None:
                    _check_plane(path, number, plane, wanted, slab.dtype)
                    slab[:, number - start] = np.moveaxis(np.atleast_3d(plane), -1, 0)
            if count < end - start:
                raise BrainstackError(f"{path} got {start + count} sections, wanted {shape_zyx[0]}. Give one for each.")
            volume[:, :, start:end] = slab.T
        if next(numbered, None) is not None:
            raise BrainstackError(f"{path} got more than the {shape_zyx[0]} sections wanted. Give one for each slot.")


def downsample_volume(path: Path, *, mips: int) -> int:
    """Add up to `mips` levels, each half as wide and high as the one before; replaces those that are there.

    Returns how many there are above the first: fewer than asked for where a level would be smaller than one chunk.
    Until all are in their place, readers see the first level alone, so the volume is right at any instant.

    igneous averages 2 x 2 pixels and drops the fraction. Up to three levels come from one sum, so that on average
    they are 0.37, 0.47 and 0.49 grey values too dark; each further three levels add as much again (measured on
    uniform noise, uint8 and uint16 alike). A segmentation gets the most frequent label instead.
    """
    _remove_leftovers(path)
    info = _read_info(path)
    first = info["scales"][0]
    mips = min(mips, _possible_mips(first))
    only_first = info | {"scales": [first]}
    complete = info | {"scales": [first, *(_level(first, mip) for mip in range(1, mips + 1))]}
    part = path.with_name(f"{PART}{os.getpid()}-{path.name}")
    part.mkdir()
    try:
        write_json(part / "info", complete)
        (part / first["key"]).symlink_to(Path("..") / path.name / first["key"])
        for start in range(0, mips, LEVELS_AT_ONCE):
            _make_levels(part, start, min(LEVELS_AT_ONCE, mips - start))
        for scale in complete["scales"][1:]:
            for chunk in (part / scale["key"]).iterdir():
                flush(chunk)
        write_json(path / "info", only_first)
        _remove_levels(path, keep=first["key"])
        for scale in complete["scales"][1:]:
            (part / scale["key"]).rename(path / scale["key"])
        write_json(path / "info", complete)
    finally:
        shutil.rmtree(part)
    return mips


def _first_info(
    shape_zyx: Size, dtype: np.dtype[Any], voxel_size_um: tuple[float, float, float], chunk_size: Size, channels: int
) -> dict[str, Any]:
    from cloudvolume import CloudVolume

    size = shape_zyx[::-1]
    info: dict[str, Any] = CloudVolume.create_new_info(
        num_channels=channels,
        layer_type="image",
        data_type=dtype.name,
        encoding="raw",
        resolution=[_number(length * 1000) for length in voxel_size_um],
        voxel_offset=(0, 0, 0),
        volume_size=size,
        chunk_size=[min(chunk, length) for chunk, length in zip(chunk_size, size, strict=True)],
    )
    return {"@type": "neuroglancer_multiscale_volume"} | info


def _number(length_nm: float) -> float | int:
    """A length as it is written: whole numbers without a point, and 20.8 * 1000 without its last wrong digits."""
    rounded = round(length_nm, 6)
    return int(rounded) if rounded == int(rounded) else rounded


def _check_plane(path: Path, number: int, plane: Image, wanted: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if plane.shape != wanted or plane.dtype != dtype:
        raise BrainstackError(
            f"Section {number} for {path.name} is {plane.shape} {plane.dtype}, wanted {wanted} {dtype}. "
            f"Make that section again."
        )


def _read_info(path: Path) -> dict[str, Any]:
    try:
        info: dict[str, Any] = json.loads((path / "info").read_text())
    except FileNotFoundError as error:
        raise BrainstackError(f"There is no volume in {path}: it has no file 'info'. Make the volume first.") from error
    except json.JSONDecodeError as error:
        raise BrainstackError(f"{path / 'info'} is not JSON: {error}. Make the volume again.") from error
    return info


def _possible_mips(first: dict[str, Any]) -> int:
    """How often x and y can be halved with at least a chunk left of both. igneous makes no smaller levels."""
    chunks = min(size // chunk for size, chunk in zip(first["size"][:2], first["chunk_sizes"][0][:2], strict=True))
    return int(chunks).bit_length() - 1


def _level(first: dict[str, Any], mip: int) -> dict[str, Any]:
    factor = (2**mip, 2**mip, 1)
    resolution = [_number(length * by) for length, by in zip(first["resolution"], factor, strict=True)]
    size = [-(-length // by) for length, by in zip(first["size"], factor, strict=True)]
    return first | {"key": "_".join(map(str, resolution)), "resolution": resolution, "size": size}


def _make_levels(layer: Path, mip: int, count: int) -> None:
    """Make the levels mip + 1 ... mip + count of `layer` from its level `mip`."""
    from igneous.tasks import DownsampleTask

    # igneous.task_creation is not used: its tasks fail where the last block is narrower than 2**count pixels
    # (seung-lab/igneous issue 122), it writes the user's mail address and the date beside the volume, and its
    # LocalTaskQueue changes how the whole process starts others.
    scale = _read_info(layer)["scales"][mip]
    chunk = scale["chunk_sizes"][0]
    for z, depth in _blocks(scale["size"][2], chunk[2], 1):
        for y, height in _blocks(scale["size"][1], chunk[1] * 2**count, 2**count):
            for x, width in _blocks(scale["size"][0], chunk[0] * 2**count, 2**count):
                with contextlib.redirect_stdout(io.StringIO()):
                    DownsampleTask(
                        _url(layer),
                        mip=mip,
                        offset=(x, y, z),
                        shape=(width, height, depth),
                        factor=(2, 2, 1),
                        max_mips=count,
                        compress=False,
                    )


def _blocks(length: int, block: int, narrowest: int) -> list[tuple[int, int]]:
    """Cut `length` into (start, length) blocks; a rest smaller than `narrowest` goes to the last whole block.

    Any other rest is called a whole block, as igneous makes few levels of a small one; it stops at the volume's end.
    """
    starts = list(range(0, length, block))
    rest = length - starts[-1]
    if len(starts) > 1 and rest < narrowest:
        starts.pop()
        return [(start, block) for start in starts[:-1]] + [(starts[-1], block + rest)]
    return [(start, block) for start in starts]


def _remove_levels(path: Path, keep: str) -> None:
    for inside in path.iterdir():
        if re.fullmatch(r"[\d.]+_[\d.]+_[\d.]+", inside.name) and inside.name != keep:
            shutil.rmtree(inside)
        elif inside.name.startswith(PART):
            inside.unlink()


def _remove_leftovers(path: Path) -> None:
    """Remove what processes that have died left of `path`: two never write the same volume."""
    if not path.parent.is_dir():
        return
    for folder in path.parent.iterdir():
        owner = re.fullmatch(rf"{re.escape(PART)}(\d+)-(old-)?{re.escape(path.name)}", folder.name)
        if owner and not _other_is_alive(int(owner[1])):
            shutil.rmtree(folder)


def _other_is_alive(process: int) -> bool:
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _url(path: Path) -> str:
    return f"file://{path.resolve()}"
