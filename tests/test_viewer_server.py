"""What the viewer's server gives to whom."""

from __future__ import annotations

import errno
import gzip
import http.client
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from brainstack import viewer_server
from brainstack.errors import BrainstackError
from brainstack.showing import AnimalsOnDisk
from brainstack.viewer import ImageVolume, animal_state
from brainstack.viewer_server import Shown, ViewerServer, how_to_open

DATA = "/data/DK39/neuroglancer_data"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def state() -> dict[str, Any]:
    return animal_state([ImageVolume("C1", "C1T")], size_xyz=(300, 200, 20), voxel_size_um=(10.4, 10.4, 20.0))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = tmp_path / "DK39" / "neuroglancer_data"
    (data / "C1T").mkdir(parents=True)
    (data / "C1T" / "info").write_bytes(b'{"type": "image"}')
    (data / "C1T" / "chunk").write_bytes(bytes(range(100)))
    (data / "C1T" / "large").write_bytes(bytes(range(256)) * 40000)
    (data / "C1T" / "empty").touch()
    (data / "C1T" / "packed.gz").write_bytes(gzip.compress(b"unpacked"))
    (tmp_path / "DK39" / "secret").write_text("not for others")
    (data / "C1T" / "way_out").symlink_to(tmp_path / "DK39" / "secret")
    return data


@pytest.fixture
def server(folder: Path) -> Iterator[ViewerServer]:
    with ViewerServer({"DK39": Shown(folder, state)}) as server:
        yield server


@pytest.fixture
def port(server: ViewerServer) -> int:
    return port_of(server)


def port_of(server: ViewerServer) -> int:
    found = urlsplit(server.url).port
    assert found is not None
    return found


def ask(port: int, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        return answer(connection, path, method, body, **headers)
    finally:
        connection.close()


def answer(
    connection: http.client.HTTPConnection, path: str, method: str = "GET", body: bytes | None = None, **headers: str
) -> Answer:
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    return Answer(response.status, dict(response.headers), response.read())


# Files


def test_a_file_comes_whole_and_any_page_may_read_it(port: int) -> None:
    answer = ask(port, f"{DATA}/C1T/chunk")

    assert (answer.status, answer.body) == (200, bytes(range(100)))
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    options = ask(port, f"{DATA}/C1T/chunk", "OPTIONS")
    assert (options.status, options.headers["Access-Control-Allow-Headers"]) == (204, "Range, Content-Type")
    assert ask(port, f"{DATA}/C1T/empty").status == 200
    assert ask(port, f"{DATA}/C1T/large").body == bytes(range(256)) * 40000


def test_head_says_the_length_without_the_bytes(port: int) -> None:
    for name, length in (("chunk", "100"), ("large", "10240000")):
        answer = ask(port, f"{DATA}/C1T/{name}", "HEAD")
        assert (answer.status, answer.headers["Content-Length"], answer.body) == (200, length, b"")


@pytest.mark.parametrize(
    ("wanted", "status", "content_range", "body"),
    [
        ("bytes=10-19", 206, "bytes 10-19/100", bytes(range(10, 20))),
        ("bytes=90-", 206, "bytes 90-99/100", bytes(range(90, 100))),
        ("bytes=-5", 206, "bytes 95-99/100", bytes(range(95, 100))),
        ("bytes=90-500", 206, "bytes 90-99/100", bytes(range(90, 100))),
        (f"bytes=90-{'9' * 50}", 206, "bytes 90-99/100", bytes(range(90, 100))),
        ("bytes=100-", 416, "bytes */100", b""),
        (f"bytes={'9' * 5000}-", 416, "bytes */100", b""),
        ("bytes=1-2,5-6", 200, None, bytes(range(100))),
    ],
)
def test_a_part_of_a_file_can_be_had(port: int, wanted: str, status: int, content_range: str, body: bytes) -> None:
    answer = ask(port, f"{DATA}/C1T/chunk", Range=wanted)

    assert (answer.status, answer.headers.get("Content-Range"), answer.body) == (status, content_range, body)


def test_a_part_of_a_large_file_can_be_had(port: int) -> None:
    answer = ask(port, f"{DATA}/C1T/large", Range="bytes=1000001-9000000")

    assert answer.status == 206
    assert answer.body == (bytes(range(256)) * 40000)[1000001:9000001]


def test_a_packed_file_is_found_under_its_plain_name_and_comes_whole(port: int) -> None:
    for wanted in ({}, {"Range": "bytes=0-1"}):
        answer = ask(port, f"{DATA}/C1T/packed", **wanted)

        assert (answer.status, answer.headers["Content-Encoding"]) == (200, "gzip")
        assert gzip.decompress(answer.body) == b"unpacked"


def test_what_has_not_changed_is_not_sent_again_and_what_was_made_again_is(port: int, folder: Path) -> None:
    first = ask(port, f"{DATA}/C1T/chunk")
    tag = first.headers["ETag"]
    assert first.headers["Cache-Control"] == "no-cache", "the browser has to ask each time"

    same = ask(port, f"{DATA}/C1T/chunk", If_None_Match=tag)
    assert (same.status, same.body, same.headers["ETag"]) == (304, b"", tag)
    assert ask(port, f"{DATA}/C1T/chunk", Range="bytes=0-9", If_Range=tag).status == 206

    (folder / "new").write_bytes(b"new")
    (folder / "new").rename(folder / "C1T" / "chunk")
    for headers in ({"If_None_Match": tag}, {"Range": "bytes=0-1", "If_Range": tag}):
        answer = ask(port, f"{DATA}/C1T/chunk", **headers)
        assert (answer.status, answer.body) == (200, b"new")


# What is nobody's business


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/data/../../etc/passwd",
        f"{DATA}/../secret",
        f"{DATA}/%2e%2e/secret",
        f"{DATA}/C1T/..%2f..%2f../secret",
        f"{DATA}//etc/passwd",
        f"{DATA}/%2fetc/passwd",
        f"{DATA}/C1T/way_out",
        f"{DATA}/C1T/x%00y",
        f"{DATA}/" + "x" * 5000,
        f"{DATA}/C1T",
        "/data/DK39/secret",
        "/data/DK39/czi/slide001.czi",
        "/data/DK40/neuroglancer_data/C1T/info",
        "/data/%2e%2e/neuroglancer_data/C1T/info",
        "/data",
        "/v/brainstack/../../../../../../../../../../etc/passwd",
        "/v/brainstack/%2e%2e/%2e%2e/viewer_state.py",
        "/DK39/settings.toml",
        "/elsewhere",
    ],
)
def test_nothing_outside_the_data_is_served(port: int, path: str) -> None:
    answer = ask(port, path)

    assert (answer.status, answer.body) == (404, b"")


