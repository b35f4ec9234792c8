"""docs/brainstack.def holds all that an installation needs, as far as that can be known without Apptainer."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.specifiers import SpecifierSet

REPOSITORY = Path(__file__).parent.parent
TEXT = (REPOSITORY / "docs" / "brainstack.def").read_text()
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())


def section(name: str) -> list[str]:
    found = re.search(rf"^%{name}\n((?:    .*\n|\n)*)", TEXT, re.MULTILINE)
    assert found, name
    return [line.strip() for line in found[1].splitlines() if line.strip()]


def test_every_section_is_one_that_apptainer_knows() -> None:
    assert set(re.findall(r"^%(\w+)$", TEXT, re.MULTILINE)) == {
        *("files", "post", "environment", "runscript", "test", "labels")
    }


def test_all_that_the_package_is_built_of_goes_in() -> None:
    sources = [line.split()[0] for line in section("files")]
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    wanted = {"pyproject.toml", PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]}

    assert set(sources) == wanted | {*wheel["packages"], *wheel["force-include"]}
    assert [one for one in sources if not (REPOSITORY / one).exists()] == []


def test_its_python_is_one_that_brainstack_runs_on() -> None:
    version = re.search(r"^From: python:([\d.]+)-", TEXT, re.MULTILINE)

    assert version
    assert version[1] in SpecifierSet(PROJECT["project"]["requires-python"])
