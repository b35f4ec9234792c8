"""A small web server, of this computer alone unless told otherwise: volumes of animals, and the Neuroglancer client
that shows them.

    /                                       the client with the animal that is served, or a list of them
    /DK39                                   the client with this animal
    /DK39/state.json                        what it shows then
    /data/DK39/neuroglancer_data/C1T/info   the animal's data, the paths as the lab's own server has them
    /v/brainstack/                          the client

The client is the one inside the Python package neuroglancer, so no internet is needed. It was built to talk to that
package's own server: it wants to stand under /v/<token>/ and to hold a connection to /events/<token>. Given the address
of a state after "#!" it loads that, and then keeps in its own address all that is seen.

The server is the standard library's, a thread a connection, and lets the kernel send the files: that is several times
as fast as Starlette's files under uvicorn (docs/viewer.md).
"""

from __future__ import annotations

import contextlib
import errno
import html
import importlib.util
import json
import logging
import mimetypes
import os
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO
from urllib.parse import quote, unquote, urlsplit

from brainstack.errors import BrainstackError
from brainstack.files.served import Served, byte_range, find_served
from brainstack.viewer import State, with_data_at

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
DATA = "neuroglancer_data"
HEARTBEAT_S = 15.0
CONNECTIONS_END_S = 5.0
SLOW_S = 60
"""A client that neither sends nor takes anything for so long is let go."""

MOST_CONNECTIONS = 256
"""A browser holds six. Each has a thread, which waits for nobody else's."""

STILL_CLOCK = """<script>{
  const clock = Date.now;
  let at;
  Date.now = () => at ?? (queueMicrotask(() => { at = undefined }), at = clock());
}</script>"""
"""Put into the client's page: its clock stands still while it does one thing. Else, on a computer that needs more than
0.4 s to make the layers of a state, it writes its address in between (lodash's debounce with maxWait, in the client's
url_hash_binding.ts), stumbles over a layer that is half made, and drops it."""

LONGEST_POST = 1 << 20
SMALL_FILE = 1 << 16
"""Bytes up to which a file goes out together with its header."""


@dataclass(frozen=True)
class Shown:
    """An animal that is served. folder : its neuroglancer_data. state : makes what the client shows of it, as
    `animal_state`; raises BrainstackError where there is nothing to show."""

    folder: Path
    state: Callable[[], State]


class ViewerServer:
    """Serves animals, by name. `url` is the link to open.

    Runs beside the caller between `start` and `stop` (or in a `with` block), or in `run` until Ctrl-C.
    port : 0 takes any free one. host : of the network card; 127.0.0.1 is for this computer alone. public_url : where
    others reach this server, through the lab's own web server. Raises BrainstackError for a port that cannot be had.
    """

    def __init__(
        self, animals: Mapping[str, Shown], *, port: int = 0, host: str = LOOPBACK, public_url: str = ""
    ) -> None:
        try:
            self._http = _HttpServer((host, port), _Handler)
        except (OSError, OverflowError) as error:
            raise BrainstackError(why_not_listening(error, host, port)) from error
        self._http.animals = animals
        self._http.public_url = public_url.rstrip("/")
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        host, port = str(self._http.server_address[0]), self._http.server_address[1]
        return f"http://{LOOPBACK if host == '0.0.0.0' else host}:{port}/"

    def start(self) -> None:
        """Serve in a thread of its own. Once it serves, nothing more is done."""
        if self._thread is not None:
            return
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), name="viewer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End all connections and give the port back."""
        self._http.stopping.set()
        if self._thread is not None:
            self._http.shutdown()
            self._thread.join()
            self._thread = None
        self._http.server_close()
        self._http.end_connections()

    def run(self) -> None:
        """Serve until Ctrl-C."""
        self.start()
        try:
            while True:
                time.sleep(1)
        except KeyboardInterrupt:
            log.info("viewer: stopped")
        finally:
            self.stop()

    def __enter__(self) -> ViewerServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def why_not_listening(error: OSError | OverflowError, host: str, port: int) -> str:
    """What to tell a person whose server cannot listen there."""
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return f"{host} is no address of this computer; leave --host out, or give one that `ip address` lists."
    found = "is in use by another program" if number == errno.EADDRINUSE else f"cannot be used ({error})"
    return f"Port {port} {found}. Choose another with --port, or --port 0 for any that is free."


