"""Files as a web server gives them out: found below one folder and nowhere else, whole or in part."""

from __future__ import annotations

import os
import re
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

PACKED = {".gz": "gzip", ".br": "br"}
"""Suffix on the disk -> how the file is packed. Neuroglancer asks for the plain name, and the browser unpacks."""


@dataclass(frozen=True)
class Served:
    """A file to be given out. encoding : how it is packed, "" where it is not. tag : another one whenever the file was
    written again."""

    path: Path
    size: int
    tag: str
    encoding: str


def find_served(folder: Path, name: str) -> Served | None:
    """The file `name` below `folder`, else its packed form; None where neither is there.

    A name that leads out of the folder, by .. or by a link, is not there; the folder itself may be a link.
    """
    try:
        top = os.path.realpath(folder)
        for suffix, encoding in {"": "", **PACKED}.items():
            path = os.path.realpath(os.path.join(top, name + suffix))  # noqa: PTH118 - twice as fast as Path
            if not path.startswith(f"{top}/"):
                return None
            found = _stat(path)
            if found is not None and stat.S_ISREG(found.st_mode):
                tag = f'"{found.st_mtime_ns:x}-{found.st_size:x}-{found.st_ino:x}{suffix}"'
                return Served(Path(path), found.st_size, tag, encoding)
    except (OSError, ValueError):
        return None  # a name too long, a loop of links, a zero byte
    return None


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        return None


def byte_range(header: str, size: int) -> tuple[int, int] | None:
    """(start, end) that a Range header asks for, end not included; None for the whole file.

    Only one range is understood; several, and what makes no sense, are passed over as HTTP allows (RFC 9110, 14.2).
    What lies behind the end of the file has start >= end: it cannot be had.
    """
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header.strip(), re.ASCII)
    if not match or not (match[1] or match[2]):
        return None
    if not match[1]:
        return max(0, size - _number(match[2])), size
    start = _number(match[1])
    if not match[2]:
        return start, size
    last = _number(match[2])
    return (start, min(last + 1, size)) if last >= start else None


def _number(digits: str) -> int:
    """Python refuses to read a number of 5000 digits; no file is as long as one of 19."""
    return int(digits) if len(digits) < 19 else sys.maxsize
