"""The user's own my.cnf, where MySQL's programs look for a password: [client] and [brainstack]."""

from __future__ import annotations

import getpass
import re
from pathlib import Path
from typing import Any

from brainstack.errors import BrainstackError

GROUPS = "client", "client-mariadb", "brainstack"
"""Those that are read; what a later one says wins."""
OWN = Path("~/.my.cnf")
ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "r": "\r", "s": " ", "\\": "\\"}


def login(defaults_file: str, given: dict[str, Any]) -> dict[str, Any]:
    """Arguments for a driver's connect that the URL does not give. given : those that it does.

    A URL with a password needs no file. defaults_file : instead of ~/.my.cnf; it must be there. Without any user's
    name it is the one of this computer. Raises BrainstackError for a file that is not there, or has a password that
    others may read.
    """
    if given.get("password"):
        return {}
    said = _read(_file(defaults_file))
    user = given.get("user") or said.get("user") or getpass.getuser()
    found: dict[str, Any] = {"user": user}
    if "password" in said and said.get("user", user) == user:
        found["password"] = said["password"]
    if not given.get("host") and not given.get("unix_socket"):
        found |= {
            name: said[option] for option, name in (("host", "host"), ("socket", "unix_socket")) if option in said
        }
        found |= {"port": int(said["port"])} if said.get("port", "").isdecimal() else {}
    return found


def _file(defaults_file: str) -> Path | None:
    """The file to read, if any."""
    path = Path(defaults_file or OWN).expanduser()
    if path.is_file():
        return path
    if defaults_file:
        raise BrainstackError(f"[database] defaults_file says {path}, and no such file is there; correct or empty it.")
    return None


def _read(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        said = parse_options(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BrainstackError(f"{path} cannot be read ({error}); mend it, or the right to read it.") from error
    mode = path.stat().st_mode & 0o777
    if "password" in said and mode & 0o077:
        raise BrainstackError(
            f"{path} has a password in it, and others than its owner may use the file (its mode is {mode:o}); "
            f"keep it to yourself: chmod 600 {path}"
        )
    return said


def parse_options(content: str) -> dict[str, str]:
    """What [client] and [brainstack] say, in the syntax of MySQL's option files."""
    groups: dict[str, dict[str, str]] = {name: {} for name in GROUPS}
    group = ""
    for line in content.splitlines():
        if heading := re.match(r"\s*\[([^]]+)\]", line):
            group = heading[1].strip()
        elif option := re.match(r"\s*([A-Za-z][\w-]*)\s*(?:=(.*))?$", line):
            groups.setdefault(group, {})[option[1].lower().replace("_", "-")] = _value(option[2] or "")
    return {name: value for group in GROUPS for name, value in groups[group].items()}


def _value(written: str) -> str:
    """Without quotes, escapes, and the comment behind a "#" that is not in quotes."""
    written = written.strip()
    if quoted := re.match(r"""(["'])(.*?)\1\s*(?:#.*)?$""", written):
        written = quoted[2]
    else:
        written = written.partition("#")[0].rstrip()
    return re.sub(r"\\([btnrs\\])", lambda found: ESCAPES[found[1]], written)
