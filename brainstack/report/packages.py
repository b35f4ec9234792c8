"""Packages that pixels, tables and volumes are made by, and the versions that a run notes in its log."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (
    "luigi", "numpy", "scipy", "scikit-image", "opencv-python-headless", "SimpleITK-SimpleElastix", "tifffile",
    "imagecodecs", "lightgbm", "zmesh", "DracoPy", "cloud-volume", "neuroglancer", "pydantic", "sqlalchemy",
    "matplotlib",
)  # fmt: skip


def packages_here() -> dict[str, str]:
    """Of this process: package -> version, of those that are installed."""
    return {name: found for name in PACKAGES if (found := _version(name))}


def packages_in_words(packages: Mapping[str, str]) -> str:
    """As a line of the log has them: "luigi 3.8.1, numpy 2.4.0"."""
    return ", ".join(f"{name} {found}" for name, found in packages.items())


def packages_from_words(words: str) -> dict[str, str]:
    return dict(one.split(" ", 1) for one in words.split(", ") if " " in one)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
