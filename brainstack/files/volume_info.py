"""Volumes that Neuroglancer reads, the "precomputed" format: how one is laid out, and the file `info` that says so."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from brainstack.errors import BrainstackError
from brainstack.files.morton import Sharding, sharding_for
from brainstack.files.volume_layout import LABEL_BLOCK_XYZ, Scale, Size, VolumeLayout
from brainstack.files.whole import write_json

__all__ = [
    "Scale",
    "VolumeInfo",
    "VolumeLayout",
    "lay_out",
    "read_layout",
    "read_volume_info",
    "with_smaller_scales",
    "write_info",
]

LONGEST_SIDE = 2**31 - 1
"""Voxels. Viewers count in signed 32 bits, and so does OpenCV."""

LONGEST_JPEG_SIDE = 65500
"""Pixels, libjpeg's own limit. The picture of a chunk is its sections, one below the other."""

SHARD_COLUMN_PX = 2048
"""What a shard is wide, in voxels of its scale, where no block says it."""

READ_MEMBERS = {"@type", "type", "data_type", "num_channels", "scales", "brainstack"}
"""Of the file `info`; all others are kept as they are."""

DATA_TYPES = {
    "raw": ("uint8", "uint16", "uint32", "uint64", "float32"),
    "jpeg": ("uint8",),
    "png": ("uint8", "uint16"),
}
"""What each encoding can hold."""


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


def lay_out(
    shape_zyx: Size,
    *,
    data_type: str,
    num_channels: int,
    voxel_size_um: tuple[float, float, float],
    chunk_size: Size,
    largest_plain_chunks: int,
    gzip: bool,
    encoding: str = "raw",
    sharded: bool | None = None,
    jpeg_quality: int = 90,
    smallest_side_px: int = 256,
    block_px: int = 2048,
    group_px: int = 16384,
) -> VolumeLayout:
    """The layout of a new volume and of all its smaller levels.

    shape_zyx : sections, rows, columns. num_channels : 3 for RGB. voxel_size_um, chunk_size : (x, y, z).
    largest_plain_chunks : with more chunks than this in all scales, and `sharded` None, the volume is sharded.
    gzip : for chunks that are files of encoding "raw"; shards are compressed whatever it says, JPEG and PNG never are.
    smallest_side_px : x and y are halved until neither is longer. They are halved alone until a voxel is about as
        wide as it is deep, then with z.

    Chunks that are files are never larger than the volume. Raises BrainstackError for what no reader could read, and
    for chunks that do not divide a block, or blocks a group, in powers of two.
    """
    _check_sides(shape_zyx)
    _check_encoding(encoding, data_type, num_channels, chunk_size)
    _check_blocks(shape_zyx[::-1], chunk_size, block_px, group_px)
    resolution = _numbers(length * 1000 for length in voxel_size_um)
    plain_chunk = _three(min(chunk, length) for chunk, length in zip(chunk_size, shape_zyx[::-1], strict=True))
    first = Scale("_".join(map(str, resolution)), shape_zyx[::-1], resolution, plain_chunk, encoding, None)
    if sharded is None:
        sharded = sum(scale.chunks for scale in _levels(first, smallest_side_px)) > largest_plain_chunks
    if sharded:
        first = _sharded(replace(first, chunk_xyz=chunk_size), block_px)
    layout = VolumeLayout(
        scales=(first,),
        data_type=data_type,
        num_channels=num_channels,
        levels_in_block=1,
        block_px=block_px,
        group_px=group_px,
        gzip=gzip and not sharded and encoding == "raw",
        jpeg_quality=jpeg_quality if encoding == "jpeg" else None,
    )
    return with_smaller_scales(layout, smallest_side_px)


def with_smaller_scales(layout: VolumeLayout, smallest_side_px: int) -> VolumeLayout:
    """The layout of a volume that has the first scale of `layout`, and after it all those that `lay_out` gives one."""
    scales = _levels(layout.scales[0], smallest_side_px)
    in_block = _levels_in_block(scales, layout.block_px) if layout.block_px else 0
    if layout.is_sharded:
        for level, scale in enumerate(scales[1:], 1):
            column_px = layout.block_px or SHARD_COLUMN_PX
            if level < in_block:
                column_px = min(layout.block_px << level, layout.group_px) >> level
            scales[level] = _sharded(scale, column_px)
    return replace(layout, scales=tuple(scales), levels_in_block=in_block)


