"""Where the data and the database are: from the environment, or from luigi.cfg. No pixel depends on it."""

from __future__ import annotations

import configparser
import os
from pathlib import Path

from brainstack.animal_folder import AnimalFolder
from brainstack.errors import BrainstackError

CHECKOUT = Path(__file__).parent.parent


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
    """BRAINSTACK_DATABASE_URL, or [database] url in luigi.cfg, or a SQLite file in the data root."""
    return (
        os.environ.get("BRAINSTACK_DATABASE_URL")
        or _configured("database", "url")
        or f"sqlite:///{data_root() / 'brainstack.db'}"
    )


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
