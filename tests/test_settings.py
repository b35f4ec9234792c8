"""Settings: each is explained and used, a stage's stamp knows those that it reads, and mistakes get a sentence."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

import tasks
from brainstack.errors import BrainstackError
from brainstack.settings import Settings, config_folder, load_settings
from brainstack.stages import STAGES

REPOSITORY = Path(__file__).parent.parent
SHIPPED = (config_folder() / "settings.toml").read_text()
NAMES = [
    f"{table}.{name}"
    for table, group in Settings.model_fields.items()
    for name in group.annotation.model_fields  # type: ignore[union-attr]
]
KEPT_BY_OTHERS = {
    *("masks.channel", "elastix.channel", "web.channel", "tifs.thumbnail_factor", "shape.reference_first_um"),
}
"""Settings that need not be in the stamp of a stage that reads them: a channel chooses an input, whose own stamp tells
it apart; the thumbnail factor makes other thumbnails and pixels of another size, and where the reference begins another
depth of each section, which are in the stamps."""

# The shipped file


def test_each_setting_is_explained_above_it_or_with_the_one_above_it(docs: ModuleType) -> None:
    lines = list(docs.settings(SHIPPED))

    assert sorted([*(f"{one.table}.{one.name}" for one in lines), "elastix.rigid"]) == sorted(NAMES)
    for before, one in zip([lines[0], *lines], lines, strict=False):
        together = before.comment and before.table == one.table
        assert one.comment or together, f"[{one.table}] {one.name} has no comment that says what it is and why"


def test_each_setting_is_used() -> None:
    files = [path for folder in ("brainstack", "tasks") for path in (REPOSITORY / folder).rglob("*.py")]
    used = {
        node.attr
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and (path.name != "settings.py" or ast.unparse(node.value) == "self")
    }
    assert {name.partition(".")[2] for name in NAMES} <= used


def test_what_a_stage_says_of_settings_is_there() -> None:
    for stage, its in STAGES.items():
        for name in its.settings:
            assert name in {*NAMES, *Settings.model_fields}, f"{stage} names [{name}], which is not in settings.toml"


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_made_again_when_a_setting_that_it_reads_changes(stage: str) -> None:
    """`settings.masks.channel` in a task must be in its stage's settings, as "masks" or "masks.channel"."""
    read = re.findall(r"\bsettings\.(([a-z_]+)(?:\.[a-z_0-9]+)?)", inspect.getsource(getattr(tasks, stage)))
    missing = {name for name, table in read if not {name, table} & {*STAGES[stage].settings}}
    assert missing <= KEPT_BY_OTHERS, f"brainstack/stages/table.py: these belong into the settings of {stage}"


# An animal's own file


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def sentence(own: Path, text: str) -> str:
    own.write_text(text)
    with pytest.raises(BrainstackError) as error:
        load_settings(own)
    return str(error.value).replace(str(own), "settings.toml")


def test_an_animals_own_value_goes_before_the_shipped_and_the_rest_stays(own: Path) -> None:
    own.write_text("[tifs]\nthumbnail_factor = 8\n[elastix.rigid]\nRandomSeed = 7\n")
    settings, shipped = load_settings(own), load_settings()

    assert settings.tifs.thumbnail_factor == 8
    assert settings.tifs.tile_px == shipped.tifs.tile_px
    assert settings.masks == shipped.masks
    assert settings.elastix.rigid == shipped.elastix.rigid | {"RandomSeed": 7}


def test_without_a_file_the_shipped_hold(own: Path) -> None:
    assert load_settings(own) == load_settings()


def test_an_unknown_name_is_refused_with_the_nearest(own: Path) -> None:
    assert (
        sentence(own, "[canvas]\nmargin_px = 3\n")
        == "settings.toml [canvas]: unknown setting 'margin_px'. Did you mean 'margin_um'?"
    )
    assert sentence(own, "[mask]\nchannel = 1\n") == "settings.toml unknown table [mask]. Did you mean 'masks'?"
    assert "Known are: bins." in sentence(own, "[histogram]\nxyzzy = 3\n")


def test_a_value_that_cannot_be_is_refused(own: Path) -> None:
    assert "[gain]: quantile = 99 cannot be" in sentence(own, "[gain]\nquantile = 99\n")
    assert "[tifs]: thumbnail_factor = 'many' cannot be" in sentence(own, "[tifs]\nthumbnail_factor = 'many'\n")
    assert "(?P<number>...)" in sentence(own, "[slides]\nname_pattern = '[0-9]+'\n")
    assert "it is no regular expression" in sentence(own, "[slides]\nname_pattern = '(?P<number>'\n")


def test_what_is_no_toml_is_refused(own: Path) -> None:
    assert "settings.toml is not a TOML file" in sentence(own, "[masks\n")
    assert "'channel' stands outside a table" in sentence(own, "channel = 1\n")
