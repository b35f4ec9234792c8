"""CZI files with damage in them, each made from a number, and a judge of what a reader makes of them.

What a reader may do with damage: refuse the file, with a sentence that helps, or read it right. Right is what the whole
file gives, in every pixel. A CZI has no sums to check its content by; so these alone may differ without a word:

- pixels inside the box of a tile whose stored pixels, or whose gap and XML in front of them, were hit;
- what the metadata say in words and numbers (names, exposures, pixel size, time, objective, places on the stage), where
  their XML was hit and is XML still;
- a picture of the glass whose content was hit; one that is a CZI keeps its size.

Boxes, pixel type, and the counts of scenes, channels, focal planes and pictures must never differ in silence.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import resource
import signal
import struct
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from brainstack.demo.czi_writer import (
    Attachment,
    ChannelSettings,
    SceneSettings,
    Tile,
    WrittenTile,
    metadata_xml,
    picture_attachment,
    write_czi,
)
from brainstack.errors import BrainstackError
from brainstack.files.czi import content_signature, read_slide, read_slide_pictures, read_strips

Pixels = NDArray[Any]
Range = tuple[int, int]

SEED = 1
ROWS = 11
"""Of a strip: fewer than a tile has, so that tiles are read in parts."""

# Whole files ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FileKind:
    """What a small file is to have. pictures : "" for none, or the format of its label and preview."""

    pixel_type: str
    compression: str
    pictures: str = ""
    z: int = 1
    in_front: bool = False
    pyramid: bool = False
    scenes: bool = True

    @property
    def name(self) -> str:
        return f"{self.pixel_type} {self.compression}" + (" directory in front" if self.in_front else "")


FILE_KINDS = (
    FileKind("Gray8", "raw", z=2, pictures="CZI"),
    FileKind("Gray8", "zstd0", in_front=True),
    FileKind("Gray8", "zstd1", scenes=False, pictures="JPG"),
    FileKind("Gray16", "raw", pyramid=True, pictures="JPG"),
    FileKind("Gray16", "raw", in_front=True, pictures="CZI"),
    FileKind("Gray16", "zstd0", z=3),
    FileKind("Gray16", "zstd1", pyramid=True, pictures="CZI"),
    FileKind("Bgr24", "raw", pictures="CZI"),
    FileKind("Bgr24", "zstd0", scenes=False),
    FileKind("Bgr24", "zstd1", in_front=True, pyramid=True),
)
JPEGXR_KINDS = (
    FileKind("Gray8", "jpegxr"),
    FileKind("Gray16", "jpegxr", scenes=False),
    FileKind("Bgr24", "jpegxr", pyramid=True),
)
JPEGXR_SHARE = 0.08
"""Of all inputs. Each of their reads starts a process, which takes a fifth of a second."""


@dataclass(frozen=True)
class WholeFile:
    """A file without damage, and where everything is in it. places : kind of place -> (start, end) of each."""

    kind: FileKind
    content: bytes
    tiles: tuple[Tile, ...]
    written: tuple[WrittenTile, ...]
    places: Mapping[str, tuple[Range, ...]]
    xml: Range
    pictures: Mapping[str, Range]


@cache
def whole_file(kind: FileKind) -> WholeFile:
    tiles = tuple(_tiles(kind))
    pictures = tuple(_pictures(kind))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "whole.czi")
        room = len(tiles) if kind.in_front else 0
        written = write_czi(path, tiles, metadata=_xml(kind), attachments=pictures, room_for_tiles=room)
        content = path.read_bytes()
    places, segments = _places(content, written), _segments(content)
    (metadata,) = segments[b"ZISRAWMETADATA"]
    xml_start = metadata[0] + 32 + 256
    attached = segments.get(b"ZISRAWATTACH", ())
    return WholeFile(
        kind=kind,
        content=content,
        tiles=tiles,
        written=tuple(written),
        places=places,
        xml=(xml_start, xml_start + len(_xml(kind).encode())),
        pictures={
            {"Label": "label", "SlidePreview": "preview"}[one.name]: (start + 32 + 256, end)
            for one, (start, end) in zip(pictures, attached, strict=True)
        },
    )


def _tiles(kind: FileKind) -> Iterator[Tile]:
    """Ragged tiles that overlap, and a second scene inside the first one's box. JPEG-XR has fewer, for speed."""
    grey, few = kind.pixel_type != "Bgr24", kind.compression == "jpegxr"
    first = [(-7, 3, 24, 20), (15, 3, 22, 20), (-7, 21, 24, 13)]
    second = [(12, 25, 19, 17)] if kind.scenes else []
    boxes = [(0, box) for box in (first[:2] if few else first)] + [(1, box) for box in ([] if few else second)]
    for channel in range(2 if grey and not few else 1):
        for z in range(kind.z):
            for scene, (x, y, width, height) in boxes:
                pixels = _pixels(kind.pixel_type, height, width, seed=len(boxes) * z + 7 * channel + abs(x))
                in_scene = scene if kind.scenes else None
                yield Tile(pixels, x, y, in_scene, channel, z, compression=kind.compression)
    if kind.pyramid:
        yield Tile(_pixels(kind.pixel_type, 18, 24, seed=99), -7, 3, 0, compression=kind.compression, zoom=2)


