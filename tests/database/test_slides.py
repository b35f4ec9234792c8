from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from brainstack.database import open_database
from brainstack.database.engine import engine_for
from brainstack.errors import BrainstackError
from brainstack.records import Channel, Scene, Slide, SlideScan, SlideScene, TifFile

ScanOf = Callable[..., SlideScan]


def take_in(url: str, scan: SlideScan, slide_number: int = 1, rescan: int = 1, **more: Any) -> None:
    with open_database(url) as database:
        database.take_in_slide("DK39", scan, slide_number=slide_number, rescan=rescan, file_size=2**33, **more)


def slides_in(url: str) -> tuple[Slide, ...]:
    with open_database(url) as database:
        return database.animal_records("DK39").slides


def sql(url: str, statement: str) -> list[Any]:
    """What a person types into a database tool."""
    with engine_for(url) as engine, engine.begin() as connection:
        result = connection.execute(text(statement))
        return [tuple(row) for row in result] if result.returns_rows else []


def everything(url: str) -> list[Any]:
    return [sql(url, f"SELECT * FROM {table} ORDER BY id") for table in ("scan_run", "slide", "slide_czi_to_tif")]


def test_a_slide_comes_back_with_its_scenes_and_channels(url: str, scan_of: ScanOf) -> None:
    take_in(url, scan_of("DK39_slide058.czi"), slide_number=58)
    scenes = SlideScene(1, 0, 100, 50, x=7, y=-3), SlideScene(2, 1, 101, 51, x=7, y=-3)
    channels = Channel(1, "stain 1"), Channel(2, "stain 2")
    assert slides_in(url) == (Slide("DK39_slide058.czi", 58, 1, "Good", scenes, channels, "Gray16"),)


def test_what_a_scan_says_of_itself_is_kept(url: str, scan_of: ScanOf) -> None:
    said = replace(
        scan_of("a.czi", scenes=1, channels=2),
        channels=(Channel(1, "DAPI", 2.5), Channel(2, "GFP")),
        scenes=(Scene(1, 0, -20, 30, 100, 50, (38397.296, 12724.718)),),
        acquired_at="2021-06-15T06:09:43Z",
    )
    take_in(url, said, checksum=("whole", "0a" * 16), pictures=["label"])
    columns = "pixel_type, acquired_at, objective, checksum_kind, checksum, has_label, has_preview"
    assert sql(url, f"SELECT {columns} FROM slide") == [
        ("Gray16", "2021-06-15T06:09:43Z", "20X", "whole", "0a" * 16, 1, 0)
    ]
    assert sql(url, "SELECT channel, exposure, x, y, stage_x, stage_y FROM slide_czi_to_tif ORDER BY channel") == [
        (1, 2.5, -20, 30, 38397.296, 12724.718), (2, None, -20, 30, 38397.296, 12724.718),
    ]  # fmt: skip
    (slide,) = slides_in(url)
    assert [channel.exposure_ms for channel in slide.channels] == [2.5, None]
    assert slide.pictures == ("label",)


def test_a_scan_that_is_replaced_says_everything_anew(url: str, scan_of: ScanOf) -> None:
    first = replace(scan_of("a.czi"), channels=(Channel(1, "DAPI", 2.5),))
    take_in(url, first, checksum=("whole", "0a" * 16), pictures=["label", "preview"])
    take_in(url, replace(first, channels=(Channel(1, "DAPI"),), pixel_type="Bgr24", objective=""))
    columns = "pixel_type, objective, checksum_kind, checksum, has_label, has_preview"
    assert sql(url, f"SELECT {columns} FROM slide") == [("Bgr24", "", None, None, 0, 0)]
    assert slides_in(url)[0].channels == (Channel(1, "DAPI"),)
    assert slides_in(url)[0].pictures == ()


def test_words_for_people_fit_into_their_columns(url: str, scan_of: ScanOf) -> None:
    """SQLite keeps any length; MySQL refuses what is longer than the column."""
    take_in(url, replace(scan_of("a.czi"), acquired_at="2" * 300, objective="20X" * 100))
    columns = "acquired_at", "objective"
    for column in (*(f"slide.{name}" for name in columns), "scan_run.objective"):
        assert sql(url, f"SELECT MAX(LENGTH({column})) FROM slide, scan_run") == [(100,)]


