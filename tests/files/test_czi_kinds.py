"""Every kind of slide scan, written tile by tile, must come back pixel by pixel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from pylibCZIrw import czi as pylibczi

from brainstack.demo.czi_writer import (
    JPEGXR_BLUE_FIRST,
    JPEGXR_RED_FIRST,
    ChannelSettings,
    SceneSettings,
    Tile,
    metadata_xml,
    picture_attachment,
    write_czi,
)
from brainstack.errors import BrainstackError
from brainstack.files.czi import read_slide, read_slide_pictures, read_strips
from brainstack.records import Scene

COMPRESSIONS = ("raw", "jpegxr", "zstd0", "zstd1")
PIXEL_TYPES = ("Gray8", "Gray16", "Bgr24")
BACKGROUND = {"Gray8": 0, "Gray16": 0, "Bgr24": 255}


def noise(rows: int, columns: int, pixel_type: str, seed: int) -> NDArray[Any]:
    """Random pixels, none of them as what was not scanned."""
    random = np.random.default_rng(seed)
    if pixel_type == "Gray16":
        return random.integers(1, 2**16, (rows, columns), np.uint16)
    shape = (rows, columns, 3) if pixel_type == "Bgr24" else (rows, columns)
    return random.integers(1, 255, shape, np.uint8)


def about(tiles: Iterable[Tile], pixel_type: str) -> str:
    names = [ChannelSettings(f"channel {number}") for number in range(max(tile.channel for tile in tiles) + 1)]
    return metadata_xml(channels=names, pixel_size_um=(0.325, 0.325), pixel_type=pixel_type)


def written(folder: Path, tiles: list[Tile], pixel_type: str, **others: Any) -> Path:
    path = folder / "slide001.czi"
    write_czi(path, tiles, metadata=about(tiles, pixel_type), **others)
    return path


def picture_of(tiles: Iterable[Tile], scene: int | None, pixel_type: str, channel: int = 0, **dimensions: int) -> Any:
    """What the scene must look like: its box, and in it each tile, those with a higher mosaic index on top."""
    of_scene = [tile for tile in tiles if tile.scene == scene and tile.zoom == 1]
    left, top = min(tile.x for tile in of_scene), min(tile.y for tile in of_scene)
    right = max(tile.x + tile.pixels.shape[1] for tile in of_scene)
    bottom = max(tile.y + tile.pixels.shape[0] for tile in of_scene)
    picture = np.full((bottom - top, right - left, *of_scene[0].pixels.shape[2:]), BACKGROUND[pixel_type])
    for tile in sorted(of_scene, key=lambda tile: tile.mosaic or 0):
        if tile.channel == channel and all(getattr(tile, name) == place for name, place in dimensions.items()):
            y, x = tile.y - top, tile.x - left
            rows, columns = tile.pixels.shape[:2]
            picture[y : y + rows, x : x + columns] = tile.pixels[..., ::-1] if tile.pixels.ndim == 3 else tile.pixels
    return picture.astype(of_scene[0].pixels.dtype)


def read_scene(path: Path, number: int, channel: int = 1, rows: int = 29, **how: Any) -> NDArray[Any]:
    return np.concatenate(list(read_strips(path, read_slide(path).scenes[number - 1], channel, rows, **how)))


def assert_every_pixel(path: Path, tiles: list[Tile], pixel_type: str) -> None:
    """As the truth has them, and as another reader sees them."""
    indices = sorted({tile.scene for tile in tiles}, key=lambda scene: scene or 0)
    slide, white = read_slide(path), BACKGROUND[pixel_type] / 255
    assert slide.pixel_type == pixel_type
    assert [scene.index for scene in slide.scenes] == [index or 0 for index in indices]
    for number, index in enumerate(indices, start=1):
        for channel in range(len(slide.channels)):
            found = read_scene(path, number, channel + 1)
            wanted = picture_of(tiles, index, pixel_type, channel)
            assert found.dtype == wanted.dtype
            np.testing.assert_array_equal(found, wanted)
            np.testing.assert_array_equal(found, seen_by_another(path, slide.scenes[number - 1], index, channel, white))


def seen_by_another(path: Path, scene: Scene, index: int | None, channel: int, white: float) -> NDArray[Any]:
    """The box must be given: pylibCZIrw refuses to look it up in a file of which a scene was deleted."""
    box = (scene.x, scene.y, scene.width, scene.height)
    plane = {"C": channel, "Z": 0, "T": 0}
    with pylibczi.open_czi(str(path)) as reader:
        seen = reader.read(roi=box, plane=plane, scene=index, background_pixel=(white, white, white))
    return np.asarray(seen[..., ::-1] if seen.shape[2] == 3 else seen[..., 0])


def slide_of_all(pixel_type: str, compression: str) -> list[Tile]:
    """Scenes with ragged, overlapping tiles and holes, whose boxes overlap, at negative and very large places."""
    channels = 1 if pixel_type == "Bgr24" else 2
    places = [
        *[(0, x, y, rows, columns) for y, rows in ((-90, 40), (-55, 37)) for x, columns in ((-70, 64), (-10, 51))],
        (0, 130, 60, 21, 33),  # leaves a hole between it and the others
        *[(1, x, 0, 48, 40) for x in (60, 96)],  # inside the first scene's box
        *[(2, 500_000 + x, 400_000, 1, columns) for x, columns in ((0, 5), (5, 1), (6, 30))],
        (3, -700_000, -300_000, 77, 1),
    ]
    tiles = [
        Tile(noise(rows, columns, pixel_type, 10 * place + channel), x, y, scene, channel, compression=compression)
        for channel in range(channels)
        for place, (scene, x, y, rows, columns) in enumerate(places)
    ]
    numbered = [
        replace(tile, mosaic=sum(other.scene == tile.scene for other in tiles[:place] if other.channel == tile.channel))
        for place, tile in enumerate(tiles)
    ]
    return [*numbered, *pyramid_of(numbered)]


def pyramid_of(tiles: Iterable[Tile]) -> list[Tile]:
    """Tiles at half and a quarter, some of which stick out of their scene, as scanners' do."""
    return [
        replace(tile, pixels=tile.pixels[::zoom, ::zoom], x=tile.x + zoom, zoom=zoom, mosaic=-1)
        for tile in tiles
        for zoom in (2, 4)
    ]


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("pixel_type", PIXEL_TYPES)
def test_every_pixel_of_every_kind_comes_back(tmp_path, pixel_type, compression):
    tiles = slide_of_all(pixel_type, compression)
    assert_every_pixel(written(tmp_path, tiles, pixel_type), tiles, pixel_type)


