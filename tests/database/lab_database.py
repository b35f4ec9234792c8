"""The lab's own database in its two forms, as far as its tables matter here; filled with two animals."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from brainstack.database.engine import engine_for

ID = sa.Integer
WORDS = sa.String(200)


def table(meta: sa.MetaData, name: str, **columns: Any) -> sa.Table:
    key = (
        sa.Column("prep_id", sa.String(20), primary_key=True)
        if name == "animal"
        else sa.Column("id", ID, primary_key=True)
    )
    return sa.Table(name, meta, key, *(sa.Column(one, kind) for one, kind in columns.items()))


def fill(url: str, rows: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]]) -> None:
    """Make tables with these columns and rows."""
    meta = sa.MetaData()
    made = {name: (table(meta, name, **columns), content) for name, (columns, content) in rows.items()}
    with engine_for(url) as engine, engine.begin() as connection:
        meta.create_all(connection)
        for one, content in made.values():
            for row in content:
                connection.execute(one.insert(), row)


def slide_columns() -> dict[str, Any]:
    neighbours = "one_two", "two_three", "three_four", "four_five", "five_six"
    numbers = [
        "scan_run_id", "slide_physical_id", "scenes", "insert_before_one",
        *(f"insert_between_{pair}" for pair in neighbours), *(f"scene_qc_{scene}" for scene in range(1, 7)),
        "active", "processed",
    ]  # fmt: skip
    return dict.fromkeys(numbers, ID) | {
        "rescan_number": sa.String(1), "slide_status": sa.String(4), "file_name": WORDS, "file_size": sa.Float(),
        "processing_duration": sa.Float(), "comments": sa.Text(), "created": sa.DateTime(),
    }  # fmt: skip


TIF = dict.fromkeys(("slide_id", "scene_number", "scene_index", "channel", "width", "height", "active"), ID) | {
    "file_name": WORDS, "file_size": sa.Float(), "processing_duration": sa.Float(), "comments": WORDS,
}  # fmt: skip


def tif(
    number: int, slide: int, stem: str, scene: int, place: int, channel: int = 1, active: int = 1
) -> dict[str, Any]:
    """scene : in the file's name. place : scene_number, as the lab numbers what is left."""
    return {
        "id": number, "slide_id": slide, "file_name": f"{stem}_S{scene}_C{channel}.tif", "scene_number": place,
        "scene_index": scene - 1, "channel": channel, "width": 100 + scene, "height": 50, "active": active,
        "file_size": 5e9,
    }  # fmt: skip


def slide(number: int, physical: int, name: str, **more: Any) -> dict[str, Any]:
    numbers = dict.fromkeys(name for name, kind in slide_columns().items() if kind is ID)
    return dict.fromkeys(numbers, 0) | {
        "id": number, "scan_run_id": 1, "slide_physical_id": physical, "file_name": name, "rescan_number": "1",
        "slide_status": "Good", "active": 1, "file_size": 2.5e9,
    } | more  # fmt: skip


ANIMAL = dict.fromkeys(("species", "strain", "sex", "vender", "comments"), WORDS) | {
    "date_of_birth": sa.Date(), "active": ID, "created": sa.DateTime(),
}  # fmt: skip
HISTOLOGY = {
    "prep_id": sa.String(20), "side_sectioned_first": sa.String(4), "section_thickness": ID, "orientation": WORDS,
    "counterstain": WORDS, "perfusion_date": sa.Date(), "virus_id": ID,
}  # fmt: skip
SCAN_RUN = {
    "prep_id": sa.String(20), "resolution": sa.Float(), "rotation": ID, "flip": sa.String(4), "width": ID, "height": ID,
    "machine": WORDS, "slide_folder_path": WORDS, "scenes_per_slide": sa.String(1),
}  # fmt: skip
USERS = ({"username": WORDS, "password": WORDS}, [{"id": 5, "username": "zoë", "password": "secret"}])
STATE = json.dumps({"layers": [{"name": "CH1", "source": "precomputed://https://lab/data/DK39/neuroglancer_data/C1"}]})


