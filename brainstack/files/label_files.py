"""Labels as other programs save them: a folder of TIFFs, one a section; or a volume as NIfTI, NRRD or TIFF."""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tifffile
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.labels import Segment, check_names

Triple = tuple[float, float, float]

TIFF_SUFFIXES = (".tif", ".tiff")
VOLUME_SUFFIXES = (".nii", ".nii.gz", ".nrrd", *TIFF_SUFFIXES)
"""Each is one file: of a header with its data elsewhere, such as .nhdr, it could not be seen that these changed."""

SLAB = 64
"""Planes of a volume that are read at once: a packed file is unpacked from its start each time."""

LARGEST_VOXEL_UM = 1000.0

UNSAID_MM = (1.0, 1.0, 1.0)
"""The sides of a voxel in NIfTI and NRRD that were saved without any."""

STRAIGHT = 1e-4


class Labels(Protocol):
    """shape_zyx : planes, rows, columns. is_wide : some may need more than 32 bits."""

    @property
    def shape_zyx(self) -> tuple[int, int, int]: ...
    @property
    def is_wide(self) -> bool: ...
    def plane(self, number: int) -> NDArray[Any]:
        """(rows, columns), of whole numbers from 0 on. Raises BrainstackError for other ones."""


def checked(plane: NDArray[Any], name: str) -> NDArray[Any]:
    """The plane as unsigned whole numbers. Raises BrainstackError for what are no labels."""
    check_type(plane.dtype, name)
    if plane.dtype.kind == "i" and plane.size and plane.min() < 0:
        raise BrainstackError(
            f"{name} has the label {int(plane.min())}, wanted 0 and above: save the labels as unsigned whole numbers."
        )
    return plane.astype(np.uint64 if plane.dtype.itemsize == 8 else np.uint32)


def check_type(dtype: np.dtype[Any], name: str) -> None:
    """Raise BrainstackError for a type that holds no labels."""
    if dtype.kind not in "uib":
        raise BrainstackError(
            f"{name} holds {dtype}, wanted whole numbers: save the labels as 8, 16, 32 or 64 bits without a fraction."
        )


class LabelFolder:
    """A TIFF for each section; sections without one have no labels."""

    def __init__(self, folder: Path, slots: Mapping[str, int], count: int) -> None:
        """slots : the slot of each section, by its key. count : of slots.

        A file is called by the section's number, such as 012.tif, or by its key. Raises BrainstackError for other
        names, for images of two sizes, and for those that hold no labels.
        """
        self._files = _files_by_slot(folder, slots, count)
        self.shape_zyx = (count, *self._common_shape())
        self.is_wide = any(_tiff_type(path).itemsize == 8 for path in self._files.values())

    def _common_shape(self) -> tuple[int, int]:
        first = next(iter(self._files.values()))
        wanted = _tiff_shape(first)
        for path in self._files.values():
            found = _tiff_shape(path)
            check_type(_tiff_type(path), str(path))
            if found != wanted:
                raise BrainstackError(
                    f"{path} is {found[1]} x {found[0]} pixels, but {first.name} is {wanted[1]} x {wanted[0]}; save "
                    "all labels at the size of the aligned sections."
                )
        return wanted

    def plane(self, number: int) -> NDArray[Any]:
        """See `Labels.plane`."""
        if number not in self._files:
            return np.zeros(self.shape_zyx[1:], np.uint32)
        return checked(_read_tiff(self._files[number]), str(self._files[number]))


def _files_by_slot(folder: Path, slots: Mapping[str, int], count: int) -> dict[int, Path]:
    if not folder.is_dir():
        raise BrainstackError(f"{folder} is not there; wanted the folder of label TIFFs, such as 012.tif.")
    files: dict[int, Path] = {}
    for path in sorted(path for path in folder.glob("[!.]*") if path.suffix.lower() in TIFF_SUFFIXES):
        number = slots.get(path.stem, int(path.stem) if re.fullmatch(r"\d+", path.stem) else None)
        if number is None or number >= count:
            raise BrainstackError(
                f"{path} is of no section; wanted its number, such as 012.tif, from 0 to {count - 1}, or its key."
            )
        if number in files:
            raise BrainstackError(f"{files[number]} and {path} are both of section {number}; delete one.")
        files[number] = path
    if not files:
        raise BrainstackError(f"{folder} holds no TIFFs; wanted label images called by their section, such as 012.tif.")
    return files


