"""Databases as each earlier brainstack made them, with rows in their tables, brought up to date."""

from __future__ import annotations

import pytest
from alembic import command
from sqlalchemy import text

from brainstack.database import create_or_upgrade, open_database
from brainstack.database.checking import check, version_in
from brainstack.database.engine import WRITES, engine_for
from brainstack.database.schema import HEAD, alembic_config

EARLIER = [f"{number:04d}" for number in range(1, int(HEAD))]
ROWS = {
    "0001": (
        "INSERT INTO animal (prep_id, species, comments) VALUES ('DK39', 'mouse', 'Żółć 🧠')",
        "INSERT INTO histology (prep_id, section_thickness, orientation) VALUES ('DK39', 20, 'sagittal')",
        "INSERT INTO scan_run (prep_id, slide_folder_path, resolution, flip) VALUES ('DK39', '/scans', 0.325, 'flop')",
        "INSERT INTO slide (scan_run_id, slide_physical_id, slide_status, scene_qc_2, file_name) "
        "SELECT id, 1, 'Bad', 3, 'a.czi' FROM scan_run",
        "INSERT INTO slide_czi_to_tif (slide_id, scene_number, scene_index, channel, file_name) "
        "SELECT id, 1, 0, 1, 'a_S1_C1.tif' FROM slide",
        "INSERT INTO elastix_transformation (prep_id, section, fixed, rotation, xshift, yshift, metric) "
        "VALUES ('DK39', 'a_S1', 'a_S2', 0.5, -3, 4, 0.75)",
        "INSERT INTO task_log (prep_id, stage, channel, item, started_at, seconds, memory_gb, host, error, details) "
        "VALUES ('DK39', 'Meta', 0, 'a', '2024-05-01 10:00:00.5', 1, 1, 'node', '', '{}')",
    ),
    "0004": ("INSERT INTO gain (prep_id, channel, gain) VALUES ('DK39', 1, 2.5)",),
    "0005": (
        "INSERT INTO section_alignment (prep_id, section, rotation, xshift, yshift, verdict, reason) "
        "VALUES ('DK39', 'a_S1', 0.5, -3, 4, 'good', '')",
        "INSERT INTO alignment_edit (prep_id, section, kind, person) VALUES ('DK39', 'a_S1', 'place', 'anna')",
    ),
}
"""Revision -> what people and brainstack wrote into the tables that were new with it."""


def made_by(url: str, revision: str) -> list[str]:
    """Make the database of an earlier brainstack. Returns the tables with rows."""
    with engine_for(url) as engine, engine.connect().execution_options(**{WRITES: True}) as connection:
        with connection.begin():
            command.upgrade(alembic_config(connection), revision)
        with connection.begin():
            rows = [row for known in ROWS if known <= revision for row in ROWS[known]]
            for row in rows:
                connection.execute(text(row))
    return [row.split()[2] for row in rows]


@pytest.mark.parametrize("revision", EARLIER)
def test_an_earlier_database_is_brought_up_to_date_with_its_rows(nothing: str, revision: str) -> None:
    tables = made_by(nothing, revision)
    assert version_in(nothing) == revision
    create_or_upgrade(nothing)
    assert (version_in(nothing), check(nothing).warnings) == (HEAD, ())
    with engine_for(nothing) as engine, engine.connect() as connection:
        counts = {table: connection.scalar(text("SELECT COUNT(*) FROM " + table)) for table in tables}
    assert counts == dict.fromkeys(tables, 1)
    with open_database(nothing) as database:
        records = database.animal_records("DK39")
        assert (records.animal.comments, records.scan_run.flip, records.slides[0].status) == ("Żółć 🧠", "flop", "Bad")
        assert database.log_of("DK39")[0].started_at == "2024-05-01T10:00:00.500000+00:00"