def lab_of_2021(url: str) -> None:
    """DK39: slide 1 with a copy and scenes in another order, slide 2 with a bad and a dropped scene."""
    stem_1, stem_2 = "DK39_ID_1_slide001", "DK39_ID_2_slide002"
    structure = {"abbreviation": sa.String(25), "description": WORDS, "color": ID, "hexadecimal": sa.String(7),
                 "active": ID}  # fmt: skip
    centre = dict.fromkeys(("structure_id", "person_id", "input_type_id", "active"), ID) | {
        "prep_id": sa.String(20), "x": sa.Float(), "y": sa.Float(), "section": sa.Float(), "created": sa.DateTime(),
    }  # fmt: skip
    fill(url, {
        "animal": (ANIMAL, [
            {"prep_id": "DK39", "species": "mouse", "strain": "C57 'é'; -- x", "vender": "Jackson", "active": 1},
            {"prep_id": "DK 40/..", "species": "mouse", "active": 1},
        ]),
        "histology": (HISTOLOGY, [{"id": 1, "prep_id": "DK39", "side_sectioned_first": "DESC", "section_thickness": 20,
                                   "orientation": "sagittal", "counterstain": "NtB", "virus_id": 3}]),
        "scan_run": (SCAN_RUN, [{"id": 1, "prep_id": "DK39", "resolution": 0.5, "rotation": 3, "flip": "flop",
                                 "width": 30500, "height": 60500, "machine": "Axioscan", "scenes_per_slide": "4"}]),
        "slide": (slide_columns(), [
            slide(1, 1, f"{stem_1}.czi", scenes=3, insert_before_one=1, comments="first"),
            slide(2, 2, f"{stem_2.replace('_slide', '__slide')}.czi", scenes=2, scene_qc_1=2, scene_qc_2=9),
            slide(3, 3, "DK39_ID_3_slide003.czi", slide_status="Bad"),
        ]),
        "slide_czi_to_tif": (TIF, [
            tif(1, 1, stem_1, 1, 1), tif(2, 1, stem_1, 1, 2), tif(3, 1, stem_1, 3, 3), tif(4, 1, stem_1, 2, 4),
            tif(5, 2, stem_2, 1, 1, active=0), tif(6, 2, stem_2, 2, 1), tif(7, 2, stem_2, 3, 2, active=0),
        ]),
        "elastix_transformation": (
            {"prep_id": sa.String(20), "section": sa.String(3), "rotation": sa.Float(), "xshift": sa.Float(),
             "yshift": sa.Float()},
            [{"id": 1, "prep_id": "DK39", "section": "001", "rotation": 0.25, "xshift": 2.0, "yshift": -1.0},
             {"id": 2, "prep_id": "DK39", "section": "099", "rotation": 0.0, "xshift": 0.0, "yshift": 0.0}],
        ),
        "structure": (structure, [
            {"id": 7, "abbreviation": "7N_L", "color": 7, "active": 1},
            {"id": 8, "abbreviation": "PM nucleus", "description": "new here", "color": 300, "active": 1},
            {"id": 52, "abbreviation": "point", "color": 100, "active": 1},
        ]),
        "com_type": ({"input_type": WORDS}, [{"id": 1, "input_type": "manual"}]),
        "center_of_mass": (centre, [
            {"id": 1, "prep_id": "DK39", "structure_id": 7, "person_id": 5, "input_type_id": 1, "active": 1,
             "x": 1000.0, "y": 2000.0, "section": 10.0},
            {"id": 2, "prep_id": "DK39", "structure_id": 52, "person_id": 5, "input_type_id": 1, "active": 1,
             "x": 10.0, "y": 20.0, "section": 1.0},
        ]),
        "neuroglancer_urls": ({"url": sa.Text(), "person_id": ID, "comments": WORDS}, [
            {"id": 1, "url": STATE, "person_id": 5, "comments": "rough"}, {"id": 2, "url": "{}", "person_id": 5},
        ]),
        "auth_user": USERS,
        "journals": ({"prep_id": sa.String(20), "person_id": ID, "entry": sa.Text(), "section": ID, "completed": ID},
                     [{"id": 1, "prep_id": "DK39", "person_id": 5, "entry": "torn", "section": 1, "completed": 1}]),
        "transformation": ({"prep_id": sa.String(20)}, [{"id": 1, "prep_id": "DK39"}]),
        "django_session": ({"session_data": WORDS}, [{"id": 1, "session_data": "x"}]),
    })  # fmt: skip


