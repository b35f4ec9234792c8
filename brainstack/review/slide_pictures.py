"""Pictures of slides and scenes, made small for their page and kept in memory."""

from __future__ import annotations

import os
from pathlib import Path

from brainstack.animal_folder import AnimalFolder
from brainstack.files.miniatures import jpeg, read_picture
from brainstack.images.miniatures import fitted
from brainstack.review.kept import KeptPictures

SIDES_PX = {"small": 260, "large": 1100}
"""The longer side of a picture, by what the page calls its size."""
KEPT_BYTES = 128 << 20
"""Of small pictures, over all animals: those of ten animals of 170 slides."""


def scene_name(slide: str, scene: int, channel: int) -> str:
    """What the page calls the picture of a scene. slide : name of its CZI without the suffix."""
    return f"{slide}_S{scene}_C{channel}"


def slide_picture_name(slide: str, picture: str) -> str:
    """picture : "label" or "preview"."""
    return f"{slide}_{picture}"


class Pictures:
    """Which pictures an animal has, by name. Files of these folders are found by their listing: a name from an address
    is only looked up in it."""

    def __init__(self, folder: AnimalFolder) -> None:
        self.folder = folder
        self._scenes = _listing(folder.scene_picture("x").parent)
        self._slides = _listing(folder.slide_picture("x", "label").parent)

    def of_scene(self, name: str) -> str:
        """The address of a scene's picture, below that of the animal; "" where there is none."""
        return self._address(name, self._scenes)

    def of_slide(self, name: str) -> str:
        return self._address(name, self._slides)

    def path(self, name: str) -> Path | None:
        """The file of a picture, None where there is none of this name."""
        for listing, folder in (
            (self._scenes, self.folder.scene_picture("x").parent),
            (self._slides, self.folder.slide_picture("x", "label").parent),
        ):
            if name in listing:
                return folder / f"{name}.png"
        return None

    def _address(self, name: str, listing: dict[str, str]) -> str:
        version = listing.get(name)
        return f"/{self.folder.prep_id}/slides/picture/{name}?v={version}" if version else ""


def _listing(folder: Path) -> dict[str, str]:
    """Names of PNGs, without the suffix -> what is another once the file was written again."""
    try:
        with os.scandir(folder) as entries:
            pngs = [
                (entry.name, entry.stat())
                for entry in entries
                if entry.name.endswith(".png") and entry.is_file(follow_symlinks=False)
            ]
    except FileNotFoundError:
        return {}
    return {name.removesuffix(".png"): f"{stat.st_mtime_ns:x}{stat.st_size:x}" for name, stat in pngs}


class SmallPictures:
    """JPEGs, made when they are first asked for."""

    def __init__(self, most_bytes: int = KEPT_BYTES) -> None:
        self._kept = KeptPictures(most_bytes)

    def of(self, path: Path, side_px: int) -> bytes:
        """A picture as JPEG, its longer side so long. Raises BrainstackError for one that is damaged, OSError for one
        that is gone."""
        stat = path.stat()
        known = (str(path), stat.st_mtime_ns, stat.st_size, side_px)
        return self._kept.get(known, lambda: jpeg(fitted(read_picture(path), side_px)))
