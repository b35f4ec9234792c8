"""What holds for every answer: names by which the server is known, and headers that tell browsers to be careful."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_NAMES = {"127.0.0.1", "localhost", "[::1]"}
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with none at all, browsers would call the origin of a form "null"
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}
"""Of every answer that does not say otherwise itself."""


class Guard:
    """Refuses names that are not this server's: of a page of another site whose name leads here.

    hosts : beside those of this computer itself and that of the public address.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str], public_url: str) -> None:
        self._app = app
        self._public = urlsplit(public_url)
        own = {self._public.hostname} if self._public.hostname else set()
        self._hosts = {*LOOPBACK_NAMES, *hosts, *own}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def careful(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                added = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message["headers"], *(one for one in added if one[0] not in given)]
            await send(message)

        host = re.sub(r":\d+$", "", Request(scope).headers.get("host", "")).lower()
        if host not in self._hosts:
            said = f"This server is not known as {host or 'nothing'}; see --public-url in `brainstack review --help`.\n"
            await PlainTextResponse(said, HTTPStatus.MISDIRECTED_REQUEST)(scope, receive, careful)
            return
        if host == self._public.hostname:
            scope["scheme"] = self._public.scheme  # links that name the whole address are those that others know
        await self._app(scope, receive, careful)
