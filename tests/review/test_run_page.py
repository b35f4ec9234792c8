"""What will run: found out once for all, started from the page, watched, stopped, and refused to those who may not."""

from __future__ import annotations

import errno
import itertools
import os
import pwd
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from lab import BIN, Lab
from review_accounts import PASSWORD, Site, make_hashes_quick, site_with_accounts, wait_for

from brainstack import contrast, running
from brainstack.animal_folder import AnimalFolder
from brainstack.environment import CHECKOUT
from brainstack.errors import BrainstackError
from brainstack.last_run import read_last_run
from brainstack.locking import locked
from brainstack.review import outlooks
from brainstack.review.animals import ReviewedAnimal
from brainstack.review.outlooks import Outlook, Outlooks
from brainstack.run_progress import RunLog, StageProgress
from brainstack.running import Wish, luigi_command, luigid_answers, start_run, stop_run

LOG = """\
2026-11-27 20:22:02 DEMO | started by process 17696 on vm; brainstack 0.1.0
2026-11-27 20:22:02 (luigi-interface 7 INFO) Informed scheduler that task   Animal_DEMO_e1a71c1389   has status   PENDING
2026-11-27 20:22:02 (luigi-interface 7 INFO) Informed scheduler that task   Web_DEMO_slide001_S1_1a   has status   PENDING
2026-11-27 20:22:02 (luigi-interface 7 INFO) Informed scheduler that task   Web_DEMO_slide001_S2_1b   has status   PENDING
2026-11-27 20:22:02 (luigi-interface 7 INFO) Informed scheduler that task   Web_DEMO_slide001_S3_1c   has status   PENDING
2026-11-27 20:22:02 (luigi-interface 7 INFO) Informed scheduler that task   Masks_DEMO_slide001_S1_1d   has status   PENDING
2026-11-27 20:22:02 (luigi-interface 7 INFO) Informed scheduler that task   Masks_DEMO_slide001_S2_1e   has status   PENDING
2026-11-27 20:22:02 (luigi-interface 7 INFO) Informed scheduler that task   Tifs_DEMO_slide001_1f   has status   DONE
2026-11-27 20:22:03 (luigi-interface 9 INFO) [pid 9] Worker Worker(salt=6, pid=7) done      Masks(animal=DEMO, section=slide001_S1,slide001_S2@d932, resolution=thumbnail)
2026-11-27 20:22:03 DEMO Web section 000 slide001_S1 | started
2026-11-27 20:22:04 DEMO Web section 000 slide001_S1 | done in 1.2 s, at most 310 MB
2026-11-27 20:22:04 DEMO Web section 001 slide001_S2 | started
2026-11-27 20:22:04 DEMO Web section 002 slide001_S3 | started
2026-11-27 20:22:05 DEMO Web section 002 slide001_S3 | failed: The picture is gone; make it again | or not.
2026-11-27 20:22:05 DEMO Web section 0"""  # noqa: E501


def test_a_log_says_how_far_its_run_is(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "run.log")
    assert log.progress().stages == ()
    log.path.write_text(LOG)
    progress = log.progress()
    assert progress.stages == (StageProgress("Masks", 2, 2, 0, 0), StageProgress("Web", 3, 2, 1, 1))
    assert (progress.expected, progress.passed, progress.made) == (5, 4, 1)
    assert progress.now == ("Web section 001 slide001_S2",)
    assert progress.failures == (("Web section 002 slide001_S3", "The picture is gone; make it again | or not."),)
    assert len(progress.lines) == 6, "what brainstack says, and no half line"
    with log.path.open("a") as more:
        more.write("01 slide001_S2 | done in 0.1 s, at most 310 MB\n")
    assert log.progress().stages[1] == StageProgress("Web", 3, 3, 2, 1)


