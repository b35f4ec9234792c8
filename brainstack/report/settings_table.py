"""Chapter: the settings in force, those that differ from the shipped ones first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from brainstack.report.source import Source
from brainstack.settings import Settings, load_settings


@dataclass(frozen=True)
class SettingRow:
    """name : such as "[gain] target"."""

    name: str
    value: str
    shipped: str


@dataclass(frozen=True)
class SettingsChapter:
    own: tuple[SettingRow, ...]
    shipped: tuple[SettingRow, ...]
    file: str


def settings_chapter(source: Source) -> SettingsChapter:
    shipped = dict(values_of(load_settings()))
    rows = [
        SettingRow(name, _shown(value), _shown(shipped.get(name))) for name, value in values_of(source.plan.settings)
    ]
    own = tuple(one for one in rows if one.value != one.shipped)
    return SettingsChapter(
        own, tuple(one for one in rows if one.value == one.shipped), source.plan.folder.settings.name
    )


def values_of(settings: Settings) -> Iterator[tuple[str, Any]]:
    """Each setting by its name, such as "[gain] target"; those of elastix itself one by one."""
    for table, group in settings.model_dump(mode="json").items():
        for name, value in group.items():
            if isinstance(value, dict):
                yield from ((f"[{table}.{name}] {one}", inner) for one, inner in value.items())
            else:
                yield f"[{table}] {name}", value


def _shown(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False)
