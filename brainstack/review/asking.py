"""What a page is asked for, and the errors that it answers with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from brainstack.errors import BrainstackError
from brainstack.review.access import Gate, Role, Visitor
from brainstack.review.animals import Animals, ReviewedAnimal
from brainstack.review.rendering import rendered

Model = TypeVar("Model", bound=BaseModel)
SMALL_BODY = 1 << 16
"""Bytes that a page may be sent where nothing else is said."""


class NotThereError(BrainstackError):
    """What was asked for is not there (any more)."""

    status = 404


class ConflictError(BrainstackError):
    """Somebody else changed the same thing meanwhile; nothing was overwritten."""

    status = 409


@dataclass(frozen=True)
class Desk:
    """What all pages share. public_url : where others reach the server, "" where nobody else does. cookie : the name of
    the session's, which no other server of this computer has: cookies know no ports."""

    animals: Animals
    gate: Gate
    public_url: str = ""
    cookie: str = "brainstack"

    @property
    def is_secure(self) -> bool:
        """True where browsers reach the server by TLS, and send its cookies over nothing else."""
        return self.public_url.startswith("https:")

    def set_session(self, response: Response, session: str) -> None:
        """Give a browser its session, which no script can read, and which the browser forgets when it is closed."""
        self.set_cookie(response, self.cookie, session, same_site=self.gate.same_site)

    def set_cookie(self, response: Response, name: str, value: str, *, same_site: str) -> None:
        response.set_cookie(name, value, httponly=True, secure=self.is_secure, samesite=same_site)  # type: ignore[arg-type]

    def forget_cookie(self, response: Response, name: str) -> None:
        """Browsers listen only to what is as careful as the cookie was."""
        response.delete_cookie(name, httponly=True, secure=self.is_secure)


@dataclass(frozen=True)
class Asked:
    """One question of a browser. visitor : who asks; of a page that is open to all, perhaps None.

    form : the fields of a form. body : what was sent, where that is no form.
    """

    request: Request
    desk: Desk
    visitor: Visitor | None
    form: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def person(self) -> str:
        return self.visitor.person if self.visitor else ""

    @property
    def animal(self) -> ReviewedAnimal:
        """The animal that the address names. Raises NotThereError for one that is not served."""
        name = self.request.path_params["animal"]
        found = self.desk.animals.get(name)
        if found is None:
            raise NotThereError(
                f"There is no animal {name} here; `brainstack animal list` lists those of the database."
            )
        return found

    def part(self, name: str) -> str:
        """A part of the address, such as the section's key."""
        return str(self.request.path_params[name])

    def query(self, name: str, default: str = "") -> str:
        return self.request.query_params.get(name, default)

    def sent(self, model: type[Model]) -> Model:
        """The JSON that was sent. Raises BrainstackError, which says what is wrong with it."""
        try:
            return model.model_validate(json.loads(self.body or b"{}"))
        except (ValueError, ValidationError) as error:
            why = error.errors()[0] if isinstance(error, ValidationError) else {"loc": ("JSON",), "msg": str(error)}
            where = ".".join(map(str, why["loc"])) or "JSON"
            raise BrainstackError(
                f"What the page sent cannot be used ({where}: {why['msg']}); load the page again, and try once more."
            ) from error

    def page(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """A whole page. template : its file in templates/, which extends base.html."""
        shared = {
            "visitor": self.visitor,
            "accounts": self.desk.gate.has_accounts,
            "animals": list(self.desk.animals) if self.visitor else [],
            "prep_id": self.request.path_params.get("animal", ""),
            "may_edit": self.visitor is not None and self.visitor.role.allows(Role.EDIT),
            "may_run": self.visitor is not None and self.visitor.role.allows(Role.RUN),
            "here": self.request.url.path,
        }
        return HTMLResponse(rendered(template, **shared | values), status)


def json_answer(values: Mapping[str, Any], status: int = 200) -> Response:
    return JSONResponse(dict(values), status_code=status)


@dataclass(frozen=True)
class Page:
    """A route. answer : may take its time, as it runs in a thread of its own. role : None is for everybody, also before
    they are let in. largest_body : bytes that may be sent to it. methods : what is not GET changes something, and has
    to come from a page of this server. has_own_csrf : the page itself looks whether a form is one of its own, as nobody
    is let in yet."""

    path: str
    answer: Callable[[Asked], Response]
    role: Role | None = Role.LOOK
    methods: tuple[str, ...] = ("GET",)
    largest_body: int = SMALL_BODY
    has_own_csrf: bool = False
