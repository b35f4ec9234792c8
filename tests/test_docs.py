"""The docs say what is so: the tutorial and the how-tos run, the example of a stage works, nothing is left out."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from blocks import Block, blocks
from calling import caller
from documented import DOCS, REPOSITORY, Walk, edited, understand, walk_in
from lab import Lab, copy_of
from tifffile import imwrite

from brainstack.files.tiff import read_tiff
from brainstack.planning import look


def page(name: str) -> str:
    return (DOCS / name).read_text()


# What can be done


def test_blocks_and_pictures_are_found_in_their_order() -> None:
    bash, picture = "# A\n```bash\nmake demo  # now\n```\n", "![p](pictures/p.jpg)\n"
    text = f"{bash}{picture}1. x\n\n   ```python\n   one\n   ```\n```\nsaid\n```\n"
    found = blocks(text)
    assert [(one.language, one.text, one.line) for one in found] == [
        ("bash", "make demo  # now\n", 2),
        ("picture", "pictures/p.jpg", 5),
        ("python", "one\n", 8),
        ("text", "said\n", 11),
    ]
    assert found[0].commands == ["make demo"]
    assert Block("bash", "luigi \\\n  --module tasks\n\n# nothing\n", 1).commands == ["luigi    --module tasks"]


@pytest.mark.slow
@pytest.mark.browser
def test_the_tutorial_runs(finished: Lab, tmp_path: Path) -> None:
    """From what `make demo` leaves on, each command as it stands there, and ends as it says."""
    root = copy_of(finished, tmp_path).root
    said: dict[str, str] = {}
    with walk_in(root) as walk:
        for block in blocks(page("tutorial.md")):
            if block.language == "python":
                walk.run_python(block.text)
            for command in block.commands if block.language == "bash" else ():
                if command.startswith("brainstack view"):
                    assert walk.is_shown(command)
                elif not command.startswith((". ", "make ")):
                    needs_a_browser(command)
                    said[command] = said.get(command, "") + walk.run(command)

    assert "scene 3: verdict good -> bad" in said['brainstack slide DEMO 1 --scene 3 --bad "hairs lie across it"']
    status = said["brainstack status DEMO"]
    assert "the mask a person made changed" in status
    assert "8 sections, 1 of them gaps" in status
    assert status.count("All is done.") == 2, "before the edits, and at the end"
    assert (root / "DEMO" / "preps" / "masks" / "edits" / "slide002_S3.tif").exists()
    assert not (root / "DEMO" / "preps" / "CH1" / "thumbnail_aligned" / "002.tif").exists(), "a gap"
    assert (root / "DEMO" / "report" / "DEMO.html").exists()


def needs_a_browser(command: str) -> None:
    from brainstack.browser import missing_programs

    if command.startswith("brainstack screenshot") and (missing := missing_programs()):
        reason = f"no browser: apt-get install {' '.join(missing)}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


@pytest.mark.parametrize("name", ["new_animal.md", "mend_a_mask.md", "wrong_pair.md"])
def test_the_how_tos_run(
    name: str,
    finished: Lab,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What they say of DK39 is done to the animal that is there. Runs and pictures are only understood: the tutorial
    makes them."""
    root = copy_of(finished, tmp_path).root
    monkeypatch.setenv("BRAINSTACK_DATA_ROOT", str(root))
    monkeypatch.delenv("BRAINSTACK_DATABASE_URL", raising=False)
    call, walk = caller(monkeypatch, capsys), Walk(root)
    for command in (one for block in blocks(page(name)) if block.language == "bash" for one in block.commands):
        understand(command)
        if not command.startswith(("luigi", "brainstack view", "brainstack screenshot")):
            is_new = command.startswith("brainstack animal add")
            here = command if is_new else re.sub(r"\bDK39\b(?!_)", "DEMO", command)
            called = call(*shlex.split(walk.here(here).replace("mask.png", f"{root}/mask.png"))[1:])
            assert called.returncode == 0, f"{command}\n{called.stderr}"
        if command.startswith("brainstack mask export"):
            without_its_left(root / "mask.png")


NUMBERS = {
    "alignment.md": {"57": "2", "58": "3", "200": "5"},
    "database.md": {"12": "1", "slide012_S3": "slide001_S3"},
    "done-and-stale.md": {},
    "review.md": {"12": "2", "13": "3", "slide012_S3": "slide001_S3", "4200": "420", "1800": "180"},
    "slides.md": {"DK39_slide058.czi": "DEMO_ID_0001_slide001.czi"},
    "status.md": {},
}
"""Pages that speak of a large animal -> what stands there, and what it is called in the small one."""
NOT_HERE = (
    "luigi", "brainstack review", "brainstack stop", "brainstack annotate", "brainstack database import",
)  # fmt: skip
"""What waits for a person or a run, or needs a file or a server: tests of its own do so."""


