"""What is said where something goes wrong: a sentence, as a page for people and as JSON for scripts."""

from __future__ import annotations

import errno
import logging
from http import HTTPStatus
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from brainstack.database import DatabaseBusy, DatabaseFull, DatabaseUnavailable
from brainstack.errors import BrainstackError
from brainstack.review.asking import Desk
from brainstack.review.rendering import rendered

log = logging.getLogger(__name__)

WRONG_TOKEN = (
    "The token in this link is not this server's, which makes a new one whenever it starts; open the link that it "
    "printed last."
)
NO_TOKEN = "This page is open to whoever has its link; `brainstack review` printed it when it started."
NO_SESSION = "Your session has ended; log in again, in another tab if there is something here that is not saved yet."
OUR_FAULT = (
    "That is a fault of brainstack itself, and nothing was changed; the terminal of `brainstack review` says more."
)
AGAIN_S = 5
"""Until a browser may try again what the database could not do."""


def told(request: Request, error: Exception) -> Response:
    """The answer to a question that ended with an error."""
    if isinstance(error, (DatabaseBusy, DatabaseUnavailable)):
        response = answer(request, HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        response.headers["Retry-After"] = str(AGAIN_S)
        return response
    if isinstance(error, DatabaseFull):
        return answer(request, HTTPStatus.INSUFFICIENT_STORAGE, f"{error} Nothing was changed.")
    if isinstance(error, BrainstackError):
        return answer(request, getattr(error, "status", HTTPStatus.UNPROCESSABLE_ENTITY), str(error))
    if isinstance(error, (HTTPException, ClientDisconnect)):  # a form that is cut off, or no form at all
        status = getattr(error, "status_code", HTTPStatus.BAD_REQUEST)
        said = getattr(error, "detail", "") or "the connection was broken off"
        return answer(request, status, f"What was sent cannot be read ({said}); nothing was changed.")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = error.filename or "the animal"
        said = f"The disk of {where} is full, and nothing was changed; free some space, then try again."
        return answer(request, HTTPStatus.INSUFFICIENT_STORAGE, said)
    if isinstance(error, OSError) and error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        said = (
            f"{error.filename or 'A file'}: {error.strerror or error}, and nothing was changed; wanted files that the "
            "server may read and write: mend their permissions, or the disk, then try again."
        )
        return answer(request, HTTPStatus.FORBIDDEN, said)  # not of 5xx: pages would go on sending it by themselves
    log.error("review: %s %s", request.method, request.url.path, exc_info=error)
    if isinstance(error, OSError):
        said = f"{error.filename or 'A file'}: {error.strerror or error}; mend that, then try again."
        return answer(request, HTTPStatus.INTERNAL_SERVER_ERROR, said)
    return answer(request, HTTPStatus.INTERNAL_SERVER_ERROR, OUR_FAULT)


def ask_who(request: Request, desk: Desk) -> Response:
    """The answer to somebody who was not let in yet."""
    if not desk.gate.has_accounts:
        return answer(request, HTTPStatus.UNAUTHORIZED, NO_TOKEN)
    if is_by_script(request):
        return answer(request, HTTPStatus.UNAUTHORIZED, NO_SESSION)
    onwards = request.url.path if request.method == "GET" else "/"
    return RedirectResponse(f"/login?next={quote(onwards)}", HTTPStatus.SEE_OTHER)


def is_by_script(request: Request) -> bool:
    """True for what a page's script asked for, not a person with the address."""
    return "hx-request" in request.headers or "text/html" not in request.headers.get("accept", "")


def answer(request: Request, status: int, sentence: str) -> Response:
    """A sentence, for whoever asked."""
    if is_by_script(request):
        return JSONResponse({"error": sentence}, status)
    return HTMLResponse(rendered("error.html", sentence=sentence, title=HTTPStatus(status).phrase), status)
