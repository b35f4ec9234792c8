from __future__ import annotations

import dataclasses
import json
import os
import resource
import signal
from pathlib import Path

import pytest

from brainstack.animal_folder import AnimalFolder
from brainstack.database import create_or_upgrade, open_database
from brainstack.files.writer import call_writer
from brainstack.intake import record, record_ran, slide_scan, take_in_records
from brainstack.records import (
    Animal,
    Channel,
    ChannelGain,
    Histology,
    PairTransform,
    Ran,
    ScanRun,
    Scene,
    SectionAlignment,
    SlideScan,
)

SCAN = SlideScan(
    "DK39_slide001.czi", "Gray16", (0.325, 0.325), (Channel(1, "DAPI"),),
    (Scene(1, 0, -5, 7, 100, 50), Scene(2, 1, 0, 0, 90, 40)), "2024-01-01T00:00:00", "20X",
)  # fmt: skip
SLIDE = {"scan": dataclasses.asdict(SCAN), "slide_number": 1, "file_size": 1000}
RAN = Ran("Meta", 0, "DK39_slide001", "2024-01-01T00:00:00.123000+00:00", 1.5, 0.2, "here", "", {})


@pytest.fixture
def folder(data_root: Path) -> AnimalFolder:
    folder = AnimalFolder(data_root / "DK39")
    create_or_upgrade(url(folder))
    with open_database(url(folder)) as database:
        database.add_animal(Animal("DK39"), Histology("DK39"), ScanRun("DK39", "/scans"))
    return folder


def url(folder: AnimalFolder) -> str:
    return f"sqlite:///{folder.root.parent / 'brainstack.db'}"


def test_a_rescan_is_taken_in_as_one(folder: AnimalFolder) -> None:
    again = dataclasses.asdict(dataclasses.replace(SCAN, file_name="DK39_slide001_rescan2.czi"))
    record(folder, "slide", SLIDE)
    record(folder, "slide", {"scan": again, "slide_number": 1, "rescan": 2, "file_size": 1000})
    take_in_records(folder, url(folder))
    with open_database(url(folder)) as database:
        assert [(one.number, one.rescan) for one in database.animal_records("DK39").slides] == [(1, 1), (1, 2)]


def test_a_scan_survives_its_record() -> None:
    assert slide_scan(dataclasses.asdict(SCAN)) == SCAN
    unknown = dataclasses.replace(SCAN, pixel_size_um=None)
    assert slide_scan(dataclasses.asdict(unknown)) == unknown


def test_the_records_of_jobs_that_live_wait_until_they_have_ended(folder: AnimalFolder) -> None:
    for name in ("job.0", "job.1"):
        call_writer(name)
        record_ran(folder, dataclasses.replace(RAN, item=name))
    call_writer("")

    assert [one.item for one in take_in_records(folder, url(folder), living={"job.1"})] == ["job.0"]
    assert [path.name for path in folder.records.iterdir()] == ["job.1.jsonl"]
    assert [one.item for one in take_in_records(folder, url(folder))] == ["job.1"]
    with open_database(url(folder)) as database:
        assert [one.item for one in database.log_of("DK39")] == ["job.0", "job.1"]


def test_without_records_there_is_nothing_to_take_in(folder: AnimalFolder) -> None:
    assert take_in_records(folder, url(folder)) == []


def test_what_tasks_recorded_is_in_the_database_and_the_files_are_gone(folder: AnimalFolder) -> None:
    record(folder, "slide", SLIDE)
    record(folder, "tifs", [{"file_name": "DK39_slide001_S1_C1.tif", "width": 10, "height": 20, "file_size": 30,
                             "seconds": 2.0}])  # fmt: skip
    pair = PairTransform("slide001_S1", "slide001_S2", 0.1, 2.0, 3.0, 0.9, True, 0.25, 0.97, None, "good")
    record(folder, "pairs", [dataclasses.asdict(pair)])
    record(folder, "canvas", {"width": 3200, "height": 1600})
    record(folder, "gain", {"channel": 2, "gain": 3.25, "approved": True})
    record(folder, "gain", {"channel": 1, "white": [243, 238, 224], "approved": False})
    record_ran(folder, RAN)
    assert take_in_records(folder, url(folder)) == [RAN]
    with open_database(url(folder)) as database:
        records = database.animal_records("DK39")
        assert [scene.number for scene in records.slides[0].scenes] == [1, 2]
        assert records.slides[0].scenes[0].width == 10
        assert records.scan_run.resolution_um == 0.325
        assert database.pairs("DK39") == [pair]
        assert database.log_of("DK39") == [RAN]
        assert database.gains("DK39") == [ChannelGain(1, white=(243, 238, 224)), ChannelGain(2, 3.25, approved=True)]
    assert list(folder.records.iterdir()) == []


