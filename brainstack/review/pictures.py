"""Images of an animal as pictures that a browser shows: made once for each state of their file, and kept a while."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from starlette.responses import Response

from brainstack.files.browser_pictures import Kind, encoded
from brainstack.files.miniatures import read_picture
from brainstack.files.served import find_served
from brainstack.images.miniatures import fitted
from brainstack.images.normalizing import to_8_bit
from brainstack.review.asking import Asked, NotThereError
from brainstack.review.kept import KeptPictures

MOST_BYTES = 256 << 20
"""Of pictures kept in memory: some two hundred sections."""
LARGEST_SIDE_PX = 8192
"""Of a picture: browsers draw no larger ones without trouble. Thumbnails are a third of it at most."""

FOR_EVER = "private, max-age=31536000, immutable"
"""How long a browser keeps what has its version in its address."""

Edit = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def picture_answer(
    asked: Asked, path: Path, *, kind: Kind = "jpeg", white: float = 0, side_px: int = LARGEST_SIDE_PX,
    edit: Edit | None = None, named: str = "", black: float = 0,
) -> Response:  # fmt: skip
    """The answer that shows an image file of the animal (TIFF or PNG, of any type) in 8 bit.

    white : the grey value that becomes white, of an image of 16 bit; 0 for the one that hardly any pixel is above.
    black : with it, the one that becomes black.
    side_px : a larger image is made so small. edit : changes the picture before it is packed, such as a turn; `named`
    then says how, so that it is known from others of the same file. The browser asks again each time, and is told when
    nothing changed; with ?v=... (`version_of`) in the address it keeps the picture, and does not ask.
    Raises NotThereError for a file that is not there, or not inside the animal's folder.
    """
    tag = _tag(asked, path, kind, white, side_px, named, *([black] if black else []))
    held = FOR_EVER if asked.query("v") else "private, no-cache"
    headers = {"ETag": tag, "Cache-Control": held}
    if asked.request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)

    def make() -> bytes:
        picture = _in_8_bit(path, white, side_px, black)
        return encoded(picture if edit is None else edit(picture), kind)

    return Response(_KEPT.get((str(path), tag), make), media_type=f"image/{kind}", headers=headers)


def version_of(path: Path) -> str:
    """A word for the state of a file, to be put into an address as ?v=...; "" where the file is not there."""
    try:
        stat = path.stat()
    except OSError:
        return ""
    return f"{stat.st_mtime_ns:x}-{stat.st_size:x}"


def _tag(asked: Asked, path: Path, *how: object) -> str:
    root = asked.animal.folder.root
    served = find_served(root, str(path.relative_to(root))) if path.is_relative_to(root) else None
    if served is None or served.encoding:
        raise NotThereError(f"{path.name} is not there yet; the next run makes it.")
    return f'{served.tag[:-1]}-{"-".join(map(str, how))}"'


def _in_8_bit(path: Path, white: float, side_px: int, black: float) -> NDArray[np.uint8]:
    image = read_picture(path)
    return fitted(to_8_bit(image, white, black) if white and image.dtype != np.uint8 else image, side_px)


_KEPT = KeptPictures(MOST_BYTES)
