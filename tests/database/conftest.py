"""Databases for tests: of SQLite and of a real MariaDB, each test with one of its own."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import mariadb_server
import pytest

from brainstack.database import create_or_upgrade, open_database
from brainstack.records import Animal, Channel, Histology, ScanRun, Scene, SlideScan

NewDatabase = Callable[[], str]
numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def nobodys_my_cnf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests: no password of theirs is looked for."""
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture(scope="session")
def server() -> Iterator[mariadb_server.Server]:
    """A MariaDB that runs; the test is skipped, and says so, where there can be none."""
    if reason := mariadb_server.why_not():
        pytest.skip(reason)
    with mariadb_server.shared() as server:
        yield server


@pytest.fixture(scope="session")
def template(server: mariadb_server.Server) -> tuple[str, ...]:
    """The statements that make all tables and rows of a new database on the server."""
    name = f"template_{os.getpid()}"
    server.sql(f"CREATE DATABASE {name}")
    create_or_upgrade(server.url(name))
    statements = mariadb_server.statements_of(server, name)
    server.sql(f"DROP DATABASE {name}")
    return statements


@pytest.fixture
def new_database(server: mariadb_server.Server) -> Iterator[NewDatabase]:
    """Makes databases with nothing in them on the server; they go with the test."""
    made = []

    def make() -> str:
        made.append(f"test_{os.getpid()}_{next(numbers)}")
        server.sql(f"CREATE DATABASE {made[-1]}")
        return made[-1]

    yield make
    for name in made:
        server.sql(f"DROP DATABASE IF EXISTS {name}")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with tables and nothing in them."""
    file = tmp_path_factory.mktemp("template") / "brainstack.sqlite"
    create_or_upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture(params=["sqlite", "mariadb"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each test that asks for it, or for a database, runs with each of them."""
    return str(request.param)


@pytest.fixture
def nothing(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables: a file that is not there, or an empty database on the server."""
    if engine == "sqlite":
        return f"sqlite:///{tmp_path / 'brainstack.sqlite'}"
    return str(request.getfixturevalue("server").url(request.getfixturevalue("new_database")()))


@pytest.fixture
def empty(nothing: str, request: pytest.FixtureRequest) -> str:
    """The URL of a database with tables and nothing in them."""
    if nothing.startswith("sqlite"):
        shutil.copy(request.getfixturevalue("sqlite_template"), nothing.removeprefix("sqlite:///"))
    else:
        server = request.getfixturevalue("server")
        server.sql(*request.getfixturevalue("template"), database=nothing.rpartition("/")[2])
    return nothing


@pytest.fixture
def url(empty: str) -> str:
    """The URL of a database with the animal DK39, no slides yet."""
    return with_animal(empty)


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """As url, of SQLite only."""
    shutil.copy(sqlite_template, tmp_path / "brainstack.sqlite")
    return with_animal(f"sqlite:///{tmp_path / 'brainstack.sqlite'}")


@pytest.fixture
def server_url(server: mariadb_server.Server, template: tuple[str, ...], new_database: NewDatabase) -> str:
    """As url, of MariaDB only."""
    name = new_database()
    server.sql(*template, database=name)
    return with_animal(server.url(name))


def with_animal(url: str) -> str:
    with open_database(url) as database:
        database.add_animal(Animal("DK39"), Histology("DK39"), ScanRun("DK39", "/scans/DK39"))
    return url


@pytest.fixture
def scan_of() -> Callable[..., SlideScan]:
    """A slide scan with so many scenes (100 x 50, 101 x 51, ... pixels) and channels."""

    def scan(file_name: str, *, scenes: int = 2, channels: int = 2) -> SlideScan:
        return SlideScan(
            file_name,
            "Gray16",
            (0.325, 0.325),
            tuple(Channel(number + 1, f"stain {number + 1}") for number in range(channels)),
            tuple(Scene(number + 1, number, 7, -3, 100 + number, 50 + number) for number in range(scenes)),
            objective="20X",
        )

    return scan
