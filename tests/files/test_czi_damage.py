"""Damage of every kind that can be thought of, one at a time: the sentence says what is wrong, and where."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from brainstack.demo.czi_writer import (
    Attachment,
    ChannelSettings,
    Tile,
    metadata_xml,
    picture_attachment,
    write_czi,
)
from brainstack.errors import BrainstackError
from brainstack.files import jpegxr
from brainstack.files.czi import content_signature, read_slide, read_slide_pictures, read_strips
from brainstack.files.jpegxr import JpegXrDecoder

HEAD = 32
"""Bytes of the header of a segment; those of the numbers of a tile's head, then its entry, follow."""

ENTRY_IN_TILE = HEAD + 16
ENTRIES_IN_DIRECTORY = HEAD + 128
METADATA_POINTER, DIRECTORY_POINTER, ATTACHMENTS_POINTER = 92, 84, 104


def pixels_of(rows=30, columns=40, seed=0, dtype=np.uint16):
    """Smooth, so that they can be packed; never 0."""
    y, x = np.mgrid[:rows, :columns]
    return (1 + seed + 2 * x + 3 * y).astype(dtype)


XML = metadata_xml(
    channels=[ChannelSettings("DAPI", 12.5), ChannelSettings("GFP", 40.0)],
    pixel_size_um=(0.325, 0.325),
    pixel_type="Gray16",
)


class Slide:
    """A file and where its parts are; what is written into it is damage.

    By default two scenes of two tiles side by side, one channel, with a label and a preview.
    """

    def __init__(self, path: Path, tiles: Iterable[Tile] | None = None, *, xml=XML, pictures=True, room=0) -> None:
        self.path = path
        self.tiles = list(two_scenes() if tiles is None else tiles)
        label = [picture_attachment(name, np.full((9, 12, 3), 200, np.uint8)) for name in ("Label", "SlidePreview")]
        attachments = label if pictures is True else list(pictures or [])
        self.written = write_czi(path, self.tiles, metadata=xml, attachments=attachments, room_for_tiles=room)
        self.content = path.read_bytes()

    def pointer(self, at: int) -> int:
        return int(struct.unpack_from("<q", self.content, at)[0])

    @property
    def directory(self) -> int:
        return self.pointer(DIRECTORY_POINTER)

    def entry(self, number: int) -> int:
        """Where the directory's entry of a tile is, all of which have the same length here."""
        (count,) = struct.unpack_from("<i", self.content, self.directory + ENTRIES_IN_DIRECTORY + 28)
        return self.directory + ENTRIES_IN_DIRECTORY + number * (32 + 20 * int(count))

    def put(self, at: int, kind: str, *numbers: int | bytes) -> Slide:
        content = bytearray(self.content)
        struct.pack_into(f"<{kind}", content, at, *numbers)
        return self.become(bytes(content))

    def become(self, content: bytes) -> Slide:
        """A file of its own, so that nothing can be remembered of the one before."""
        self.content = content
        self.path.unlink()
        self.path.write_bytes(content)
        return self


def two_scenes(compression="zstd1", **damage):
    """damage : `encoded` of the last tile, which is the second of the second scene."""
    places = [(0, 0), (0, 40), (1, 200), (1, 240)]
    tiles = [Tile(pixels_of(seed=x), x, 7, scene, compression=compression) for scene, x in places]
    return [*tiles[:-1], replace(tiles[-1], **damage)]


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "slide001.czi"


def read_all(path):
    scan = read_slide(path)
    for scene in scan.scenes:
        for channel in scan.channels:
            for _ in read_strips(path, scene, channel.number, 13):
                pass
    read_slide_pictures(path)
    return content_signature(path)


def refused(path, read=read_slide) -> str:
    with pytest.raises(BrainstackError) as caught:
        read(path)
    told = str(caught.value)
    assert told.startswith(f"{path} ")
    assert told.endswith(".")
    assert "Copy it again" in told
    return told


def read_scene(path, number=1):
    scan = read_slide(path)
    return np.concatenate(list(read_strips(path, scan.scenes[number - 1], 1, 13)))


def test_the_undamaged_file_is_read(path):
    slide = Slide(path)
    assert len(read_all(path)) == 32
    np.testing.assert_array_equal(read_scene(path, 2), np.hstack([tile.pixels for tile in slide.tiles[2:]]))


