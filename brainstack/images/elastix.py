"""elastix, the one place that knows it, so that another engine can stand here."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from brainstack import geometry
from brainstack.errors import BrainstackError
from brainstack.geometry import Matrix
from brainstack.images.levels import Level, warped
from brainstack.settings import ElastixSettings

_STANDARD_OUTPUT = threading.Lock()


class EngineError(BrainstackError):
    """elastix gave up."""


def refine(level: Level, start: Matrix, settings: ElastixSettings, border_px: int) -> Matrix:
    """The start, refined by elastix.

    level : of the thumbnail itself. start : in its pixels, fixed to moving. Samples are taken where one of the
    two is tissue at the start and `border_px` around it, so that both outlines count.
    SimpleITK is imported here because it takes a second and only this needs it. elastix insists on a folder to write
    to, a temporary one. What it finds comes after the start and turns about its own centre of rotation.
    Raises EngineError where elastix gives up.
    """
    with warnings.catch_warnings():
        # Where warnings are errors, the one that its SWIG classes give ends the whole process.
        warnings.simplefilter("ignore", DeprecationWarning)
        import SimpleITK as sitk  # noqa: N813

    engine = sitk.ElastixImageFilter()
    engine.LogToConsoleOff()
    engine.LogToFileOff()
    engine.SetNumberOfThreads(1)
    engine.SetFixedImage(sitk.GetImageFromArray(level.fixed))
    engine.SetMovingImage(sitk.GetImageFromArray(level.moving))
    either = level.fixed_mask | warped(level.moving_mask, start, level.fixed.shape)
    engine.SetFixedMask(sitk.GetImageFromArray(_widened(either, border_px)))
    parameters = sitk.ParameterMap()
    for name, value in settings.rigid.items():
        parameters[name] = _elastix_words(value)
    engine.SetParameterMap(parameters)
    with tempfile.TemporaryDirectory(prefix="elastix_") as folder:
        engine.SetOutputDirectory(folder)
        start_file = Path(folder) / "start.txt"
        start_file.write_text(_elastix_start(start, level.fixed.shape), encoding="ascii")
        engine.SetInitialTransformParameterFileName(str(start_file))
        try:
            with _quiet():
                engine.Execute()
        except RuntimeError as error:
            raise EngineError(
                "elastix could not register the two sections; look at both, mend their masks or make one a gap, and "
                "where no pair works, put config/rigid.toml right."
            ) from error
        (found,) = engine.GetTransformParameterMap()
    return from_elastix(found["TransformParameters"], found["CenterOfRotationPoint"]) @ start


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No standard output: elastix prints "Writing image ..." there from C++, whatever its settings say."""
    with _STANDARD_OUTPUT:
        sys.stdout.flush()
        kept = os.dup(1)
        try:
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), 1)
            yield
        finally:
            os.dup2(kept, 1)
            os.close(kept)


def from_elastix(parameters: tuple[str, ...], centre: tuple[str, ...]) -> Matrix:
    """The matrix of an EulerTransform: rotation about its centre, then the shift; angle, x and y in that order."""
    angle, shift_x, shift_y = map(float, parameters)
    centre_x, centre_y = map(float, centre)
    about = geometry.shift(centre_x, centre_y)
    return geometry.shift(shift_x, shift_y) @ about @ geometry.rigid(angle, 0, 0, (1, 1)) @ geometry.inverse(about)


def _elastix_start(matrix: Matrix, shape: tuple[int, int]) -> str:
    """elastix' file of a rigid transform; a pixel is one unit long and the first pixel's centre is at 0."""
    parts = geometry.rigid_parts(matrix, (1, 1))
    return "\n".join(
        (
            '(Transform "EulerTransform")',
            "(NumberOfParameters 3)",
            f"(TransformParameters {parts.rotation_rad!r} {parts.shift_x_px!r} {parts.shift_y_px!r})",
            "(CenterOfRotationPoint 0 0)",
            '(InitialTransformParametersFileName "NoInitialTransform")',
            '(HowToCombineTransforms "Compose")',
            "(FixedImageDimension 2)",
            "(MovingImageDimension 2)",
            f"(Size {shape[1]} {shape[0]})",
            "(Index 0 0)",
            "(Spacing 1 1)",
            "(Origin 0 0)",
            "(Direction 1 0 0 1)",
            "",
        )
    )


def _elastix_words(value: Any) -> tuple[str, ...]:
    """A value of rigid.toml as elastix wants it: words; true and false are not capitalised."""
    values = value if isinstance(value, list | tuple) else (value,)
    return tuple(str(each).lower() if isinstance(each, bool) else str(each) for each in values)


def _widened(mask: npt.NDArray[np.uint8], border_px: int) -> npt.NDArray[np.uint8]:
    if border_px < 1:
        return mask
    return np.asarray(cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * border_px + 1,) * 2)))


def deform(
    fixed: npt.NDArray[np.float32],
    moving: npt.NDArray[np.float32],
    mask: npt.NDArray[np.uint8],
    *,
    spacing: float,
    parameters: dict[str, Any],
) -> npt.NDArray[np.float32]:
    """A smooth deformation: where each point of `fixed` comes from in `moving`, less the point itself.

    fixed, moving : (rows, columns). mask : where `fixed` is sampled, 1 there. spacing : side of a pixel in the unit of
    the answer, (rows, columns, 2) as (x, y). parameters : elastix' own.
    Raises EngineError where elastix gives up.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import SimpleITK as sitk  # noqa: N813

    def image(picture: npt.NDArray[Any]) -> Any:
        made = sitk.GetImageFromArray(picture)
        made.SetSpacing((spacing, spacing))
        return made

    engine, bender = sitk.ElastixImageFilter(), sitk.TransformixImageFilter()
    mapping = sitk.ParameterMap()
    for name, value in parameters.items():
        mapping[name] = _elastix_words(value)
    engine.SetFixedImage(image(fixed))
    engine.SetMovingImage(image(moving))
    engine.SetFixedMask(image(mask))
    engine.SetParameterMap(mapping)
    engine.SetNumberOfThreads(1)
    with tempfile.TemporaryDirectory(prefix="elastix_") as folder:
        for one in (engine, bender):
            one.LogToConsoleOff()
            one.LogToFileOff()
            one.SetOutputDirectory(folder)
        try:
            with _quiet():
                engine.Execute()
                bender.SetTransformParameterMap(engine.GetTransformParameterMap())
                bender.SetMovingImage(image(moving))
                bender.ComputeDeformationFieldOn()
                bender.Execute()
        except RuntimeError as error:
            raise EngineError(
                "elastix could not deform the section; look at it and its neighbours and mend their masks, or do "
                "without: "
                "[deformation] grid_um = 0 in the animal's settings.toml."
            ) from error
        return np.asarray(sitk.GetArrayFromImage(bender.GetDeformationField()), np.float32)