def read_volume_info(path: Path) -> VolumeInfo:
    """The size and kind of the volume in folder `path`. Raises BrainstackError where there is none."""
    info = read_info(path)
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


def read_layout(path: Path) -> VolumeLayout:
    """The layout of the volume in folder `path`, with the scales that its `info` names.

    A volume that brainstack has not made has no blocks: its levels_in_block, block_px and group_px are 0.
    Raises BrainstackError where there is no volume, or one of a kind that only others can read.
    """
    info = read_info(path)
    try:
        return _layout_of(info, path)
    except (KeyError, TypeError, ValueError) as error:
        raise BrainstackError(
            f"{path / 'info'} is not the info of a volume: {error!r}. If brainstack made that volume, delete its "
            "folder and run the same command again."
        ) from error


def write_info(path: Path, layout: VolumeLayout, levels: int | None = None) -> None:
    """Write the file `info` of the volume in folder `path`, with its first `levels` scales. None: with all."""
    write_json(path / "info", layout.info(levels))


def read_info(path: Path) -> dict[str, Any]:
    """The file `info` as it is. Raises BrainstackError where there is none, or it is no JSON of a volume."""
    try:
        info = json.loads((path / "info").read_text())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BrainstackError(
            f"There is no volume in {path}: it has no file 'info'. Make it first, or give the folder that has the file."
        ) from error
    except ValueError as error:
        raise BrainstackError(
            f"{path / 'info'} is not JSON: {error}. If brainstack made that volume, delete its folder and run the "
            "same command again."
        ) from error
    if not isinstance(info, dict) or not info.get("scales"):
        raise BrainstackError(
            f"{path / 'info'} names no scales, as a volume's would. If brainstack made that volume, delete its folder "
            "and run the same command again."
        )
    return info


def _check_sides(shape_zyx: Size) -> None:
    for name, length in zip(("sections", "rows", "columns"), shape_zyx, strict=True):
        if not 1 <= length <= LONGEST_SIDE:
            raise BrainstackError(
                f"The volume would have {length:,} {name}, wanted 1 to {LONGEST_SIDE:,}: the canvas that all "
                "sections fit on is too large or empty. Look for sections whose mask or place is wrong: brainstack "
                "status."
            )


def _check_encoding(encoding: str, data_type: str, num_channels: int, chunk_size: Size) -> None:
    if encoding not in DATA_TYPES:
        raise BrainstackError(
            f"Chunks encoded as {encoding!r} were asked for, wanted one of {', '.join(DATA_TYPES)}. Set [neuroglancer] "
            "encoding so."
        )
    if data_type not in DATA_TYPES[encoding]:
        raise BrainstackError(
            f"Chunks of {data_type} encoded as {encoding} were asked for, which holds "
            f"{' or '.join(DATA_TYPES[encoding])}. Set [neuroglancer] encoding to another one: raw holds all."
        )
    if encoding != "raw" and num_channels not in (1, 3):
        raise BrainstackError(f"Chunks of {num_channels} channels as {encoding} were asked for, wanted 1 or 3.")
    if encoding == "jpeg" and max(chunk_size[0], chunk_size[1] * chunk_size[2]) > LONGEST_JPEG_SIDE:
        raise BrainstackError(
            f"Chunks of {' x '.join(map(str, chunk_size))} make JPEG pictures with a side of more than "
            f"{LONGEST_JPEG_SIDE:,} pixels, which JPEG cannot hold. Set [neuroglancer] chunk_size smaller."
        )


def _check_blocks(size: Size, chunk: Size, block_px: int, group_px: int) -> None:
    for length, side in zip(size[:2], chunk[:2], strict=True):
        if length > block_px and not _is_power_of_two_times(block_px, side):
            raise BrainstackError(
                f"Chunks of {side} pixels do not fit into blocks of {block_px}, wanted 1, 2, 4, 8 ... of them across. "
                f"Set [neuroglancer] chunk_size or block_px so."
            )
    if not _is_power_of_two_times(group_px, block_px):
        raise BrainstackError(
            f"Groups of {group_px} pixels are not 1, 2, 4, 8 ... blocks of {block_px} across. Set [neuroglancer] "
            "group_px or block_px so."
        )


def _is_power_of_two_times(whole: int, part: int) -> bool:
    times, rest = divmod(whole, part)
    return rest == 0 and times > 0 and times & (times - 1) == 0


