"""How quickly the review page answers for a large animal: docs/review.md.

    python benchmarks/review_pages.py
    python benchmarks/review_pages.py --slides 40 --no-write

An animal of 170 slides with four scenes each is made up: rows in the database, empty CZI files, and pictures of the
size that 1/32 of a scan of 0.325 um has. Nothing is run: the stages' stamps are not there. Then each page is asked for;
in Chromium the page of slides is opened, the next scene chosen with a key until its large picture is drawn, and on the
page of masks the next section; and eight people at once look and decide, each on slides of their own.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
from numpy.typing import NDArray

from brainstack.animal_folder import AnimalFolder
from brainstack.browser import missing_programs, open_browser
from brainstack.database import create_or_upgrade, open_database
from brainstack.environment import database_url
from brainstack.files.tiff import write_tiff
from brainstack.records import Animal, Channel, Histology, ScanRun, Scene, SlideScan
from brainstack.review.access import TokenGate
from brainstack.review.animals import Animals
from brainstack.review.app import make_app
from brainstack.review.asking import Desk
from brainstack.review.serving import ReviewServer
from brainstack.settings import load_settings
from brainstack.slide_names import slide_number

DOCS = Path(__file__).parents[1] / "docs" / "review.md"
MARK = "figures"
NAME = "BIG"
SCENES, CHANNELS = 4, 3
ROWS, COLUMNS = 700, 1000
"""Of a scene's picture: a section of 7 by 10 mm."""
SECTION_ROWS, SECTION_COLUMNS = 1234, 2328
"""Of a section's picture and mask: of a brain scanned at 74,500 x 39,500."""
PAGES = ("", "/slides", "/masks", "/alignment", "/contrast", "/problems", "/run")
FIRST_OF_ALL = "first"
PEOPLE, ROUNDS = 8, 15
ONE_BY_ONE = httpx.Limits(max_keepalive_connections=0)
"""A connection for each question: on a busy computer, one that is kept is closed while it is used again."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slides", type=int, default=170)
    parser.add_argument("--no-write", action="store_true", help="print the figures only")
    asked = parser.parse_args()
    logging.disable(logging.ERROR)
    with tempfile.TemporaryDirectory() as root:
        os.environ["BRAINSTACK_DATA_ROOT"] = root
        os.environ.pop("BRAINSTACK_DATABASE_URL", None)
        make_up(Path(root) / NAME, asked.slides)
        with served() as (url, token):
            lines = [*opening(url, token), *neighbours(url, token), *people(url, token, asked.slides)]
    text = f"{asked.slides} slides with {SCENES} scenes each, on {os.cpu_count()} cores:\n\n" + table(lines)
    print(text)
    if not asked.no_write:
        write_docs(text)


# The animal


def make_up(root: Path, slides: int) -> None:
    """An animal in a data root of its own, without any run."""
    folder, settings = AnimalFolder(root), load_settings()
    channels = tuple(Channel(number, name) for number, name in enumerate(("DAPI", "GFP", "Cy5")[:CHANNELS], 1))
    names = [f"{NAME}_slide{number:03d}" for number in range(1, slides + 1)]
    assert [slide_number(f"{name}.czi", settings) for name in names[:2]] == [1, 2]
    for path in (folder.czi, folder.scene_picture("x").parent, folder.slide_label("x").parent):
        path.mkdir(parents=True)
    create_or_upgrade(database_url())
    with open_database(database_url()) as database:
        database.add_animal(Animal(NAME), Histology(NAME), ScanRun(NAME, str(folder.czi), 0.325))
        for number, name in enumerate(names, 1):
            (folder.czi / f"{name}.czi").touch()
            scenes = tuple(
                Scene(scene, scene - 1, 40000 * (scene % 2), 30000 * (scene // 3), COLUMNS * 32, ROWS * 32)
                for scene in range(1, SCENES + 1)
            )
            scan = SlideScan(f"{name}.czi", "Gray16", (0.325, 0.325), channels, scenes)
            database.take_in_slide(
                NAME, scan, slide_number=number, rescan=1, file_size=1, pictures=("label", "preview")
            )
    write_pictures(folder, names)


def write_pictures(folder: AnimalFolder, names: list[str]) -> None:
    """A few pictures, under all names: a server reads and makes each of them small by itself."""
    tissue, section = tissue_of(ROWS, COLUMNS), tissue_of(SECTION_ROWS, SECTION_COLUMNS)
    mask = np.where(section >= 100, 255, 0).astype(np.uint8)
    png = cv2.imencode(".png", tissue)[1].tobytes()
    photograph = cv2.imencode(".png", cv2.resize(tissue, (600, 400)))[1].tobytes()
    first = folder.inside / FIRST_OF_ALL
    first.mkdir(parents=True)
    write_tiff(first / "normalized.tif", section, 10.4)
    write_tiff(first / "thumbnail_masked.tif", mask, 10.4)
    (first / "scene.png").write_bytes(png)
    (first / "photograph.png").write_bytes(photograph)
    for number, name in enumerate(names, 1):
        for picture in ("label", "preview"):
            link(first / "photograph.png", folder.slide_picture(name, picture))
        for scene in range(1, SCENES + 1):
            key = f"slide{number:03d}_S{scene}"
            link(first / "thumbnail_masked.tif", folder.keyed("thumbnail_masked", key))
            for channel in range(1, CHANNELS + 1):
                link(first / "scene.png", folder.scene_picture(f"{name}_S{scene}_C{channel}.tif"))
                link(first / "normalized.tif", folder.keyed("normalized", key, channel))


def tissue_of(rows: int, columns: int) -> NDArray[np.uint8]:
    """An ellipse of 100 to 160 on a ground of up to 60, with an edge that is as rough as that of tissue."""
    random = np.random.default_rng(1)
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    inside = x**2 + y**2 < 0.7 + 0.02 * np.sin(40 * np.arctan2(y, x))
    return (inside * 100 + random.integers(0, 60, (rows, columns))).astype(np.uint8)


def link(file: Path, name: Path) -> None:
    name.parent.mkdir(parents=True, exist_ok=True)
    os.link(file, name)


# The server, and who asks it


@contextmanager
def served() -> Iterator[tuple[str, str]]:
    gate = TokenGate("bench")
    with ReviewServer() as server:
        server.start(make_app(Desk(Animals(), gate, cookie="bench")))
        yield server.url, gate.token


@contextmanager
def visitor(url: str, token: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, follow_redirects=True, timeout=120, trust_env=False, limits=ONE_BY_ONE) as client:
        page = client.get(f"/{NAME}", params={"token": token}, headers={"Accept": "text/html"}).text
        found = re.search(r'data-csrf="(\w+)"', page)
        assert found, page
        client.headers.update({"X-CSRF-Token": found[1], "Accept": "application/json"})
        yield client


def seconds_of(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def opening(url: str, token: str) -> list[tuple[str, str]]:
    """Each page, as it comes first after something changed, and again."""
    lines = []
    with visitor(url, token) as client:
        for page in PAGES:

            def get(page: str = page) -> None:
                answer = client.get(f"/{NAME}{page}", headers={"Accept": "text/html"})
                answer.raise_for_status()

            try:
                once, again = seconds_of(get), statistics.median(seconds_of(get) for _ in range(5))
            except httpx.HTTPStatusError as error:
                lines.append((f"page {page or 'overview'}", f"answers {error.response.status_code}"))
                continue
            lines.append(
                (f"page {page.strip('/') or 'overview'}, from the server", told([once, again], "first, again"))
            )
    return lines


def told(values: list[float], words: str) -> str:
    return f"{' and '.join(f'{1000 * one:.0f} ms' for one in values)} ({words})"


# In a browser


def neighbours(url: str, token: str) -> list[tuple[str, str]]:
    """In Chromium: the page of slides until it can be used, and the next scene until its large picture is drawn."""
    if missing := missing_programs():
        return [("in Chromium", f"not measured: {' and '.join(missing)} is not installed")]
    with open_browser((1280, 720)) as browser:
        browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
        browser.get(f"{url}/{NAME}?token={token}")
        time.sleep(5)  # the overview is looked at first
        drawn = []
        for _ in range(6):
            browser.get("about:blank")
            browser.get(f"{url}/{NAME}/slides")
            until(lambda: browser.execute_script("return window.usable !== undefined"))
            drawn.append(float(browser.execute_script("return window.usable")) / 1000)
            time.sleep(2)  # what the page fetches when nothing else is to be done
        steps = [float(browser.execute_async_script(STEP)) / 1000 for _ in range(12)]
        browser.get(f"{url}/{NAME}/masks")
        until(lambda: browser.execute_script("return document.getElementById('stage').dataset.section"))
        time.sleep(3)
        masks = [float(browser.execute_async_script(MASKS_STEP)) / 1000 for _ in range(12)]
    return [
        (
            "page slides in Chromium, from the click until all pictures in sight are drawn",
            told([drawn[0], statistics.median(drawn[1:])], "first, again"),
        ),
        ("next scene, large, in Chromium", told([statistics.median(steps), max(steps)], "median, slowest of 12")),
        (
            f"next section of {SECTION_COLUMNS} x {SECTION_ROWS} pixels with its mask, in Chromium",
            told([statistics.median(masks), max(masks)], "median, slowest of 12"),
        ),
    ]


WATCH = """
const look = () => {
  const inSight = one => {
    const box = one.getBoundingClientRect();
    return box.width && box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
  };
  const pictures = document.body?.dataset.ready === 'yes' ? [...document.images].filter(inSight) : [];
  if (pictures.length < 20 || !pictures.every(one => one.complete)) return requestAnimationFrame(look);
  requestAnimationFrame(() => setTimeout(() => { window.usable = performance.now(); }));  // they are painted by then
};
requestAnimationFrame(look);
"""
"""In every page, before its own scripts. The list, the stack and the chosen scene show over 20 pictures at once."""
STEP = """
const done = arguments[arguments.length - 1];
const before = document.querySelector('#panel-picture img').src, start = performance.now();
document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}));
const look = () => {
  const image = document.querySelector('#panel-picture img');
  if (image.src === before || !image.complete || !image.naturalWidth) return requestAnimationFrame(look);
  const took = performance.now() - start;
  setTimeout(() => done(took), 700);  // a person looks for a while, and the next ones are fetched
};
look();
"""


MASKS_STEP = """
const done = arguments[arguments.length - 1], stage = document.getElementById('stage');
const before = stage.dataset.section, start = performance.now();
document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}));
const look = () => {
  if (stage.dataset.section === before) return requestAnimationFrame(look);
  requestAnimationFrame(() => setTimeout(() => {  // it is painted by then
    const took = performance.now() - start;
    setTimeout(() => done(took), 2500);  // a person looks at a mask for some seconds
  }));
};
look();
"""


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not is_so() and time.monotonic() < end:
        time.sleep(0.02)


# Several people


def people(url: str, token: str, slides: int) -> list[tuple[str, str]]:
    """Each looks at the next scene and says that it is bad, again and again: a second for each, then without pause."""
    with visitor(url, token) as client:
        state = client.get(f"/{NAME}/slides/now").json()
        scene = state["slides"][-1]["scenes"][-1]
        said = {"slide": slides, "rescan": 1, "scene": SCENES, "verdict": "bad", "seen": scene["version"]}
        alone = seconds_of(lambda: client.post(f"/{NAME}/slides/decide", json=said).raise_for_status())
    with ProcessPoolExecutor(1, get_context("spawn")) as elsewhere:  # the server keeps its threads for itself
        ask = partial(elsewhere.submit, decided_by_all, url, token, slides)
        each_second, without_pause = ask(1, 1.0).result(), ask(2, 0.0).result()
    words = "median, slowest of 20"
    return [
        ("a verdict, until the stack that follows is there, one person", told([alone], "once")),
        (f"the same, {PEOPLE} people, each one a second", told(middle(each_second[0]), words)),
        (f"the same, {PEOPLE} people without pause", told(middle(without_pause[0]), words)),
        (f"a large picture not seen before, {PEOPLE} people, each one a second", told(middle(each_second[1]), words)),
        (f"the same, {PEOPLE} people without pause", told(middle(without_pause[1]), words)),
    ]


def decided_by_all(url: str, token: str, slides: int, number: int, pause_s: float) -> tuple[list[float], list[float]]:
    """Seconds that verdicts and pictures took. number : of the scene on each slide. pause_s : from one verdict of a
    person to their next one, at least."""
    pictures: list[float] = []
    verdicts: list[float] = []
    failed: list[str] = []

    def work(person: int) -> None:
        with visitor(url, token) as client:
            known = client.get(f"/{NAME}/slides/now").json()["slides"]
            time.sleep(pause_s * person / PEOPLE)
            for at in range(ROUNDS):
                slide = known[(person * (slides // PEOPLE) + at) % slides]
                scene = slide["scenes"][number - 1]
                start = began = time.perf_counter()
                client.get(f"{scene['pictures'][0]}&size=large").raise_for_status()
                pictures.append(time.perf_counter() - start)
                said = {"slide": slide["number"], "rescan": 1, "scene": number, "verdict": "bad"}
                said |= {"seen": scene["version"], "known": [one["tag"] for one in known]}
                start = time.perf_counter()
                answer = client.post(f"/{NAME}/slides/decide", json=said)
                verdicts.append(time.perf_counter() - start)
                if answer.is_error:
                    failed.append(answer.text)
                else:
                    tags = {one["tag"]: one for one in known}
                    known = [tags[one] if isinstance(one, str) else one for one in answer.json()["slides"]]
                time.sleep(max(0.0, began + pause_s - time.perf_counter()))

    threads = [threading.Thread(target=work, args=(person,)) for person in range(PEOPLE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise RuntimeError(f"{len(failed)} verdicts failed: {failed[0]}")
    return verdicts, pictures


def middle(values: list[float]) -> list[float]:
    return [statistics.median(values), sorted(values)[int(0.95 * len(values))]]


# Telling


def table(lines: list[tuple[str, str]]) -> str:
    return "\n".join(["| what | time |", "|---|---|", *(f"| {what} | {time_} |" for what, time_ in lines)]) + "\n"


def write_docs(text: str) -> None:
    begin, end = f"<!-- {MARK}: written by benchmarks/review_pages.py -->\n", f"<!-- end of {MARK} -->"
    page = DOCS.read_text(encoding="utf-8")
    before, rest = page.split(begin)
    _, after = rest.split(end)
    DOCS.write_text(before + begin + text + end + after, encoding="utf-8")


if __name__ == "__main__":
    main()
