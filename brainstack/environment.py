"""Where the data and the database are: from the environment, or from luigi.cfg. No pixel depends on it."""

from __future__ import annotations

import configparser
import os
import re
from pathlib import Path
from urllib.parse import urlencode

from brainstack.animal_folder import AnimalFolder
from brainstack.errors import BrainstackError

CHECKOUT = Path(__file__).parent.parent
SERVERS = "mysql", "mariadb"


def config_file() -> Path | None:
    """The luigi.cfg in force: LUIGI_CONFIG_PATH, else the one in the current folder, else the checkout's."""
    named = os.environ.get("LUIGI_CONFIG_PATH")
    if named and not Path(named).is_file():
        raise BrainstackError(f"LUIGI_CONFIG_PATH says {named}, and no such file is there; correct or unset it.")
    for path in [Path(named)] if named else [Path("luigi.cfg"), CHECKOUT / "luigi.cfg"]:
        if path.is_file():
            return path.resolve()
    return None


def data_root() -> Path:
    """The folder that holds a folder for each animal: BRAINSTACK_DATA_ROOT, or [brainstack] data_root in luigi.cfg.

    A relative path is meant from the folder of luigi.cfg. Without either: the folder `data` here.
    """
    if named := os.environ.get("BRAINSTACK_DATA_ROOT"):
        return Path(named).expanduser().absolute()
    file = config_file()
    folder = file.parent if file else Path.cwd()
    return folder / Path(_configured("brainstack", "data_root") or "data").expanduser()


def database_url() -> str:
    """BRAINSTACK_DATABASE_URL, or [database] url in luigi.cfg, or a SQLite file in the data root.

    Of a server it names, as `?defaults_file=...`, the option file with the password that [database] defaults_file says.
    Raises BrainstackError for a password in luigi.cfg.
    """
    url = os.environ.get("BRAINSTACK_DATABASE_URL") or _configured_url() or f"sqlite:///{data_root() / 'brainstack.db'}"
    defaults_file = _configured("database", "defaults_file")
    if not defaults_file or "defaults_file=" in url or not url.startswith(SERVERS):
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode({'defaults_file': defaults_file})}"


def _configured_url() -> str:
    """luigi.cfg is shown, copied and kept under version control: no place for a password."""
    url = _configured("database", "url")
    if re.search(r"://[^/@]*:[^/@]+.*@|[?&]passw", url):
        raise BrainstackError(
            f"[database] url in {config_file()} has a password in it; take it out, and put it into the [client] group "
            "of ~/.my.cnf, which only you may read, or into BRAINSTACK_DATABASE_URL."
        )
    return url


def public_url() -> str:
    """Where others reach the viewer, through the lab's own web server: BRAINSTACK_PUBLIC_URL, or [viewer] public_url in
    luigi.cfg, without a slash at its end; "" where it is not said. Raises BrainstackError for what is no address."""
    url = (os.environ.get("BRAINSTACK_PUBLIC_URL") or _configured("viewer", "public_url")).rstrip("/")
    if url and not re.fullmatch(r"https?://[^/?#@\s]+(/[^?#\s]*)?", url):
        raise BrainstackError(
            f"[viewer] public_url is {url!r}; wanted the address of the lab's web server, such as "
            "https://brains.example.org; correct it in luigi.cfg, or BRAINSTACK_PUBLIC_URL."
        )
    return url


def luigid_address() -> tuple[str, int]:
    """Where luigid is, by [core] of luigi.cfg, as Luigi has it: host and port."""
    port = _configured("core", "scheduler_port") or "8082"
    if not port.isdecimal():
        raise BrainstackError(f"[core] scheduler_port in {config_file()} is {port!r}; wanted a number such as 8082.")
    return _configured("core", "scheduler_host") or "localhost", int(port)


def animal_folder(prep_id: str) -> AnimalFolder:
    return AnimalFolder(data_root() / prep_id)


def _configured(table: str, name: str) -> str:
    file = config_file()
    if file is None:
        return ""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(file, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError) as error:
        raise BrainstackError(f"{file} cannot be read: {error}. Mend that line.") from error
    return parser.get(table, name, fallback="").strip()
