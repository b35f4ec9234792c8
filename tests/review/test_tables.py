"""Plain rows: what may be changed goes the way of the commands, and all else can only be looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from lab import Lab, copy_of, entered
from review_accounts import Site, make_hashes_quick, site_with_accounts

from brainstack.database import open_database
from brainstack.database.filled_in import COLUMNS
from brainstack.database.plain_rows import MODELS, columns_of
from brainstack.deciding import undo_decision
from brainstack.errors import BrainstackError
from brainstack.filling_in import fill_in
from brainstack.review import row_changes
from brainstack.said import Decided


@pytest.fixture(scope="module")
def demo(scanned: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = copy_of(scanned, tmp_path_factory.mktemp("tables"))
    with entered(lab) as environment:
        make_hashes_quick(environment)
        yield lab


@pytest.fixture(scope="module")
def site(demo: Lab) -> Iterator[Site]:
    with site_with_accounts() as site:
        yield site


@pytest.fixture(scope="module")
def emil(site: Site) -> Iterator[httpx.Client]:
    """Somebody who may edit."""
    with site.visitor("emil") as client:
        client.headers["Accept"] = "text/html"
        yield client


def form_of(page: str) -> dict[str, str]:
    """What a browser would send of a form that nobody changed."""
    inputs = re.findall(r"<input\b[^>]*>", page)
    found = {}
    for one in inputs:
        name, value = re.search(r'name="([^"]*)"', one), re.search(r'value="([^"]*)"', one)
        if name and name[1] not in ("save",):
            found[name[1]] = value[1] if value else ""
    for name, content in re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>(.*?)</textarea>', page, re.DOTALL):
        found[name] = content.strip()
    for name, content in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'<option selected value="([^"]*)"', content) or re.search(r'value="([^"]*)"', content)
        found[name] = chosen[1] if chosen else ""
    return found


def history(lab: Lab) -> list[Decided]:
    with open_database(lab.url) as database:
        return database.decided("DEMO")


def test_what_is_filled_in_is_kept_with_who_did(demo: Lab, emil: httpx.Client) -> None:
    before = len(history(demo))
    form = form_of(emil.get("/tables/histology/edit/1").text)
    assert form["side_sectioned_first"] == "ASC"
    changed = form | {"fixative_method": "4% PFA", "perfusion_date": "2024-05-31", "perfusion_age_in_days": "90"}
    assert emil.post("/tables/histology/edit/1", data=changed | {"save": "Save"}).status_code == 302
    made = history(demo)[before:]
    assert {(one.what, one.old, one.new) for one in made} == {
        ("fixative_method", "", "4% PFA"), ("perfusion_date", "", "2024-05-31"), ("perfusion_age_in_days", "", "90"),
    }  # fmt: skip
    assert {one.person for one in made} == {"emil"}
    assert form_of(emil.get("/tables/histology/edit/1").text)["fixative_method"] == "4% PFA"


def test_what_pixels_hang_on_is_checked_as_by_the_command(demo: Lab, emil: httpx.Client) -> None:
    form = form_of(emil.get("/tables/histology/edit/1").text)
    refused = emil.post("/tables/histology/edit/1", data=form | {"section_thickness": "-20", "mounting": "new"})
    assert refused.status_code == 400
    assert "wanted micrometres above 0" in refused.text
    assert form_of(emil.get("/tables/histology/edit/1").text)["mounting"] == "", "nothing of it was written"
    refused = emil.post("/tables/histology/edit/1", data=form | {"orientation": "upside down"})
    assert refused.status_code == 400
    assert emil.post("/tables/histology/edit/1", data=form | {"section_thickness": "25"}).status_code == 302
    last = history(demo)[-1]
    assert (last.what, last.new, last.person, last.reason) == (
        "section_thickness_um", "25.0", "emil", "in the tables",
    )  # fmt: skip


def test_a_turn_given_in_the_table_leaves_the_pixel_size_as_the_scan_says_it(demo: Lab, emil: httpx.Client) -> None:
    before = len(history(demo))
    form = form_of(emil.get("/tables/scan-run/edit/1").text)
    assert emil.post("/tables/scan-run/edit/1", data=form | {"rotation": "1"}).status_code == 302
    assert [(one.what, one.old, one.new) for one in history(demo)[before:]] == [("rotation", "0", "1")]


def test_who_saves_what_somebody_else_changed_meanwhile_is_told(demo: Lab, emil: httpx.Client) -> None:
    form = form_of(emil.get("/tables/animal/edit/DEMO").text)
    fill_in("DEMO", {"animal.strain": "C57BL/6"}, person="lena")
    late = emil.post("/tables/animal/edit/DEMO", data=form | {"strain": "CD-1"})
    assert late.status_code == 400
    assert "Somebody changed this row since you opened it" in late.text
    with open_database(demo.url) as database:
        assert [one.new for one in database.decided("DEMO") if one.what == "strain"] == ["C57BL/6"]


def test_what_changes_while_it_is_written_is_not_overwritten(
    demo: Lab, emil: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After it was looked at, before it is written; nor is the half of it that nobody changed."""
    write = row_changes.run_in_transaction

    def late(url: str, work: Any) -> Any:
        fill_in("DEMO", {"histology.mounting": "glass"}, person="lena")
        return write(url, work)

    form = form_of(emil.get("/tables/histology/edit/1").text)
    before = len(history(demo))
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(row_changes, "run_in_transaction", late)
        told = emil.post("/tables/histology/edit/1", data=form | {"section_thickness": "31", "counterstain": "NtB"})
    assert "Somebody changed this row since you opened it" in told.text
    assert [one.person for one in history(demo)[before:]] == ["lena"]