def test_a_long_or_senseless_request_is_refused_and_the_rest_still_works(port: int, caplog: Any) -> None:
    assert ask(port, "/state/x", "POST", b"{}").status == 200
    assert ask(port, "/elsewhere", "POST", b"{}").status == 404
    for length in ("-1", "1" * 12, "x", "²"):
        assert raw(port, f"POST /state/x HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n").startswith(
            b"HTTP/1.1 413"
        )
    assert ask(port, "/", "DELETE").status == 501
    assert raw(port, f"GET /{'x' * 70000} HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 414")
    assert raw(port, "GET / HTTP/1.1\r\n" + "A: b\r\n" * 200 + "\r\n").startswith(b"HTTP/1.1 431")
    assert raw(port, "GET http://[/ HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 404")
    assert raw(port, "nonsense\r\n\r\n")
    assert ask(port, f"{DATA}/C1T/chunk").status == 200
    assert "a request failed" not in caplog.text


def raw(port: int, text: str) -> bytes:
    """What comes first when this is sent."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(text.encode("latin-1"))
        return connection.recv(1000)


# What cannot be answered


def test_of_all_animals_each_request_has_a_status(
    data_root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("DK39", "DK40"):
        (data_root / name / "neuroglancer_data" / "C1T").mkdir(parents=True)
        (data_root / name / "neuroglancer_data" / "C1T" / "info").write_bytes(b'{"type": "image"}')
    closed, stat = str(data_root / "DK40") + "/", os.stat

    def stat_of_another(path: Any, **how: Any) -> os.stat_result:
        """As of a user who may not enter DK40: root, who may run the tests, may enter all."""
        if str(path).startswith(closed):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return stat(path, **how)

    monkeypatch.setattr(os, "stat", stat_of_another)
    long = "x" * 300
    with ViewerServer(AnimalsOnDisk(data_root)) as server:
        port = port_of(server)
        for name in (long, "DK40", "DK41", "x%00y"):
            for path in (f"/{name}", f"/{name}/state.json", f"/data/{name}/neuroglancer_data/C1T/info"):
                for method in ("GET", "HEAD"):
                    assert ask(port, path, method).status == 404, (method, path)
        assert ask(port, f"{DATA}/C1T/info").status == 200
        assert ask(port, f"{DATA}/{long}").status == 404
        start = ask(port, "/")
    assert start.status == 404
    assert b"There is no database" in start.body, "DK40 is not listed, so DK39 is the only one"
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]


def test_a_request_that_fails_has_a_status_and_the_log_says_why(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The colour of the glass is made again at this moment, say."""

    def gone() -> dict[str, Any]:
        raise FileNotFoundError("white_point_C1.json")

    with ViewerServer({"DK39": Shown(folder, gone)}) as server:
        connection = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=10)
        for path, method in (("/", "GET"), ("/DK39", "GET"), ("/DK39/state.json", "GET"), ("/DK39", "HEAD")):
            found = answer(connection, path, method)
            assert found.status == 500
            assert found.headers["Access-Control-Allow-Origin"] == "*"
            assert (b"the log of the server says why" in found.body) == (method == "GET")
        assert answer(connection, f"{DATA}/C1T/info").status == 200, "the same connection goes on"
        connection.close()
    failed = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert [one.getMessage() for one in failed[1:3]] == [
        "viewer: /DK39 cannot be answered", "viewer: /DK39/state.json cannot be answered",
    ]  # fmt: skip
    assert "white_point_C1.json" in caplog.text