@pytest.mark.parametrize("name", NUMBERS)
def test_what_other_pages_show_runs(
    name: str, finished: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = copy_of(finished, tmp_path).root
    monkeypatch.setenv("BRAINSTACK_DATA_ROOT", str(root))
    monkeypatch.delenv("BRAINSTACK_DATABASE_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    call, walk, done = caller(monkeypatch, capsys), Walk(root), 0
    for block in blocks(page(name)):
        shown = Block("bash", block.text, block.line).commands if block.language in ("bash", "text") else []
        for command in (one.partition(" | ")[0] for one in shown if one.startswith("brainstack ")):
            understand(command)
            if not command.startswith(NOT_HERE):
                here = re.sub(r"\bDK39\b(?!_)", "DEMO", command)
                if name == "review.md" and command.startswith("brainstack slide "):
                    here = here.replace(" 12 ", " 1 ")
                for number, ours in NUMBERS[name].items():
                    here = re.sub(rf"(?<![\w.-]){re.escape(number)}(?![\w.])", ours, here)
                called = call(*shlex.split(walk.here(here))[1:])
                assert called.returncode == 0, f"{here}\n{called.stderr}"
                done += 1
                if command.startswith("brainstack mask export"):
                    without_its_left(tmp_path / "mask.tif")
    assert done > 0


@pytest.mark.slow
def test_exports_and_reports_are_made_as_their_pages_say(finished: Lab, tmp_path: Path) -> None:
    root = copy_of(finished, tmp_path).root
    with walk_in(root) as walk:
        for name in ("export.md", "report.md"):
            for command in (one for block in blocks(page(name)) if block.language == "bash" for one in block.commands):
                if "--resolution full" not in command:  # of a scan; tests/tasks/test_export.py
                    here = re.sub(r"DK39([, ])DK40", "DEMO", command).replace("DK39", "DEMO")
                    walk.run(f"{here} --local-scheduler" if here.startswith("luigi") else here)
    made = {path.name for path in (root / "DEMO" / "export").iterdir()}
    assert {"DEMO_aligned_thumbnail.ome.zarr", "DEMO_aligned_thumbnail.ome.tif"} <= made


def without_its_left(path: Path) -> None:
    """What another program does to a mask."""
    mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    mask[:, : mask.shape[1] // 2] = 0
    cv2.imwrite(str(path), mask)


def test_images_of_another_microscope_become_slides(tmp_path: Path) -> None:
    for scene in (1, 2):
        for number, channel in enumerate(("DAPI", "GFP")):
            image = np.full((60, 80 + scene), 1000 * scene + number, np.uint16)
            imwrite(tmp_path / f"mouse7_slide001_section{scene}_{channel}.tif", image)
    python, bash = (one for one in blocks(page("another_microscope.md")) if one.language in ("python", "bash"))
    walk = Walk(tmp_path)
    walk.run_python(python.text, tmp_path)
    shown = walk.output(["bash", "-c", *bash.commands], tmp_path)

    assert "0.65 x 0.65 um" in shown
    assert "81 x 60" in shown
    assert "82 x 60" in shown
    assert "DAPI" in shown


def test_another_format_is_told_all_that_czi_is_asked_for() -> None:
    text = page("another_microscope.md")
    rows = {
        row[1]: set(re.findall(r"`([A-Za-z_]+)`", row[2]))
        for row in re.finditer(r"^\| `(\S+\.py)` \| (.*) \|$", text, re.M)
    }
    asked: dict[str, set[str]] = {}
    for path in (*(REPOSITORY / "brainstack").glob("*.py"), *(REPOSITORY / "tasks").glob("*.py")):
        for found in re.finditer(r"^from brainstack\.files\.czi\w* import (.+)$", path.read_text(), re.M):
            asked.setdefault(str(path.relative_to(REPOSITORY)), set()).update(re.split(r", ", found[1]))
    assert len(asked) > 5
    assert rows == asked
    told = set(re.findall(r"^\| `(\w+)[(`]", text, re.M))
    assert set().union(*asked.values()) - {"TileEntry", "CziMetadata"} == told


# The example of a stage


@pytest.mark.slow
def test_the_stage_that_is_added_runs_and_knows_its_setting(finished: Lab, tmp_path: Path) -> None:
    code = tmp_path / "code"
    for folder in ("brainstack", "tasks", "hpc", "config"):
        shutil.copytree(REPOSITORY / folder, code / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "luigi.cfg", code)
    command = add_the_stage(code)
    lab = copy_of(finished, tmp_path)

    tested = run(code, lab, [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/images"])
    first = run(code, lab, command.split())
    again = run(code, lab, command.split())
    (lab.folder.root / "settings.toml").write_text(lab.folder.settings.read_text() + "\n[edges]\nsmoothing_um = 80.0\n")
    changed = run(code, lab, command.split())

    assert "1 passed" in tested
    assert "Edges: 8 made" in first
    assert "Edges" not in again
    assert "Edges: 8 made" in changed
    edges = read_tiff(lab.folder.keyed("edges", "slide001_S1", 1))
    assert edges.dtype == np.float32
    assert edges.max() > 0


def add_the_stage(code: Path) -> str:
    """Do to the code what the page says: a path in a line of its own, then the file, or what is new in it. Returns the
    command that makes the stage."""
    text = page("add_a_stage.md")
    lines = text.splitlines()
    path, command = "", ""
    for block in blocks(text):
        above = [re.match(r"`([\w/.]+)`", line) for line in lines[: block.line - 1]]
        path = next((found[1] for found in reversed(above) if found), path)
        if block.language == "python":
            (code / path).parent.mkdir(parents=True, exist_ok=True)
            (code / path).write_text(block.text)
        elif block.language == "diff":
            (code / path).write_text(edited((code / path).read_text(), block.text))
        elif block.language == "bash":
            command = block.commands[0]
    return command


def run(code: Path, lab: Lab, words: list[str]) -> str:
    """In the copy of the code."""
    bin_ = Path(sys.executable).parent
    environment = lab.environment | {"PYTHONPATH": str(code)}
    words = [str(bin_ / words[0]), *words[1:]] if words[0] == "luigi" else words
    done = subprocess.run(
        words, cwd=code, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


# Nothing is left out


def test_every_page_is_in_the_navigation() -> None:
    index = page("index.md")
    listed = re.findall(r"^- \[[^\]]*\]\(([^)#]+)\)", index, re.MULTILINE)
    pages = [*DOCS.glob("*.md"), *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"))]

    missing = {path.resolve() for path in pages} - {(DOCS / one).resolve() for one in listed} - {DOCS / "index.md"}
    assert not missing, f"give them a line in docs/index.md: {sorted(path.name for path in missing)}"
    assert len(listed) == len(set(listed))


def test_every_setting_has_a_unit(docs: ModuleType) -> None:
    shipped = [docs.settings((REPOSITORY / "config" / name).read_text()) for name in ("settings.toml", "cluster.toml")]
    every = [one for some in shipped for one in some if not one.table.startswith("stages.")]
    without = [f"[{one.table}] {one.name}" for one in every if not one.unit]
    assert not without, "say their units in docs/writers/settings.py, or in their names"


def test_every_setting_has_a_reason_of_its_own() -> None:
    rows = [line.strip("| ").split(" | ") for line in page("settings.md").splitlines() if line.startswith("| `")]
    reasons = [row[-1] for row in rows if len(row) > 2 and not row[-1].isdecimal()]
    assert len(reasons) > 150
    assert [one for one in reasons if re.match(r"with (`|the one)", one) or not one.strip("` ")] == []
    assert "| parameter | shipped | unit | why |" in page("settings.md")


def test_every_variable_of_the_environment_is_in_the_settings() -> None:
    code = "".join(
        path.read_text() for folder in ("brainstack", "tasks", "hpc") for path in (REPOSITORY / folder).rglob("*.py")
    )
    read = set(re.findall(r"\b(?:BRAINSTACK_[A-Z_]+|LUIGI_CONFIG_PATH)\b", code))
    assert len(read) >= 4
    assert read <= set(re.findall(r"^\| `([A-Z_]+)`", page("settings.md"), re.MULTILINE))


def test_every_stage_has_its_algorithm() -> None:
    from brainstack.stages import STAGES

    named = {name for heading in re.findall(r"^### (.+)$", page("algorithms.md"), re.MULTILINE)
             for name in heading.split(", ")}  # fmt: skip
    assert named == set(STAGES)


def test_the_columns_of_tables_are_those_that_a_run_writes(finished: Lab) -> None:
    described = {one.text.strip() for one in blocks(page("formats.md")) if one.language == "csv"}
    root = finished.folder.root
    written = [*root.glob("preps/**/*.csv"), root / "histogram" / "CH1" / "DEMO.csv"]
    heads = {path.name: path.read_text().splitlines()[0] for path in written}

    assert {"transforms.csv", "metrics.csv", "areas.csv", "DEMO.csv"} <= set(heads)
    assert {name: head for name, head in heads.items() if head not in described} == {}


def test_every_script_of_the_lab_has_its_new_command() -> None:
    scripts = re.findall(r"\bcreate_\w+", (REPOSITORY / "brainstack" / "database" / "seeds.py").read_text())
    told = page("from_the_labs_scripts.md")
    assert len(set(scripts)) >= 8
    assert [one for one in sorted(set(scripts)) if one not in told] == []


def test_the_pictures_of_the_tutorial_can_be_made(finished: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAINSTACK_DATA_ROOT", str(finished.root))
    import tutorial_pictures

    plan = look("DEMO")
    for name in ("tutorial_sections", "tutorial_mask_before"):
        assert tutorial_pictures.MAKERS[name](plan, finished.root).shape[1] == 1280
    pictures = [Path(one.text).stem for one in blocks(page("tutorial.md")) if one.language == "picture"]
    assert sorted(pictures) == sorted(tutorial_pictures.MAKERS)