@pytest.mark.parametrize(
    ("wish", "is_there", "words"),
    [
        (Wish(), True, "luigi --module tasks Animal --animal DK39"),
        (Wish(), False, "luigi --module tasks Animal --animal DK39 --local-scheduler"),
        (
            Wish("Masks", "full", "slurm"),
            True,
            "luigi --module tasks Masks --animal DK39 --resolution full --hpc-backend slurm",
        ),
    ],
)
def test_the_command_is_the_one_that_is_typed(wish: Wish, is_there: bool, words: str) -> None:
    assert " ".join(luigi_command("DK39", wish, is_scheduler_there=is_there)) == words


@pytest.mark.parametrize("wrong", [("--help",), ("Animal", "huge"), ("Animal", "full", "; rm"), ("Preps", "full")])
def test_what_there_is_not_cannot_be_wished_for(wrong: tuple[str, ...]) -> None:
    with pytest.raises(BrainstackError, match="wanted one of"):
        Wish(*wrong)


def test_luigid_is_where_luigi_cfg_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "luigi.cfg"
    config.write_text("[core]\nscheduler_host = 127.0.0.1\nscheduler_port = 1\n")
    monkeypatch.setenv("LUIGI_CONFIG_PATH", str(config))
    assert not luigid_answers()
    config.write_text("[core]\nscheduler_port = many\n")
    with pytest.raises(BrainstackError, match="wanted a number such as 8082"):
        luigid_answers()


def test_an_animal_that_is_run_is_not_run_again(tmp_path: Path) -> None:
    folder = AnimalFolder(tmp_path / "DK39")
    with locked(folder), pytest.raises(BrainstackError, match=f"DK39 is being run by process {os.getpid()} on"):
        start_run(folder, Wish())


def test_only_a_run_of_this_animal_here_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[int] = []
    monkeypatch.setattr(running.os, "kill", lambda number, _: killed.append(number))

    def refuse(number: int, _: int) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    folder = AnimalFolder(tmp_path / "DK39")
    with pytest.raises(BrainstackError, match="nothing to stop"):
        stop_run(folder)
    with locked(folder):
        with pytest.raises(BrainstackError, match="is no run of it"):  # this process is pytest
            stop_run(folder)
        folder.lock.write_text("process 1 on another-computer\n")
        with pytest.raises(BrainstackError, match="stop it there, with Ctrl-C"):
            stop_run(folder)
        monkeypatch.setattr(running, "_is_run_of", lambda number, prep_id: True)
        monkeypatch.setattr(running.os, "kill", refuse)
        folder.lock.write_text(f"process {os.getpid()} on {os.uname().nodename}\n")
        user = pwd.getpwuid(os.geteuid()).pw_name
        with pytest.raises(BrainstackError, match=f"which is {user}'s, and only they can stop it"):
            stop_run(folder)
    assert killed == []


def test_what_will_run_is_found_out_once_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight people ask; while it is found out they are told so, and afterwards all have the same."""
    begun, goes_on, seen = itertools.count(), threading.Event(), ["a"]

    def find_out(animal: ReviewedAnimal, began: float) -> Outlook:
        next(begun)
        goes_on.wait(30)
        return Outlook(began)

    monkeypatch.setattr(outlooks, "_outlook", find_out)
    monkeypatch.setattr(outlooks, "QUIET_S", 0.01)
    monkeypatch.setattr(ReviewedAnimal, "seen", lambda self: seen[0])
    found = Outlooks(ReviewedAnimal("DK39"))
    at = time.monotonic()
    assert [found.now(at) for _ in range(8)] == [None] * 8
    goes_on.set()
    wait_for(lambda: found.now(at) is not None)
    assert found.now(at) is found.now(time.monotonic())
    assert next(begun) == 1
    seen[0] = "b"
    later = time.monotonic()
    assert found.now(later) is None, "an edit"
    wait_for(lambda: found.now(later) is not None)
    assert next(begun) == 3
    monkeypatch.setattr(outlooks, "GOOD_FOR_S", 0.0)
    assert found.now(time.monotonic()) is None, "not all that a run looks at is seen"


def test_what_will_run_is_found_out_when_an_animal_is_left_alone_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever decides one thing after another makes the computer find it out once, at the end."""
    states: list[int] = []

    def state(animal: ReviewedAnimal) -> int:
        states.append(min(len(states), 10))  # decided ten times, then no more
        return states[-1]

    began_at = []
    monkeypatch.setattr(outlooks, "_outlook", lambda animal, began: began_at.append(len(states)) or Outlook(began))
    monkeypatch.setattr(outlooks, "QUIET_S", 0.01)
    monkeypatch.setattr(ReviewedAnimal, "seen", state)
    found = Outlooks(ReviewedAnimal("DK39"))
    asked_at = time.monotonic()
    assert found.now(asked_at) is None
    wait_for(lambda: bool(began_at))
    assert began_at[0] >= 11
    monkeypatch.setattr(ReviewedAnimal, "seen", lambda self: time.monotonic())  # somebody goes on and on
    monkeypatch.setattr(outlooks, "LONGEST_WAIT_S", 0.05)
    later = time.monotonic()
    wait_for(lambda: found.now(later) is not None)