# The end is missing ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("room", [0, 4], ids=["directory behind", "directory in front"])
def test_a_file_cut_at_any_length_is_refused(path, room):
    content = Slide(path, room=room).content
    (used,) = struct.unpack_from("<q", content, struct.unpack_from("<q", content, ATTACHMENTS_POINTER)[0] + 24)
    end = struct.unpack_from("<q", content, ATTACHMENTS_POINTER)[0] + HEAD + used
    for length in [*range(10, 32), *range(32, end - 1, 61), end - 1]:
        cut = path.with_name(f"{length}.czi")
        cut.write_bytes(content[:length])
        assert "is cut off or was never finished" in refused(cut), length


def test_nothing_is_missing_from_a_file_without_its_last_filling(path):
    """Segments are filled up to 32 bytes, and not every writer does so at the end."""
    slide = Slide(path)
    at = slide.pointer(ATTACHMENTS_POINTER)
    (used,) = struct.unpack_from("<q", slide.content, at + 24)
    wanted = read_scene(path, 2)
    slide.become(slide.content[: at + HEAD + used])
    np.testing.assert_array_equal(read_scene(path, 2), wanted)


# Pixels ---------------------------------------------------------------------------------------------------------------

LAST_TILE = r"is damaged: scene 2: scene index 1, channel 1, tile 4 at \(240, 7\): "


@pytest.mark.parametrize(
    ("compression", "encoded", "told"),
    [
        ("raw", pixels_of(29).tobytes(), "it has 2320 bytes of pixels, wanted 2400"),
        ("raw", b"", "it has 0 bytes of pixels, wanted 2400"),
        ("zstd0", b"no zstd at all", "its pixels cannot be unpacked"),
        (
            "zstd0",
            imagecodecs.zstd_encode(pixels_of(29).tobytes()),
            "its pixels have 2320 bytes, unpacked; wanted 2400",
        ),
        ("zstd0", imagecodecs.zstd_encode(pixels_of(31).tobytes()), "its pixels cannot be unpacked"),
        ("zstd0", imagecodecs.zstd_encode(pixels_of().tobytes())[:-9], "its pixels cannot be unpacked"),
        ("zstd1", b"", "its pixels begin with , wanted 01 or 03 01"),
        ("zstd1", b"\x03\x01", "its pixels begin with 03 01, wanted 01 or 03 01"),
        ("zstd1", b"\x01", "its pixels have 0 bytes, unpacked; wanted 2400"),
        ("zstd1", b"\x02" + imagecodecs.zstd_encode(pixels_of().tobytes()), "its pixels begin with 02 28 b5"),
        ("zstd1", b"\x01" + imagecodecs.zstd_encode(bytes(2399)), "its pixels have 2399 bytes, unpacked; wanted 2400"),
        ("jpegxr", b"", "it is no JPEG-XR image"),
        ("jpegxr", b"II\xbc\x01" + bytes(50), "it is no JPEG-XR image"),
        ("jpegxr", imagecodecs.jpegxr_encode(pixels_of())[:-9], "its JPEG-XR image is cut off"),
        ("jpegxr", imagecodecs.jpegxr_encode(pixels_of(31)), "its JPEG-XR image has 40 x 31 pixels, wanted 40 x 30"),
        (
            "jpegxr",
            imagecodecs.jpegxr_encode(pixels_of(dtype=np.uint8)),
            r"its JPEG-XR image is damaged: found \(30, 40\) u",
        ),
        ("jpegxr", imagecodecs.jpegxr_encode(np.zeros((30, 40, 3), np.uint8)), "its JPEG-XR image is damaged: found"),
    ],
)
def test_a_broken_tile_is_named(path, compression, encoded, told):
    """The other scene is read all the same."""
    slide = Slide(path, two_scenes(compression, encoded=bytes(encoded)))
    with pytest.raises(BrainstackError, match=LAST_TILE + told) as caught:
        read_scene(path, 2)
    assert str(caught.value).endswith("Copy it again from the scanner, or scan the slide again.")
    np.testing.assert_array_equal(read_scene(path, 1), np.hstack([tile.pixels for tile in slide.tiles[:2]]))


def test_bytes_stored_apart_are_refused_where_a_sample_has_one(path):
    encoded = b"\x03\x01\x01" + bytes(imagecodecs.zstd_encode(bytes(1200)))
    Slide(path, [Tile(pixels_of(dtype=np.uint8), 0, 0, encoded=encoded)])
    assert "its pixels are said to have low and high bytes, but have one byte each" in refused(path, read_scene)