def test_what_fails_half_way_ends_its_connection_and_says_nothing_more(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise OSError(errno.EIO, "the disk is broken")

    monkeypatch.setattr(viewer_server._Handler, "_send_bytes", broken)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", f"{DATA}/C1T/chunk")
    with pytest.raises((http.client.IncompleteRead, http.client.RemoteDisconnected)):
        connection.getresponse().read()
    connection.close()


# Many at once


def test_slow_clients_keep_nobody_waiting(port: int) -> None:
    """One has not ended its question, others do not take what they asked for."""
    slow = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(20)]
    try:
        slow[0].sendall(b"GET /data")
        for one in slow[1:]:
            one.sendall(f"GET {DATA}/C1T/large HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        for _ in range(3):
            assert ask(port, f"{DATA}/C1T/large").status == 200
    finally:
        for one in slow:
            one.close()


def test_a_client_that_says_nothing_is_let_go(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer_server._Handler, "timeout", 0.2)
    with ViewerServer({"DK39": Shown(folder, state)}) as server:
        for begun in (b"", b"GET /data", b"POST /state/x HTTP/1.1\r\nContent-Length: 9\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", port_of(server)), timeout=10) as client:
                client.sendall(begun)
                assert client.recv(100) == b""
        with socket.create_connection(("127.0.0.1", port_of(server)), timeout=10) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(f"GET {DATA}/C1T/large HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            until(lambda: not server._http._connections)  # it did not take what it asked for


def test_one_connection_is_asked_many_times(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    socket_before = None
    for path in (f"{DATA}/C1T/chunk", "/elsewhere", f"{DATA}/C1T/large", f"{DATA}/C1T/packed", f"{DATA}/C1T/empty"):
        answer(connection, path)
        assert socket_before in (None, connection.sock), "it was opened anew"
        socket_before = connection.sock
    connection.close()


def test_eight_clients_get_each_its_own(port: int, folder: Path) -> None:
    for number in range(8):
        (folder / f"chunk{number}").write_bytes(bytes([number]) * 100_000)
    wrong: list[int] = []

    def client(number: int) -> None:
        for _ in range(25):
            if ask(port, f"{DATA}/chunk{number}").body != bytes([number]) * 100_000:
                wrong.append(number)

    clients = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    assert wrong == []


def test_of_too_many_connections_the_last_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer_server, "MOST_CONNECTIONS", 2)
    with ViewerServer({"DK39": Shown(folder, state)}) as server:
        port = port_of(server)
        two = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(2)]
        until(lambda: len(server._http._connections) == 2)
        with socket.create_connection(("127.0.0.1", port), timeout=10) as third:
            assert third.recv(100).startswith(b"HTTP/1.1 503")
        for one in two:
            one.close()
        until(lambda: not server._http._connections)
        assert ask(port, f"{DATA}/C1T/chunk").status == 200


def until(what: Any) -> None:
    last = time.monotonic() + 10
    while not what():
        assert time.monotonic() < last
        time.sleep(0.01)


# Pages


def test_the_link_leads_to_the_state_under_the_name_it_was_asked_by(port: int) -> None:
    def source(host: str, path: str = "/") -> str:
        location = ask(port, path, Host=host).headers["Location"]
        client, _, where = location.partition("/v/brainstack/#!")
        assert where == f"{client}/DK39/state.json"
        shown = json.loads(ask(port, urlsplit(where).path, Host=host).body)
        return str(shown["layers"][0]["source"])

    assert source("localhost:9999") == f"precomputed://http://localhost:9999{DATA}/C1T"  # as behind ssh -L 9999:...
    assert source("localhost:9999", "/DK39") == f"precomputed://http://localhost:9999{DATA}/C1T"
    assert source("a b") == f"precomputed://http://127.0.0.1:{port}{DATA}/C1T"


