from __future__ import annotations

from pathlib import Path

import pytest

from brainstack.environment import CHECKOUT, animal_folder, config_file, data_root, database_url, public_url
from brainstack.errors import BrainstackError


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, and an environment that says nothing."""
    for name in ("BRAINSTACK_DATA_ROOT", "BRAINSTACK_DATABASE_URL", "BRAINSTACK_PUBLIC_URL", "LUIGI_CONFIG_PATH"):
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
    configured(elsewhere, "[database]\nurl = mysql+pymysql://lab@server/100%25\n")
    assert database_url() == "mysql+pymysql://lab@server/100%25"


@pytest.mark.parametrize("url", ["mysql://lab:geheim@server/brains", "mysql://lab@server/brains?password=geheim"])
def test_a_password_in_the_file_is_refused_and_not_repeated(elsewhere: Path, url: str) -> None:
    configured(elsewhere, f"[database]\nurl = {url}\n")
    with pytest.raises(BrainstackError, match=r"luigi\.cfg has a password in it; .* ~/\.my\.cnf") as caught:
        database_url()
    assert "geheim" not in str(caught.value)


def test_the_file_with_the_password_is_named_to_a_server_only(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(elsewhere, "[database]\nurl = mysql://lab@server/brains\ndefaults_file = ~/a lab.cnf\n")
    assert database_url() == "mysql://lab@server/brains?defaults_file=~%2Fa+lab.cnf"
    monkeypatch.setenv("BRAINSTACK_DATABASE_URL", "mysql://lab@server/brains?ssl_ca=x")
    assert database_url() == "mysql://lab@server/brains?ssl_ca=x&defaults_file=~%2Fa+lab.cnf"
    monkeypatch.setenv("BRAINSTACK_DATABASE_URL", "sqlite:////y.db")
    assert database_url() == "sqlite:////y.db"


def test_the_address_for_others_is_as_it_is_said(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert public_url() == ""
    configured(elsewhere, "[viewer]\npublic_url = https://brains.example.org/\n")
    assert public_url() == "https://brains.example.org"
    monkeypatch.setenv("BRAINSTACK_PUBLIC_URL", "http://lab:8080/brains")
    assert public_url() == "http://lab:8080/brains"


@pytest.mark.parametrize("url", ["brains.example.org", "ftp://lab", "https://", "https://lab/?x=1", "https://a@lab"])
def test_what_is_no_address_is_refused(elsewhere: Path, url: str) -> None:
    configured(elsewhere, f"[viewer]\npublic_url = {url}\n")
    with pytest.raises(BrainstackError, match=r"\[viewer\] public_url is .*; wanted the address"):
        public_url()


def test_an_animal_has_its_folder_in_the_data_root(elsewhere: Path) -> None:
    configured(elsewhere, "[brainstack]\ndata_root = brains\n")
    assert animal_folder("DK39").root == elsewhere / "brains" / "DK39"


@pytest.mark.parametrize("text", ["data_root = brains\n", "[a]\nx=1\nx=2\n"])
def test_a_file_that_cannot_be_read_is_named(elsewhere: Path, text: str) -> None:
    configured(elsewhere, text)
    with pytest.raises(BrainstackError, match=r"luigi\.cfg cannot be read"):
        data_root()
