"""Where the password comes from: the user's own my.cnf."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mariadb_server import Server
from sqlalchemy import make_url

from brainstack.database import open_database
from brainstack.database.option_files import login, parse_options
from brainstack.errors import BrainstackError

SECRET = """
# the lab's
!includedir /etc/nothing
[mysqld]
password = server
[client]
user=lab
password = "ge#h eim"   # not in the URL
ssl
port=3307
[mysqldump]
quick
password=dump
"""


def kept(folder: Path, content: str, mode: int = 0o600, name: str = ".my.cnf") -> Path:
    file = folder / name
    file.write_text(content)
    file.chmod(mode)
    return file


def test_the_clients_group_is_read_and_no_other() -> None:
    assert parse_options(SECRET) == {"user": "lab", "password": "ge#h eim", "ssl": "", "port": "3307"}


def test_brainstacks_own_group_wins_wherever_it_stands() -> None:
    assert parse_options("[brainstack]\npassword=b\n[client]\nuser=lab\npassword=a")["password"] == "b"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("a b", "a b"),
        ("'a'", "a"),
        ("a # b", "a"),
        ("'a # b'", "a # b"),
        (r"a\sb\\", "a b\\"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_values_are_written_as_mysql_writes_them(written: str, value: str) -> None:
    assert parse_options(f"[client]\npassword = {written}\n") == {"password": value}


def test_the_home_folders_file_fills_in_what_the_url_leaves_open(tmp_path: Path) -> None:
    kept(tmp_path, SECRET)
    assert login("", {}) == {"user": "lab", "password": "ge#h eim", "port": 3307}
    assert login("", {"host": "server", "user": "lab"}) == {"user": "lab", "password": "ge#h eim"}


def test_a_password_in_the_url_needs_no_file(tmp_path: Path) -> None:
    kept(tmp_path, SECRET, mode=0o644)
    assert login("", {"user": "lab", "password": "x"}) == {}


def test_the_password_of_one_user_is_not_sent_for_another(tmp_path: Path) -> None:
    kept(tmp_path, SECRET)
    assert login("", {"host": "server", "user": "bo"}) == {"user": "bo"}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_file_with_a_password_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    file = kept(tmp_path, SECRET, mode)
    with pytest.raises(BrainstackError, match=rf"mode is {mode:o}\); keep it to yourself: chmod 600 {file}") as caught:
        login("", {"user": "lab"})
    assert "heim" not in str(caught.value)


def test_a_file_without_a_password_may_be_read_by_all(tmp_path: Path) -> None:
    kept(tmp_path, "[client]\nuser=lab\n", mode=0o644)
    assert login("", {}) == {"user": "lab"}


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(BrainstackError, match=r"defaults_file says .*lab\.cnf, and no such file"):
        login(str(tmp_path / "lab.cnf"), {})


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / ".my.cnf").write_bytes(b"[client]\npassword=\xff\xfe")
    with pytest.raises(BrainstackError, match=r"\.my\.cnf cannot be read"):
        login("", {})


@pytest.fixture
def lab_user(server: Server, server_url: str) -> Iterator[str]:
    """The URL, without a password, for a user who has one."""
    name = f"cnf_{make_url(server_url).database}"
    server.sql(f"CREATE USER {name}@'127.0.0.1' IDENTIFIED BY 'ge#h eim'")
    server.sql(f"GRANT ALL ON {make_url(server_url).database}.* TO {name}@'127.0.0.1'")
    yield server_url.replace("root@", f"{name}@")
    server.sql(f"DROP USER {name}@'127.0.0.1'")


@pytest.mark.parametrize("driver", ["mysqlconnector", "pymysql"])
def test_one_logs_in_by_the_files(lab_user: str, tmp_path: Path, driver: str) -> None:
    url = lab_user.replace("mysqlconnector", driver)
    with pytest.raises(BrainstackError, match="refuses the user or the password"), open_database(url):
        pass
    kept(tmp_path, SECRET.replace("user=lab", ""))
    with open_database(url) as database:
        assert database.animals() == ["DK39"]
    (tmp_path / ".my.cnf").unlink()
    named = kept(tmp_path, SECRET.replace("user=lab", ""), name="lab 1.cnf")
    with open_database(f"{url}?defaults_file={named}") as database:
        assert database.animals() == ["DK39"]
