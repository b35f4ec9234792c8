"""JPEG-XR, decoded in a process of its own: on damaged data the decoder may end the process that calls it.

Of some 60,000 small images with up to five bytes changed, 70 ended the decoder (jxrlib, in imagecodecs 2026.3) with a
signal, although what each said of its own size was right. That is compared first, so that nothing large is decoded.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import struct
import subprocess
import sys
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError

PIXEL_FORMAT, WIDTH, HEIGHT, IMAGE_OFFSET, IMAGE_BYTES = 0xBC01, 0xBC80, 0xBC81, 0xBCC0, 0xBCC1
"""Tags of the container, as in ITU-T T.832, annex A."""

REQUEST = struct.Struct("<qqqqc")
ANSWER = struct.Struct("<cq")
DECODED, REFUSED = b"d", b"e"

CRASHES = (signal.SIGSEGV, signal.SIGFPE, signal.SIGABRT, signal.SIGBUS, signal.SIGILL)
"""How damaged data ends the decoder. What ends it otherwise says nothing of the data."""

LONGEST_S = 120.0
"""A tile of 2,048 x 2,048 pixels takes a tenth of a second: this one hangs."""


def check_jpegxr(content: bytes, rows: int, columns: int) -> None:
    """Compare what an image says with what is wanted. Raises ValueError where they differ, or it is cut off."""
    try:
        (at,) = struct.unpack_from("<4xI", content)
        (count,) = struct.unpack_from("<H", content, at)
        entries = struct.iter_unpack("<HHII", content[at + 2 : at + 2 + 12 * count])
        tags = {tag: value for tag, _, _, value in entries}
        start, length = tags[IMAGE_OFFSET], tags[IMAGE_BYTES]
        found = (tags[HEIGHT], tags[WIDTH])
        long_header = not content[start + 10] & 0x80
        sides = struct.unpack_from(">II" if long_header else ">HH", content, start + 12)
    except (struct.error, KeyError, IndexError) as error:
        raise ValueError("it is no JPEG-XR image: what it says of its size and place is missing or broken") from error
    if content[:4] != b"II\xbc\x01" or content[start : start + 8] != b"WMPHOTO\0":
        raise ValueError("it is no JPEG-XR image")
    if start + length > len(content):
        raise ValueError(f"its JPEG-XR image is cut off: it has {len(content)} bytes, wanted {start + length}")
    inner = (sides[1] + 1, sides[0] + 1)
    if (rows, columns) != found or found != inner:
        other = found if found != (rows, columns) else inner
        raise ValueError(f"its JPEG-XR image has {other[1]} x {other[0]} pixels, wanted {columns} x {rows}")


class JpegXrDecoder:
    """Decodes images one after another in one process, which is started for the first and ended with the `with`."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> JpegXrDecoder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def decode(self, content: bytes, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[np.uint8 | np.uint16]:
        """The pixels, of this shape and type; colours in the order red, green, blue.

        shape : (rows, columns) or (rows, columns, 3). Raises ValueError for an image that is damaged or another.
        """
        check_jpegxr(content, *shape[:2])
        if self._process is None:
            self._process = _started()
        samples = shape[2] if len(shape) == 3 else 1
        try:
            _send(self._process, REQUEST.pack(len(content), *shape[:2], samples, dtype.char.encode()), content)
            status, length = ANSWER.unpack(_receive(self._process, ANSWER.size))
            answer = _receive(self._process, length)
        except (EOFError, BrokenPipeError) as error:
            code = self._end()
            if -code not in CRASHES:
                raise BrainstackError(
                    f"The process that decodes JPEG-XR ended (exit status {code}): memory ran out, or it cannot be "
                    "started; run the same command again, with fewer workers."
                ) from error
            raise ValueError(f"its JPEG-XR image ended the decoder (signal {-code})") from error
        except TimeoutError as error:
            self._end()
            raise ValueError(f"its JPEG-XR image was not decoded within {LONGEST_S:.0f} s") from error
        if status != DECODED:
            raise ValueError(f"its JPEG-XR image is damaged: {answer.decode(errors='replace')}")
        return np.asarray(np.frombuffer(answer, dtype).reshape(shape))

    def _end(self) -> int:
        """End the process, and say how it ended."""
        process, self._process = self._process, None
        if process is None:
            return 0
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()  # type: ignore[union-attr]
        try:
            process.wait(1)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()  # type: ignore[union-attr]
        return process.returncode


def _started() -> subprocess.Popen[bytes]:
    """It ends when its input does: with this process, however that ends."""
    return subprocess.Popen(
        [sys.executable, "-m", "brainstack.files.jpegxr"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _send(process: subprocess.Popen[bytes], *parts: bytes) -> None:
    for part in parts:
        process.stdin.write(part)  # type: ignore[union-attr]
    process.stdin.flush()  # type: ignore[union-attr]


def _receive(process: subprocess.Popen[bytes], count: int) -> bytearray:
    """`count` bytes of its answer. Raises EOFError where it died, TimeoutError where it hangs."""
    descriptor = process.stdout.fileno()  # type: ignore[union-attr]
    received, room = 0, bytearray(count)
    view = memoryview(room)
    while received < count:
        if not select.select([descriptor], [], [], LONGEST_S)[0]:
            raise TimeoutError
        got = os.readv(descriptor, [view[received:]])
        if not got:
            raise EOFError
        received += got
    return room


# The process that decodes ---------------------------------------------------------------------------------------------


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Decode what is asked for until nothing more is."""
    import resource

    from imagecodecs import jpegxr_decode

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    while head := requests.read(REQUEST.size):
        length, rows, columns, samples, dtype = REQUEST.unpack(head)
        wanted = (rows, columns, samples)[: 3 if samples > 1 else 2]
        try:
            pixels = jpegxr_decode(requests.read(length))
            if pixels.shape != wanted or pixels.dtype.char.encode() != dtype:
                raise ValueError(f"found {pixels.shape} {pixels.dtype}, wanted {wanted} {np.dtype(dtype.decode())}")
        except (RuntimeError, ValueError, MemoryError) as error:
            _answer(answers, REFUSED, str(error).encode())
        else:
            _answer(answers, DECODED, np.ascontiguousarray(pixels).data)


MEMORY_BYTES = 6 * 2**30
"""A tile has at most 1 GiB of pixels; the decoder takes two or three times as much."""


def _answer(answers: BinaryIO, status: bytes, content: bytes | memoryview) -> None:
    answers.write(ANSWER.pack(status, len(content) if isinstance(content, bytes) else content.nbytes))
    answers.write(content)
    answers.flush()


if __name__ == "__main__":
    # What the decoder may print is not to stand between the answers.
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt), os.fdopen(os.dup(1), "wb") as out:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        serve(sys.stdin.buffer, out)
