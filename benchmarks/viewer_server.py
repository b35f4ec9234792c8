"""Chunks a second that the viewer's server gives to 8 clients, beside nginx; written to docs/viewer.md.

    python benchmarks/viewer_server.py

The clients are processes of this computer, so they and the server share its cores. Each keeps one connection and asks
for chunk after chunk, by plain sockets, as browsers do. Every way is asked for the same files, in turn, several rounds
over; the figures are of each way's best round, as other work on the computer can only take away from it. nginx has the
lines of docs/viewer.md. Where Starlette and uvicorn are installed, Starlette's FileResponse is measured as well.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import multiprocessing
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

DOCS = Path(__file__).parents[1] / "docs" / "viewer.md"
MARK = "serving"
CLIENTS, CHUNKS = 8, 100
BELOW = "/data/DK39/neuroglancer_data"
KINDS = {"mesh": "a mesh's piece, 16 kB", "packed": "a packed chunk, 0.9 MB", "raw": "a raw chunk, 2 MB"}
SERVE = """
import sys
from pathlib import Path
from brainstack.viewer_server import Shown, ViewerServer
ViewerServer({"DK39": Shown(Path(sys.argv[1]), dict)}, port=int(sys.argv[2])).run()
"""
STARLETTE = """
import sys
from pathlib import Path
import uvicorn
from starlette.applications import Starlette
from starlette.responses import FileResponse
from starlette.routing import Route
def chunk(request):
    path = Path(sys.argv[1]) / request.path_params["name"]
    packed = path.with_name(path.name + ".gz")
    return FileResponse(path) if path.is_file() else FileResponse(packed, headers={"Content-Encoding": "gzip"})
app = Starlette(routes=[Route("/data/DK39/neuroglancer_data/{name:path}", chunk)])
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="error", access_log=False)
"""


@dataclass(frozen=True)
class Served:
    """chunks_s, megabytes_s : of all clients together. slow_ms : 99 of 100 answers were quicker."""

    chunks_s: float
    megabytes_s: float
    slow_ms: float


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each round and kind")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as servers:
        data = Path(folder) / "brains" / "DK39" / "neuroglancer_data"
        write_chunks(data)
        ways = {name: servers.enter_context(start) for name, start in starts(data, Path(folder))}
        found: dict[tuple[str, str], list[Served]] = {}
        for _ in range(asked.rounds):
            for kind in KINDS:
                for way, port in ways.items():
                    found.setdefault((way, kind), []).append(measure(port, kind, asked.seconds))
                    print(way, kind, found[way, kind][-1], flush=True)
    write(list(ways), {key: best(rounds) for key, rounds in found.items()})


def write_chunks(folder: Path) -> None:
    """128 x 128 x 64 voxels of 16 bit with the noise of a camera; the same, packed; and smaller pieces."""
    folder.mkdir(parents=True)
    noise = np.random.default_rng(1)
    for number in range(CHUNKS):
        chunk = noise.poisson(400, (64, 128, 128)).astype("<u2").tobytes()
        (folder / f"raw{number}").write_bytes(chunk)
        (folder / f"packed{number}.gz").write_bytes(gzip.compress(chunk, 1))
        (folder / f"mesh{number}").write_bytes(chunk[: 1 << 14])


def starts(data: Path, own: Path) -> Iterator[tuple[str, AbstractContextManager[int]]]:
    """Each way by name, and what starts it and gives its port."""
    yield "brainstack view", program([sys.executable, "-c", SERVE, str(data)])
    if importlib.util.find_spec("starlette") and importlib.util.find_spec("uvicorn"):
        yield "Starlette, uvicorn", program([sys.executable, "-c", STARLETTE, str(data)])
    if nginx := shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin"):
        yield "nginx", front(nginx, data.parents[1], own)


@contextmanager
def program(command: list[str]) -> Iterator[int]:
    """command : of a server, that is given its port."""
    port = free_port()
    with listening([*command, str(port)], port):
        yield port


@contextmanager
def listening(command: list[str], port: int) -> Iterator[int]:
    process = subprocess.Popen(command)
    try:
        wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait()


@contextmanager
def front(nginx: str, root: Path, own: Path) -> Iterator[int]:
    port = free_port()
    lines = re.search(r"```nginx\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert lines
    server = lines[1].replace("/srv/brains", str(root)).replace("listen 80;", f"listen 127.0.0.1:{port};")
    temporary = " ".join(
        f"{name}_temp_path {own / name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.getuid() == 0 else ""
    (own / "nginx.conf").write_text(
        f"{user} daemon off; worker_processes auto; pid {own / 'pid'}; events {{}} "
        f"http {{ sendfile on; access_log off; keepalive_requests 1000000; {temporary} {server} }}"
    )
    with listening([nginx, "-c", str(own / "nginx.conf"), "-e", str(own / "error.log")], port):
        yield port


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    for _ in range(600):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nothing answers at port {port}")


def measure(port: int, kind: str, seconds: float) -> Served:
    with multiprocessing.Pool(CLIENTS) as pool:
        asked = [(port, kind, seconds, number * CHUNKS // CLIENTS) for number in range(CLIENTS)]
        answers = pool.starmap(client, asked, chunksize=1)
    waits_s = sorted(wait for waits, _ in answers for wait in waits)
    total = sum(size for _, size in answers)
    slow_ms = waits_s[int(0.99 * len(waits_s))] * 1000
    return Served(len(waits_s) / seconds, total / seconds / 1e6, slow_ms)


def client(port: int, kind: str, seconds: float, number: int) -> tuple[list[float], int]:
    """Asks for chunk after chunk. Returns how long each took, in seconds, and how many bytes came."""
    waits_s: list[float] = []
    total, room = 0, memoryview(bytearray(1 << 20))
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        end = time.monotonic() + seconds
        while (begun := time.monotonic()) < end:
            number = (number + 1) % CHUNKS
            connection.sendall(
                f"GET {BELOW}/{kind}{number} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: */*\r\n"
                "Accept-Encoding: gzip, deflate, br, zstd\r\nUser-Agent: Mozilla/5.0 (X11; Linux)\r\n\r\n".encode()
            )
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(1 << 16)
            head, _, body = head.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = re.search(rb"content-length: (\d+)", head.lower())
            assert length
            missing = int(length[1]) - len(body)
            while missing:
                missing -= connection.recv_into(room, min(missing, len(room)))
            total += int(length[1])
            waits_s.append(time.monotonic() - begun)
    return waits_s, total


def best(rounds: list[Served]) -> Served:
    return max(rounds, key=lambda one: one.chunks_s)


def write(ways: list[str], found: dict[tuple[str, str], Served]) -> None:
    lines = ["| chunks a second, all clients | " + " | ".join(KINDS.values()) + " |", "|---|" + "---:|" * len(KINDS)]
    for way in ways:
        cells = (found[way, kind] for kind in KINDS)
        lines.append(f"| {way} | " + " | ".join(f"{one.chunks_s:,.0f} ({one.slow_ms:.0f} ms)" for one in cells) + " |")
    text = DOCS.read_text(encoding="utf-8")
    pattern = rf"(<!-- {MARK}: written by .*? -->\n).*?(<!-- end of {MARK} -->)"
    new = "\n".join(lines) + "\n"
    DOCS.write_text(re.sub(pattern, lambda at: at[1] + new + at[2], text, flags=re.DOTALL), encoding="utf-8")
    print(new)


if __name__ == "__main__":
    main()
