"""What the stages of a volume share, at both resolutions: its layout, the writing of its blocks, and the joining of
what they wrote."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from brainstack.alignment_results import read_matrices
from brainstack.errors import BrainstackError
from brainstack.files.chunks import PartFile, PlainChunks, read_part
from brainstack.files.sharding import join_group
from brainstack.files.volume_blocks import BlockRecord, BlockWriter, Render, bitmap_to_json
from brainstack.files.volume_check import remove_other_chunks
from brainstack.files.volume_info import VolumeLayout, lay_out, write_info
from brainstack.files.volume_pyramid import finish_pyramid
from brainstack.files.whole import remove_folder, write_json
from brainstack.images.threads import use_one_thread
from brainstack.plan import Plan
from brainstack.stamps import Step, digest
from brainstack.viewing import display_white
from brainstack.volume_records import read_record
from tasks import current
from tasks.white_point import read_background

Block = tuple[int, int]


@dataclass(frozen=True)
class Volume:
    """The volume of a channel at one resolution, and where what belongs to it is. full : at the scan's resolution."""

    plan: Plan
    channel: int
    full: bool

    @property
    def path(self) -> Path:
        return self.plan.folder.volume(self.channel, full=self.full)

    @cached_property
    def layout(self) -> VolumeLayout:
        """Follows from the canvas and the settings."""
        plan, settings = self.plan, self.plan.settings.neuroglancer
        factor = plan.settings.tifs.thumbnail_factor if self.full else 1
        rows, columns = read_matrices(plan)["canvas"]
        pixel_um = plan.pixel_size_um / factor
        return lay_out(
            (len(plan.sections), rows * factor, columns * factor),
            data_type="uint8" if settings.encoding == "jpeg" else plan.pixel_type,
            num_channels=3 if plan.is_colour else 1,
            voxel_size_um=(pixel_um, pixel_um, plan.records.histology.section_thickness_um),
            chunk_size=settings.chunk_size,
            encoding=settings.encoding,
            jpeg_quality=settings.jpeg_quality,
            sharded={"auto": None, "sharded": True, "plain": False}[settings.format],
            largest_plain_chunks=settings.largest_plain_chunks,
            gzip=settings.gzip,
            smallest_side_px=plan.settings.downsampling.smallest_side_px,
            block_px=settings.block_px,
            group_px=settings.group_px,
        )

    @cached_property
    def white(self) -> int:
        """The grey value that becomes 255 where 16 bit become 8."""
        return display_white(self.plan)

    @cached_property
    def empty(self) -> tuple[int, ...]:
        """What stands where no section is."""
        return tuple(int(one) for one in np.atleast_1d(read_background(self.plan, self.channel)))

    def record(self, item: str) -> Path:
        return self.plan.folder.volume_record(self.channel, item, full=self.full)

    def part(self, piece: str, block: tuple[int, int]) -> Path:
        return self.plan.folder.volume_part(self.channel, piece, f"{block[0]}_{block[1]}", full=self.full)


def prepare(volume: Volume) -> dict[str, str]:
    """Make room for a volume of this layout: one of another layout that brainstack made goes.

    Raises BrainstackError where something else stands there.
    """
    layout, written = volume.layout, volume.plan.folder.volume_layout(volume.channel, full=volume.full)
    wanted, found = layout.info(), _info_at(volume.path)
    if found is not None and _geometry(found) != _geometry(wanted) and not _is_ours(volume, found):
        size = " x ".join(map(str, (found.get("scales") or [{}])[0].get("size", ["unknown"])))
        raise BrainstackError(
            f"{volume.path} holds a volume of {size} voxels that brainstack did not make, wanted the place for one of "
            f"{' x '.join(map(str, wanted['scales'][0]['size']))}; move it away, and run the same command again."
        )
    if found is None or _geometry(found) != _geometry(wanted):
        _start_anew(volume)
    if found is None or found.get("scales", [])[: layout.levels_in_block] != wanted["scales"][: layout.levels_in_block]:
        # Sections were added or left out, or there is nothing yet.
        remove_other_chunks(volume.path, layout)
        write_info(volume.path, layout, layout.levels_in_block)
    write_json(written, wanted)
    return {"": digest(_geometry(wanted)), "levels": digest(wanted)}


def _start_anew(volume: Volume) -> None:
    """Away with a volume and all that was noted of it: the record of a piece would say that its chunks are there."""
    folder = volume.plan.folder
    remove_folder(folder.volume_records(volume.channel, full=volume.full))
    remove_folder(folder.volume_parts(volume.channel, full=volume.full))
    remove_folder(volume.path)