def _tiff_shape(path: Path) -> tuple[int, int]:
    shape = _tiff_page(path)[0]
    if len(shape) != 2:
        raise BrainstackError(f"{path} is {' x '.join(map(str, shape))}, wanted one plane of labels, without colours.")
    return shape[0], shape[1]


def _tiff_type(path: Path) -> np.dtype[Any]:
    return _tiff_page(path)[1]


def _tiff_page(path: Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
    with _opened(path) as file:
        page = file.pages.first
        if len(file.series) and len(file.series[0].shape) > 2 and len(file.pages) > 1:
            return file.series[0].shape, np.dtype(page.dtype)
        return page.shape, np.dtype(page.dtype)


def _read_tiff(path: Path) -> NDArray[Any]:
    with _opened(path) as file:
        return np.asarray(file.pages.first.asarray())


def _opened(path: Path) -> tifffile.TiffFile:
    try:
        return tifffile.TiffFile(path, is_ome=False)
    except (tifffile.TiffFileError, ValueError) as error:
        raise BrainstackError(f"{path} is no TIFF that can be read ({error}); save it anew.") from error


class LabelImage:
    """A volume in one file.

    voxel_um, middle_um : (x, y, z) of the sides of a voxel, and of the middle of the first one, as the file says; None
    where it says nothing, or what files say that were saved without: sides of 1 mm, and an origin of 0. Its axes are
    taken as they are stored: the fastest is x.
    """

    def __init__(self, path: Path) -> None:
        """Raises BrainstackError for a file that is no volume of labels."""
        if not path.is_file():
            raise BrainstackError(f"{path} is not there; wanted a label volume ({', '.join(VOLUME_SUFFIXES)}).")
        if not path.name.lower().endswith(VOLUME_SUFFIXES):
            raise BrainstackError(f"{path} is of a kind that is not read, wanted {', '.join(VOLUME_SUFFIXES)}.")
        self._path = path
        self._is_tiff = path.suffix.lower() in TIFF_SUFFIXES
        self.voxel_um: Triple | None = None
        self.middle_um: Triple | None = None
        if self._is_tiff:
            with _opened(path) as file:
                shape, dtype = file.series[0].shape, np.dtype(file.series[0].dtype)
        else:
            shape, dtype = self._read_header()
        if len(shape) != 3:
            raise BrainstackError(f"{path} has {len(shape)} axes, wanted 3: planes, rows and columns, without colours.")
        check_type(dtype, str(path))
        self.shape_zyx: tuple[int, int, int] = (int(shape[0]), int(shape[1]), int(shape[2]))
        self.is_wide = dtype.itemsize == 8
        self._slab: tuple[int, NDArray[Any]] | None = None

    def _read_header(self) -> tuple[tuple[int, ...], np.dtype[Any]]:
        reader = _reader(self._path)
        size = reader.GetSize()
        shape = size[::-1] if reader.GetNumberOfComponents() == 1 else (*size[::-1], reader.GetNumberOfComponents())
        kind = itk().GetPixelIDValueAsString(reader.GetPixelID())
        dtype = np.dtype(_type_named(kind))
        if len(size) == 3:
            direction = np.array(reader.GetDirection()).reshape(3, 3)
            if np.abs(np.abs(direction) - np.eye(3)).max() > STRAIGHT:
                raise BrainstackError(
                    f"{self._path} lies askew: its axes are turned by {direction.round(3).tolist()} against those of "
                    "its array; resample it onto the axes of the sections."
                )
            if reader.GetSpacing() != UNSAID_MM:
                x, y, z = (1000 * length for length in reader.GetSpacing())  # millimetres, in both formats
                self.voxel_um = (x, y, z)
            if any(reader.GetOrigin()):
                # NIfTI's own x and y run the other way; nothing is turned for it.
                signs = np.diag(direction)
                x, y, z = (float(1000 * sign * at) for sign, at in zip(signs, reader.GetOrigin(), strict=True))
                self.middle_um = (x, y, z)
        return shape, dtype

    def plane(self, number: int) -> NDArray[Any]:
        """See `Labels.plane`."""
        if self._is_tiff:
            with _opened(self._path) as file:
                pages = file.series[0].pages
                if len(pages) == self.shape_zyx[0]:
                    return checked(np.asarray(pages[number].asarray()), str(self._path))
            return checked(np.asarray(tifffile.imread(self._path)[number]), str(self._path))
        start = number // SLAB * SLAB
        if self._slab is None or self._slab[0] != start:
            self._slab = None  # before the next one is there
            self._slab = start, self._read_slab(start)
        return checked(self._slab[1][number - start], str(self._path))

    def _read_slab(self, start: int) -> NDArray[Any]:
        depth, height, width = self.shape_zyx
        reader = _reader(self._path)
        reader.SetExtractIndex((0, 0, start))
        reader.SetExtractSize((width, height, min(SLAB, depth - start)))
        return np.asarray(itk().GetArrayFromImage(reader.Execute()))


def itk() -> Any:
    """SimpleITK, imported here because it takes a second and 100 MB, of each process, and few read volumes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of its SWIG classes
        import SimpleITK

    return SimpleITK


def _reader(path: Path) -> Any:
    reader = itk().ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise BrainstackError(f"{path} cannot be read as a volume; save it anew as NIfTI, NRRD or TIFF.") from error
    return reader


def _type_named(name: str) -> str:
    """numpy's name of "32-bit unsigned integer" and so on."""
    bits = re.search(r"(\d+)-bit (unsigned|signed)", name)
    if bits:
        return f"{'u' if bits[2] == 'unsigned' else ''}int{bits[1]}"
    return "float64" if "64-bit" in name else "float32"


def checked_geometry(
    image: LabelImage, path: Path, voxel_um: Triple | None, offset_um: Triple | None
) -> tuple[Triple, Triple]:
    """(voxel_um, offset_um) of a volume: what a person said, else what the file says; the latter of its outer corner,
    which is where the stack's is where neither says it. Raises BrainstackError where neither says how large voxels
    are, or what is said cannot be."""
    voxel = voxel_um or image.voxel_um
    if voxel is None:
        raise BrainstackError(
            f"{path} does not say how large its voxels are (a file that was not told has 1 mm); give --voxel-um X Y Z."
        )
    if not all(0 < length <= LARGEST_VOXEL_UM for length in voxel):
        raise BrainstackError(
            f"{path} has voxels of {' x '.join(f'{length:g}' for length in voxel)} um, wanted up to "
            f"{LARGEST_VOXEL_UM:g}; give --voxel-um X Y Z."
        )
    return voxel, offset_um or _corner(image.middle_um, voxel)


def _corner(middle_um: Triple | None, voxel_um: Triple) -> Triple:
    """Of the first voxel, half a voxel before its middle."""
    if middle_um is None:
        return 0.0, 0.0, 0.0
    x, y, z = (middle - side / 2 for middle, side in zip(middle_um, voxel_um, strict=True))
    return x, y, z


def read_names(path: Path) -> list[Segment]:
    """The table of names that a person made: label, name, and perhaps description and color.

    Raises BrainstackError for a table without these columns, for text where numbers belong, and for a label or a name
    that is there twice.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [name for name in ("label", "name") if name not in (reader.fieldnames or ())]
            if missing:
                raise BrainstackError(f"{path} has no column {missing[0]!r}; wanted label, name, and perhaps color.")
            found = [_segment(row, path, number) for number, row in enumerate(reader, 2)]
    except FileNotFoundError:
        raise BrainstackError(f"{path} is not there; wanted a CSV with the columns label and name.") from None
    except UnicodeDecodeError as error:
        raise BrainstackError(f"{path} is no text in UTF-8; save it as CSV anew.") from error
    seen: set[int] = set()
    for one in found:
        if one.label in seen:
            raise BrainstackError(f"{path} has the label {one.label} twice; leave one line of it.")
        seen.add(one.label)
    check_names(found, str(path))
    return found


def _segment(row: Mapping[str, str | None], path: Path, line: int) -> Segment:
    label, name, color = ((row.get(column) or "").strip() for column in ("label", "name", "color"))
    if not label.isdigit() or not name:
        raise BrainstackError(f"{path}, line {line}: label {label!r}, name {name!r}; wanted a whole number and a name.")
    if color and not re.fullmatch(r"#[0-9A-Fa-f]{6}", color):
        raise BrainstackError(f"{path}, line {line}: the color {color!r} is none; wanted one such as #0CFF95.")
    return Segment(int(label), name, (row.get("description") or "").strip(), color)