@pytest.mark.parametrize("pixel_type", PIXEL_TYPES)
def test_one_file_may_have_tiles_of_all_compressions_in_any_order(tmp_path, pixel_type):
    tiles = [
        replace(tile, compression=COMPRESSIONS[place % 4]) for place, tile in enumerate(slide_of_all(pixel_type, "raw"))
    ]
    order = np.random.default_rng(3).permutation(len(tiles))
    assert_every_pixel(written(tmp_path, [tiles[place] for place in order], pixel_type), tiles, pixel_type)


@pytest.mark.parametrize("compression", ["raw", "zstd1"])
def test_a_directory_in_front_of_the_tiles_is_as_good(tmp_path, compression):
    tiles = slide_of_all("Gray16", compression)
    assert_every_pixel(written(tmp_path, tiles, "Gray16", room_for_tiles=len(tiles) + 5), tiles, "Gray16")


def test_a_channel_that_the_scanner_shifted_lies_where_its_tiles_do(tmp_path):
    """Of a shift between channels nothing is added: the places of the tiles have it already."""
    tiles = [Tile(noise(40, 60, "Gray16", channel), 3 * channel, -2 * channel, 0, channel) for channel in range(2)]
    path = written(tmp_path, tiles, "Gray16")
    (scene,) = read_slide(path).scenes
    assert (scene.x, scene.y, scene.width, scene.height) == (0, -2, 63, 42)
    assert_every_pixel(path, tiles, "Gray16")


@pytest.mark.parametrize("pixel_type", PIXEL_TYPES)
@pytest.mark.parametrize("quality", [0.9, 0.5])
def test_jpegxr_that_lost_something_is_as_another_reader_sees_it(tmp_path, pixel_type, quality):
    tile = Tile(noise(77, 131, pixel_type, 1), 0, 0, compression="jpegxr")
    red_first = np.ascontiguousarray(tile.pixels[..., ::-1]) if tile.pixels.ndim == 3 else tile.pixels
    encoded = bytes(imagecodecs.jpegxr_encode(red_first, level=quality))
    lossy = replace(tile, encoded=encoded.replace(JPEGXR_RED_FIRST, JPEGXR_BLUE_FIRST, 1))
    path = written(tmp_path, [lossy], pixel_type)
    found = read_scene(path, 1)
    assert not np.array_equal(found, red_first)
    np.testing.assert_array_equal(found, seen_by_another(path, read_slide(path).scenes[0], 0, 0, 0.0))