def how_to_open(url: str) -> str:
    """What to tell the person: the link, and how to reach it when this computer is not the one they sit at."""
    port = urlsplit(url).port
    user = os.environ.get("USER", "<user>")
    return (
        f"Open {url} in Chrome or Firefox. Ctrl-C ends it.\n"
        f"If you work on this computer from another one, first type there:\n"
        f"  ssh -L {port}:{LOOPBACK}:{port} {user}@{socket.gethostname()}"
    )


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    animals: Mapping[str, Shown]
    public_url: str

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.stopping = threading.Event()
        self.client_folder = _client_folder()
        self._connections: set[Any] = set()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if len(self._connections) >= MOST_CONNECTIONS:
            with contextlib.suppress(OSError):
                request.setblocking(False)
                request.sendall(b"HTTP/1.1 503 Too many connections\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            self.shutdown_request(request)
            return
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self._connections.discard(request)

    def end_connections(self) -> None:
        """Browsers keep connections open: end them, and wait until their threads have closed them."""
        for connection in list(self._connections):
            with contextlib.suppress(OSError):  # its thread has closed it meanwhile
                connection.shutdown(socket.SHUT_RDWR)
        last = time.monotonic() + CONNECTIONS_END_S
        while self._connections and time.monotonic() < last:
            time.sleep(0.01)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):  # a browser that left is no error
            log.exception("viewer: a request failed")