def test_rows_of_an_animal_that_is_not_served_can_be_changed(demo: Lab, site: Site, emil: httpx.Client) -> None:
    site.desk.animals._names = ("OTHER",)
    try:
        form = form_of(emil.get("/tables/animal/edit/DEMO").text)
        assert emil.post("/tables/animal/edit/DEMO", data=form | {"shipper": "by hand"}).status_code == 302
    finally:
        site.desk.animals._names = ()
    assert history(demo)[-1].new == "by hand"


def test_nothing_else_can_be_changed(site: Site, emil: httpx.Client) -> None:
    open_to_edits = {"animal", "histology", "scan_run", "slide"}
    for table in set(MODELS) - {"review_session"}:
        path = f"/tables/{table.replace('_', '-')}"
        assert emil.get(f"{path}/list").status_code == 200, table
        if table not in open_to_edits:
            assert emil.get(f"{path}/edit/1").status_code == 403, table
            form = form_of(emil.get("/tables/animal/edit/DEMO").text)
            assert emil.post(f"{path}/edit/1", data=form).status_code == 403, table
    with site.visitor("lena") as lena:
        assert "/edit/" not in lena.get("/tables/animal/list").text
    assert "/edit/" in emil.get("/tables/animal/list").text


def test_nobody_sees_a_hash(emil: httpx.Client) -> None:
    assert "password_hash" not in columns_of("reviewer")
    for path in ("list", "details/1", "list?sortBy=password_hash&sort=asc", "list?search=argon2"):
        page = emil.get(f"/tables/reviewer/{path}").text
        assert "$argon2" not in page
        assert "password_hash" not in page.replace("sortBy=password_hash", "")
    assert "emil" not in emil.get("/tables/reviewer/list?search=argon2").text, "it is not searched, either"


def test_a_column_is_filled_in_by_the_command_too(demo: Lab) -> None:
    long = "x" * 300
    fill_in("DEMO", {"scan_run.comments": "first"}, person="anna")
    made = fill_in("DEMO", {"scan_run.comments": long, "machine": "Axioscan"}, person="anna")
    assert [(one.what, one.old) for one in made] == [("scan_run.comments", "first"), ("machine", "")]
    assert made[0].new.endswith(")")
    assert "(300 letters, " in made[0].new
    undo_decision("DEMO", number=made[0].number)
    again = fill_in("DEMO", {"scan_run.comments": long})
    fill_in("DEMO", {"scan_run.comments": ""})
    with pytest.raises(BrainstackError, match="keeps only the beginning of comments"):
        undo_decision("DEMO")
    assert again[0].old == "first"
    for values, said in (
        ({"animal.comment": "x"}, "Did you mean animal.comments?"),
        ({"prep_id": "x"}, "no column that people fill in"),
        ({"histology.perfusion_date": "31.5.2024"}, "wanted a date such as 2024-05-31"),
        ({"scenes_per_slide": "many"}, "wanted a whole number"),
        ({"animal.strain": "x" * 101}, "wanted at most 100"),
    ):
        with pytest.raises(BrainstackError, match=re.escape(said)):
            fill_in("DEMO", values)


def test_each_column_that_is_filled_in_is_one_of_its_table() -> None:
    for table, columns in COLUMNS.items():
        assert set(columns) <= set(columns_of(table))
