"""The review page's server: uvicorn, beside the caller or until Ctrl-C."""

from __future__ import annotations

import logging
import socket
import threading
import time
from types import TracebackType

import uvicorn
from starlette.applications import Starlette

from brainstack.errors import BrainstackError
from brainstack.viewer_server import LOOPBACK, why_not_listening

log = logging.getLogger(__name__)

END_S = 3


class ReviewServer:
    """Serves an application. `start` and `stop` (or a `with` block), or `run` until Ctrl-C.

    port : 0 takes any free one. Raises BrainstackError for a port or host that cannot be had.
    """

    def __init__(self, *, host: str = LOOPBACK, port: int = 0) -> None:
        try:
            self._socket = socket.create_server((host, port), backlog=128)
        except (OSError, OverflowError) as error:
            raise BrainstackError(why_not_listening(error, host, port)) from error
        self._host = host
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    @property
    def url(self) -> str:
        """Without a slash at its end."""
        return f"http://{LOOPBACK if self._host in ('0.0.0.0', '') else self._host}:{self.port}"

    def start(self, app: Starlette) -> None:
        """Serve in a thread of its own. Once this returns, it serves."""
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", ws="none", proxy_headers=False,
            server_header=False, timeout_graceful_shutdown=END_S,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="review", daemon=True)
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.01)

    def stop(self) -> None:
        """Let running answers end, and give the port back."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join()
            self._server = self._thread = None
        self._socket.close()

    def run(self, app: Starlette) -> None:
        """Serve until Ctrl-C."""
        self.start(app)
        try:
            while self._thread is not None and self._thread.is_alive():
                self._thread.join(1)
        except KeyboardInterrupt:
            log.info("review: stopped")
        finally:
            self.stop()

    def __enter__(self) -> ReviewServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