def test_a_packed_tile_that_should_fill_the_memory_is_refused(path, monkeypatch):
    monkeypatch.setattr("brainstack.files.czi_tiles.LARGEST_TILE", 2399)
    Slide(path)
    assert "it has 2400 bytes, unpacked; a packed tile of more than 2399 is not read" in refused(path, read_scene)


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGFPE", "SIGABRT"])
def test_an_image_that_ends_the_decoder_is_a_damaged_tile(path, monkeypatch, name):
    what = f"os.kill(os.getpid(), signal.{name})"
    monkeypatch.setattr(
        jpegxr, "_started", lambda: process(f"import os, signal, sys; sys.stdin.buffer.read(40); {what}")
    )
    Slide(path, two_scenes("jpegxr"))
    told = refused(path, read_scene)
    assert "scene 1: scene index 0, channel 1, tile 1 at (0, 7): its JPEG-XR image ended the decoder (signal" in told


def test_an_image_that_stops_the_decoder_is_a_damaged_tile(path, monkeypatch):
    monkeypatch.setattr(jpegxr, "_started", lambda: process("import time; time.sleep(60)"))
    monkeypatch.setattr(jpegxr, "LONGEST_S", 0.1)
    Slide(path, two_scenes("jpegxr"))
    assert "its JPEG-XR image was not decoded within 0 s" in refused(path, read_scene)


def test_one_byte_can_end_a_real_decoder(path):
    """jxrlib, in imagecodecs 2026.3, divides by zero with this one; another may see that it is no image."""
    y, x = np.mgrid[:20, :24]
    pixels = (5 * x + 3 * y).astype(np.uint8)
    image = bytearray(imagecodecs.jpegxr_encode(pixels, level=1.0))
    image[image.index(b"WMPHOTO\0") + 11] = 60  # the format and depth of its colours
    Slide(path, [Tile(pixels, 0, 0, compression="jpegxr", encoded=bytes(image))])
    assert "tile 1 at (0, 0): its JPEG-XR image " in refused(path, read_scene)


def process(code: str):
    return subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_the_image_after_one_that_ended_the_decoder_is_decoded():
    content = bytes(imagecodecs.jpegxr_encode(pixels_of(), level=1.0))
    with JpegXrDecoder() as decoder:
        np.testing.assert_array_equal(decoder.decode(content, (30, 40), np.dtype(np.uint16)), pixels_of())
        decoder._process.kill()
        with pytest.raises(BrainstackError, match=r"exit status -9\): memory ran out, or it cannot be started"):
            decoder.decode(content, (30, 40), np.dtype(np.uint16))
        np.testing.assert_array_equal(decoder.decode(content, (30, 40), np.dtype(np.uint16)), pixels_of())


def test_a_decoder_that_cannot_be_started_says_nothing_of_the_slide(path, monkeypatch):
    monkeypatch.setattr(jpegxr, "_started", lambda: process("import sys; sys.exit(1)"))
    Slide(path, two_scenes("jpegxr"))
    with pytest.raises(BrainstackError, match=r"ended \(exit status 1\).*with fewer workers") as caught:
        read_scene(path)
    assert "damaged" not in str(caught.value)


# The directory --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [-(2**31), -1, 5, 2**31 - 1])
def test_a_directory_that_should_list_what_it_cannot_is_refused(path, count):
    slide = Slide(path)
    told = refused(slide.put(slide.directory + HEAD, "i", count).path)
    assert "directory" in told


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_directory_that_leaves_out_tiles_is_refused(path, count):
    slide = Slide(path)
    told = refused(slide.put(slide.directory + HEAD, "i", count).path)
    assert f"its directory should list {count} tiles, but lists more" in told


def test_a_directory_that_lists_a_tile_twice_is_refused(path):
    """One entry over another: each agrees with the tile that it points to, and one tile is listed no more."""
    slide = Slide(path)
    one, two = slide.entry(0), slide.entry(1)
    assert "its directory lists a tile twice" in refused(slide.put(two, f"{two - one}s", slide.content[one:two]).path)


def test_a_directory_that_points_into_another_tile_is_refused(path):
    slide = Slide(path)
    slide.put(slide.entry(1) + 6, "q", slide.written[0].position + 64)
    assert "channel 1, tile 2 at (40, 7): wanted ZISRAWSUBBLOCK at byte" in refused(path)


def test_a_directory_that_exchanges_two_tiles_is_refused(path):
    slide = Slide(path)
    slide.put(slide.entry(0) + 6, "q", slide.written[1].position)
    slide.put(slide.entry(1) + 6, "q", slide.written[0].position)
    assert "its own head says" in (told := refused(path))
    assert "x 0 where the directory says 40" in told