def test_who_said_the_pixel_size_is_known(url: str, scan_of: ScanOf) -> None:
    def run() -> tuple[float | None, bool]:
        with open_database(url) as database:
            scan_run = database.animal_records("DK39").scan_run
        return scan_run.resolution_um, scan_run.resolution_given

    assert run() == (None, False)
    take_in(url, scan_of("a.czi"))
    assert run() == (0.325, False)
    with open_database(url) as database:
        database.set_resolution("DK39", 0.65)
    assert run() == (0.65, True)


def test_tiffs_are_called_by_slide_scene_and_channel(url: str, scan_of: ScanOf) -> None:
    take_in(url, scan_of("DK39_slide058.czi"))
    names = [name for (name,) in sql(url, "SELECT file_name FROM slide_czi_to_tif ORDER BY id")]
    assert names == [f"DK39_slide058_S{scene}_C{channel}.tif" for scene in (1, 2) for channel in (1, 2)]


def test_slides_come_by_number_and_rescan(url: str, scan_of: ScanOf) -> None:
    for name, number, rescan in (("c.czi", 10, 1), ("a.czi", 9, 2), ("b.czi", 9, 1)):
        take_in(url, scan_of(name), number, rescan)
    assert [slide.file_name for slide in slides_in(url)] == ["b.czi", "a.czi", "c.czi"]


def test_the_first_slide_tells_the_scan_run_what_nobody_said(url: str, scan_of: ScanOf) -> None:
    take_in(url, scan_of("a.czi", channels=3), 1)
    take_in(url, scan_of("b.czi", channels=3), 2)
    with open_database(url) as database:
        scan_run = database.animal_records("DK39").scan_run
    assert (scan_run.resolution_um, scan_run.number_of_slides, scan_run.channels_per_scene) == (0.325, 2, 3)
    assert sql(url, "SELECT objective FROM scan_run") == [("20X",)]


def test_a_resolution_that_a_person_gave_stays(url: str, scan_of: ScanOf) -> None:
    sql(url, "UPDATE scan_run SET resolution = 0.5, objective = '10X'")
    take_in(url, scan_of("a.czi"))
    assert sql(url, "SELECT resolution, objective FROM scan_run") == [(0.5, "10X")]


def test_taking_in_a_slide_again_gives_the_same_rows(url: str, scan_of: ScanOf) -> None:
    take_in(url, scan_of("a.czi"))
    once = everything(url)
    take_in(url, scan_of("a.czi"))
    assert everything(url) == once


def test_taking_in_a_slide_again_keeps_what_a_person_decided(url: str, scan_of: ScanOf) -> None:
    take_in(url, scan_of("a.czi", scenes=8))
    with open_database(url) as database:
        database.set_slide_status("DK39", 1, "Bad")
        database.set_scene_qc("DK39", 1, 2, 1)
        database.set_scene_qc("DK39", 1, 8, 2)
    sql(url, "UPDATE slide SET comments = 'torn', insert_before_one = 2, active = 0")
    sql(url, "UPDATE slide_czi_to_tif SET comments = 'dust', active = 0 WHERE scene_number = 3")
    decided = everything(url)
    take_in(url, scan_of("a.czi", scenes=8))
    assert everything(url) == decided


def test_a_scene_that_a_slide_no_longer_holds_loses_its_rows(url: str, scan_of: ScanOf) -> None:
    take_in(url, scan_of("a.czi", scenes=3, channels=2))
    take_in(url, scan_of("a.czi", scenes=2, channels=1))
    assert sql(url, "SELECT scene_number, channel FROM slide_czi_to_tif") == [(1, 1), (2, 1)]