def _info_at(path: Path) -> dict[str, Any] | None:
    """What the file info of a volume says: nothing where it is no JSON, None where there is none."""
    try:
        content = json.loads((path / "info").read_text())
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _geometry(info: Mapping[str, Any]) -> list[Any]:
    """What has to be the same for chunks to stay as they are: all but how many levels and sections there are."""
    first = dict((info.get("scales") or [{}])[0])
    first["size"] = list(first.get("size", []))[:2]
    return [*(info.get(name) for name in ("data_type", "num_channels", "brainstack")), first]


def _is_ours(volume: Volume, info: Mapping[str, Any]) -> bool:
    """True for what brainstack made, an earlier one too, which said so only in its stamps."""
    stamps = current.progress(volume.plan.folder.prep_id).stamps
    earlier = not volume.full and stamps.read(Step("NeuroglancerImage", volume.channel)) is not None
    return "brainstack" in info or earlier


def write_blocks(volume: Volume, step: Step, slab: int, groups: Iterable[int], render: Render) -> None:
    """Write these groups of blocks of a slab. Blocks that an earlier try finished, from the same, are left.

    Their record is written last, and says of every chunk whether there is one.
    """
    use_one_thread()
    layout, piece = volume.layout, step.item
    token = volume.plan.expected(step, current.progress(volume.plan.folder.prep_id).stamps)
    writer, records = BlockWriter(layout, volume.empty), []
    begun = volume.record(piece).with_suffix("")
    for block in (block for group in groups for block in layout.blocks_of(group)):
        done, part = begun / f"{block[0]}_{block[1]}.json", volume.part(piece, block)
        record = _finished(done, part if layout.is_sharded else None, token)
        if record is None:
            record = _write_block(volume, writer, block, slab, render, part, token)
            write_json(done, {"token": token, "record": record.to_json()})
        records.append(record)
    write_json(volume.record(piece), {"token": token, "blocks": [record.to_json() for record in records]})
    shutil.rmtree(begun, ignore_errors=True)


def _write_block(
    volume: Volume, writer: BlockWriter, block: Block, slab: int, render: Render, part: Path, token: str
) -> BlockRecord:
    if not volume.layout.is_sharded:
        return writer.write(block, slab, render, PlainChunks(volume.path, volume.layout))
    with PartFile(part, volume.layout, token) as sink:
        return writer.write(block, slab, render, sink)


def _finished(done: Path, part: Path | None, token: str) -> BlockRecord | None:
    """What an earlier try of the same step noted of a block, where what it wrote is there. part : None for chunks that
    are files."""
    if not done.exists():
        return None
    content = json.loads(done.read_text())
    if content["token"] != token or (part is not None and not _is_part_of(part, token)):
        return None
    return BlockRecord.from_json(content["record"])


def _is_part_of(part: Path, token: str) -> bool:
    return part.exists() and read_part(part)[1] == token


def join(volume: Volume, groups: Iterable[int], pieces: Iterable[str], *, name: str = "shards") -> None:
    """Join what was written of these groups of blocks to shards, and delete it then. Plain chunks lie in their place.

    pieces : all of the groups', in all slabs. name : of the record of what was joined. Pieces that were joined before
    and have not been written again are taken from the shards that stand there.
    Raises BrainstackError where a piece is in neither.
    """
    layout, noted = volume.layout, volume.record(name)
    if not layout.is_sharded:
        write_json(noted, {})
        return
    groups, records = tuple(groups), {piece: read_record(volume.record(piece)) for piece in pieces}
    joined = json.loads(noted.read_text()) if noted.exists() else {}
    wanted = {block for group in groups for block in layout.blocks_of(group)}
    parts: dict[tuple[int, int], list[Path]] = {block: [] for block in wanted}
    for piece, (token, blocks) in records.items():
        for record in blocks:
            path = volume.part(piece, record.block)
            if record.block in wanted and _is_part_of(path, token):
                parts[record.block].append(path)
            elif record.block in wanted and joined.get(piece) != token:
                raise BrainstackError(
                    f"{path} is gone, in which a block of {volume.path.name} was kept until it is joined; delete "
                    f"{volume.record(piece)}, and run the same command again."
                )
    for group in groups:
        here = layout.blocks_of(group)
        of_group = [record for _, blocks in records.values() for record in blocks if record.block in here]
        join_group(volume.path, layout, group, [path for block in here for path in parts[block]], of_group)
    write_json(noted, {piece: token for piece, (token, _) in records.items()})
    for path in (path for several in parts.values() for path in several):
        path.unlink()
        with contextlib.suppress(OSError):  # others of its piece are still there
            path.parent.rmdir()


def finish(volume: Volume) -> None:
    """Make the levels that do not fit into blocks, and name all of them in the volume's info."""
    layout = volume.layout
    records = finish_pyramid(volume.path, layout, layout.levels_in_block)
    write_json(volume.record("levels"), [bitmap_to_json(one) for one in records])