def test_a_directory_that_points_at_itself_is_refused(path):
    slide = Slide(path)
    slide.put(slide.entry(1) + 6, "q", slide.directory)
    assert f"wanted ZISRAWSUBBLOCK at byte {slide.directory}, found something else" in refused(path)


@pytest.mark.parametrize("position", [-1, -(2**63), 2**40, 2**63 - 1])
def test_a_directory_that_points_nowhere_is_refused(path, position):
    slide = Slide(path)
    slide.put(slide.entry(2) + 6, "q", position)
    assert f"tile 3 at (200, 7): it has {len(slide.content)} bytes and should go on at byte {position}" in refused(path)


@pytest.mark.parametrize("used", [-1, 0, 100, 2**40, 2**63 - 1])
def test_a_directory_of_another_length_is_refused(path, used):
    slide = Slide(path)
    assert refused(slide.put(slide.directory + 24, "q", used).path)


ENTRY = {"schema": (0, "2s", b"DE"), "pixel type": (2, "i", 0), "compression": (18, "i", 0), "dimensions": (28, "i", 4)}
DIMENSIONS = {
    f"{name} of dimension {number}": (32 + 20 * number + at, "i", 87)
    for number in range(6)
    for name, at in (("name", 0), ("start", 4), ("size", 8))
}


@pytest.mark.parametrize("where", ["directory", "head"])
@pytest.mark.parametrize("field", [*ENTRY, *DIMENSIONS])
def test_a_directory_and_a_tile_that_disagree_are_refused(path, where, field):
    """Whichever of the two is damaged. The size of other dimensions than X and Y is always 1, and means nothing."""
    slide = Slide(path)
    at, kind, value = (ENTRY | DIMENSIONS)[field]
    entry = slide.entry(1) if where == "directory" else slide.written[1].position + ENTRY_IN_TILE
    slide.put(entry + at, kind, value)
    if field.startswith("size") and not field.endswith((" 0", " 1")):
        assert read_all(path)
    else:
        assert "tile" in refused(path)


@pytest.mark.parametrize(
    ("at", "kind", "number"),
    [(0, "i", -1), (0, "i", 2**31 - 1), (4, "i", -1), (4, "i", 2**20), (8, "q", -1), (8, "q", 2**62)],
)
def test_a_tile_whose_parts_do_not_fit_is_refused(path, at, kind, number):
    slide = Slide(path)
    slide.put(slide.written[1].position + HEAD + at, kind, number)
    assert "channel 1, tile 2 at (40, 7): " in (told := refused(path))
    assert "bytes of pixels do not fit into its" in told


@pytest.mark.parametrize("xml_bytes", [0, 4, 11])
def test_a_tile_whose_parts_do_not_fill_it_is_refused(path, xml_bytes):
    """With fewer bytes of XML the pixels would begin too early: no reader could tell by looking at them."""
    slide = Slide(path, two_scenes("raw"))
    slide.put(slide.written[1].position + HEAD, "i", xml_bytes)
    assert "channel 1, tile 2 at (40, 7): its parts have" in refused(path)


