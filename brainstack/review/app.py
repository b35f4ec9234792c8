"""The review page's application: its routes, and who may use which.

Each answer is an ordinary function that runs in a thread of its own (`Page.answer`), so that one which waits for the
disk or the database keeps nobody else waiting.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from brainstack.review.asking import Asked, Desk, Page
from brainstack.review.checking import CHANGES, body_of, check_csrf, check_origin, check_role, replayed
from brainstack.review.guard import Guard
from brainstack.review.pages import PAGES
from brainstack.review.repeats import HEADER, Repeats
from brainstack.review.telling import WRONG_TOKEN, answer, ask_who, told

STATIC = Path(__file__).parent / "static"
FORMS = "application/x-www-form-urlencoded", "multipart/form-data"


def make_app(
    desk: Desk, *, hosts: Iterable[str] = (), pages: Iterable[Page] = PAGES, mounts: Iterable[BaseRoute] = ()
) -> Starlette:
    """The application. hosts : names by which the server is reached, beside those of this computer itself and that of
    the public address. mounts : applications of their own, before the pages."""
    routes: list[BaseRoute] = [Mount("/static", StaticFiles(directory=STATIC)), *mounts]
    repeats = Repeats()
    routes += [Route(page.path, _endpoint(page, desk, repeats), methods=[*page.methods]) for page in pages]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Guard, hosts=tuple(hosts), public_url=desk.public_url)],
        exception_handlers={HTTPStatus.NOT_FOUND: _not_found, HTTPStatus.METHOD_NOT_ALLOWED: _not_found},
    )


def _endpoint(page: Page, desk: Desk, repeats: Repeats) -> Callable[[Request], Awaitable[Response]]:
    async def ask(request: Request) -> Response:
        try:
            if "token" in request.query_params and request.method == "GET" and not desk.gate.has_accounts:
                return _let_in(request, desk)
            await run_in_threadpool(desk.animals.check_database)
            visitor = await run_in_threadpool(desk.gate.visitor, request.cookies.get(desk.cookie, ""))
            if visitor is None and page.role is not None:
                return ask_who(request, desk)
            check_role(page.role, visitor)
            if request.method in CHANGES:
                check_origin(request, desk)
            body, form = await _sent(request, page.largest_body)
            if request.method in CHANGES and visitor is not None and not page.has_own_csrf:
                check_csrf(request, visitor, form)
            asked = Asked(request, desk, visitor, form, body)
            if request.method in CHANGES and visitor is not None:
                which = request.headers.get(HEADER, "")
                return await run_in_threadpool(repeats.once, visitor.csrf, which, lambda: page.answer(asked))
            return await run_in_threadpool(page.answer, asked)
        except Exception as error:
            return told(request, error)

    return ask


def _let_in(request: Request, desk: Desk) -> Response:
    """Whoever has the token gets a session in a cookie, and the same address without it."""
    session = desk.gate.admit(request.query_params["token"])
    if session is None:
        return answer(request, HTTPStatus.FORBIDDEN, WRONG_TOKEN)
    others = urlencode([(name, value) for name, value in request.query_params.multi_items() if name != "token"])
    response = RedirectResponse(request.url.path + (f"?{others}" if others else ""), HTTPStatus.SEE_OTHER)
    desk.set_session(response, session)
    return response


async def _sent(request: Request, most: int) -> tuple[bytes, dict[str, str]]:
    """The body and, where it is a form, its fields. Raises RefusedError for more bytes than may be sent."""
    body = await body_of(request, most)
    if not request.headers.get("content-type", "").startswith(FORMS):
        return body, {}
    whole = Request(request.scope, replayed(body))
    async with whole.form(max_files=0, max_fields=200) as form:
        return b"", {name: value for name, value in form.items() if not isinstance(value, UploadFile)}


async def _not_found(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", HTTPStatus.NOT_FOUND)
    return answer(request, status, f"There is no page {request.url.path} here; go back to the start page.")
