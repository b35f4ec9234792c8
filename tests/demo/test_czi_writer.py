"""Files of our own writer, read by two readers that others wrote."""

from __future__ import annotations

import struct
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import aicspylibczi
import numpy as np
import pytest
from pylibCZIrw import czi as pylibczi

from brainstack.demo.czi_writer import (
    Attachment,
    ChannelSettings,
    SceneSettings,
    Tile,
    metadata_xml,
    picture_attachment,
    write_czi,
)

KINDS = {"Gray8": ((), np.uint8), "Gray16": ((), np.uint16), "Bgr24": ((3,), np.uint8)}
COMPRESSIONS = ("raw", "jpegxr", "zstd0", "zstd1")


def noise(rows: int, columns: int, kind: str = "Gray16", seed: int = 0) -> np.ndarray:
    """Never 0, so that what was not scanned can be told from what was."""
    colours, dtype = KINDS[kind]
    random = np.random.default_rng([seed, rows, columns])
    return random.integers(1, np.iinfo(dtype).max, (rows, columns, *colours), dtype=dtype, endpoint=True)


def about(kind: str = "Gray16", channels: int = 1, **more) -> str:
    names = [ChannelSettings(f"channel {number}") for number in range(channels)]
    return metadata_xml(channels=names, pixel_size_um=(0.325, 0.325), pixel_type=kind, **more)


@contextmanager
def other_reader(path: Path):
    reader = aicspylibczi.CziFile(path)
    try:
        yield reader
    finally:
        reader._bytes.close()  # it has no close of its own


def assert_both_readers_see(path: Path, tiles: list[Tile]) -> None:
    """Each tile of the scan itself, by its place in the one reader and by its number in the other.

    Tiles are of one shape: aicspylibczi writes beyond its memory where a later tile is larger than the first one.
    """
    flat = [tile for tile in tiles if tile.zoom == 1]
    with pylibczi.open_czi(str(path)) as reader:
        for tile in flat:
            rows, columns = tile.pixels.shape[:2]
            plane = {"C": tile.channel, "Z": tile.z, "T": tile.t}
            found = reader.read(roi=(tile.x, tile.y, columns, rows), plane=plane, scene=tile.scene)
            np.testing.assert_array_equal(np.squeeze(found), np.squeeze(tile.pixels))
    with other_reader(path) as reader:
        counted: dict[tuple, int] = {}
        for tile in flat:
            place = {"C": tile.channel, "Z": tile.z, "T": tile.t}
            if tile.scene is not None:
                place["S"] = tile.scene
            number = counted.get(tuple(place.values()), 0)
            counted[tuple(place.values())] = number + 1
            if reader.is_mosaic():
                place["M"] = number
            found, _ = reader.read_image(**place)
            np.testing.assert_array_equal(np.squeeze(found), np.squeeze(tile.pixels))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_every_pixel_of_every_kind_comes_back(tmp_path, kind, compression):
    path = tmp_path / "slide.czi"
    tiles = [
        Tile(noise(61, 83, kind, seed=channel), x, -7, channel=channel, compression=compression)
        for channel in range(2)
        for x in (-40, 43)
    ]
    write_czi(path, tiles, metadata=about(kind, channels=2))
    assert_both_readers_see(path, tiles)
    with pylibczi.open_czi(str(path)) as reader:
        assert reader.pixel_types == {0: kind, 1: kind}


@pytest.mark.parametrize("room_for_tiles", [0, 100])
def test_scenes_focal_planes_and_times_come_back(tmp_path, room_for_tiles):
    path = tmp_path / "slide.czi"
    tiles = [
        Tile(noise(20, 30, seed=number), 400 * scene + x, 90 * scene, scene=scene, channel=channel, z=z, t=t)
        for number, (scene, channel, z, t, x) in enumerate(np.ndindex(2, 2, 3, 2, 2))
        for x in (x * 30,)
    ]
    write_czi(path, tiles, metadata=about(channels=2), room_for_tiles=room_for_tiles)
    assert_both_readers_see(path, tiles)
    with other_reader(path) as reader:
        assert sorted(reader.dims) == sorted("SCZTMYX")
        assert reader.get_dims_shape()[0] | {"X": (0, 30), "Y": (0, 20)} == {
            **{"S": (0, 2), "C": (0, 2), "Z": (0, 3), "T": (0, 2), "M": (0, 2)},
            **{"X": (0, 30), "Y": (0, 20)},
        }


