"""Neuroglancer's own schemas of what it reads, without their slips: see the README beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import referencing
import yaml

SCHEMAS = Path(__file__).parent / "data" / "neuroglancer_json_schema"


def check_by_schema(content: Any, name: str) -> None:
    """name : such as "volume"."""
    schemas = {path.stem: yaml.safe_load(path.read_text()) for path in SCHEMAS.glob("*.yml")}
    required = schemas["volume"]["properties"]["scales"]["items"]["required"]
    required[required.index("chunk_size")] = "chunk_sizes"
    schemas["skeleton"]["required"] = ["@type"]  # the others that it asks for are members of meshes
    registry = referencing.Registry().with_resources(
        (schema["$id"], referencing.Resource.from_contents(schema)) for schema in schemas.values()
    )
    jsonschema.Draft7Validator(schemas[name], registry=registry).validate(content)
