"""Logging in and out, and one's own password."""

from __future__ import annotations

import re
import secrets
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.responses import RedirectResponse, Response

from brainstack import reviewing
from brainstack.errors import BrainstackError
from brainstack.review.access import AccountGate, Role, WrongPasswordError, is_same
from brainstack.review.asking import Asked, NotThereError, Page
from brainstack.review.tries import TooManyTriesError

STALE_FORM = "This page of the login is older than the server, or came from elsewhere; nothing was done. Try once more."


def login(asked: Asked) -> Response:
    """The form, or the session of whoever sent it filled in."""
    gate, onwards = _gate(asked), local_path(asked.form.get("next") or asked.query("next"))
    if asked.request.method != "POST":
        return _go(onwards) if asked.visitor is not None else _login_form(asked, onwards)
    seed = asked.request.cookies.get(_seed_cookie(asked), "")
    if not seed or not is_same(asked.form.get("csrf", ""), gate.form_token(seed)):
        return _login_form(asked, onwards, STALE_FORM, 403)
    name = asked.form.get("name", "").strip()
    try:
        session = gate.log_in(name, asked.form.get("password", ""), address_of(asked))
    except (WrongPasswordError, TooManyTriesError) as error:
        return _login_form(asked, onwards, str(error), error.status, getattr(error, "wait_s", 0.0))
    if old := asked.request.cookies.get(asked.desk.cookie):
        gate.log_out(old)
    response = _go(onwards)
    asked.desk.set_session(response, session)
    asked.desk.forget_cookie(response, _seed_cookie(asked))
    return response


def logout(asked: Asked) -> Response:
    """Ends the session."""
    _gate(asked).log_out(asked.request.cookies.get(asked.desk.cookie, ""))
    response = _go("/login")
    asked.desk.forget_cookie(response, asked.desk.cookie)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def account(asked: Asked) -> Response:
    """One's own password."""
    gate = _gate(asked)
    if asked.request.method != "POST":
        return asked.page("account.html", title="Account", said="", error="")
    try:
        _check_old(asked, gate)
        if asked.form.get("new", "") != asked.form.get("again", ""):
            raise BrainstackError("The two new passwords are not the same; nothing was changed.")
        reviewing.change_password(asked.person, asked.form.get("new", ""))
    except BrainstackError as error:
        status = getattr(error, "status", 422)
        return asked.page("account.html", title="Account", said="", error=str(error), status=status)
    gate.forget()
    response = _go("/")
    asked.desk.set_session(response, reviewing.begin_session(asked.person))
    return response


def _check_old(asked: Asked, gate: AccountGate) -> None:
    with gate.tries.one(asked.person, address_of(asked)) as outcome:
        outcome.is_right = reviewing.knows_password(asked.person, asked.form.get("old", ""))
    if not outcome.is_right:
        raise BrainstackError("The old password is wrong; nothing was changed.")


def local_path(path: str) -> str:
    """Where to go after the login: a path of this server, or the start page instead of anything else."""
    parts = urlsplit(path) if path.isascii() else None
    is_local = re.fullmatch(r"/[^\s\\\x00-\x1f\x7f]*", path) and not path.startswith("//")
    return path if is_local and parts and not parts.scheme and not parts.netloc else "/"


def address_of(asked: Asked) -> str:
    """Where a browser is: as the lab's own web server on this computer says it, or where the connection comes from."""
    peer = asked.request.client.host if asked.request.client else ""
    said = asked.request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return said if asked.desk.public_url and said and _is_loopback(peer) else peer


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _login_form(asked: Asked, onwards: str, error: str = "", status: int = 200, wait_s: float = 0.0) -> Response:
    seed = asked.request.cookies.get(_seed_cookie(asked)) or secrets.token_urlsafe(24)
    name, csrf = asked.form.get("name", ""), _gate(asked).form_token(seed)
    response = asked.page(
        "login.html", title="Log in", onwards=onwards, error=error, name=name, form_csrf=csrf, status=status
    )
    asked.desk.set_cookie(response, _seed_cookie(asked), seed, same_site="strict")
    response.headers["Cache-Control"] = "no-store"
    if wait_s:
        response.headers["Retry-After"] = str(round(wait_s) + 1)
    return response


def _seed_cookie(asked: Asked) -> str:
    return f"{asked.desk.cookie}_login"


def _gate(asked: Asked) -> AccountGate:
    if not isinstance(asked.desk.gate, AccountGate):
        raise NotThereError("Nobody logs in here: this page is open to whoever has its link.")
    return asked.desk.gate


def _go(path: str) -> RedirectResponse:
    return RedirectResponse(path, 303)


PAGES: tuple[Page, ...] = (
    Page("/login", login, role=None, methods=("GET", "POST"), has_own_csrf=True),
    Page("/logout", logout, role=Role.LOOK, methods=("POST",)),
    Page("/account", account, role=Role.LOOK, methods=("GET", "POST")),
)