def _levels(first: Scale, smallest_side_px: int) -> list[Scale]:
    """The first scale, and the smaller ones, not sharded."""
    scales = [first]
    while max(scales[-1].size_xyz[:2]) > smallest_side_px:
        fine = scales[-1]
        factor = (2, 2, 2 if fine.resolution_nm[0] * 1.5 > fine.resolution_nm[2] else 1)
        resolution = _numbers(length * by for length, by in zip(fine.resolution_nm, factor, strict=True))
        # A voxel covers those at whole multiples of the factor, wherever the volume starts.
        starts = _three(start // by for start, by in zip(fine.voxel_offset_xyz, factor, strict=True))
        ends = (start + size for start, size in zip(fine.voxel_offset_xyz, fine.size_xyz, strict=True))
        size = _three(-(-end // by) - start for end, by, start in zip(ends, factor, starts, strict=True))
        scales.append(
            replace(
                first,
                key="_".join(map(str, resolution)),
                size_xyz=size,
                resolution_nm=resolution,
                sharding=None,
                factor_xyz=factor,
                voxel_offset_xyz=starts,
            )
        )
    return scales


def _levels_in_block(scales: list[Scale], block_px: int) -> int:
    first = scales[0]
    count = 0
    for level, scale in enumerate(scales):
        side = block_px >> level
        inside = (
            length <= block_px or (side >= across and side % across == 0)
            for length, across in zip(first.size_xyz[:2], first.chunk_xyz[:2], strict=True)
        )
        if scale.factor_xyz[2] > 1 or not all(inside):
            break
        count += 1
    return count


def _sharded(scale: Scale, column_px: int) -> Scale:
    across = (max(column_px // scale.chunk_xyz[0], 1), max(column_px // scale.chunk_xyz[1], 1))
    return replace(scale, sharding=sharding_for(scale.grid_xyz, across, "gzip" if scale.encoding == "raw" else "raw"))


def _layout_of(info: dict[str, Any], path: Path) -> VolumeLayout:
    scales = info["scales"]
    factors = [(1, 1, 1)] + [
        _three(round(b / a) for a, b in zip(fine["resolution"], coarse["resolution"], strict=True))
        for fine, coarse in pairwise(scales)
    ]
    own = info.get("brainstack", {})
    return VolumeLayout(
        scales=tuple(_scale_of(scale, factor) for scale, factor in zip(scales, factors, strict=True)),
        data_type=info["data_type"],
        num_channels=info["num_channels"],
        levels_in_block=own.get("levels_in_block", 0),
        block_px=own.get("block_px", 0),
        group_px=own.get("group_px", 0),
        gzip=own["gzip"] if own else _has_gzip_chunks(path / scales[0]["key"]),
        jpeg_quality=scales[0].get("jpeg_quality"),
        layer_type=info["type"],
        others={name: value for name, value in info.items() if name not in READ_MEMBERS},
    )


def _scale_of(scale: dict[str, Any], factor: Size) -> Scale:
    if scale["encoding"] == "compressed_segmentation":
        block = tuple(scale["compressed_segmentation_block_size"])
        if block != LABEL_BLOCK_XYZ:
            raise ValueError(f"blocks of compressed labels are {block}, wanted {LABEL_BLOCK_XYZ}")
    return Scale(
        key=scale["key"],
        size_xyz=_three(scale["size"]),
        resolution_nm=_numbers(scale["resolution"]),
        chunk_xyz=_three(scale["chunk_sizes"][0]),
        encoding=scale["encoding"],
        sharding=Sharding.from_json(scale["sharding"]) if scale.get("sharding") else None,
        factor_xyz=factor,
        voxel_offset_xyz=_three(scale.get("voxel_offset", (0, 0, 0))),
    )


def _has_gzip_chunks(folder: Path) -> bool:
    return folder.is_dir() and any(file.suffix == ".gz" for file in folder.iterdir())


def _three(numbers: Any) -> Size:
    x, y, z = (int(number) for number in numbers)
    return x, y, z


def _numbers(lengths_nm: Any) -> tuple[float, float, float]:
    """Lengths as they are written: whole numbers without a point, and 20.8 * 1000 without its last wrong digits."""
    rounded = (round(length, 6) for length in lengths_nm)
    x, y, z = (int(length) if length == int(length) else length for length in rounded)
    return x, y, z