class _Handler(BaseHTTPRequestHandler):
    server: _HttpServer
    protocol_version = "HTTP/1.1"
    timeout = SLOW_S
    disable_nagle_algorithm = True  # else each answer in two pieces waits 40 ms for the client's receipt
    wbufsize = 2 * SMALL_FILE  # a header and a small file are one piece

    is_answered = False

    def do_GET(self) -> None:
        self.is_answered = False
        try:
            self._answer()
        except Exception:
            if self.is_answered:
                raise  # too late to say it; or the browser left
            log.exception("viewer: %s cannot be answered", self.path)
            text = "This cannot be shown now, perhaps as it is being made; the log of the server says why. Try again.\n"
            self._send_text(text, "text/plain", HTTPStatus.INTERNAL_SERVER_ERROR)

    def _answer(self) -> None:
        path = unquote(self.path.partition("?")[0]).lstrip("/")
        kind, _, rest = path.partition("/")
        if kind == "":
            self._send_start()
        elif kind == "data":
            self._send_data(rest)
        elif kind == "v" and rest.partition("/")[2] in ("", "index.html"):
            page = (self.server.client_folder / "index.html").read_text(encoding="utf-8")
            self._send_text(page.replace("<head>", f"<head>{STILL_CLOCK}", 1), "text/html")
        elif kind == "v":
            self._send_file(self.server.client_folder, rest.partition("/")[2])
        elif kind == "events" and self.command == "GET":
            self._hold_events()
        elif kind == "favicon.ico":
            self._send_head(HTTPStatus.NO_CONTENT)
        elif kind in self.server.animals and rest in ("", "state.json"):
            self._send_animal(kind, self.server.animals[kind], as_json=bool(rest))
        else:
            self._send_head(HTTPStatus.NOT_FOUND)

    do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

    def do_OPTIONS(self) -> None:
        self._send_head(HTTPStatus.NO_CONTENT)

    def do_POST(self) -> None:
        """The client reports what was clicked; nothing here needs it."""
        length = self.headers.get("Content-Length", "0")
        if not re.fullmatch(r"\d{1,9}", length, re.ASCII) or int(length) > LONGEST_POST:
            self.close_connection = True
            self._send_head(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        self.rfile.read(int(length))
        known = self.path.startswith(("/state/", "/action/"))
        self._send_head(HTTPStatus.OK if known else HTTPStatus.NOT_FOUND)

    def _base_url(self) -> str:
        """Of this server as the browser knows it: behind `ssh -L` its port is another one, behind the lab's own web
        server its name is."""
        host = self.headers.get("Host", "")
        if self.server.public_url and host == urlsplit(self.server.public_url).netloc:
            return self.server.public_url
        if not re.fullmatch(r"[\w.-]+(:\d+)?", host, re.ASCII):
            host = f"{LOOPBACK}:{self.server.server_address[1]}"
        return f"http://{host}"

    def _send_start(self) -> None:
        names = list(self.server.animals)
        if len(names) == 1:
            self._send_animal(names[0], self.server.animals[names[0]], as_json=False)
        else:
            self._send_text(_list_page(names), "text/html")

    def _send_animal(self, name: str, animal: Shown, *, as_json: bool) -> None:
        base = self._base_url()
        try:
            state = animal.state()
        except BrainstackError as error:
            self._send_text(f"{error}\n", "text/plain", HTTPStatus.NOT_FOUND)
            return
        if as_json:
            self._send_text(json.dumps(with_data_at(state, data_url(base, name))), "application/json")
        else:
            link = f"{base}/v/brainstack/#!{base}/{quote(name, safe='')}/state.json"
            self._send_head(HTTPStatus.FOUND, {"Location": link})

    def _send_data(self, rest: str) -> None:
        name, _, below = rest.partition("/")
        folder, _, file = below.partition("/")
        animal = self.server.animals.get(name) if folder == DATA else None
        if animal is None:
            self._send_head(HTTPStatus.NOT_FOUND)
        else:
            self._send_file(animal.folder, file)

    def _hold_events(self) -> None:
        """The client says "Disconnected" unless this stays open; there is nothing to tell it."""
        self.close_connection = True
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Accel-Buffering", "no")  # a web server before this one: pass it on at once
        self.end_headers()
        while True:
            self.wfile.write(b":\n\n")
            self.wfile.flush()
            if self.server.stopping.wait(HEARTBEAT_S):
                return

    def _send_file(self, folder: Path, name: str) -> None:
        found = find_served(folder, name)
        if found is None:
            self._send_head(HTTPStatus.NOT_FOUND)
            return
        headers = {"Content-Type": mimetypes.guess_type(name)[0] or "application/octet-stream", "ETag": found.tag}
        if self.headers.get("If-None-Match") == found.tag:
            self._send_head(HTTPStatus.NOT_MODIFIED, headers)
            return
        wanted = self._wanted(found)
        start, end = wanted or (0, found.size)
        if start >= end and wanted:
            self._send_head(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, {"Content-Range": f"bytes */{found.size}"})
            return
        headers |= {"Content-Encoding": found.encoding} if found.encoding else {"Accept-Ranges": "bytes"}
        if wanted:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{found.size}"
        try:
            file = found.path.open("rb")
        except OSError:  # it was made again, and is gone or nobody's to read
            self._send_head(HTTPStatus.NOT_FOUND)
            return
        with file:
            self._send_head(HTTPStatus.PARTIAL_CONTENT if wanted else HTTPStatus.OK, headers, length=end - start)
            if self.command == "GET" and end > start:
                self._send_bytes(file, start, end - start)

    def _wanted(self, found: Served) -> tuple[int, int] | None:
        """The bytes that are asked for; None for the whole file, and of a packed one, whose bytes the client does not
        know, or one that was written again since its first part was sent."""
        if found.encoding or self.headers.get("If-Range", found.tag) != found.tag:
            return None
        return byte_range(self.headers.get("Range", ""), found.size)

    def _send_bytes(self, file: BinaryIO, start: int, length: int) -> None:
        if length <= SMALL_FILE:
            file.seek(start)
            sent = self.wfile.write(file.read(length))
        else:
            self.wfile.flush()
            sent = self.connection.sendfile(file, start, length)
        if sent < length:
            raise ConnectionAbortedError("the file became shorter while it was read")

    def _send_text(self, text: str, kind: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        body = text.encode()
        self._send_head(status, {"Content-Type": f"{kind}; charset=utf-8"}, length=len(body))
        if self.command == "GET":
            self.wfile.write(body)

    def _send_head(self, status: HTTPStatus, headers: dict[str, str] | None = None, *, length: int = 0) -> None:
        self.send_response(status)
        self.send_header("Access-Control-Allow-Origin", "*")  # so that any other Neuroglancer can show the data too
        self.send_header("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
        self.send_header("Access-Control-Allow-Headers", "Range, Content-Type")
        self.send_header("Access-Control-Expose-Headers", "Content-Range, Content-Length, Content-Encoding, ETag")
        self.send_header("Cache-Control", "no-cache")  # a volume may be made again while it is looked at
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def send_response(self, code: int, message: str | None = None) -> None:
        self.is_answered = True
        super().send_response(code, message)

    def log_message(self, format: str, *args: Any) -> None:
        log.debug("viewer: %s", format % args)


def data_url(base_url: str, name: str) -> str:
    """Where the data of an animal is, below where its server is reached."""
    return f"{base_url}/data/{quote(name, safe='')}/{DATA}"


def _list_page(names: list[str]) -> str:
    """A page of links; relative, as the lab's server may have put this one below a path of its own."""
    items = "".join(f'<li><a href="{quote(one, safe="")}">{html.escape(one)}</a></li>' for one in names)
    style = "body { font: 18px sans-serif; margin: 3em; background: #111; color: #ddd } a { color: #8cf }"
    found = f"<ul>{items}</ul>" if items else "<p>No animal has a volume yet.</p>"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>brainstack</title><style>{style}</style>'
        f"<h1>Brains</h1>{found}</html>"
    )


def _client_folder() -> Path:
    package = importlib.util.find_spec("neuroglancer")
    for folder in (package.submodule_search_locations or []) if package else []:
        client = Path(folder) / "static" / "client"
        if (client / "index.html").is_file():
            return client.resolve()
    raise BrainstackError("The Neuroglancer client is missing. Install it with: pip install neuroglancer")