def lab_of_2023(url: str) -> None:
    """DK41: a rescan whose scenes were put to the first scan; sessions with micrometres."""
    stem = "DK41_slide001"
    session = {"annotation_type": WORDS, "FK_user_id": ID, "FK_prep_id": sa.String(20), "FK_brain_region_id": ID,
               "active": ID, "created": sa.DateTime()}  # fmt: skip
    place = {"FK_session_id": ID, "source": WORDS, "x": sa.Float(), "y": sa.Float(), "z": sa.Float()}
    fill(url, {
        "animal": (ANIMAL | {"alias": WORDS}, [{"prep_id": "DK41", "alias": "Otto", "active": 1}]),
        "histology": (
            {name: kind for name, kind in HISTOLOGY.items() if name != "prep_id"}
            | {"FK_prep_id": sa.String(20), "scene_order": sa.String(4)},
            [{"id": 1, "FK_prep_id": "DK41", "side_sectioned_first": "ASC", "scene_order": "DESC",
              "section_thickness": 20, "orientation": "diagonal"}],
        ),
        "scan_run": (
            {name: kind for name, kind in SCAN_RUN.items() if name != "prep_id"}
            | {"FK_prep_id": sa.String(20), "rescan_number": ID, "zresolution": sa.Float()},
            [{"id": 1, "FK_prep_id": "DK41", "rescan_number": 1, "resolution": 0.25, "rotation": 0, "flip": "none",
              "zresolution": 20.0}],
        ),
        "slide": (slide_columns(), [
            slide(1, 1, f"{stem}.czi", scenes=3),
            slide(2, 1, f"{stem}_rescan2.czi", rescan_number="2", active=0),
        ]),
        "slide_czi_to_tif": (TIF, [
            tif(1, 1, stem, 1, 1), tif(2, 1, stem, 2, 2), tif(3, 1, f"{stem}_rescan2", 1, 3),
        ]),
        "elastix_transformation": (
            {"FK_prep_id": sa.String(20), "section": sa.String(3), "rotation": sa.Float(), "xshift": sa.Float(),
             "yshift": sa.Float(), "iteration": ID, "metric": sa.Float()},
            [{"id": 1, "FK_prep_id": "DK41", "section": "001", "rotation": 0.5, "xshift": 1.0, "yshift": 0.0,
              "iteration": 0, "metric": -0.75},
             {"id": 2, "FK_prep_id": "DK41", "section": "001", "rotation": 0.0, "xshift": 0.0, "yshift": 0.0,
              "iteration": 1, "metric": -0.8}],
        ),
        "brain_region": ({"abbreviation": WORDS, "description": sa.Text(), "active": ID},
                         [{"id": 1, "abbreviation": "7n_L", "active": 1}, {"id": 2, "abbreviation": "polygon"}]),
        "cell_type": ({"cell_type": WORDS}, [{"id": 1, "cell_type": "round"}]),
        "annotation_session": (session, [
            {"id": 1, "annotation_type": "MARKED_CELL", "FK_user_id": 5, "FK_prep_id": "DK41", "FK_brain_region_id": 2,
             "active": 1},
            {"id": 2, "annotation_type": "POLYGON_SEQUENCE", "FK_user_id": 5, "FK_prep_id": "DK41",
             "FK_brain_region_id": 1, "active": 1},
            {"id": 3, "annotation_type": "STRUCTURE_COM", "FK_user_id": 5, "FK_prep_id": "DK41",
             "FK_brain_region_id": 1, "active": 0},
        ]),
        "marked_cells": (place | {"FK_cell_type_id": ID}, [
            {"id": 1, "FK_session_id": 1, "source": "MACHINE-SURE", "x": 1.5, "y": 2.5, "z": 20.0,
             "FK_cell_type_id": 1},
        ]),
        "polygon_sequences": (place | {"polygon_index": ID, "point_order": ID}, [
            {"id": number, "FK_session_id": 2, "x": float(number), "y": 0.0, "z": 20.0, "polygon_index": 1,
             "point_order": 1} for number in (1, 2, 3)
        ]),
        "structure_com": (place, [{"id": 1, "FK_session_id": 3, "source": "MANUAL", "x": 9.0, "y": 8.0, "z": 7.0}]),
        "neuroglancer_state": ({"neuroglancer_state": sa.Text(), "FK_user_id": ID},
                               [{"id": 1, "neuroglancer_state": STATE.replace("DK39", "DK41"), "FK_user_id": 5}]),
        "auth_user": USERS,
    })  # fmt: skip