def test_a_scene_cut_off_at_the_edge_of_the_slide_is_what_is_left_of_it(tmp_path):
    """The scanner's travel ends inside a tile: the last ones are narrower and lower than the others."""
    tiles = [
        Tile(noise(64 if y == 0 else 9, 64 if x == 0 else 5, "Gray16", x + y), x, y) for y in (0, 64) for x in (0, 64)
    ]
    path = written(tmp_path, tiles, "Gray16")
    (scene,) = read_slide(path).scenes
    assert (scene.width, scene.height) == (69, 73)
    assert_every_pixel(path, tiles, "Gray16")


@pytest.mark.parametrize("rows", [1, 13, 40, 41, 1000])
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_strips_of_any_height_give_the_same_picture(tmp_path, compression, rows):
    tiles = [
        Tile(noise(40 + 7 * n, 30, "Gray16", n), 25 * n, 11 * n, mosaic=5 - n, compression=compression)
        for n in range(5)
    ]
    path = written(tmp_path, tiles, "Gray16")
    np.testing.assert_array_equal(read_scene(path, 1, rows=rows), picture_of(tiles, 0, "Gray16"))


# Several planes -------------------------------------------------------------------------------------------------------


def focal_planes(compression: str = "zstd1") -> list[Tile]:
    """Two tiles in three focal planes, counted from 4, and two time points."""
    return [
        Tile(noise(30, 40, "Gray16", 100 * t + 10 * z + x), x, 0, z=z, t=t, mosaic=x // 40, compression=compression)
        for t in (1, 2)
        for z in (6, 4, 5)
        for x in (0, 40)
    ]


def test_of_several_focal_planes_the_first_is_taken(tmp_path):
    tiles = focal_planes()
    path = written(tmp_path, tiles, "Gray16")
    slide = read_slide(path)
    assert (slide.focal_planes, slide.time_points) == (3, 2)
    np.testing.assert_array_equal(read_scene(path, 1), picture_of(tiles, 0, "Gray16", z=4, t=1))


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_or_the_brightest_of_all_of_the_first_time_point(tmp_path, compression):
    tiles = focal_planes(compression)
    planes = [picture_of(tiles, 0, "Gray16", z=z, t=1) for z in (4, 5, 6)]
    found = read_scene(written(tmp_path, tiles, "Gray16"), 1, focal_planes="maximum")
    np.testing.assert_array_equal(found, np.max(planes, axis=0))


def test_phases_and_the_like_are_taken_at_their_first_and_blocks_all(tmp_path):
    """H are phases of one picture; B are blocks that lie side by side."""
    tiles = [
        Tile(noise(20, 30, "Gray16", 10 * phase + x), x, 0, more_dimensions=(("H", phase), ("B", x // 30)))
        for phase in (0, 1)
        for x in (0, 30)
    ]
    found = read_scene(written(tmp_path, tiles, "Gray16"), 1)
    np.testing.assert_array_equal(found, np.hstack([tiles[0].pixels, tiles[1].pixels]))


def test_the_brightest_of_a_colour_scan_is_refused(tmp_path):
    path = written(tmp_path, [Tile(noise(20, 30, "Bgr24", 1), 0, 0, z=z) for z in range(2)], "Bgr24")
    with pytest.raises(BrainstackError, match=r"focal_planes = 'maximum' is for fluorescence.*set it to 'first'"):
        read_scene(path, 1, focal_planes="maximum")


def test_of_focal_planes_in_other_tiles_the_brightest_is_seen_too(tmp_path):
    """Scanners lay them upon each other; a file that was put together from several need not."""
    tiles = [Tile(noise(30, 40, "Gray16", 7 * z + x), x, 3 * z, z=z) for z in (0, 1) for x in (0, 20 + 20 * z)]
    planes = [picture_of(tiles, 0, "Gray16", z=z) for z in (0, 1)]
    found = read_scene(written(tmp_path, tiles, "Gray16"), 1, focal_planes="maximum")
    np.testing.assert_array_equal(found, np.max(planes, axis=0))


# Files without --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_file_without_scenes_or_mosaic_is_one_scene(tmp_path, compression):
    tiles = [Tile(noise(33, 47, "Gray16", 0), -5, 8, scene=None, mosaic=-1, compression=compression)]
    assert_every_pixel(written(tmp_path, tiles, "Gray16"), tiles, "Gray16")


def test_scenes_keep_their_index_where_others_were_deleted(tmp_path):
    tiles = [Tile(noise(20, 30, "Gray16", scene), 100 * scene, 0, scene=scene) for scene in (7, 2)]
    assert_every_pixel(written(tmp_path, tiles, "Gray16"), tiles, "Gray16")


@pytest.mark.parametrize("name", ["jpeg", "lzw"])
def test_a_compression_that_is_not_read_is_refused_by_name(tmp_path, name):
    path = written(tmp_path, [Tile(noise(20, 30, "Gray8", 0), 0, 0, compression="raw")], "Gray8")
    content = bytearray(path.read_bytes())
    number = {"jpeg": 1, "lzw": 2}[name]
    for at in range(0, len(content) - 2):
        if content[at : at + 2] == b"DV":
            content[at + 18] = number
    path.write_bytes(content)
    with pytest.raises(BrainstackError, match=f"has tiles packed as {name}; wanted raw, jpegxr, zstd0, zstd1"):
        read_slide(path)


# Pictures of the slide ------------------------------------------------------------------------------------------------


def test_label_and_preview_come_back(tmp_path):
    tiles = [Tile(noise(20, 30, "Gray16", 0), 0, 0)]
    label, preview = noise(40, 60, "Bgr24", 1), noise(25, 75, "Bgr24", 2)
    attached = [picture_attachment("Label", label), picture_attachment("SlidePreview", preview)]
    pictures = read_slide_pictures(written(tmp_path, tiles, "Gray16", attachments=attached))
    np.testing.assert_array_equal(pictures["label"], label)
    np.testing.assert_array_equal(pictures["preview"], preview)


def test_a_slide_without_them_has_no_pictures(tmp_path):
    assert read_slide_pictures(written(tmp_path, [Tile(noise(20, 30, "Gray16", 0), 0, 0)], "Gray16")) == {}


# What a person should know --------------------------------------------------------------------------------------------


def test_nothing_is_said_of_a_slide_as_it_should_be(tmp_path):
    assert read_slide(written(tmp_path, slide_of_all("Gray16", "raw"), "Gray16")).warnings == ()


def test_several_planes_are_said_with_which_of_them_is_shown(tmp_path):
    tiles = [
        Tile(noise(20, 30, "Gray16", 4 * z + 2 * t + h), 0, 0, z=z, t=t, more_dimensions=(("H", h),))
        for z in range(3)
        for t in range(2)
        for h in range(2)
    ]
    assert read_slide(written(tmp_path, tiles, "Gray16")).warnings == (
        "it has 3 focal planes, of which [tifs] focal_planes says what is shown",
        "it has 2 time points, of which the first is shown",
        "it has 2 phases, of which the first is shown",
    )


def test_a_tile_that_one_channel_lacks_is_said(tmp_path):
    tiles = [Tile(noise(20, 30, "Gray16", x + channel), x, 0, channel=channel) for channel in (0, 1) for x in (0, 30)]
    path = written(tmp_path, tiles[:-1], "Gray16")
    (warning,) = read_slide(path).warnings
    assert warning == "scene 1 has 2 tiles in channel 1 but 1 in channel 2, in which what is missing is left empty"
    assert not read_scene(path, 1, channel=2)[:, 30:].any()


def test_scenes_that_are_not_there_are_said(tmp_path):
    tiles = [Tile(noise(20, 30, "Gray16", 0), 0, 0)]
    path = tmp_path / "slide001.czi"
    scenes = [SceneSettings() for _ in range(3)]
    about = metadata_xml(channels=[ChannelSettings("A")], pixel_size_um=None, pixel_type="Gray16", scenes=scenes)
    write_czi(path, tiles, metadata=about)
    assert read_slide(path).warnings == ("its metadata speak of 3 scenes, and 1 are there",)


def test_tiles_so_far_apart_that_one_must_be_at_a_wrong_place_are_refused(tmp_path):
    tiles = [Tile(noise(20, 30, "Gray16", 0), x, x) for x in (0, 900_000)]
    with pytest.raises(
        BrainstackError, match=r"scene 1 should have 900030 x 900020 pixels, of which its 2 tiles have 1200"
    ):
        read_slide(written(tmp_path, tiles, "Gray16"))