def test_zeros_behind_the_parts_of_a_tile_are_none_of_it(path):
    """A writer may count what fills up the segment as in use."""
    slide = Slide(path)
    written = slide.written[1]
    end = written.data_position + written.data_size
    filled = -(-end // 32) * 32
    assert filled > end
    wanted = read_scene(path)
    slide.put(written.position + 24, "q", filled - written.position - HEAD)
    np.testing.assert_array_equal(read_scene(path), wanted)


# Scenes and channels --------------------------------------------------------------------------------------------------


def test_a_scene_without_one_of_the_channels_is_refused(path):
    tiles = [Tile(pixels_of(), 0, 0), Tile(pixels_of(), 0, 0, channel=1), Tile(pixels_of(), 90, 0, scene=1)]
    Slide(path, tiles)
    assert "scene index 1 has no tile of channel 2 (GFP)" in refused(path)


@pytest.mark.parametrize("far", [2**20, 2**30, -(2**30)])
def test_a_scene_wider_than_glass_is_refused(path, far):
    Slide(path, [Tile(pixels_of(), 0, 0), Tile(pixels_of(), far, 0)])
    assert f"scene 1 should have {abs(far) + 40} x 30 pixels, of which its 2 tiles have 2400" in refused(path)


def test_a_tile_wider_than_glass_is_refused(path):
    """Said by the directory and by the tile itself."""
    slide = Slide(path)
    for entry in (slide.entry(0), slide.written[0].position + ENTRY_IN_TILE):
        slide.put(entry + 32 + 8, "i", 2**30)
    assert "tile 1 at (0, 7) should have 1073741824 x 30 pixels" in refused(path)


def test_a_million_channels_are_refused_without_a_list_of_them(path):
    slide = Slide(path)
    third = 32 + 2 * 20
    assert slide.content[slide.entry(3) + third :].startswith(b"C\0\0\0")
    for entry in (slide.entry(3), slide.written[3].position + ENTRY_IN_TILE):
        slide.put(entry + third + 4, "i", 2**31 - 2)
    assert "its 4 tiles should be of channels 1 to 2147483647" in refused(path)


# The head of the file, metadata, attachments --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pointer", "name"), [(METADATA_POINTER, "ZISRAWMETADATA"), (ATTACHMENTS_POINTER, "ZISRAWATTDIR")]
)
def test_a_head_that_forgot_a_part_is_refused(path, pointer, name):
    slide = Slide(path)
    at = slide.pointer(pointer)
    assert f"its head knows of no {name}, but there is one at byte {at}" in refused(slide.put(pointer, "q", 0).path)


def test_a_file_without_attachments_is_none_that_forgot_them(path):
    Slide(path, pictures=None)
    assert read_all(path)
    assert read_slide_pictures(path) == {}


@pytest.mark.parametrize("pointer", [METADATA_POINTER, DIRECTORY_POINTER, ATTACHMENTS_POINTER])
@pytest.mark.parametrize("to", [-1, 1, 544, 2**62])
def test_a_head_that_points_to_something_else_is_refused(path, pointer, to):
    slide = Slide(path)
    assert "at byte" in refused(slide.put(pointer, "q", to).path)


def test_a_file_without_its_directory_was_never_finished(path):
    assert "it has no directory of its tiles" in refused(Slide(path).put(DIRECTORY_POINTER, "q", 0).path)


@pytest.mark.parametrize("missing", [1, 20, 500, 1000])
def test_metadata_that_are_cut_are_refused(path, missing):
    slide = Slide(path)
    at = slide.pointer(METADATA_POINTER) + HEAD
    assert "its metadata are no XML" in refused(slide.put(at, "i", len(XML) - missing).path)


@pytest.mark.parametrize("length", [-1, 0, 2**31 - 1])
def test_metadata_of_another_length_are_refused(path, length):
    slide = Slide(path)
    told = refused(slide.put(slide.pointer(METADATA_POINTER) + HEAD, "i", length).path)
    assert f"should hold {length} bytes of XML" in told


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("<Value>3.25E-07</Value>", "<Value>3.2!E-07</Value>", "the pixel size along x is '3.2!E-07'"),
        ("<Value>3.25E-07</Value>", "<Value>-3.2E-07</Value>", "the pixel size along x is -3.2e-07 m"),
        ("<Value>3.25E-07</Value>", "<Value>1e999</Value>", "the pixel size along x is '1e999'"),
        (">12500000<", ">12x00000<", "the exposure of channel 1 is '12x00000'"),
        ("<Metadata>", "<Metadata?", "its metadata are no XML"),
        (
            '<?xml version="1.0"?>',
            '<?xml version="1.0" encoding="x"?>',
            "its metadata are no XML (unknown encoding: x)",
        ),
        ('<?xml version="1.0"?>', '<?xml version="1.0" encoding="big5"?>', "its metadata are no XML (multi-byte"),
    ],
)
def test_metadata_that_say_what_they_cannot_are_refused(path, old, new, told):
    assert old in XML
    Slide(path, xml=XML.replace(old, new, 1))
    assert told in refused(path)


def test_a_damaged_label_is_refused_and_the_slide_is_not(path):
    label = picture_attachment("Label", np.full((9, 12, 3), 200, np.uint8))
    Slide(path, pictures=[replace(label, content=label.content[:-200])])
    assert len(read_slide(path).scenes) == 2
    assert read_scene(path, 2).any()
    assert "its attachment 'Label': it has" in refused(path, read_slide_pictures)


JPEG = bytes(imagecodecs.jpeg8_encode(np.full((9, 12, 3), 200, np.uint8)))
FRAME = JPEG.index(b"\xff\xc0")


