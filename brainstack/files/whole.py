"""Files and folders that are whole or absent, whenever the process may die."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from brainstack.files.writer import writer

PART = ".part-"
"""What a name that is not finished starts with. `brainstack` may delete such files when no run is alive."""


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` to write to; it takes the name `path` when the block ends without an error.

    The temporary name keeps the suffix, as writers choose their format by it. The bytes are on the disk before the
    name is: a power cut leaves the old file or the new one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{PART}{writer()}-{path.name}")
    try:
        yield part
        flush(part)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Like `whole_file`, for a folder and all that is written into it. What stood at `path` before is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{PART}{writer()}-{path.name}")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    try:
        yield part
        for file in part.rglob("*"):
            if file.is_file():
                flush(file)
        if path.exists():
            old = path.with_name(f"{PART}{writer()}-old-{path.name}")
            path.rename(old)
            part.rename(path)
            shutil.rmtree(old)
        else:
            part.rename(path)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def remove_folder(path: Path) -> None:
    """Delete a folder and all in it. It is out of sight at once, so that a kill leaves none that is half there."""
    if not path.exists():
        return
    old = path.with_name(f"{PART}{writer()}-old-{path.name}")
    path.rename(old)
    shutil.rmtree(old)


def write_json(path: Path, content: Any) -> None:
    """Write `content` as JSON, whole or not at all. Floats are written with all their digits."""
    with whole_file(path) as part:
        part.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")


def append_whole(path: Path, line: bytes) -> None:
    """Add a line to the end of a file, in one call of the system. Raises OSError where only a part of it found room."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        if os.write(descriptor, line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
        os.close(descriptor)


def link(path: Path, target: Path) -> None:
    """Make `path` a relative symbolic link to `target`, replacing a link that stood there, in one step."""
    wanted = os.path.relpath(target, path.parent)
    if path.is_symlink() and os.readlink(path) == wanted:  # noqa: PTH115 - the text of the link is compared
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{PART}{writer()}-{path.name}")
    part.unlink(missing_ok=True)
    part.symlink_to(wanted)
    part.replace(path)


def flush(path: Path) -> None:
    """Wait until the bytes of a file are on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