def test_bytes_and_duration_of_tiffs_are_kept(url: str, scan_of: ScanOf) -> None:
    take_in(url, scan_of("a.czi", scenes=1, channels=2))
    files = [TifFile("a_S1_C2.tif", 99, 49, 3_000_000_000, 1.5)]
    for _ in range(2):
        with open_database(url) as database:
            database.take_in_tifs("DK39", files)
    take_in(url, scan_of("a.czi", scenes=1, channels=2))
    with open_database(url) as database:
        database.take_in_tifs("DK39", files)
    query = "SELECT width, height, file_size, processing_duration FROM slide_czi_to_tif ORDER BY channel"
    assert sql(url, query) == [(100, 50, 0, 0.0), (99, 49, 3_000_000_000, 1.5)]


def test_a_tiff_that_no_slide_has_is_refused(url: str, scan_of: ScanOf) -> None:
    take_in(url, scan_of("a.czi"))
    with (
        pytest.raises(BrainstackError, match=r"TIFF b_S1_C1.tif \(1 such\); run `luigi --module tasks Meta"),
        open_database(url) as database,
    ):
        database.take_in_tifs("DK39", [TifFile("b_S1_C1.tif", 1, 1, 1, 0.0)])


def test_a_verdict_on_any_scene_is_read_back(url: str, scan_of: ScanOf) -> None:
    take_in(url, scan_of("a.czi", scenes=8))
    with open_database(url) as database:
        for scene, qc in ((2, 1), (6, 2), (7, 3), (8, 1)):
            database.set_scene_qc("DK39", 1, scene, qc)
    assert [scene.qc for scene in slides_in(url)[0].scenes] == [0, 1, 0, 0, 0, 2, 3, 1]


def test_a_verdict_that_a_person_typed_into_the_table_counts(url: str, scan_of: ScanOf) -> None:
    take_in(url, scan_of("a.czi"))
    sql(url, "UPDATE slide SET scene_qc_2 = 2")
    assert [scene.qc for scene in slides_in(url)[0].scenes] == [0, 2]


def test_a_scene_made_inactive_without_a_verdict_was_never_a_section(url: str, scan_of: ScanOf) -> None:
    take_in(url, scan_of("a.czi", scenes=4))
    sql(url, "UPDATE slide SET scene_qc_3 = 1")
    sql(url, "UPDATE slide_czi_to_tif SET active = 0 WHERE scene_number IN (2, 3)")
    sql(url, "UPDATE slide_czi_to_tif SET active = 0 WHERE scene_number = 4 AND channel = 1")
    assert [(scene.number, scene.qc) for scene in slides_in(url)[0].scenes] == [(1, 0), (3, 1), (4, 0)]


def scenes_in(url: str) -> list[int]:
    """Numbers of the scenes that have a place in the stack, as their order on the slide says."""
    scenes = slides_in(url)[0].scenes
    return [scene.number for scene in sorted(scenes, key=lambda scene: (scene.order or scene.number, scene.number))]


@pytest.mark.parametrize("scene", [2, 8])
def test_a_dropped_scene_is_none_until_it_is_kept_again(url: str, scan_of: ScanOf, scene: int) -> None:
    take_in(url, scan_of("a.czi", scenes=8))
    before = slides_in(url)
    with open_database(url) as database:
        database.set_scene_qc("DK39", 1, scene, 2)
        database.set_scene_dropped("DK39", 1, scene, dropped=True)
    assert scenes_in(url) == [number for number in range(1, 9) if number != scene]
    with open_database(url) as database:
        database.set_scene_dropped("DK39", 1, scene, dropped=False)
    assert slides_in(url) == before


def test_a_scene_marked_as_after_the_end_is_a_section_when_it_is_kept(url: str, scan_of: ScanOf) -> None:
    take_in(url, scan_of("a.czi"))
    with open_database(url) as database:
        database.set_scene_qc("DK39", 1, 2, 3)
        database.set_scene_dropped("DK39", 1, 2, dropped=False)
    assert [scene.qc for scene in slides_in(url)[0].scenes] == [0, 0]


def test_a_verdict_on_a_dropped_scene_makes_it_a_section_again(url: str, scan_of: ScanOf) -> None:
    take_in(url, scan_of("a.czi"))
    with open_database(url) as database:
        database.set_scene_dropped("DK39", 1, 2, dropped=True)
        database.set_scene_qc("DK39", 1, 2, 0)
    assert scenes_in(url) == [1, 2]


