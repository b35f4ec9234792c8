"""Values reach the database as parameters; no text of theirs is put into a statement."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import brainstack

PACKAGE = Path(brainstack.__file__).parent
MIGRATIONS = PACKAGE / "database" / "migrations"
"""They write names of tables and columns, which no parameter can be; they know no value of anybody's."""
TAKES_SQL = {"text", "execute", "exec_driver_sql", "scalars", "scalar", "executemany", "executescript"}


def put_together(node: ast.expr) -> bool:
    """True for a text that is made of others: f"...", "..." % x, "..." + x, "...".format(x)."""
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        return any(isinstance(side, ast.JoinedStr | ast.Constant) for side in (node.left, node.right))
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format"


def statements_put_together(source: str) -> Iterator[int]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in TAKES_SQL and put_together(node.args[0]):
                yield node.lineno


def test_no_statement_is_put_together_of_texts() -> None:
    files = [path for path in PACKAGE.rglob("*.py") if MIGRATIONS not in path.parents]
    wrong = [f"{path.name}:{line}" for path in files for line in statements_put_together(path.read_text())]
    assert not wrong


def test_the_rule_sees_what_it_is_about() -> None:
    for wrong in (
        'connection.execute(text(f"SELECT {x}"))',
        'connection.execute("SELECT %s" % x)',
        'text("SELECT " + x)',
        'session.scalars("SELECT {}".format(x))',
    ):
        assert list(statements_put_together(wrong)), wrong
    for right in ('text("SELECT :x")', "session.execute(select(table).where(table.c.x == x))", 'text(f"SELECT 1")'):
        assert not list(statements_put_together(right)), right


def test_only_the_database_package_writes_sql() -> None:
    outside = [path for path in PACKAGE.rglob("*.py") if PACKAGE / "database" not in path.parents]
    imported = re.compile(r"^\s*(import|from) sqlalchemy", re.MULTILINE)
    assert not [path.name for path in outside if imported.search(path.read_text())]
