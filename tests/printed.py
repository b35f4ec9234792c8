"""What is on the pages of a PDF that Chromium printed: enough of the format for the files that its Skia writes."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
PAGE = re.compile(rb"/Type /Page\b.*?/MediaBox \[0 0 ([\d.]+) ([\d.]+)\].*?/Contents (\d+) 0 R", re.S)
TOKEN = re.compile(rb"<<.*?>>|<[0-9A-F]*>|\((?:\\.|[^\\)])*\)|\[[^\]]*\]|/[^\s/<\[(]+|[^\s/<\[(]+", re.S)
NO_MARK = frozenset({b"Tj", b"TJ", b"Do"})


@dataclass(frozen=True)
class Mark:
    """A run of text or a picture. top, bottom : where, from the top of the page as a share of it. size_pt : of its
    letters; 0 for a picture."""

    top: float
    bottom: float
    size_pt: float


def pages_of(pdf: bytes) -> list[list[Mark]]:
    """The marks on each page."""
    objects = dict(re.findall(rb"^(\d+) 0 obj\s(.*?)\sendobj", pdf, re.S | re.M))
    return [list(_marks(_stream(objects[content]), float(high))) for _, high, content in PAGE.findall(pdf)]


def _stream(found: bytes) -> bytes:
    head, _, rest = found.partition(b"stream")
    content = rest.lstrip(b"\r\n").rpartition(b"endstream")[0]
    return zlib.decompressobj().decompress(content) if b"/FlateDecode" in head else content


def _marks(content: bytes, high_pt: float) -> Iterator[Mark]:
    now, kept, text, size = np.eye(3), [], np.eye(3), 0.0
    given: list[bytes] = []
    for token in TOKEN.findall(content):
        if token == b"q":
            kept.append(now)
        elif token == b"Q":
            now = kept.pop()
        elif token == b"cm":
            now = _matrix(given) @ now
        elif token == b"Tm":
            text = _matrix(given)
        elif token == b"Tf":
            size = float(given[-1])
        elif token in NO_MARK:
            placed = now if token == b"Do" else text @ now
            yield _mark(placed, 0.0 if token == b"Do" else size, high_pt)
        elif re.fullmatch(rb"[-+.\d]+|[/<(\[].*", token, re.S):
            given.append(token)
            continue
        given = []


def _matrix(given: list[bytes]) -> Matrix:
    a, b, c, d, e, f = (float(one) for one in given[-6:])
    return np.array([[a, b, 0], [c, d, 0], [e, f, 1]])


def _mark(placed: Matrix, size: float, high_pt: float) -> Mark:
    """placed : from the mark's own plane to points from the lower left corner. A picture is the unit square."""
    corners = np.array([[0, 0, 1], [1, 1, 1]] if size == 0 else [[0, 0, 1]]) @ placed
    shares = 1 - corners[:, 1] / high_pt
    size_pt = size * float(np.hypot(*placed[1, :2]))
    return Mark(float(shares.min()), float(shares.max()), size_pt)