def test_copies_of_any_scene_are_read_back(url: str, scan_of: ScanOf) -> None:
    take_in(url, scan_of("a.czi", scenes=8))
    with open_database(url) as database:
        for scene, replicates in ((1, 1), (6, 2), (7, 3)):
            database.set_replicates("DK39", 1, scene, replicates)
    take_in(url, scan_of("a.czi", scenes=8))
    assert [scene.replicates for scene in slides_in(url)[0].scenes] == [1, 0, 0, 0, 0, 2, 3, 0]
    assert sql(url, "SELECT insert_before_one, insert_between_five_six FROM slide") == [(1, 2)]


def test_a_scene_that_is_moved_takes_its_place_and_keeps_its_number(url: str, scan_of: ScanOf) -> None:
    take_in(url, scan_of("a.czi", scenes=4))
    with open_database(url) as database:
        database.set_scene_order("DK39", 1, 4, 2)
    assert scenes_in(url) == [1, 4, 2, 3]
    with open_database(url) as database:
        database.set_scene_order("DK39", 1, 1, 4)
    assert scenes_in(url) == [4, 2, 3, 1]
    take_in(url, scan_of("a.czi", scenes=4))
    assert scenes_in(url) == [4, 2, 3, 1]
    names = [name for (name,) in sql(url, "SELECT file_name FROM slide_czi_to_tif WHERE channel = 1 ORDER BY id")]
    assert names == [f"a_S{scene}_C1.tif" for scene in (1, 2, 3, 4)]


def test_scenes_moved_back_are_as_if_nobody_had_moved_them(url: str, scan_of: ScanOf) -> None:
    take_in(url, scan_of("a.czi", scenes=3))
    before = everything(url)
    with open_database(url) as database:
        database.set_scene_order("DK39", 1, 3, 1)
        database.set_scene_order("DK39", 1, 3, 3)
    assert everything(url) == before


def test_a_scene_is_moved_from_where_it_is_by_default(url: str, scan_of: ScanOf) -> None:
    """By position the scenes follow each other as 3, 1, 2: the third of them moves to the front."""
    take_in(url, scan_of("a.czi", scenes=3))
    with open_database(url) as database:
        database.set_scene_order("DK39", 1, 2, 1, default=(3, 1, 2))
    assert scenes_in(url) == [2, 3, 1]
    with open_database(url) as database:
        database.set_scene_order("DK39", 1, 2, 3, default=(3, 1, 2))
    assert [scene.order for scene in slides_in(url)[0].scenes] == [None, None, None]


def test_all_scenes_of_a_slide_are_put_in_order_and_out_of_it(url: str, scan_of: ScanOf) -> None:
    take_in(url, scan_of("a.czi", scenes=4))
    with open_database(url) as database:
        database.set_order_of_scenes("DK39", 1, (3, 1, 2))  # of which the fourth was dropped
    assert scenes_in(url) == [3, 1, 2, 4]
    with open_database(url) as database:
        database.set_order_of_scenes("DK39", 1, (1, 2, 3, 4))
    assert [scene.order for scene in slides_in(url)[0].scenes] == [1, 2, 3, 4]
    with open_database(url) as database:
        database.set_order_of_scenes("DK39", 1, None)
    assert [scene.order for scene in slides_in(url)[0].scenes] == [None] * 4


def test_a_new_scene_of_a_slide_with_an_order_comes_last(url: str, scan_of: ScanOf) -> None:
    take_in(url, scan_of("a.czi", scenes=2))
    with open_database(url) as database:
        database.set_scene_order("DK39", 1, 2, 1)
    take_in(url, scan_of("a.czi", scenes=3))
    assert scenes_in(url) == [2, 1, 3]


def test_an_inactive_slide_is_left_out_and_a_bad_one_says_so(url: str, scan_of: ScanOf) -> None:
    for number, name in enumerate(("a.czi", "b.czi", "c.czi"), start=1):
        take_in(url, scan_of(name), number)
    sql(url, "UPDATE slide SET active = 0 WHERE file_name = 'b.czi'")
    with open_database(url) as database:
        database.set_slide_status("DK39", 3, "Bad")
    assert [(slide.number, slide.status) for slide in slides_in(url)] == [(1, "Good"), (3, "Bad")]