def _pixels(pixel_type: str, rows: int, columns: int, *, seed: int) -> Pixels:
    """Never 0, so that what was not scanned can be told; smooth, so that it can be packed."""
    y, x = np.mgrid[:rows, :columns]
    grey = 40 + 3 * seed + 4 * x + 2 * y + np.random.default_rng(seed).integers(0, 3, (rows, columns))
    if pixel_type == "Gray16":
        return (grey * 37).astype(np.uint16)
    if pixel_type == "Gray8":
        return (grey % 255 + 1).astype(np.uint8)
    return np.dstack([grey % 250 + 1, (grey + 60) % 250 + 2, (2 * grey) % 250 + 3]).astype(np.uint8)


def _xml(kind: FileKind) -> str:
    names = ("DAPI", "GFP") if len({tile.channel for tile in _tiles(kind)}) == 2 else ("one",)
    scenes = sorted({tile.scene for tile in _tiles(kind) if tile.scene is not None})
    return metadata_xml(
        channels=[ChannelSettings(name, 12.5, colour="#FF00A1FF") for name in names],
        pixel_size_um=(0.325, 0.325),
        pixel_type=kind.pixel_type,
        scenes=[SceneSettings(f"S{index}", index, centre_um=(100.0 * index, 7.5)) for index in scenes],
        acquired_at="2024-03-05T09:30:00Z",
        objective="Plan-Apochromat 10x/0.45",
        size_px=(44, 39),
        size_m=3,
    )


def _pictures(kind: FileKind) -> Iterator[Attachment]:
    if not kind.pictures:
        return
    for name, (rows, columns) in (("Label", (14, 18)), ("SlidePreview", (10, 26))):
        picture = _pixels("Bgr24", rows, columns, seed=rows)
        if kind.pictures == "CZI":
            yield picture_attachment(name, picture)
        else:
            yield Attachment(name, "JPG", bytes(imagecodecs.jpeg8_encode(picture, level=90)))


def _segments(content: bytes) -> dict[bytes, list[Range]]:
    """(start, end of what is in use) of every segment, by name."""
    found: dict[bytes, list[Range]] = {}
    at = 0
    while at < len(content):
        name, allocated, used = struct.unpack_from("<16sqq", content, at)
        found.setdefault(name.rstrip(b"\0"), []).append((at, at + 32 + used))
        at += 32 + allocated
    return found


def _places(content: bytes, written: Iterable[WrittenTile]) -> dict[str, tuple[Range, ...]]:
    """Where damage may be done, by the name of the kind of place."""
    segments, tiles = _segments(content), tuple(written)
    ((directory, directory_end),) = segments[b"ZISRAWDIRECTORY"]
    ((metadata, metadata_end),) = segments[b"ZISRAWMETADATA"]
    attached = (*segments.get(b"ZISRAWATTACH", ()), *segments.get(b"ZISRAWATTDIR", ()))
    places = {
        "anywhere": ((0, len(content)),),
        "file head": ((32, 112),),
        "segment heads": tuple((start, start + 32) for ranges in segments.values() for start, _ in ranges),
        "directory": ((directory + 32, directory_end),),
        "directory entries": tuple(_entries(content, directory)),
        "tile heads": tuple((one.position + 32, one.data_position) for one in tiles),
        "start of pixels": tuple((one.data_position, one.data_position + min(24, one.data_size)) for one in tiles),
        "pixels": tuple((one.data_position, one.data_position + one.data_size) for one in tiles),
        "metadata": ((metadata + 32, metadata_end),),
        "attachments": attached,
        "attachment heads": tuple((start + 32, min(end, start + 32 + 500)) for start, end in attached),
    }
    return {name: ranges for name, ranges in places.items() if ranges}


