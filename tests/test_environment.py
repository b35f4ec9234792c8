from __future__ import annotations

from pathlib import Path

import pytest

from brainstack.environment import CHECKOUT, animal_folder, config_file, data_root, database_url
from brainstack.errors import BrainstackError


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, and an environment that says nothing."""
    for name in ("BRAINSTACK_DATA_ROOT", "BRAINSTACK_DATABASE_URL", "LUIGI_CONFIG_PATH"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def configured(folder: Path, text: str) -> None:
    (folder / "luigi.cfg").write_text(text)


def test_the_checkouts_own_configuration_is_the_last_resort() -> None:
    assert config_file() == CHECKOUT / "luigi.cfg"
    assert data_root() == CHECKOUT / "data"


def test_the_current_folders_configuration_comes_first(elsewhere: Path) -> None:
    configured(elsewhere, "[brainstack]\ndata_root = brains\n")
    assert data_root() == elsewhere / "brains"


def test_a_relative_data_root_is_meant_from_the_file_that_says_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(tmp_path, "[brainstack]\ndata_root = brains\n")
    monkeypatch.setenv("LUIGI_CONFIG_PATH", str(tmp_path / "luigi.cfg"))
    assert data_root() == tmp_path / "brains"


def test_an_absolute_data_root_is_taken_as_it_is(elsewhere: Path) -> None:
    configured(elsewhere, "[brainstack]\ndata_root = /brains\n")
    assert data_root() == Path("/brains")


def test_the_environment_overrides_the_file(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(elsewhere, "[brainstack]\ndata_root = /brains\n[database]\nurl = sqlite:////x.db\n")
    monkeypatch.setenv("BRAINSTACK_DATA_ROOT", "near")
    monkeypatch.setenv("BRAINSTACK_DATABASE_URL", "sqlite:////y.db")
    assert data_root() == elsewhere / "near"
    assert database_url() == "sqlite:////y.db"


def test_home_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAINSTACK_DATA_ROOT", "~/brains")
    assert data_root() == Path.home() / "brains"


def test_the_database_is_a_file_in_the_data_root_unless_said_otherwise(elsewhere: Path) -> None:
    configured(elsewhere, "[brainstack]\ndata_root = brains\n[database]\nurl =\n")
    assert database_url() == f"sqlite:///{elsewhere / 'brains' / 'brainstack.db'}"
    configured(elsewhere, "[database]\nurl = mysql+pymysql://lab:100%25@server/brains\n")
    assert database_url() == "mysql+pymysql://lab:100%25@server/brains"


def test_an_animal_has_its_folder_in_the_data_root(elsewhere: Path) -> None:
    configured(elsewhere, "[brainstack]\ndata_root = brains\n")
    assert animal_folder("DK39").root == elsewhere / "brains" / "DK39"


@pytest.mark.parametrize("text", ["data_root = brains\n", "[a]\nx=1\nx=2\n"])
def test_a_file_that_cannot_be_read_is_named(elsewhere: Path, text: str) -> None:
    configured(elsewhere, text)
    with pytest.raises(BrainstackError, match=r"luigi\.cfg cannot be read"):
        data_root()
