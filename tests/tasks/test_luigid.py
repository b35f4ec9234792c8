"""News for luigid goes out many pieces at once, and none is lost or late."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import lab
import pytest
from luigi.scheduler import DONE, FAILED, PENDING

from tasks.luigid import MANY, Luigid


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with lab.luigid(lab.Lab(tmp_path_factory.mktemp("luigid"))) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def luigid(url: str, tmp_path: Path) -> Iterator[Luigid]:
    client = Luigid(url)
    client.worker = tmp_path.name
    yield client
    client._line.forget()
    client.close()


def add(luigid: Luigid, name: str, status: str = PENDING) -> None:
    luigid.add_task(worker=luigid.worker, task_id=f"{luigid.worker}.{name}", family="Masks", status=status)


def known(luigid: Luigid, status: str) -> set[str]:
    found = luigid.task_list(status, "", limit=False)
    return {name.partition(".")[2] for name in found if name.startswith(f"{luigid.worker}.")}


def test_a_question_comes_after_all_the_news(luigid: Luigid) -> None:
    names = {str(number) for number in range(2 * MANY + 3)}
    for name in names:
        add(luigid, name)
    assert known(luigid, PENDING) == names


def test_news_stays_in_order(luigid: Luigid) -> None:
    for name, statuses in {"one": (FAILED, DONE), "two": (DONE, FAILED)}.items():
        for status in statuses:
            add(luigid, name, status)
    assert (known(luigid, DONE), known(luigid, FAILED)) == ({"one"}, {"two"})


def test_news_is_sent_when_it_is_told(luigid: Luigid, url: str) -> None:
    add(luigid, "one")
    other = Luigid(url)
    other.worker = luigid.worker
    assert not known(other, PENDING)
    luigid.tell()
    assert known(other, PENDING) == {"one"}
    other.close()


def test_a_connection_that_was_lost_loses_no_news(luigid: Luigid) -> None:
    add(luigid, "one")
    luigid.tell()
    luigid._line._socket.shutdown(socket.SHUT_RDWR)
    add(luigid, "two")
    assert known(luigid, PENDING) == {"one", "two"}


def test_a_forked_child_does_not_repeat_its_parents_news(luigid: Luigid) -> None:
    add(luigid, "the parent's")
    luigid._process = -1  # as it is in a child
    add(luigid, "the child's")
    assert known(luigid, PENDING) == {"the child's"}