def test_the_view_sections_lists_tiffs_of_good_sections(url: str, scan_of: ScanOf) -> None:
    take_in(url, scan_of("a.czi", scenes=8, channels=1), 1)
    take_in(url, scan_of("b.czi", scenes=1, channels=2), 2)
    take_in(url, scan_of("bad.czi"), 3)
    with open_database(url) as database:
        database.set_slide_status("DK39", 3, "Bad")
        for scene in (2, 3, 8):
            database.set_scene_qc("DK39", 1, scene, 1)
    sql(url, "UPDATE slide_czi_to_tif SET active = 0 WHERE file_name IN ('a_S4_C1.tif', 'a_S5_C1.tif')")
    listed = sql(url, "SELECT prep_id, czi_file, file_name, channel, channel_index FROM sections ORDER BY id")
    assert listed == [
        ("DK39", "a.czi", "a_S1_C1.tif", 1, 0),
        ("DK39", "a.czi", "a_S6_C1.tif", 1, 0),
        ("DK39", "a.czi", "a_S7_C1.tif", 1, 0),
        ("DK39", "b.czi", "b_S1_C1.tif", 1, 0),
        ("DK39", "b.czi", "b_S1_C2.tif", 2, 1),
    ]


def test_a_slide_scanned_twice_must_be_named_with_its_rescan(url: str, scan_of: ScanOf) -> None:
    take_in(url, scan_of("a.czi"), 58, 1)
    take_in(url, scan_of("a_again.czi"), 58, 2)
    with open_database(url) as database:
        with pytest.raises(BrainstackError, match=r"rescans 1 \(a.czi\), 2 \(a_again.czi\); say which"):
            database.set_slide_status("DK39", 58, "Bad")
        database.set_slide_status("DK39", 58, "Bad", rescan=1)
    assert [slide.status for slide in slides_in(url)] == ["Bad", "Good"]


def test_a_slide_scene_or_verdict_that_does_not_exist_is_refused(url: str, scan_of: ScanOf) -> None:
    take_in(url, scan_of("a.czi"))
    with open_database(url) as database:
        with pytest.raises(BrainstackError, match="no slide 7 in the database"):
            database.set_slide_status("DK39", 7, "Bad")
        with pytest.raises(BrainstackError, match="slide_status is 'bad'; wanted one of Good, Bad"):
            database.set_slide_status("DK39", 1, "bad")
        with pytest.raises(BrainstackError, match="slide 1 has 2 scenes, but not scene 3"):
            database.set_scene_qc("DK39", 1, 3, 1)
        with pytest.raises(BrainstackError, match="qc is 4"):
            database.set_scene_qc("DK39", 1, 1, 4)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE slide SET slide_status = 'good'",
        "UPDATE slide SET scene_qc_6 = 4",
        "UPDATE slide_czi_to_tif SET scene_qc = 4",
        "UPDATE scan_run SET flip = 'flap'",
        "UPDATE scan_run SET rotation = -1",
        "UPDATE histology SET side_sectioned_first = 'left'",
        "DELETE FROM animal",
    ],
)
def test_the_database_refuses_what_the_code_could_not_read(url: str, scan_of: ScanOf, statement: str) -> None:
    take_in(url, scan_of("a.czi"))
    with pytest.raises(IntegrityError):
        sql(url, statement)


def test_a_person_can_add_rows_by_hand(empty: str) -> None:
    sql(empty, "INSERT INTO animal (prep_id) VALUES ('DK39')")
    sql(empty, "INSERT INTO histology (prep_id) VALUES ('DK39')")
    sql(empty, "INSERT INTO scan_run (prep_id, slide_folder_path) VALUES ('DK39', '/scans')")
    sql(empty, "INSERT INTO slide (scan_run_id, slide_physical_id, file_name) VALUES (1, 4, 'a.czi')")
    assert slides_in(empty) == (Slide("a.czi", 4, 1, "Good", (), ()),)
