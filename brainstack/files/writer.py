"""What a process calls what is its own, in a folder that processes on several machines write to."""

from __future__ import annotations

import os

_name = ""


def writer() -> str:
    """A name that no other living process has."""
    return _name or f"{os.uname().nodename}-{os.getpid()}"


def call_writer(name: str) -> None:
    """Give this process a name of its own, such as that of a job in a queue, by which others know whether it lives."""
    global _name
    _name = name