def test_a_mask_that_is_painted_over_in_its_place_is_seen(data_root: Path) -> None:
    animal = ReviewedAnimal("DK39")
    mask = animal.folder.keyed("thumbnail_masked", "slide001_S1")
    mask.parent.mkdir(parents=True)
    mask.write_bytes(b"before")
    seen, times = animal.seen(), mask.parent.stat().st_mtime_ns
    assert animal.seen() == seen
    with mask.open("r+b") as file:
        file.write(b"after!!")
    assert mask.parent.stat().st_mtime_ns == times
    assert animal.seen() != seen


@pytest.fixture(scope="module")
def site(demo: Lab) -> Iterator[Site]:
    with pytest.MonkeyPatch.context() as environment:
        make_hashes_quick(environment)
        with site_with_accounts() as site:
            yield site


def enter(browser: Any, site: Site, name: str, path: str) -> None:
    browser.get("about:blank")
    browser.get(site.address + "/static/icon.svg")
    browser.delete_all_cookies()
    browser.get(f"{site.address}{path}")
    assert browser.current_url == f"{site.address}/login?next={path}"
    browser.find_element("id", "name").send_keys(name)
    browser.find_element("id", "password").send_keys(PASSWORD)
    browser.find_element("css selector", "button.main").click()
    wait_for(lambda: browser.current_url == f"{site.address}{path}")


def text_of(browser: Any, css: str) -> str:
    """What is seen there; "" while htmx puts something else into its place."""
    return str(browser.execute_script("return document.querySelector(arguments[0])?.innerText || ''", css))


@pytest.mark.browser
def test_who_may_only_look_sees_no_button_and_gets_no_run(site: Site, browser: Any, demo: Lab) -> None:
    enter(browser, site, "lena", "/DEMO/run")
    wait_for(lambda: "The last run: done" in text_of(browser, "#run-progress"))
    assert browser.find_elements("css selector", "#start, #run-form, [hx-post]") == []
    assert "You may look here" in text_of(browser, "main")
    before = read_last_run(demo.folder)
    with site.visitor("lena") as lena:
        refused = lena.post("/DEMO/run/start")
        assert refused.status_code == 403
        assert "lena may look here" in refused.json()["error"]
        assert "brainstack reviewer set lena --role run" in refused.json()["error"]
        assert lena.post("/DEMO/run/stop").status_code == 403
    assert read_last_run(demo.folder) == before


