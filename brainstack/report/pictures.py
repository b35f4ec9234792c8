"""The pictures of a report: small copies of what stages made, kept from report to report.

A picture is made anew only where the files that it is of are others than before, by their size and time: the report of
hundreds of sections is made again in seconds.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from brainstack.errors import BrainstackError
from brainstack.files.miniatures import jpeg_uri, read_picture
from brainstack.files.whole import whole_file
from brainstack.images.miniatures import fitted, outlines, small_shape
from brainstack.intake import signature_of

FORMAT = 2
"""Of the kept pictures; raise it where they shall look otherwise."""
MOST_THREADS = 4
STOPPED = "The picture was left out, as the run was stopped."


@dataclass(frozen=True)
class Picture:
    """uri : of a JPEG, its bytes in it; "" where there is none, and `missing` says why in a sentence. outline : of a
    mask, as an SVG path in pixels of the picture."""

    uri: str = ""
    width: int = 0
    height: int = 0
    outline: str = ""
    missing: str = ""


@dataclass(frozen=True)
class Wanted:
    """A picture to be made. path : of a PNG or TIFF; None where nothing has made it yet. side_px : of its longer side.
    mask : a TIFF whose outline is to be drawn. missing : the sentence where there is no file."""

    path: Path | None
    side_px: int
    mask: Path | None = None
    missing: str = "There is no picture yet."


class PictureBox:
    """Makes pictures, and keeps them in one file. root : the animal's folder. kept : the file. quick : makes none, and
    has only those that are kept, though they may be older than what they are of."""

    def __init__(self, root: Path, kept: Path, *, quick: bool = False) -> None:
        self._root, self._kept_at, self._quick = root, kept, quick
        self._kept = _read(kept)
        self._used: dict[str, Any] = {}

    def make(self, wanted: Sequence[Wanted]) -> list[Picture]:
        """A picture for each, in order."""
        with ThreadPoolExecutor(max(1, min(MOST_THREADS, os.cpu_count() or 1))) as threads:
            return list(threads.map(self._made, wanted))

    def remembered(self, name: str, files: Sequence[Path], make: Callable[[], Any]) -> Any:
        """What follows from files that are there, made anew only where they are others than before. name : of it among
        all that is kept. make : makes it, as JSON can hold it."""
        seen = [signature_of(path) for path in files]
        kept = self._kept.get(name)
        if kept is None or kept["seen"] != seen:
            kept = {"seen": seen, "value": make()}
        self._used[name] = kept
        return kept["value"]

    def keep(self) -> None:
        """Write down those that were asked for."""
        if not self._quick and self._used != self._kept:
            with whole_file(self._kept_at) as part:
                part.write_text(json.dumps({"format": FORMAT, "pictures": self._used}))
            self._kept = self._used

    def _made(self, one: Wanted) -> Picture:
        if one.path is None or not one.path.exists():
            return Picture(missing=one.missing)
        mask = one.mask if one.mask is not None and one.mask.exists() else None
        files = [one.path, *([mask] if mask else [])]
        name = " ".join([*(os.path.relpath(path, self._root) for path in files), str(one.side_px)])
        seen = [signature_of(path) for path in files]
        kept = self._kept.get(name)
        if kept is None and self._quick:
            return Picture(missing=STOPPED)
        if kept is None or (kept["seen"] != seen and not self._quick):
            try:
                kept = {"seen": seen, "value": asdict(_drawn(one.path, mask, one.side_px))}
            except (BrainstackError, OSError) as error:
                return Picture(missing=str(error))
        self._used[name] = kept
        return Picture(**kept["value"])


def _read(path: Path) -> dict[str, Any]:
    """What an earlier report kept; nothing where that cannot be used."""
    try:
        content = json.loads(path.read_text())
        return dict(content["pictures"]) if content["format"] == FORMAT else {}
    except (OSError, ValueError, KeyError, TypeError):  # it is made anew
        return {}


def _drawn(path: Path, mask: Path | None, side_px: int) -> Picture:
    image = read_picture(path)
    small = fitted(image, side_px)
    rows, columns = small.shape[:2]
    outline = path_of(outlines(read_picture(mask), small_shape(image.shape, side_px))) if mask else ""
    return Picture(jpeg_uri(small), columns, rows, outline)


def path_of(lines: Iterable[Any]) -> str:
    """Closed lines of (x, y) as an SVG path."""
    return "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in line) + "Z" for line in lines)
