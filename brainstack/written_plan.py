"""A plan, written down: nodes of a cluster work by it, and have neither the database nor the slides' folder to ask."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from brainstack.errors import BrainstackError
from brainstack.files.whole import whole_file
from brainstack.plan import Plan


def write_plan(folder: Path, plan: Plan) -> Path:
    """Write a plan into a folder, under a name that follows from its content. Returns where it is."""
    content = _adapter().dump_json(plan)
    path = folder / f"{hashlib.blake2b(content, digest_size=12).hexdigest()}.json"
    if not path.exists():
        with whole_file(path) as part:
            part.write_bytes(content)
    return path


def read_plan(path: Path) -> Plan:
    """Raises BrainstackError for a file that is not there or is no plan."""
    try:
        return _adapter().validate_json(path.read_bytes())
    except FileNotFoundError:
        raise BrainstackError(
            f"{path} is not there; wanted the plan that this job works by; run the same command again."
        ) from None
    except ValidationError as error:
        raise BrainstackError(
            f"{path} is no plan ({error.error_count()} faults, the first: {error.errors()[0]['msg']}); wanted one that "
            "this version of brainstack wrote: the jobs and the run that submits them need the same version."
        ) from None


@lru_cache(1)
def _adapter() -> TypeAdapter[Plan]:
    return TypeAdapter(Plan)