def test_behind_the_lab_s_server_links_have_its_name_and_way(folder: Path) -> None:
    server = ViewerServer({"DK39": Shown(folder, state)}, public_url="https://lab.example.org/brains/")
    with server:
        answer = ask(port_of(server), "/DK39", Host="lab.example.org")
        assert answer.headers["Location"] == (
            "https://lab.example.org/brains/v/brainstack/#!https://lab.example.org/brains/DK39/state.json"
        )
        shown = json.loads(ask(port_of(server), "/DK39/state.json", Host="lab.example.org").body)
        assert shown["layers"][0]["source"] == f"precomputed://https://lab.example.org/brains{DATA}/C1T"
        assert ask(port_of(server), "/", Host="localhost").headers["Location"].startswith("http://localhost/v/")


def test_of_several_animals_there_is_a_list(folder: Path) -> None:
    animals = {"DK39": Shown(folder, state), "A & B": Shown(folder, state)}
    with ViewerServer(animals) as server:
        page = ask(port_of(server), "/").body.decode()
        assert '<a href="DK39">DK39</a>' in page
        assert '<a href="A%20%26%20B">A &amp; B</a>' in page
        assert ask(port_of(server), "/A%20%26%20B").headers["Location"].endswith("/A%20%26%20B/state.json")
        assert ask(port_of(server), "/data/A%20%26%20B/neuroglancer_data/C1T/info").status == 200
    with ViewerServer({}) as server:
        assert "No animal has a volume yet" in ask(port_of(server), "/").body.decode()


def test_an_animal_that_cannot_be_shown_is_a_sentence(folder: Path) -> None:
    def nothing() -> dict[str, Any]:
        raise BrainstackError("DK39 has no volume yet.")

    with ViewerServer({"DK39": Shown(folder, nothing)}) as server:
        for path in ("/", "/DK39", "/DK39/state.json"):
            answer = ask(port_of(server), path)
            assert (answer.status, answer.body) == (404, b"DK39 has no volume yet.\n")
        assert ask(port_of(server), f"{DATA}/C1T/info").status == 200


def test_a_state_is_made_when_the_page_is_opened(folder: Path) -> None:
    made = [{"layers": [{"name": "first"}]}, {"layers": [{"name": "second"}]}]
    with ViewerServer({"DK39": Shown(folder, lambda: made.pop(0))}) as server:
        names = [json.loads(ask(port_of(server), "/DK39/state.json").body)["layers"][0]["name"] for _ in range(2)]
    assert names == ["first", "second"]


def test_the_client_s_page_has_a_clock_that_stands_still_while_it_does_one_thing(port: int) -> None:
    for path in ("/v/brainstack/", "/v/brainstack/index.html"):
        page = ask(port, path).body
        assert 0 < page.index(b"Date.now = ") < page.index(b"<script defer")


# Being served


def test_a_port_in_use_is_a_sentence(port: int) -> None:
    with pytest.raises(BrainstackError, match=f"Port {port} is in use by another program"):
        ViewerServer({}, port=port)
    with pytest.raises(BrainstackError, match="Port 70000 cannot be used"):
        ViewerServer({}, port=70000)


def test_a_host_that_is_another_computer_is_a_sentence() -> None:
    with pytest.raises(BrainstackError, match=r"192\.0\.2\.1 is no address of this computer"):
        ViewerServer({}, host="192.0.2.1")


def test_only_this_computer_is_served_and_stopping_ends_open_connections(folder: Path) -> None:
    server = ViewerServer({"DK39": Shown(folder, state)})
    server.start()
    address = urlsplit(server.url)
    assert address.hostname == "127.0.0.1"
    assert server._http.server_address[0] == "127.0.0.1"
    with socket.create_connection(("127.0.0.1", address.port or 0), timeout=10) as events:
        events.sendall(b"GET /events/brainstack HTTP/1.1\r\nHost: x\r\n\r\n")
        assert events.recv(1000).startswith(b"HTTP/1.1 200")
        begun = time.monotonic()
        server.stop()
        while events.recv(1000):
            pass
    assert time.monotonic() - begun < 3
    assert not [thread for thread in threading.enumerate() if "process_request" in thread.name]


def test_the_way_from_another_computer_is_told() -> None:
    text = how_to_open("http://127.0.0.1:8123/")

    assert "Open http://127.0.0.1:8123/ in" in text
    assert "ssh -L 8123:127.0.0.1:8123 " in text