def _entries(content: bytes, directory: int) -> Iterator[Range]:
    (count,) = struct.unpack_from("<i", content, directory + 32)
    at = directory + 32 + 128
    for _ in range(count):
        end = at + 32 + 20 * int(struct.unpack_from("<i", content, at + 28)[0])
        yield at, end
        at = end


# Damage ---------------------------------------------------------------------------------------------------------------

Random = np.random.Generator
Strike = Callable[[Random, bytearray, tuple[Range, ...]], None]
"""Changes the content, in one of the places."""


def _spot(random: Random, content: bytearray, places: tuple[Range, ...], *, step: int = 1) -> int:
    """A byte in one of the places; step : counted from where the place begins."""
    start, end = places[random.integers(len(places))]
    return min(start + int(random.integers(max(1, -(-(end - start) // step)))) * step, len(content) - 1)


def _put(content: bytearray, at: int, new: bytes) -> None:
    """Over what is there; the length stays."""
    content[at : at + len(new)] = new[: len(content) - at]


def flip_a_bit(random: Random, content: bytearray, places: tuple[Range, ...]) -> None:
    content[_spot(random, content, places)] ^= 1 << int(random.integers(8))


def random_bytes(random: Random, content: bytearray, places: tuple[Range, ...]) -> None:
    _put(content, _spot(random, content, places), random.bytes(int(random.integers(1, 9))))


def zeros(random: Random, content: bytearray, places: tuple[Range, ...]) -> None:
    _put(content, _spot(random, content, places, step=2), bytes(int(random.integers(1, 17))))


def ones(random: Random, content: bytearray, places: tuple[Range, ...]) -> None:
    _put(content, _spot(random, content, places, step=2), b"\xff" * int(random.integers(1, 17)))


EXTREMES = (0, 1, 2, 3, -1, -2, 2**7, 2**15, 2**16 - 1, 2**20, 2**30, 2**31 - 1, -(2**31))
LONG_EXTREMES = (*EXTREMES, 2**31, 2**32, 2**40, 2**62, 2**63 - 1, -(2**63))


def extreme_number(random: Random, content: bytearray, places: tuple[Range, ...]) -> None:
    at = _spot(random, content, places, step=2)
    if random.random() < 0.5:
        _put(content, at, struct.pack("<i", EXTREMES[random.integers(len(EXTREMES))]))
    else:
        _put(content, at, struct.pack("<q", LONG_EXTREMES[random.integers(len(LONG_EXTREMES))]))


def number_beside(random: Random, content: bytearray, places: tuple[Range, ...]) -> None:
    """A number of 32 bits, a little less or more."""
    at = _spot(random, content, places, step=2)
    (number,) = struct.unpack("<I", bytes(content[at : at + 4]).ljust(4, b"\0"))
    by = int(random.choice([-64, -32, -4, -3, -2, -1, 1, 2, 3, 4, 32, 64]))
    _put(content, at, struct.pack("<I", (number + by) % 2**32))


def copy_a_place(random: Random, content: bytearray, places: tuple[Range, ...]) -> None:
    """One of the places over another, as far as they have the same length."""
    (start, end), (other, other_end) = (places[random.integers(len(places))] for _ in range(2))
    if start == other:
        half = (end - start) // 2
        other, other_end = start + half, start + 2 * half
    length = min(end - start, other_end - other)
    _put(content, other, bytes(content[start : start + length]))


def swap_blocks(random: Random, content: bytearray, places: tuple[Range, ...]) -> None:
    length = int(random.choice([4, 16, 32, 64, 256]))
    one, other = (_spot(random, content, places, step=4) for _ in range(2))
    first, second = bytes(content[one : one + length]), bytes(content[other : other + length])
    _put(content, one, second)
    _put(content, other, first)


def cut_out(random: Random, content: bytearray, places: tuple[Range, ...]) -> None:
    at = _spot(random, content, places)
    del content[at : at + int(random.choice([1, 4, 32, 64, 500]))]


def insert(random: Random, content: bytearray, places: tuple[Range, ...]) -> None:
    at = _spot(random, content, places)
    content[at:at] = random.bytes(int(random.choice([1, 4, 32, 64, 500])))


def cut_the_end(random: Random, content: bytearray, places: tuple[Range, ...]) -> None:
    del content[_spot(random, content, places) :]


STRIKES: tuple[Strike, ...] = (
    *(flip_a_bit, random_bytes, zeros, ones, extreme_number, number_beside),
    *(copy_a_place, swap_blocks, cut_out, insert, cut_the_end),
)
PLACES = tuple(_places(whole_file(FILE_KINDS[0]).content, whole_file(FILE_KINDS[0]).written))
KINDS = tuple((place, strike) for place in PLACES for strike in STRIKES)


@dataclass(frozen=True)
class Case:
    """One damaged file. place, how : what was done to it, in words."""

    number: int
    seed: int
    whole: WholeFile
    place: str
    how: str
    content: bytes

    def __str__(self) -> str:
        return f"case {self.number} of seed {self.seed} ({self.how}, {self.place}, {self.whole.kind.name})"


def damaged(number: int, seed: int = SEED) -> Case:
    """The same number and seed give the same file. Neighbouring numbers are of different kinds of damage."""
    place, strike = KINDS[number % len(KINDS)]
    random = np.random.default_rng([seed, number])
    is_jpegxr = random.random() < JPEGXR_SHARE and place in whole_file(JPEGXR_KINDS[0]).places
    files = [whole_file(kind) for kind in (JPEGXR_KINDS if is_jpegxr else FILE_KINDS)]
    having = [whole for whole in files if place in whole.places]
    whole = having[random.integers(len(having))]
    content = bytearray(whole.content)
    strike(random, content, whole.places[place])
    while random.random() < 0.25 and len(content) > 1:
        strike(random, content, whole.places[place])
    return Case(number, seed, whole, place, strike.__name__.replace("_", " "), bytes(content))


# What a reader makes of it --------------------------------------------------------------------------------------------


class RefusedError(Exception):
    """The reader said that it cannot read the file, in a sentence."""


@dataclass(frozen=True)
class Reading:
    """All that a reader gives. facts : what must never differ. words : what may, where the XML was hit. pixels : by
    (number of the scene, number of the channel, which focal planes)."""

    facts: Mapping[str, object]
    pixels: Mapping[tuple[int, int, str], Pixels]
    boxes: Mapping[int, tuple[int, int, int, int]]
    words: Mapping[str, object] = field(default_factory=dict)
    pictures: Mapping[str, Pixels] = field(default_factory=dict)


Reader = Callable[[Path], Reading]


def read_by_brainstack(path: Path) -> Reading:
    try:
        return _read_by_brainstack(path)
    except BrainstackError as error:
        raise RefusedError(str(error)) from error


def _read_by_brainstack(path: Path) -> Reading:
    scan = read_slide(path)
    planes = ("first", "maximum") if scan.focal_planes > 1 else ("first",)
    pixels = {
        (scene.number, channel.number, which): np.concatenate(
            list(read_strips(path, scene, channel.number, ROWS, which))  # type: ignore[arg-type]
        )
        for scene in scan.scenes
        for channel in scan.channels
        for which in planes
    }
    signature = content_signature(path)
    boxes = {scene.number: (scene.x, scene.y, scene.width, scene.height) for scene in scan.scenes}
    return Reading(
        facts={
            "scenes": [(scene.number, scene.index, *boxes[scene.number]) for scene in scan.scenes],
            "pixel type": scan.pixel_type,
            "channels": len(scan.channels),
            "focal planes": scan.focal_planes,
            "time points": scan.time_points,
            "form of the signature": bool(re.fullmatch("[0-9a-f]{32}", signature)),
        },
        words={
            "channels": scan.channels,
            "pixel size": scan.pixel_size_um,
            "time": scan.acquired_at,
            "objective": scan.objective,
            "stage": [scene.stage_um for scene in scan.scenes],
        },
        pixels=pixels,
        boxes=boxes,
        pictures=read_slide_pictures(path),
    )


AS_BEFORE, DAMAGED_PIXELS, OTHER_WORDS = "as before", "pixels of the tile hit", "words of the XML hit"
OTHER_PICTURE, REFUSED = "picture hit", "refused"
WRONG, BAD_SENTENCE, OTHER_ERROR, DIED, HUNG = "silently wrong", "bad sentence", "other error", "died", "hung"
GOOD = (AS_BEFORE, DAMAGED_PIXELS, OTHER_WORDS, OTHER_PICTURE, REFUSED)
BAD = (WRONG, BAD_SENTENCE, OTHER_ERROR, DIED, HUNG)


@dataclass(frozen=True)
class Outcome:
    """what : one of GOOD or BAD. told : the reader's sentence, or what is wrong with what it gave."""

    number: int
    what: str
    told: str = ""


def outcome(case: Case, read: Reader, folder: Path) -> Outcome:
    """What a reader makes of one case. Its file gets a name of its own: readers may remember what they read."""
    path = folder / f"case{case.number}.czi"
    path.write_bytes(case.content)
    try:
        truth = _truth(case.whole.kind, read, folder)
        what, told = judged(case, read(path), truth)
    except RefusedError as error:
        faults = faults_of(str(error), path) if read is read_by_brainstack else []
        what, told = (BAD_SENTENCE, f"{', '.join(faults)}: {error}") if faults else (REFUSED, str(error))
    except Exception as error:  # whatever else a reader throws is a finding, and the next case is to be looked at
        what, told = OTHER_ERROR, f"{type(error).__name__}: {error}"
    finally:
        path.unlink()
    return Outcome(case.number, what, told)


@cache
def _truth(kind: FileKind, read: Reader, folder: Path) -> Reading:
    path = folder / f"{kind.name}.czi"
    path.write_bytes(whole_file(kind).content)
    return read(path)


def judged(case: Case, found: Reading, truth: Reading) -> tuple[str, str]:
    if differing := _differing(found.facts, truth.facts):
        return WRONG, differing
    if (differing := _differing(found.words, truth.words)) and not _was_hit(case, *case.whole.xml):
        return WRONG, differing
    hit = _hit_tiles(case)
    for name, wanted in truth.pixels.items():
        pixels = found.pixels[name]
        if pixels.shape != wanted.shape or pixels.dtype != wanted.dtype:
            return WRONG, f"{name} is {pixels.shape} {pixels.dtype}, wanted {wanted.shape} {wanted.dtype}"
        scene, channel, _ = name
        if (pixels != wanted)[~_mask(case, hit, scene, channel, found.boxes[scene], wanted.shape)].any():
            return WRONG, f"pixels of {name} differ outside {len(hit)} tiles that were hit"
    if told := _wrong_pictures(case, found.pictures, truth.pictures):
        return WRONG, told
    return _good(found, truth), ""


def _good(found: Reading, truth: Reading) -> str:
    if any((found.pixels[name] != wanted).any() for name, wanted in truth.pixels.items()):
        return DAMAGED_PIXELS
    if _differing(found.words, truth.words):
        return OTHER_WORDS
    same = all(np.array_equal(found.pictures[name], wanted) for name, wanted in truth.pictures.items())
    return AS_BEFORE if same else OTHER_PICTURE


def _differing(found: Mapping[str, object], wanted: Mapping[str, object]) -> str:
    return ", ".join(f"{name}: {found[name]}, wanted {value}" for name, value in wanted.items() if found[name] != value)


def _was_hit(case: Case, start: int, end: int) -> bool:
    return case.content[start:end] != case.whole.content[start:end]


def _hit_tiles(case: Case) -> list[Tile]:
    """Those whose stored pixels changed, or what lies between them and the end of what the head says in numbers."""
    return [
        tile
        for tile, written in zip(case.whole.tiles, case.whole.written, strict=True)
        if _was_hit(case, _end_of_head(case.whole.content, written), written.data_position + written.data_size)
    ]


def _end_of_head(content: bytes, written: WrittenTile) -> int:
    entry = written.position + 32 + 16
    return entry + 32 + 20 * int(struct.unpack_from("<i", content, entry + 28)[0])


def _mask(
    case: Case, hit: Iterable[Tile], scene: int, channel: int, box: tuple[int, int, int, int], shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """True in the boxes of the tiles that were hit."""
    mask = np.zeros(shape, bool)
    left, top = box[:2]
    for tile in hit:
        if tile.zoom == 1 and (tile.scene or 0) == scene - 1 and tile.channel == channel - 1:
            x, y = tile.x - left, tile.y - top
            mask[y : y + tile.pixels.shape[0], x : x + tile.pixels.shape[1]] = True
    return mask


def _wrong_pictures(case: Case, found: Mapping[str, Pixels], wanted: Mapping[str, Pixels]) -> str:
    if found.keys() != wanted.keys():
        return f"has pictures {sorted(found)}, wanted {sorted(wanted)}"
    for name, picture in wanted.items():
        if case.whole.kind.pictures == "CZI" and found[name].shape != picture.shape:
            return f"the {name} is {found[name].shape}, wanted {picture.shape}"
        if not np.array_equal(found[name], picture) and not _was_hit(case, *case.whole.pictures[name]):
            return f"the {name} was not hit, but differs"
    return ""


WHAT_TO_DO = ("Copy it again", "Copy the file again", "Take it out", "Export the slide", "run the same command again")


def faults_of(sentence: str, path: Path) -> list[str]:
    """What is wrong with the form of a refusal; nothing, where it names the file and helps."""
    about = sentence.removeprefix(str(path))
    faults = {
        "does not start with the file": about == sentence,
        "does not say what to do": not any(f". {words}" in about for words in WHAT_TO_DO),
        "does not end in a full stop": not sentence.endswith("."),
        "names an exception": bool(re.search(r"\w*(Error|Exception)\b|Traceback|struct\.error|<class", about)),
        "has what cannot be printed": not about.isprintable(),
        f"has {len(about)} characters": len(about) > 600,
    }
    return [fault for fault, is_so in faults.items() if is_so]


# Many cases, in processes that may die --------------------------------------------------------------------------------

MEMORY_BYTES = 10**9
"""More than a process has before it reads: the files have some ten thousand bytes."""

LONGEST_S = 20


def run(
    numbers: Iterable[int],
    seed: int = SEED,
    read: Reader = read_by_brainstack,
    processes: int = 2,
    longest_s: int = LONGEST_S,
) -> Iterator[Outcome]:
    """What a reader makes of the cases of these numbers. A case that kills its process is an outcome like others."""
    every = list(numbers)
    with ThreadPoolExecutor(processes) as pool:
        parts = [every[number::processes] for number in range(processes)]
        for outcomes in pool.map(partial(_run_in_turn, seed=seed, read=read, longest_s=longest_s), parts):
            yield from outcomes


def _run_in_turn(numbers: list[int], *, seed: int, read: Reader, longest_s: int) -> list[Outcome]:
    outcomes: list[Outcome] = []
    context = multiprocessing.get_context("spawn")
    while remaining := numbers[len(outcomes) :]:
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_serve, args=(theirs, remaining, seed, read, longest_s))
        process.start()
        theirs.close()
        with suppress(EOFError), ours:
            while True:
                outcomes.append(ours.recv())
        process.join()
        if process.exitcode and len(outcomes) < len(numbers):
            what = HUNG if process.exitcode == -signal.SIGALRM else DIED
            outcomes.append(Outcome(numbers[len(outcomes)], what, f"exit status {process.exitcode}"))
    return outcomes


def _serve(connection: Connection, numbers: list[int], seed: int, read: Reader, longest_s: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as folder:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        # The hard limit stays: the process that decodes JPEG-XR sets one of its own.
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY_BYTES, most))
        for number in numbers:
            signal.alarm(longest_s)  # ends the process, also inside a library that hangs
            connection.send(outcome(damaged(number, seed), read, Path(folder)))
        signal.alarm(0)


# Readers that are no good, for tests of the above ---------------------------------------------------------------------


def dies(path: Path) -> Reading:
    os.kill(os.getpid(), signal.SIGSEGV)
    raise AssertionError("still there")


def hangs(path: Path) -> Reading:
    time.sleep(10 * LONGEST_S)
    raise AssertionError("still there")


def fills_the_memory(path: Path) -> Reading:
    return Reading(facts={"bytes": np.ones(2 * MEMORY_BYTES, np.uint8).size}, pixels={}, boxes={})


def throws(path: Path) -> Reading:
    raise KeyError(path.name)