@pytest.mark.parametrize(
    ("kind", "content", "told"),
    [
        ("PNG", JPEG, "found a picture of kind 'PNG', wanted CZI or JPG"),
        ("JPG", b"no JPEG", "its JPEG is cut off"),
        ("JPG", JPEG[:-2], "its JPEG is cut off"),
        ("JPG", JPEG[:FRAME] + JPEG[-2:], "its JPEG does not say how many pixels it has"),
        (
            "JPG",
            JPEG[: FRAME + 5] + struct.pack(">HH", 65500, 65500) + JPEG[FRAME + 9 :],
            "it should have 65500 x 65500 pixels, too many for a picture of a slide",
        ),
        (
            "JPG",
            bytes(imagecodecs.jpeg8_encode(np.zeros((9, 12, 4), np.uint8))),
            "its JPEG has 4 colours, wanted 1 or 3",
        ),
    ],
)
def test_a_picture_that_is_none_is_refused(path, kind, content, told):
    Slide(path, pictures=[Attachment("SlidePreview", kind, content)])
    assert f"its attachment 'SlidePreview': {told}" in refused(path, read_slide_pictures)


def test_a_jpeg_with_filling_in_front_of_its_markers_is_read(path):
    Slide(path, pictures=[Attachment("Label", "JPG", JPEG[:FRAME] + b"\xff\xff" + JPEG[FRAME:])])
    assert read_slide_pictures(path)["label"].shape == (9, 12, 3)


def test_an_attachment_that_calls_itself_otherwise_is_refused(path):
    slide = Slide(path)
    entry = slide.pointer(ATTACHMENTS_POINTER) + HEAD + 256
    assert slide.content[entry + 48 :].startswith(b"Label\0")
    assert "its attachment 'Lafel' calls itself 'Label'" in refused(slide.put(entry + 48, "5s", b"Lafel").path)


@pytest.mark.parametrize(
    ("count", "told"), [(1, "list 1, but lists more"), (3, "list 3"), (-1, "list -1"), (2**31 - 1, "list 2147483647")]
)
def test_a_directory_of_attachments_that_miscounts_is_refused(path, count, told):
    slide = Slide(path)
    assert told in refused(slide.put(slide.pointer(ATTACHMENTS_POINTER) + HEAD, "i", count).path)


# While it is read -----------------------------------------------------------------------------------------------------


def test_a_file_that_changes_between_two_strips_is_refused(path):
    slide = Slide(path, two_scenes("raw"))
    strips = read_strips(path, read_slide(path).scenes[0], 1, 10)
    next(strips)
    path.write_bytes(slide.content + bytes(32))
    with pytest.raises(BrainstackError, match=r"changed while rows 10 to 20 of its scene 1 were read; wait until"):
        next(strips)


@pytest.mark.parametrize("compression", ["raw", "zstd1"])
def test_a_file_that_shrinks_between_two_strips_is_refused(path, compression):
    slide = Slide(path, two_scenes(compression))
    strips = read_strips(path, read_slide(path).scenes[0], 1, 10)
    next(strips)
    path.write_bytes(slide.content[:600])
    with pytest.raises(BrainstackError, match=r"slide001\.czi (is damaged|is cut off|was changed)"):
        list(strips)


def test_a_file_that_was_replaced_by_another_slide_is_refused(path):
    Slide(path)
    scene = read_slide(path).scenes[1]
    Slide(path, [Tile(pixels_of(seed=5), 0, 0)])
    with pytest.raises(BrainstackError, match=r"has no scene 2 of 80 x 30 pixels .* run the same command again"):
        read_strips(path, scene, 1, 10)


def test_a_file_that_was_replaced_by_one_that_is_cut_is_refused(path):
    slide = Slide(path)
    scene = read_slide(path).scenes[1]
    slide.become(slide.content[:3000])
    with pytest.raises(BrainstackError, match="is cut off or was never finished"):
        read_strips(path, scene, 1, 10)


def test_a_file_that_vanishes_before_it_is_read_is_refused(path):
    Slide(path)
    scene = read_slide(path).scenes[0]
    path.unlink()
    with pytest.raises(BrainstackError, match="is not there"):
        read_strips(path, scene, 1, 10)


def test_what_was_remembered_of_a_slide_is_not_told_of_another(path):
    """Of the same name, and of the same length."""
    Slide(path)
    assert read_slide(path).channels[0].name == "DAPI"
    path.unlink()
    Slide(path, xml=XML.replace("DAPI", "Cy35"))
    assert read_slide(path).channels[0].name == "Cy35"