def test_taking_in_twice_is_as_good_as_once(folder: AnimalFolder) -> None:
    """A kill between the database and the removal of the files."""
    record(folder, "slide", SLIDE)
    record_ran(folder, RAN)
    (file,) = folder.records.iterdir()
    content = file.read_bytes()
    take_in_records(folder, url(folder))
    file.write_bytes(content)
    take_in_records(folder, url(folder))
    with open_database(url(folder)) as database:
        assert len(database.animal_records("DK39").slides) == 1
        assert database.log_of("DK39") == [RAN]


def test_a_line_that_was_cut_off_is_left_out(folder: AnimalFolder) -> None:
    record_ran(folder, RAN)
    (file,) = folder.records.iterdir()
    file.write_bytes(file.read_bytes() + b'{"kind": "ran", "content": {"stage": "Me')
    assert take_in_records(folder, url(folder)) == [RAN]


def test_a_tiff_whose_scene_is_gone_is_left_out(folder: AnimalFolder) -> None:
    record(folder, "tifs", [{"file_name": "DK39_slide009_S1_C1.tif", "width": 1, "height": 1, "file_size": 1}])
    record_ran(folder, RAN)
    assert take_in_records(folder, url(folder)) == [RAN]


def test_a_later_record_without_a_duration_keeps_the_one_that_is_known(folder: AnimalFolder) -> None:
    name = "DK39_slide001_S1_C1.tif"
    record(folder, "slide", SLIDE)
    for more in ({"seconds": 2.0}, {}):
        record(folder, "tifs", [{"file_name": name, "width": 10, "height": 20, "file_size": 30} | more])
    take_in_records(folder, url(folder))
    with open_database(url(folder)) as database:
        assert database.tif_names("DK39") >= {name}


def test_nothing_is_lost_when_the_database_refuses(folder: AnimalFolder) -> None:
    record_ran(folder, RAN)
    with pytest.raises(Exception, match="database"):
        take_in_records(folder, "sqlite:////nowhere/brainstack.db")
    assert take_in_records(folder, url(folder)) == [RAN]


def test_every_process_has_a_file_of_its_own(folder: AnimalFolder) -> None:
    record_ran(folder, RAN)
    (file,) = folder.records.iterdir()
    assert str(os.getpid()) in file.name


def test_a_record_that_does_not_fit_on_the_disk_is_an_error(folder: AnimalFolder) -> None:
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, before[1]))
    try:
        with pytest.raises(OSError, match="No space left"):
            record_ran(folder, RAN)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_places_on_the_stage_come_back_as_they_were() -> None:
    scenes = (Scene(1, 0, 0, 0, 9, 9, (1.5, -2.0)), Scene(2, 1, 0, 0, 9, 9))
    said = dataclasses.replace(SCAN, scenes=scenes, channels=(Channel(1, "DAPI", 2.5),), pixel_size_um=None)
    assert slide_scan(json.loads(json.dumps(dataclasses.asdict(said)))) == said


def test_checksum_and_pictures_of_a_slide_are_taken_in(folder: AnimalFolder) -> None:
    more = {"checksum_kind": "quick", "checksum": "0a" * 16, "pictures": ["label"]}
    record(folder, "slide", SLIDE | more)
    take_in_records(folder, url(folder))
    with open_database(url(folder)) as database:
        (slide,) = database.animal_records("DK39").slides
    assert slide.pictures == ("label",)


def place(section: str, **others: object) -> SectionAlignment:
    known = SectionAlignment(section, 0.1, 20.0, -30.0, False, 0.9, 0.3, 0.97, 2.5, "good")
    return dataclasses.replace(known, **others)  # type: ignore[arg-type]


def test_the_last_that_is_said_of_the_sections_of_the_stack_holds(folder: AnimalFolder) -> None:
    first, last = place("slide001_S1"), place("slide001_S2", metric=None, verdict="failed", reason="No pair fits.")
    record(folder, "sections", [dataclasses.asdict(first)])
    record(folder, "sections", [dataclasses.asdict(last)])
    take_in_records(folder, url(folder))
    with open_database(url(folder)) as database:
        assert database.sections_aligned("DK39") == [last]


def test_a_run_that_says_nothing_of_the_sections_leaves_them(folder: AnimalFolder) -> None:
    record(folder, "sections", [dataclasses.asdict(place("slide001_S1"))])
    take_in_records(folder, url(folder))
    record_ran(folder, RAN)
    take_in_records(folder, url(folder))
    with open_database(url(folder)) as database:
        assert database.sections_aligned("DK39") == [place("slide001_S1")]


def test_a_pair_recorded_by_an_older_run_is_taken_in_without_what_it_did_not_measure(folder: AnimalFolder) -> None:
    old = {"fixed": "slide001_S1", "moving": "slide001_S2", "rotation_rad": 0.1, "shift_x_um": 2.0,
           "shift_y_um": 3.0, "metric": 0.9}  # fmt: skip
    record(folder, "pairs", [old])
    take_in_records(folder, url(folder))
    with open_database(url(folder)) as database:
        assert database.pairs("DK39") == [PairTransform("slide001_S1", "slide001_S2", 0.1, 2.0, 3.0, 0.9)]