@pytest.mark.browser
@pytest.mark.slow
def test_a_run_is_started_from_the_page_after_an_edit_and_seen_to_end(site: Site, browser: Any, demo: Lab) -> None:
    """Another contrast makes the web pictures of the eight sections anew, and nothing else."""
    enter(browser, site, "ruth", "/DEMO/run")
    wait_for(lambda: "All is as it should be" in text_of(browser, "#next-run"))
    pictures = {path: path.stat().st_mtime_ns for path in (demo.folder.root / "www").glob("*.png")}
    assert len(pictures) == 8

    contrast.set_contrast("DEMO", 1, (100, 20000), person="ruth")
    browser.execute_script("document.body.dispatchEvent(new Event('stale'))")
    wait_for(lambda: "The next run makes 8 steps" in text_of(browser, "#next-run"))
    wait_for(lambda: "Web" in text_of(browser, "#run-outlook"))
    assert text_of(browser, "#command") == "luigi --module tasks Animal --animal DEMO --local-scheduler"
    browser.find_element("id", "start").click()
    wait_for(lambda: "A run" in text_of(browser, "#run-progress"))
    with site.visitor("ruth") as other:
        second = other.post("/DEMO/run/start")
        assert second.status_code == 409
        assert "is being run by" in second.json()["error"] or "started a moment ago" in second.json()["error"]
    browser.refresh()
    wait_for(lambda: "The last run: done" in text_of(browser, "#run-progress"), within_s=240)

    said = text_of(browser, "#output")
    assert re.search(r"Web\s+│\s+8", said), "the table that the terminal shows"
    assert "Look at it with: brainstack view DEMO" in said
    wait_for(lambda: "All is as it should be" in text_of(browser, "#next-run"))
    assert all(path.stat().st_mtime_ns > before for path, before in pictures.items())
    last = read_last_run(demo.folder)
    assert last
    assert (last.outcome, last.made, last.failed) == ("done", 8, 0)
    assert [one for one in browser.get_log("browser") if "Content Security Policy" in one["message"]] == []


@pytest.mark.slow
def test_a_run_goes_on_by_itself_is_seen_by_all_and_stopped_from_the_page(site: Site, demo: Lab) -> None:
    """Started in a terminal; the run has to make something that takes its time."""
    for pair in (demo.folder.root / ".brainstack" / "pairs").iterdir():
        pair.unlink()
    process = demo.start(
        "luigi", "--module", "tasks", "Animal", "--animal", "DEMO", "--local-scheduler", "--workers", "1"
    )
    try:
        with site.visitor("ruth") as ruth:
            wait_for(lambda: "A run goes on" in ruth.get("/DEMO/run/progress").text)
            wait_for(lambda: "Elastix" in ruth.get("/DEMO/run/progress").text)
            assert "A run goes on" in ruth.get("/DEMO/next-run").text
            refused = ruth.post("/DEMO/run/start")
            assert refused.status_code == 409
            assert f"is being run by process {process.pid} on" in refused.json()["error"]
            stopped = ruth.post("/DEMO/run/stop")
            assert stopped.status_code == 200, stopped.text
            wait_for(
                lambda: 'The last run: <span class="doubtful">stopped' in ruth.get("/DEMO/run/progress").text,
                within_s=240,
            )
    finally:
        out, error = process.communicate(timeout=120)
    assert "Stopped. What was finished stays" in out + error


def test_a_run_that_cannot_begin_says_why(
    site: Site, demo: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "bin"
    broken.mkdir()
    (broken / "python").symlink_to(BIN / "python")
    (broken / "luigi").write_text("#!/bin/sh\necho the scheduler is upside down\nexit 7\n")
    (broken / "luigi").chmod(0o755)
    monkeypatch.setattr(running.sys, "executable", str(broken / "python"))
    with site.visitor("ruth") as ruth:
        wait_for(lambda: ruth.post("/DEMO/run/start").status_code == 200)  # one before may still make its report
        wait_for(lambda: "The run did not begin" in ruth.get("/DEMO/run/progress").text)
        assert "the scheduler is upside down" in ruth.get("/DEMO/run/progress").text
    assert CHECKOUT.is_dir()


def test_runs_begin_where_there_is_a_checkout_only(demo: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(running, "CHECKOUT", tmp_path)
    with pytest.raises(BrainstackError, match="started from a checkout"):
        start_run(demo.folder, Wish())


def test_parts_of_the_page_are_quick_while_much_is_looked_at(site: Site) -> None:
    """Whoever asks is never kept waiting by what is being found out: it is said to be looked at."""
    with site.visitor("lena") as lena:
        parts = [lena.get(f"/DEMO/{part}") for part in ("next-run", "run/outlook", "run/progress")]
    assert [one.status_code for one in parts] == [200] * 3
    assert isinstance(parts[0], httpx.Response)
