"""Plain rows of the database, shown by sqladmin. What a person changes there goes through the functions that the
command line uses, with the same checks and the same history; all else can only be looked at."""

from __future__ import annotations

import hashlib
import logging
import re
from http import HTTPStatus
from types import new_class
from typing import Any, cast

from sqladmin import Admin, ModelView
from sqladmin.fields import SelectField
from sqladmin.forms import ModelConverter, converts
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from brainstack.database.filled_in import COLUMNS
from brainstack.database.plain_rows import MODELS, UNSHOWN, as_text, columns_of, sessions_for
from brainstack.environment import database_url
from brainstack.errors import BrainstackError
from brainstack.review.access import Role, Visitor
from brainstack.review.asking import Asked, ConflictError, Desk, Page
from brainstack.review.checking import CHANGES, body_of, check_csrf, check_origin, check_role, replayed
from brainstack.review.rendering import FOLDER
from brainstack.review.row_changes import CHOICES, MEANWHILE, NUMBERS, SAID, animal_of, change_row
from brainstack.review.telling import answer, ask_who, told

log = logging.getLogger(__name__)

OPEN = re.compile(r"/?|/statics/.*|/[a-z-]+/list|/[a-z-]+/details/[^/]+|/[a-z-]+/edit/[^/]+")
"""What of sqladmin there is here. Its own login, deleting, importing and exporting are not."""
LARGEST_FORM = 1 << 18
FIRST = "animal", "histology", "scan_run", "slide", "slide_czi_to_tif", "decision", "journals", "structure", "reviewer"
"""The tables that come first; the others follow by name."""


def tables(asked: Asked) -> Response:
    """sqladmin's own start page has a slash at its end."""
    return RedirectResponse("/tables/", HTTPStatus.SEE_OTHER)


PAGES = (Page("/tables", tables),)


def tables_at(desk: Desk) -> Mount:
    """sqladmin, for make_app. It has its own scripts and styles, which come from this server too."""
    admin = Admin(
        Starlette(),
        session_maker=sessions_for(database_url()),
        base_url="/tables",
        title="Tables",
        favicon_url="/static/icon.svg",
        templates_dir=str(FOLDER / "templates"),
    )
    for table in (*FIRST, *(name for name in MODELS if name not in FIRST and name not in UNSHOWN)):
        admin.add_view(_view(table, desk))
    logging.getLogger("sqladmin.application").addFilter(_is_fault)
    admin.admin.exception_handlers |= {BrainstackError: _tell, Exception: _tell}
    return Mount("/tables", app=admin.admin, name="admin", middleware=[Middleware(_Door, desk=desk)])


