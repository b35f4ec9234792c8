"""luigid, as the worker speaks to it: news of tasks, which need no answer, go out many at once.

Each question by itself takes three milliseconds, and the busier the machine the longer, as two processes take turns;
440 sections of 3 channels in 12 stages are 16,000 pieces of news before the first of them is made.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit

from luigi.rpc import RemoteScheduler

NEWS = "/api/add_task"
MANY = 100
"""Pieces of news that are sent before the answers are read: these have to fit into what the system keeps of a
connection, or both sides would wait for each other."""
ANSWER_S = 60.0


class Luigid(RemoteScheduler):  # type: ignore[misc]
    """News is kept in order, and goes out before anything else is asked, or when `tell` is called."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        address = urlsplit(url)
        self._line = Line(address) if address.scheme == "http" and not address.username else None
        self._begin()

    def _begin(self) -> None:
        self._process, self._lock = os.getpid(), threading.RLock()
        self._news: list[dict[str, Any]] = []

    def _request(self, url: str, data: dict[str, Any], attempts: int = 3, allow_null: bool = True) -> Any:
        if self._line is None:
            return super()._request(url, data, attempts, allow_null)
        if os.getpid() != self._process:  # a forked child: news and connection are its parent's
            self._begin()
            self._line.forget()
        with self._lock:
            if url == NEWS:
                self._news.append(data)
            if url != NEWS or len(self._news) >= MANY:
                self.tell()
        return None if url == NEWS else super()._request(url, data, attempts, allow_null)

    def tell(self) -> None:
        """Send what is gathered. Raises RPCError where luigid does not answer, as for anything else."""
        with self._lock:
            news, self._news = self._news, []
            try:
                if news and self._line is not None:
                    self._line.post([json.dumps(one) for one in news])
            except OSError:  # it was started anew, or is gone; some may be told twice, which changes nothing
                for one in news:
                    super()._request(NEWS, one)


class Line:
    """A connection, over which the next thing is said before the last one is answered."""

    def __init__(self, address: SplitResult) -> None:
        self._address = address
        self._socket: socket.socket | None = None

    def post(self, contents: list[str]) -> None:
        """Raises OSError for what was not said, or answered by an error."""
        if self._socket is None:
            self._socket = socket.create_connection((self._address.hostname, self._address.port or 80), ANSWER_S)
        try:
            self._socket.sendall(b"".join(self._request(one) for one in contents))
            with self._socket.makefile("rb") as answers:
                for _ in contents:
                    _read_answer(answers)
        except BaseException:  # by a Ctrl-C as well: answers are still on their way
            self.forget()
            raise

    def forget(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _request(self, content: str) -> bytes:
        body = urlencode({"data": content}).encode()
        lines = [
            f"POST {self._address.path.rstrip('/')}{NEWS} HTTP/1.1",
            f"Host: {self._address.netloc}",
            "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(body)}",
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body


def _read_answer(answers: Any) -> None:
    status = answers.readline().split()
    length = 0
    while header := answers.readline().strip():
        name, _, value = header.lower().partition(b":")
        length = int(value) if name == b"content-length" else length
    answers.read(length)
    if status[1:2] != [b"200"]:
        raise OSError(f"luigid answered {b' '.join(status).decode(errors='replace') or 'nothing'}")
