"""What can be exported of an animal for other programs, and how its steps and files are called.

A step of Export is called "ome-zarr:thumbnail"; one of ExportSection, which makes what an export takes of one section,
"slide058_S2:zarr:thumbnail".
"""

from __future__ import annotations

from dataclasses import dataclass

ZARR, TIFF, TIFF_SECTIONS = "ome-zarr", "ome-tiff", "ome-tiff-sections"
FORMATS = (ZARR, TIFF, TIFF_SECTIONS)
"""OME-Zarr 0.5; one OME-TIFF with all sections; a folder with an OME-TIFF for each section."""

THUMBNAIL, FULL = "thumbnail", "full"
RESOLUTIONS = (THUMBNAIL, FULL)

PIECES = {ZARR: "zarr", TIFF: "tiff", TIFF_SECTIONS: "tiff"}
"""Format -> the kind of what it takes of each section: both kinds of OME-TIFF take the same."""

PIECE_SUFFIXES = {"zarr": ".zarr", "tiff": ".ome.tif"}
SUFFIXES = {ZARR: ".ome.zarr", TIFF: ".ome.tif", TIFF_SECTIONS: "_sections"}


@dataclass(frozen=True)
class Piece:
    """What an export takes of one section. key : of the section. kind : "zarr" or "tiff"."""

    key: str
    kind: str
    resolution: str

    @property
    def item(self) -> str:
        return f"{self.key}:{self.kind}:{self.resolution}"

    @property
    def is_full(self) -> bool:
        return self.resolution == FULL


@dataclass(frozen=True)
class ExportKind:
    """One of the exports that an animal can have. form : one of FORMATS. resolution : one of RESOLUTIONS."""

    form: str
    resolution: str

    @property
    def item(self) -> str:
        return f"{self.form}:{self.resolution}"

    @property
    def is_full(self) -> bool:
        return self.resolution == FULL

    def piece(self, key: str) -> Piece:
        return Piece(key, PIECES[self.form], self.resolution)

    def command(self, prep_id: str) -> str:
        """That makes it."""
        full = f" --resolution {FULL}" if self.is_full else ""
        return f"luigi --module tasks Export --animal {prep_id} --format {self.form}{full}"

    def file_name(self, prep_id: str) -> str:
        """Of the file or folder that people take away: DK39_aligned_thumbnail.ome.zarr."""
        return f"{prep_id}_aligned_{self.resolution}{SUFFIXES[self.form]}"


EXPORT_KINDS = tuple(ExportKind(form, resolution) for resolution in RESOLUTIONS for form in FORMATS)


def section_of_piece(file_name: str) -> str:
    """The key of the section that a file of ExportSection is of."""
    for suffix in PIECE_SUFFIXES.values():
        file_name = file_name.removesuffix(suffix)
    return file_name


def export_kind(item: str) -> ExportKind:
    """item : of a step of Export. Raises ValueError for another word."""
    form, resolution = item.split(":")
    return ExportKind(form, resolution)


def export_piece(item: str) -> Piece:
    """item : of a step of ExportSection. Raises ValueError for another word."""
    key, kind, resolution = item.split(":")
    return Piece(key, kind, resolution)


def kind_of_step(item: str) -> ExportKind:
    """The export that a step is for, or the first of those. item : of a step of Export or of ExportSection."""
    if item.count(":") == 1:
        return export_kind(item)
    piece = export_piece(item)
    return ExportKind(next(form for form in FORMATS if PIECES[form] == piece.kind), piece.resolution)