class _Door:
    """Lets in who may look, and lets change who may edit, as for all other pages."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self._app = app
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            refused, receive = await self._checked(request, receive)
        except Exception as error:
            refused = told(request, error)
        try:
            await (refused or self._app)(scope, receive, send)
        except Exception:  # _tell has answered and said so in the terminal; Starlette lets it go on
            log.debug("review: %s", request.url.path, exc_info=True)

    async def _checked(self, request: Request, receive: Receive) -> tuple[Response | None, Receive]:
        """What is answered instead, if anything; and what sqladmin reads."""
        await run_in_threadpool(self._desk.animals.check_database)
        visitor = await run_in_threadpool(self._desk.gate.visitor, request.cookies.get(self._desk.cookie, ""))
        if visitor is None:
            return ask_who(request, self._desk), receive
        path = request.url.path.removeprefix("/tables")
        if not OPEN.fullmatch(path) or request.method not in ("GET", "HEAD", "POST"):
            return answer(request, 404, f"There is no page {request.url.path} here; go back to the tables."), receive
        if not _can_be_a_row(path):
            return answer(request, 404, f"There is no row {request.url.path} here; go back to the tables."), receive
        is_edit = "/edit/" in path and not path.startswith("/statics/")
        check_role(Role.EDIT if is_edit or request.method in CHANGES else Role.LOOK, visitor)
        request.state.visitor = visitor
        if request.method not in CHANGES:
            return None, receive
        check_origin(request, self._desk)
        body = await body_of(request, LARGEST_FORM)
        async with Request(request.scope, replayed(body)).form(max_files=0, max_fields=200) as form:
            fields = {name: value for name, value in form.items() if isinstance(value, str)}
        check_csrf(request, visitor, fields)
        request.state.seen = fields.get("seen", "")
        return None, replayed(body)


class _Converter(ModelConverter):
    """Columns of Double have a field too."""

    @converts("Double")  # type: ignore[untyped-decorator]
    def conv_double(self, model: type, prop: Any, kwargs: dict[str, Any]) -> Any:
        return self.conv_decimal(model, prop, kwargs)


class _Rows(ModelView):
    """A table. What differs from one to the next is set by `_view`."""

    can_create = can_delete = can_export = can_import = False
    form_converter = _Converter
    page_size = 50
    page_size_options = (25, 50, 100, 500)
    table = ""
    desk: Desk

    async def check_can_edit(self, request: Request, model: Any) -> bool:
        """For the link to the form as well: who may only look has none."""
        visitor: Visitor | None = getattr(request.state, "visitor", None)
        return self.can_edit and visitor is not None and visitor.role.allows(Role.EDIT)

    async def edit_context(self, request: Request) -> dict[str, Any]:
        row = await self.get_object_for_edit(request)
        words = f"{self.table} of {await self._animal_of(row)}" if row is not None else self.table
        return {**await super().edit_context(request), "seen": self._version(row), "title": words}

    async def update_model(self, request: Request, pk: str, data: dict[str, Any]) -> Any:
        """Through the functions of the command line. Raises ConflictError where the row is not any more what the form
        shows."""
        row = await self.get_object_for_edit(request)
        if request.state.seen != self._version(row):
            raise ConflictError(MEANWHILE)
        given = {name: as_text(data.get(name)).strip() for name in self.fields}
        changed = {name: text for name, text in given.items() if _is_other(name, as_text(getattr(row, name)), text)}
        prep_id = await self._animal_of(row)
        if changed:
            person = request.state.visitor.person
            await run_in_threadpool(change_row, self.table, prep_id, row, changed, person)
            if (one := self.desk.animals.get(prep_id)) is not None:  # only those that were named are served
                one.changed()
        return await self.get_object_for_edit(request)

    async def _animal_of(self, row: Any) -> str:
        return await run_in_threadpool(animal_of, self.session_maker, self.table, row)

    def _version(self, row: Any) -> str:
        text = "\0".join(as_text(getattr(row, name, None)) for name in self.fields)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def fields(self) -> list[str]:
        return [str(name) for name in self.form_columns]


def _view(table: str, desk: Desk) -> type[ModelView]:
    columns = columns_of(table)
    fields = [name for name in columns if name in {*SAID.get(table, ()), *COLUMNS.get(table, ())}]
    made: dict[str, Any] = {
        "table": table,
        "desk": desk,
        "name": table,
        "name_plural": table,
        "column_list": columns,
        "column_labels": {name: name for name in columns},
        "column_details_list": columns,
        "column_sortable_list": columns,
        "column_searchable_list": [name for name in columns if name in ("prep_id", "file_name", "name", "what")],
        "column_default_sort": [(MODELS[table].__mapper__.primary_key[0].name, table == "decision")],
        "can_edit": bool(fields),
        "form_columns": fields or columns[:1],
        "form_overrides": {name: SelectField for name in fields if name in CHOICES},
        "form_args": {name: {"choices": CHOICES[name]} for name in fields if name in CHOICES},
        "edit_template": "tables/edit.html",
        "list_template": "tables/list.html",
        "details_template": "tables/details.html",
    }
    name = f"{table.title().replace('_', '')}View"
    view = cast("type[ModelView]", new_class(name, (_Rows,), {"model": MODELS[table]}, lambda one: one.update(made)))
    view.identity = table.replace("_", "-")  # sqladmin would call it by its class
    return view


def _can_be_a_row(path: str) -> bool:
    """False for a row's address with letters where its table has numbers."""
    found = re.fullmatch(r"/([a-z-]+)/(?:details|edit)/([^/]+)", path)
    model = MODELS.get(found[1].replace("-", "_")) if found else None
    if found is None or model is None:
        return True
    is_number = model.__mapper__.primary_key[0].type.python_type is int
    return not is_number or re.fullmatch(r"\d{1,18}", found[2]) is not None


def _is_other(name: str, before: str, text: str) -> bool:
    """Numbers are the same however they are written."""
    try:
        return text != before and not (name in NUMBERS and float(text) == float(before))
    except ValueError:
        return True


async def _tell(request: Request, error: Exception) -> Response:
    return told(request, error)


def _is_fault(record: logging.LogRecord) -> bool:
    """False for what a person can mend: they are told, and the terminal need not be."""
    return not (record.exc_info and isinstance(record.exc_info[1], BrainstackError))
