"""luigi.cfg: the shipped one holds wherever `luigi` is started, and what a user's own says goes before it."""

from __future__ import annotations

from pathlib import Path

from luigi.configuration import LuigiConfigParser


def use(path: Path) -> None:
    """Read `path` first, so that every other luigi.cfg in force overrides it."""
    if str(path) not in LuigiConfigParser._config_paths:
        LuigiConfigParser._config_paths.insert(0, str(path))
    LuigiConfigParser.reload()