def test_a_file_may_have_neither_scenes_nor_a_mosaic(tmp_path):
    path = tmp_path / "slide.czi"
    tile = Tile(noise(20, 30), -5, 3, scene=None, mosaic=-1)
    write_czi(path, [tile], metadata=about())
    assert_both_readers_see(path, [tile])
    with other_reader(path) as reader:
        assert sorted(reader.dims) == sorted("CZTYX")
        assert not reader.is_mosaic()
    with pylibczi.open_czi(str(path)) as reader:
        assert reader.scenes_bounding_rectangle == {}


def test_places_may_be_negative_and_far_out(tmp_path):
    path = tmp_path / "slide.czi"
    tiles = [Tile(noise(20, 30), -70001, -39003), Tile(noise(20, 30, seed=1), 123457, 98765, scene=1)]
    write_czi(path, tiles, metadata=about())
    assert_both_readers_see(path, tiles)
    with pylibczi.open_czi(str(path)) as reader:
        boxes = reader.scenes_bounding_rectangle
        found = {index: (box.x, box.y, box.w, box.h) for index, box in boxes.items()}
    assert found == {0: (-70001, -39003, 30, 20), 1: (123457, 98765, 30, 20)}


def test_a_pyramid_is_read_where_a_smaller_picture_is_asked_for(tmp_path):
    path = tmp_path / "slide.czi"
    # The levels hold other pixels than the scan, so that each can be told.
    tiles = [Tile(noise(64, 96), 10, 20), Tile(noise(64, 96, seed=1), 106, 20)]
    half, quarter = Tile(noise(32, 96, seed=2), 10, 20, zoom=2), Tile(noise(16, 48, seed=3), 10, 20, zoom=4)
    write_czi(path, [*tiles, half, quarter], metadata=about())
    assert_both_readers_see(path, tiles)
    with pylibczi.open_czi(str(path)) as reader:
        for zoom, wanted in ((1 / 2, half), (1 / 4, quarter)):
            found = reader.read(roi=(10, 20, 192, 64), plane={"C": 0}, zoom=zoom)
            np.testing.assert_array_equal(found[..., 0], wanted.pixels)
    with other_reader(path) as reader:
        found = reader.read_mosaic(region=(10, 20, 192, 64), scale_factor=0.5, C=0)
        np.testing.assert_array_equal(np.squeeze(found), half.pixels)


def test_other_dimensions_may_be_added(tmp_path):
    path = tmp_path / "slide.czi"
    tile = Tile(noise(20, 30), 0, 0, more_dimensions=(("B", 0), ("H", 0)))
    write_czi(path, [tile], metadata=about())
    assert_both_readers_see(path, [tile])
    with other_reader(path) as reader:
        assert {"B", "H"} < set(reader.dims)


def test_a_tile_may_be_damaged(tmp_path):
    path = tmp_path / "slide.czi"
    (written,) = write_czi(path, [Tile(noise(20, 30), 0, 0, encoded=b"no picture")], metadata=about())
    content = path.read_bytes()
    assert content[written.data_position :][: written.data_size] == b"no picture"
    with pylibczi.open_czi(str(path)) as reader, pytest.raises(RuntimeError):
        reader.read(plane={"C": 0})


# The layout of the bytes ----------------------------------------------------------------------------------------------


def segments(content: bytes) -> list[tuple[str, int, int]]:
    """Name, position and bytes in use of each."""
    found, position = [], 0
    while position < len(content):
        name, allocated, used = struct.unpack_from("<16sqq", content, position)
        assert allocated % 32 == 0
        assert used <= allocated
        found.append((name.rstrip(b"\0").decode(), position, used))
        position += 32 + allocated
    assert position == len(content)
    return found


