"""May whoever asks do this, and was it a page of this server that asked?"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import Message, Receive

from brainstack.errors import BrainstackError
from brainstack.review.access import Role, Visitor, is_same
from brainstack.review.asking import Desk

CHANGES = {"POST", "PUT", "PATCH", "DELETE"}
STRANGER = (
    "This was sent by a page of another site, or by one that is older than this server, and changed nothing; open the "
    "review page itself, and do it there."
)


class RefusedError(BrainstackError):
    """Somebody may not do this. status : of HTTP."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def check_role(wanted: Role | None, visitor: Visitor | None) -> None:
    """Raises RefusedError, which says what would change it. wanted : None for what is open to all."""
    if wanted is not None and visitor is not None and not visitor.role.allows(wanted):
        raise RefusedError(
            HTTPStatus.FORBIDDEN,
            f"{visitor.person} may {visitor.role} here, and this is for those who may {wanted}; on the server, this "
            f"changes it: brainstack reviewer set {visitor.person} --role {wanted}",
        )


def check_origin(request: Request, desk: Desk) -> None:
    """Raises RefusedError for what a page of another site had the browser send."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    if site not in ("same-origin", "none") or (origin is not None and origin != own_origin(request, desk)):
        raise RefusedError(HTTPStatus.FORBIDDEN, STRANGER)


def check_csrf(request: Request, visitor: Visitor, form: Mapping[str, str]) -> None:
    """Raises RefusedError for what does not have the word that this visitor's pages have."""
    given = request.headers.get("x-csrf-token") or form.get("csrf", "")
    if not is_same(given, visitor.csrf):
        raise RefusedError(HTTPStatus.FORBIDDEN, STRANGER)


def own_origin(request: Request, desk: Desk) -> str:
    """Of this server's pages, as the browser that asks knows them. Whether the name is ours was looked at before."""
    host = request.headers.get("host", "").lower()
    public = urlsplit(desk.public_url)
    if public.hostname and public.netloc.lower() == host:
        return f"{public.scheme}://{host}"
    return f"http://{host}"


async def body_of(request: Request, most: int) -> bytes:
    """What was sent. Raises RefusedError for more bytes than may be sent."""
    too_much = RefusedError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"More than {most} bytes were sent, which is more than there can be here; nothing was changed.",
    )
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > most:
        raise too_much
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise too_much
    return bytes(body)


def replayed(body: bytes) -> Receive:
    """What was read, for somebody else to read."""
    sent = False

    async def receive() -> Message:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
