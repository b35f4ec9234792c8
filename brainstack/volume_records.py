"""What is noted of a volume that brainstack wrote: which chunks there are, and so what is wrong where they are not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from brainstack.errors import BrainstackError
from brainstack.files.volume_blocks import BlockRecord, bitmap_from_json, chunks_written
from brainstack.files.volume_check import check_volume
from brainstack.files.volume_info import read_layout
from brainstack.plan import Plan
from brainstack.volume_pieces import slab_count


def blocks_of(plan: Plan, channel: int, *, full: bool) -> list[BlockRecord]:
    """The blocks of a volume that are written. channel : counted from 1."""
    pieces = sorted(plan.folder.volume_records(channel, full=full).glob("[0-9]*.json"))
    wanted = [path for path in pieces if int(path.name[:3]) < slab_count(plan)]
    return [block for path in wanted for block in read_record(path)[1]]


def read_record(path: Path) -> tuple[str, list[BlockRecord]]:
    """What is noted of a piece of a volume: what it was made from, and its blocks.

    Raises BrainstackError for a file that is not such a record.
    """
    try:
        content = json.loads(path.read_text())
        return content["token"], [BlockRecord.from_json(block) for block in content["blocks"]]
    except (ValueError, KeyError, TypeError) as error:
        raise BrainstackError(
            f"{path} is damaged, which says what was written of a volume; delete it, and run the same command again."
        ) from error


def verify(plan: Plan, channel: int, *, full: bool, progress: Callable[[int, int], None] | None = None) -> list[str]:
    """What is wrong with a volume that is finished, a sentence each; an empty list where all is well.

    Raises BrainstackError where brainstack has not finished one.
    """
    path = plan.folder.volume(channel, full=full)
    levels = plan.folder.volume_record(channel, "levels", full=full)
    if not levels.exists():
        raise BrainstackError(
            f"{path} is not finished, so that nothing says which of its chunks are to be there; finish it first: luigi "
            f"--module tasks Animal --animal {plan.folder.prep_id}{' --resolution full' if full else ''}"
        )
    layout = read_layout(path)
    written = list(chunks_written(layout, blocks_of(plan, channel, full=full)))
    return check_volume(path, layout, [*written, *map(bitmap_from_json, json.loads(levels.read_text()))], progress)
