"""The command `brainstack`, called inside the test's own process, not in a terminal."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from brainstack import cli

Called = subprocess.CompletedProcess[str]
Call = Callable[..., Called]


def caller(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """What calls `brainstack` with some words, and returns its exit status and what it said."""

    def run(*words: object) -> Called:
        monkeypatch.setattr(sys, "argv", ["brainstack", *map(str, words)])
        monkeypatch.setenv("COLUMNS", "200")
        try:
            cli.main()
            status: object = 0
        except SystemExit as leaving:
            status = leaving.code
        out, error = capsys.readouterr()
        if isinstance(status, str):  # as the interpreter does with it
            error, status = error + status + "\n", 1
        return subprocess.CompletedProcess(words, int(str(status or 0)), out, error)

    return run