@pytest.mark.parametrize("room_for_tiles", [0, 3])
def test_segments_follow_each_other_and_are_found_by_the_header(tmp_path, room_for_tiles):
    path = tmp_path / "slide.czi"
    tiles = [Tile(noise(20, 31, seed=x), 40 * x, 0) for x in range(3)]
    label = Attachment("Label", "JPG", b"1234567")
    written = write_czi(path, tiles, metadata=about(), attachments=[label], room_for_tiles=room_for_tiles)
    content = path.read_bytes()
    found = segments(content)
    behind, blocks = ["ZISRAWDIRECTORY", "ZISRAWMETADATA"], ["ZISRAWSUBBLOCK"] * 3
    order = [*behind, *blocks] if room_for_tiles else [*blocks, *reversed(behind)]
    assert [name for name, _, _ in found] == ["ZISRAWFILE", *order, "ZISRAWATTACH", "ZISRAWATTDIR"]
    assert [at for name, at, _ in found if name == "ZISRAWSUBBLOCK"] == [tile.position for tile in written]
    places = {name: at for name, at, _ in found}
    directory, metadata, attachments = struct.unpack_from("<qq4xq", content, 84)
    assert (directory, metadata) == (places["ZISRAWDIRECTORY"], places["ZISRAWMETADATA"])
    assert attachments == places["ZISRAWATTDIR"]
    # The entry of the directory, and its copy in the sub-block, of seven dimensions each.
    size = 32 + 20 * 7
    for number, tile in enumerate(written):
        entry = content[directory + 160 + number * size :][:size]
        assert entry == content[tile.position + 48 :][:size]
        assert struct.unpack_from("<q", entry, 6) == (tile.position,)


def test_the_same_arguments_give_the_same_bytes_and_another_seed_another_identity(tmp_path):
    contents = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        picture = picture_attachment("Label", noise(8, 9, "Bgr24"))
        write_czi(tmp_path / name, [Tile(noise(20, 30), 0, 0)], metadata=about(), attachments=[picture], seed=seed)
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]
    identities = [content[48:64] for content in contents]
    assert identities[0] == identities[1] != identities[2]


def test_more_tiles_than_there_is_room_for_are_refused(tmp_path):
    tiles = [Tile(noise(4, 4), 4 * x, 0) for x in range(9)]
    with pytest.raises(ValueError, match="leave more"):
        write_czi(tmp_path / "slide.czi", tiles, metadata=about(), room_for_tiles=1)


@pytest.mark.parametrize("pixels", [np.zeros((4, 4), np.int16), np.zeros((4, 4, 4), np.uint8), np.zeros(4, np.uint8)])
def test_pixels_that_the_format_does_not_know_are_refused(tmp_path, pixels):
    with pytest.raises(ValueError, match="Wanted a plane of uint8 or uint16"):
        write_czi(tmp_path / "slide.czi", [Tile(pixels, 0, 0)], metadata=about())


def test_a_compression_that_the_format_does_not_know_is_refused(tmp_path):
    with pytest.raises(ValueError, match="found 'lzw'"):
        write_czi(tmp_path / "slide.czi", [Tile(noise(4, 4), 0, 0, compression="lzw")], metadata=about())


# Attachments ----------------------------------------------------------------------------------------------------------


def attachments_of(content: bytes) -> dict[str, tuple[str, bytes]]:
    """Kind and content by name, found by the directory of attachments."""
    (directory,) = struct.unpack_from("<q", content, 104)
    (count,) = struct.unpack_from("<i", content, directory + 32)
    found = {}
    for number in range(count):
        entry = content[directory + 32 + 256 + 128 * number :][:128]
        schema, position, kind, name = struct.unpack("<2s10xq20x8s80s", entry)
        assert (schema, content[position : position + 12]) == (b"A1", b"ZISRAWATTACH")
        assert content[position + 48 : position + 176] == entry
        (size,) = struct.unpack_from("<q", content, position + 32)
        found[name.rstrip(b"\0").decode()] = (kind.rstrip(b"\0").decode(), content[position + 288 :][:size])
    return found


