"""Whether a volume is what it is meant to be: every chunk there that was written, no others, and each of them whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from brainstack.errors import BrainstackError
from brainstack.files.chunk_reader import ChunkReader, chunks_there
from brainstack.files.volume_info import read_info
from brainstack.files.volume_layout import Bitmap, VolumeLayout
from brainstack.files.whole import remove_folder

NAMED = 3
"""So many chunks are named in one sentence."""

Progress = Callable[[int, int], None]
"""(chunks done, chunks in all)."""


def check_volume(
    path: Path, layout: VolumeLayout, written: Sequence[Bitmap], progress: Progress | None = None
) -> list[str]:
    """What is wrong with the volume in folder `path`, a sentence each; an empty list where all is well.

    written : for each level, a bitmap (z, y, x) of its grid of the chunks that are to be there.
    progress : is told of each chunk that was decoded. Every one is.
    """
    total, done = sum(int(bitmap.sum()) for bitmap in written), 0
    sentences = _wrong_info(path, layout)
    for level, wanted in enumerate(written):
        sentences += _wrong_chunks(path, layout, level, wanted)
        damaged = []
        with ChunkReader(path, layout) as reader:
            for z, y, x in np.argwhere(wanted).tolist():
                try:
                    reader.read(level, x, y, z)
                except BrainstackError as error:
                    damaged.append(str(error))
                done += 1
                if progress is not None:
                    progress(done, total)
        sentences += _first_of(damaged, level)
    return sentences


def _wrong_info(path: Path, layout: VolumeLayout) -> list[str]:
    try:
        found = read_info(path)
    except BrainstackError as error:
        return [str(error)]
    wanted = layout.info()
    sentences = [
        f"{path / 'info'} has {name} {found.get(name)}, wanted {wanted[name]}. Make the volume again."
        for name in ("type", "data_type", "num_channels")
        if found.get(name) != wanted[name]
    ]
    if len(found["scales"]) != len(wanted["scales"]):
        sentences.append(
            f"{path / 'info'} names {len(found['scales'])} levels, wanted {len(wanted['scales'])}. "
            f"Run Downsampling again."
        )
    for level, (one, other) in enumerate(zip(found["scales"], wanted["scales"], strict=False)):
        names = sorted(name for name in {*one, *other} if one.get(name) != other.get(name))
        if names:
            sentences.append(
                f"{path / 'info'} has for level {level} another {', '.join(names)} than its settings give. "
                f"Make the volume again."
            )
    return sentences


def _wrong_chunks(path: Path, layout: VolumeLayout, level: int, wanted: Bitmap) -> list[str]:
    scale = layout.scales[level]
    try:
        there, strangers = chunks_there(path, layout, level)
    except BrainstackError as error:
        return [str(error)]
    sentences = []
    for chunks, what in ((wanted & ~there, "has lost"), (there & ~wanted, "has unexpected")):
        places = np.argwhere(chunks).tolist()
        if places:
            names = ", ".join(scale.chunk_name(x, y, z) for z, y, x in places[:NAMED])
            sentences.append(
                f"Level {level} of {path}, {scale.key}, {what} {_count(len(places), 'chunk')}: "
                f"{names}{' ...' if len(places) > NAMED else ''}. Make the volume again."
            )
    if strangers:
        names = ", ".join(strangers[:NAMED]) + (" ..." if len(strangers) > NAMED else "")
        sentences.append(f"{path / scale.key} holds what is not of this volume: {names}. Delete it.")
    return sentences


def _first_of(damaged: list[str], level: int) -> list[str]:
    if len(damaged) > NAMED:
        return [*damaged[:NAMED], f"So are {_count(len(damaged) - NAMED, 'more chunk')} of level {level}."]
    return damaged


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


SCALE = re.compile(r"[\d.]+_[\d.]+_[\d.]+")
"""What the folder of a level is called: its resolution."""


def remove_other_chunks(path: Path, layout: VolumeLayout) -> None:
    """Delete what the volume in folder `path` has of another layout: plain chunks of a last slab that was deeper, and
    levels that there are no more."""
    keys = {scale.key for scale in layout.scales}
    for folder in path.iterdir() if path.is_dir() else ():
        if SCALE.fullmatch(folder.name) and folder.name not in keys:
            remove_folder(folder)
    for level, scale in enumerate(layout.scales):
        if scale.sharding is None and (path / scale.key).is_dir():
            for name in chunks_there(path, layout, level)[1]:
                (path / scale.key / name).unlink()
