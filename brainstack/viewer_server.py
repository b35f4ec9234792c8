"""A small web server on this computer alone: an animal's volumes, and the Neuroglancer client that shows them.

The client is the one inside the Python package neuroglancer, so no internet is needed. It was built to talk to that
package's own server: it wants to stand under /v/<token>/ and to hold a connection to /events/<token>. Given a state
after "#!" in its address it keeps its state there, so a link holds all that is seen.
"""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import json
import logging
import mimetypes
import os
import re
import shutil
import socket
import sys
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO
from urllib.parse import quote, unquote, urlsplit

from brainstack.errors import BrainstackError
from brainstack.viewer import State, with_data_at

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
ENCODINGS = {".gz": "gzip", ".br": "br"}
HEARTBEAT_S = 15.0
CONNECTIONS_END_S = 5.0


class ViewerServer:
    """Serves `data_folder` and a client that shows `state`. `url` is the link to open.

    Runs beside the caller between `start` and `stop` (or in a `with` block), or in `run` until Ctrl-C.
    port : 0 takes any free one. Raises BrainstackError for a port that cannot be had.
    """

    def __init__(self, data_folder: Path, state: State, *, port: int = 0) -> None:
        try:
            self._http = _HttpServer((HOST, port), _Handler)
        except (OSError, OverflowError) as error:
            in_use = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
            found = "is in use by another program" if in_use else f"cannot be used ({error})"
            sentence = f"Port {port} {found}. Choose another with --port, or --port 0 for any that is free."
            raise BrainstackError(sentence) from error
        self._http.data_folder = data_folder.resolve()
        self._http.state = state
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._http.server_address[1]}/"

    def start(self) -> None:
        """Serve in a thread of its own. Once it serves, nothing more is done."""
        if self._thread is not None:
            return
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.2,), name="viewer", daemon=True)
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


def serve(data_folder: Path, state: State, *, port: int = 0) -> ViewerServer:
    """A server for an animal's neuroglancer_data and the state of `animal_state`, ready to `start` or to `run`."""
    return ViewerServer(data_folder, state, port=port)


def how_to_open(url: str) -> str:
    """What to tell the person: the link, and how to reach it when this computer is not the one they sit at."""
    port = urlsplit(url).port
    user = os.environ.get("USER", "<user>")
    return (
        f"Open {url} in Chrome or Firefox. Ctrl-C ends it.\n"
        f"If you work on this computer from another one, first type there:\n"
        f"  ssh -L {port}:{HOST}:{port} {user}@{socket.gethostname()}"
    )


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    data_folder: Path
    state: State

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.stopping = threading.Event()
        self.client_folder = _client_folder()
        self._connections: set[Any] = set()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
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
    timeout = 120  # seconds until an idle connection is closed

    def do_GET(self) -> None:
        kind, _, rest = unquote(urlsplit(self.path).path).lstrip("/").partition("/")
        if kind == "":
            self._redirect_to_client()
        elif kind == "data":
            self._send_file(self.server.data_folder, rest)
        elif kind == "v":
            self._send_file(self.server.client_folder, rest.partition("/")[2] or "index.html")
        elif kind == "events" and self.command == "GET":
            self._hold_events()
        elif kind == "favicon.ico":
            self._send_head(HTTPStatus.NO_CONTENT)
        else:
            self._send_head(HTTPStatus.NOT_FOUND)

    do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

    def do_OPTIONS(self) -> None:
        self._send_head(HTTPStatus.NO_CONTENT)

    def do_POST(self) -> None:
        """The client reports what was clicked; nothing here needs it."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        known = self.path.startswith(("/state/", "/action/"))
        self._send_head(HTTPStatus.OK if known else HTTPStatus.NOT_FOUND)

    def _redirect_to_client(self) -> None:
        # The name that the browser knows this server by: behind `ssh -L` its port may be another one.
        host = self.headers.get("Host", "")
        if not re.fullmatch(r"[\w.-]+(:\d+)?", host):
            host = f"{HOST}:{self.server.server_address[1]}"
        state = with_data_at(self.server.state, f"http://{host}/data")
        fragment = quote(json.dumps(state, separators=(",", ":")), safe="")
        self._send_head(HTTPStatus.FOUND, {"Location": f"/v/brainstack/#!{fragment}"})

    def _hold_events(self) -> None:
        """The client says "Disconnected" unless this stays open; there is nothing to tell it."""
        self.close_connection = True
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache")
        self.end_headers()
        while True:
            self.wfile.write(b":\n\n")
            if self.server.stopping.wait(HEARTBEAT_S):
                return

    def _send_file(self, folder: Path, name: str) -> None:
        found = _find(folder, name)
        if found is None:
            self._send_head(HTTPStatus.NOT_FOUND)
            return
        path, encoding = found
        headers = {"Content-Type": mimetypes.guess_type(name)[0] or "application/octet-stream"}
        with path.open("rb") as file:
            size = path.stat().st_size
            wanted = None if encoding else _range(self.headers.get("Range", ""), size)
            start, end = wanted or (0, size)
            if wanted and start >= end:
                self._send_head(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, {"Content-Range": f"bytes */{size}"})
                return
            if encoding:
                headers["Content-Encoding"] = encoding
            else:
                headers["Accept-Ranges"] = "bytes"
            if wanted:
                headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
            self._send_head(HTTPStatus.PARTIAL_CONTENT if wanted else HTTPStatus.OK, headers, length=end - start)
            if self.command == "GET":
                file.seek(start)
                _copy(file, self.wfile, end - start)

    def _send_head(self, status: HTTPStatus, headers: dict[str, str] | None = None, *, length: int = 0) -> None:
        self.send_response(status)
        self.send_header("Access-Control-Allow-Origin", "*")  # so that any other Neuroglancer can show the data too
        self.send_header("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
        self.send_header("Access-Control-Allow-Headers", "Range, Content-Type")
        self.send_header("Access-Control-Expose-Headers", "Content-Range, Content-Length, Content-Encoding")
        self.send_header("Cache-Control", "no-cache")  # a volume may be made again while it is looked at
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        log.debug("viewer: %s", format % args)


def _client_folder() -> Path:
    package = importlib.util.find_spec("neuroglancer")
    for folder in (package.submodule_search_locations or []) if package else []:
        client = Path(folder) / "static" / "client"
        if (client / "index.html").is_file():
            return client.resolve()
    raise BrainstackError("The Neuroglancer client is missing. Install it with: pip install neuroglancer")


def _find(folder: Path, name: str) -> tuple[Path, str] | None:
    """The file `name` below `folder` and how it is packed ("" when it is not); None when it is not there.

    A name that leads out of the folder, by .. or by a link, is not there.
    """
    try:
        for suffix, encoding in {"": "", **ENCODINGS}.items():
            path = (folder / f"{name}{suffix}").resolve()
            if path.is_relative_to(folder) and path.is_file():
                return path, encoding
    except (OSError, ValueError):
        return None  # a name too long or with a zero byte
    return None


def _range(header: str, size: int) -> tuple[int, int] | None:
    """(start, end) of a Range header with one range, end not included; None for the whole file."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header.strip())
    if not match or not (match[1] or match[2]):
        return None
    if not match[1]:
        return max(0, size - int(match[2])), size
    return int(match[1]), min(int(match[2]) + 1, size) if match[2] else size


def _copy(source: BinaryIO, target: Any, length: int) -> None:
    while length > 0:
        piece = source.read(min(length, shutil.COPY_BUFSIZE))  # type: ignore[attr-defined]
        if not piece:
            raise ConnectionAbortedError("the file became shorter while it was read")
        target.write(piece)
        length -= len(piece)