def test_attachments_come_back_and_pictures_are_files_of_their_own(tmp_path):
    path, embedded = tmp_path / "slide.czi", tmp_path / "label.czi"
    label = noise(50, 31, "Bgr24")
    thumbnail = Attachment("Thumbnail", "JPG", b"\xff\xd8 not much of a picture")
    attachments = [picture_attachment("Label", label), thumbnail]
    write_czi(path, [Tile(noise(20, 30), 0, 0)], metadata=about(), attachments=attachments)
    found = attachments_of(path.read_bytes())
    assert list(found) == ["Label", "Thumbnail"]
    assert found["Thumbnail"] == ("JPG", thumbnail.content)
    kind, content = found["Label"]
    assert kind == "CZI"
    embedded.write_bytes(content)
    assert_both_readers_see(embedded, [Tile(label[..., ::-1], 0, 0, scene=None, mosaic=-1)])


# What the metadata says -----------------------------------------------------------------------------------------------


def test_the_metadata_say_what_was_given_where_zen_says_it(tmp_path):
    text = metadata_xml(
        channels=[ChannelSettings("DAPI", 12.5, colour="#FF00A1FF"), ChannelSettings("", shown_name="A < B")],
        pixel_size_um=(0.325, 0.65),
        pixel_type="Gray16",
        scenes=[
            SceneSettings("ScanRegion0", None, (38397.296, -12.5), (389.12, 124.4), ((1.0, 2.0),)),
            SceneSettings(),
        ],
        acquired_at="2024-03-05T09:30:00Z",
        objective="Plan-Apochromat 20x/0.8 M27",
        size_px=(640, 480),
    )
    root = ElementTree.fromstring(text)
    image = "Metadata/Information/Image"
    wanted = {
        f"{image}/SizeX": "640",
        f"{image}/SizeY": "480",
        f"{image}/SizeS": "2",
        f"{image}/SizeC": "2",
        f"{image}/PixelType": "Gray16",
        f"{image}/AcquisitionDateAndTime": "2024-03-05T09:30:00Z",
        f"{image}/Dimensions/Channels/Channel[@Id='Channel:0']/ExposureTime": "12500000",
        f"{image}/Dimensions/S/Scenes/Scene[@Index='0']/CenterPosition": "38397.296,-12.5",
        f"{image}/Dimensions/S/Scenes/Scene[@Index='0']/ContourSize": "389.12,124.4",
        f"{image}/Dimensions/S/Scenes/Scene[@Index='1']/CenterPosition": None,
    }
    assert {place: root.findtext(place) for place in wanted} == wanted
    sizes = [float(root.findtext(f"Metadata/Scaling/Items/Distance[@Id='{axis}']/Value")) for axis in "XY"]
    assert sizes == [3.25e-7, 6.5e-7]
    used = root.find(f"{image}/ObjectiveSettings/ObjectiveRef").get("Id")
    objective = root.find(f"Metadata/Information/Instrument/Objectives/Objective[@Id='{used}']")
    assert objective.get("Name") == "Plan-Apochromat 20x/0.8 M27"
    channels = f"{image}/Dimensions/Channels/Channel"
    assert [channel.get("Name") for channel in root.findall(channels)] == ["DAPI", None]
    shown = [channel.get("Name") for channel in root.findall("Metadata/DisplaySetting/Channels/Channel")]
    assert shown == ["DAPI", "A < B"]
    position = root.find(f"{image}/Dimensions/S/Scenes/Scene/Positions/Position")
    assert (position.get("X"), position.get("Y")) == ("1", "2")
    write_czi(tmp_path / "slide.czi", [Tile(noise(4, 4), 0, 0)], metadata=text)
    with pylibczi.open_czi(str(tmp_path / "slide.czi")) as reader:
        assert reader.raw_metadata.split() == text.split()


def test_a_pixel_size_that_is_not_known_is_left_out():
    text = metadata_xml(channels=[ChannelSettings("DAPI")], pixel_size_um=None, pixel_type="Gray8")
    assert "<Distance" not in text
    assert "ExposureTime" not in text
