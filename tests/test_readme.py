"""What people read is true: the commands run, the paths are there, the sentences are said, the licences are listed."""

from __future__ import annotations

import re
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from types import ModuleType

import pytest
from blocks import blocks
from documented import PAGES, REPOSITORY, understand, walk_in
from lab import Lab, copy_of
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

README = (REPOSITORY / "README.md").read_text()


def commands(text: str) -> list[str]:
    """The lines of all blocks of bash."""
    return [command for block in blocks(text) if block.language == "bash" for command in block.commands]


# The commands


@pytest.mark.slow
def test_the_commands_of_the_readme_run(finished: Lab, tmp_path: Path) -> None:
    """All but `make demo`, whose two commands have made the animal that is there, and `make test`."""
    made = []
    with walk_in(copy_of(finished, tmp_path).root) as walk:
        for command in commands(README):
            if command.startswith(("make ", ". ")):
                continue
            if command.startswith("luigid"):
                walk.start_luigid(command)
            elif "brainstack view" in command:
                assert walk.is_shown(command)
            else:
                made.append(walk.run(command))

        assert any("Look at it with: brainstack view DK39" in said for said in made)
        assert any("All is done." in said for said in made), "brainstack status"
        assert "DK39: 2 slides, 8 sections, 4 of them gaps" in walk.run("brainstack status DK39")
        volumes = walk.root / "DK39" / "neuroglancer_data"
        assert sorted(path.name for path in volumes.iterdir()) == ["C1T", "C2T", "C3T", "shell"]


def test_make_demo_is_what_the_tests_do_with_less_pixels() -> None:
    recipe = subprocess.run(["make", "-n", "demo"], cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout
    demo, run = re.search(r"(brainstack demo.*) && \S*(luigi .*)", recipe).groups()  # type: ignore[union-attr]

    assert demo == "brainstack demo --stain fluorescence --name DEMO"
    assert run == "luigi --module tasks Animal --animal DEMO --local-scheduler"


def test_make_knows_what_the_readme_asks_of_it() -> None:
    for command in {one for page in PAGES for one in commands(page.read_text()) if one.startswith("make ")}:
        subprocess.run(["make", "-n", *command.split()[1:]], cwd=REPOSITORY, check=True, capture_output=True)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_their_options_exist(page: Path) -> None:
    text = page.read_text()
    named = re.findall(r"`(brainstack [a-z][^`]*|luigi --module tasks [A-Z][^`]*)`", text)
    for line in {*commands(text)}:
        understand(line)
    for line in {one for one in named if not re.search(r"…|\.\.\.", one)}:
        understand(line, whole=False)


# What the pages say


def test_the_pages_are_as_written_from_the_code(docs: ModuleType) -> None:
    for path, text in docs.pages().items():
        assert path.read_text() == text, f"{path.name} is old; type: make docs"


def test_the_picture_has_every_stage_and_nothing_that_is_not_read(docs: ModuleType) -> None:
    from brainstack.stages import ASKED_FOR, STAGES

    every = re.findall(r"^    (\w+) --> (\w+)$", README, re.MULTILINE)
    arrows = [(source, stage) for source, stage in every if stage != "neuroglancer"]
    reads = docs.reads()

    assert {stage for arrow in arrows for stage in arrow} == {*STAGES} - ASKED_FOR
    assert all(source in reads[stage] for source, stage in arrows)
    assert ("Elastix", "PairCheck") in arrows
    assert ("Masks", "Clean") not in arrows, "it follows from Masks -> Canvas -> Clean"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_paths_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link]
    paths = re.findall(r"`((?:brainstack|tasks|config|docs|tests)/[\w./]+)`", text)
    names = ("brighten", "edges")
    examples = {
        f"{place}{name}.py" for name in names for place in ("brainstack/images/", "tests/images/test_", "tasks/")
    }

    assert [link for link in links if not (page.parent / link).exists()] == []
    assert [path for path in paths if path not in examples and not (REPOSITORY / path).exists()] == []


def test_the_sentences_that_the_readme_explains_are_said() -> None:
    table = README.partition("| it says |")[2].partition("\n\n")[0]
    quoted = re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)
    code = "".join(path.read_text() for name in ("brainstack", "tasks") for path in (REPOSITORY / name).rglob("*.py"))

    assert len(quoted) >= 8
    assert [sentence for sentence in quoted if sentence not in code] == []


def test_every_table_of_the_database_is_described() -> None:
    from brainstack.database.tables import Table

    page = (REPOSITORY / "docs" / "database.md").read_text()
    assert set(re.findall(r"^\| `(\w+)`", page, re.MULTILINE)) == set(Table.metadata.tables)


# Licences


def test_every_package_that_is_named_has_its_licence_listed() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    extras = [one for some in project["optional-dependencies"].values() for one in some]
    listed = re.findall(r"^\| ([\w-]+) \|", (REPOSITORY / "LICENSES.md").read_text(), re.MULTILINE)

    named = {Requirement(one).name for one in [*project["dependencies"], *extras]}
    assert named == {*listed} - {"package"}


def test_every_package_under_a_gpl_is_listed() -> None:
    page = (REPOSITORY / "LICENSES.md").read_text()
    assert [name for name in sorted(installed({"brainstack"})) if is_gpl(name) and name not in page.lower()] == []


def installed(names: set[str]) -> set[str]:
    """These packages and all that they bring along, extras left out, as far as they are installed."""
    found: set[str] = set()
    while names - found:
        name = (names - found).pop()
        found.add(name)
        try:
            wanted = [Requirement(one) for one in metadata(name).get_all("Requires-Dist") or []]
        except PackageNotFoundError:
            continue
        names |= {canonicalize_name(one.name) for one in wanted if not one.marker or one.marker.evaluate({"extra": ""})}
    return found


def is_gpl(name: str) -> bool:
    try:
        says = metadata(name)
    except PackageNotFoundError:
        return False
    licence = [says.get("License-Expression", ""), (says.get("License") or "")[:100], *says.get_all("Classifier", [])]
    return bool(re.search(r"GPL|GNU", " ".join(one for one in licence if one)))
