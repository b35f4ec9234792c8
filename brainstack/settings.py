"""Settings: every number that changes a pixel, read once, typed, unknown names refused."""

from __future__ import annotations

import difflib
import functools
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from brainstack.errors import BrainstackError

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class Group(BaseModel):
    """A table of settings.toml. What its numbers mean is said there, beside the defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SlidesSettings(Group):
    name_pattern: str
    scene_order: Literal["scan", "position"]
    checksum: Literal["quick", "whole"]

    @field_validator("name_pattern")
    @classmethod
    def has_a_number(cls, pattern: str) -> str:
        try:
            groups = re.compile(pattern).groupindex
        except re.error as error:
            raise ValueError(f"it is no regular expression ({error})") from error
        if "number" not in groups:
            raise ValueError("wanted a regular expression with a group (?P<number>...)")
        return pattern


class TifsSettings(Group):
    thumbnail_factor: Count
    focal_planes: Literal["first", "maximum"]
    compression: Literal["zlib", "zstd", "lzw", "none"]
    white_share: Share
    tile_px: Annotated[int, Field(ge=16, multiple_of=16)]


class NormalizedSettings(Group):
    clahe_clip: Positive
    clahe_tiles: Count
    white_share: Share


class MasksSettings(Group):
    channel: Count
    model: str
    working_um: Positive
    smoothing_um: Positive
    slope_um: Positive
    noise_factor: Positive
    edge_share: Share
    faint_share: Share
    nearby_um: Positive
    hair_um: Positive
    gap_um: Positive
    piece_um2: Positive
    piece_share: Share
    cut_piece_share: Share
    step_um: Positive
    cloud_um: Positive
    grain_um: Positive
    grain_spread_um: Positive
    grain_factor: Positive
    core_um: Positive
    flat_share: Share
    debris_factor: Positive


class ReviewSettings(Group):
    require: tuple[Literal["masks"], ...]


class MaskCheckSettings(Group):
    neighbours: Count
    fewest: Count
    allowed_share: Positive
    scatter_factor: Positive


class TrainMasksSettings(Group):
    sigmas_um: Annotated[tuple[Positive, ...], Field(min_length=1)]
    pixels: Annotated[int, Field(ge=100)]
    trees: Count
    leaves: Annotated[int, Field(ge=2)]
    folds: Annotated[int, Field(ge=2)]


class FullMasksSettings(Group):
    smoothing_px: Annotated[float, Field(ge=0, le=10)]


class HistogramSettings(Group):
    bins: Count


class GainSettings(Group):
    quantile: Share
    target: Share
    step: Annotated[float, Field(gt=0, le=0.5)]
    even_um: Annotated[float, Field(ge=0)]
    even_quantile: Share
    even_limit: Annotated[float, Field(ge=1)]


class WhitePointSettings(Group):
    quantile: Share


class CleanSettings(Group):
    background_um: Annotated[float, Field(ge=0)]
    clipped_share: Share


class CanvasSettings(Group):
    margin_um: Annotated[float, Field(ge=0)]


class ElastixSettings(Group):
    """rigid : elastix' own parameters, those of config/rigid.toml with an animal's own on top."""

    channel: Count
    reach: Annotated[int, Field(ge=1, le=6)]
    fine_reach: Annotated[int, Field(ge=1, le=6)]
    smoothing_um: Annotated[float, Field(ge=0)]
    coarse_um: Positive
    outline_um: Positive
    fine_um: Positive
    border_um: Annotated[float, Field(ge=0)]
    ring_steps: Count
    candidates: Count
    ecc_iterations: Count
    metric_um: Positive
    allowed_loss: Share
    lowest_metric: Annotated[float, Field(ge=-1, le=1)]
    lowest_overlap: Share
    finer_factor: Annotated[int, Field(ge=0)]
    finer_smoothing_um: Annotated[float, Field(ge=0)]
    finer_largest_px: Positive
    rigid: dict[str, Any] = Field(default_factory=dict, validate_default=True)

    @field_validator("rigid")
    @classmethod
    def on_top_of_the_shipped(cls, own: dict[str, Any]) -> dict[str, Any]:
        return _read_toml(config_folder() / "rigid.toml") | own


class PairCheckSettings(Group):
    turn_mirrored: bool
    allowed_um: Positive
    scatter_factor: Positive
    damage_factor: Positive
    damaged_outline: Share
    damaged_light: Share


class TransformsSettings(Group):
    pair_um: Annotated[tuple[Positive, ...], Field(min_length=1)]
    anchor_um: Positive

    def sigma_um(self, reach: int) -> float:
        """Of a pair of sections so far apart."""
        return self.pair_um[min(reach, len(self.pair_um)) - 1]


class ShapeSettings(Group):
    held_by: Literal["nothing", "midline", "outline", "midline and outline", "reference"]
    midline_rotation_um: Positive
    midline_shift_um: Positive
    lowest_likeness: Share
    outline_um: Positive
    outline_smoothing_um: Positive
    reference: str
    reference_spacing_um: Positive
    reference_pixel_size_um: Positive
    reference_first_um: float
    reference_um: Positive

    @property
    def kinds(self) -> tuple[str, ...]:
        """What holds the stack's shape: "midline", "outline", "reference", or none."""
        return () if self.held_by == "nothing" else tuple(self.held_by.split(" and "))


class DeformationSettings(Group):
    grid_um: Annotated[float, Field(ge=0)]
    stiffness: Annotated[float, Field(ge=0)]
    largest_um: Positive
    least_gain: Share
    pixel_um: Positive


class WebSettings(Group):
    channel: Count


class AlignmentSettings(Group):
    interpolation: Literal["nearest", "linear", "cubic"]


class NeuroglancerSettings(Group):
    chunk_size: tuple[Count, Count, Count]
    encoding: Literal["raw", "jpeg", "png"]
    jpeg_quality: Annotated[int, Field(ge=1, le=100)]
    format: Literal["auto", "plain", "sharded"]
    largest_plain_chunks: Annotated[int, Field(ge=0)]
    gzip: bool
    block_px: Annotated[int, Field(ge=16)]
    group_px: Annotated[int, Field(ge=16)]


class DownsamplingSettings(Group):
    smallest_side_px: Count


class ShellSettings(Group):
    voxel_um: Positive
    smoothing_um: Positive
    error_um: Annotated[float, Field(ge=0)]


class MeshesSettings(Group):
    error_um: Annotated[float, Field(ge=0)]
    levels: Annotated[int, Field(ge=1, le=12)]
    coarsest_triangles: Annotated[int, Field(ge=100)]
    plain: bool
    skeletons: bool


class PointsSettings(Group):
    most_in_cell: Annotated[int, Field(ge=100)]


class Settings(BaseModel):
    """All settings of one animal: config/settings.toml, with the animal's own file on top."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slides: SlidesSettings
    tifs: TifsSettings
    normalized: NormalizedSettings
    masks: MasksSettings
    train_masks: TrainMasksSettings
    mask_check: MaskCheckSettings
    full_masks: FullMasksSettings
    review: ReviewSettings
    histogram: HistogramSettings
    gain: GainSettings
    white_point: WhitePointSettings
    canvas: CanvasSettings
    clean: CleanSettings
    elastix: ElastixSettings
    pair_check: PairCheckSettings
    transforms: TransformsSettings
    shape: ShapeSettings
    deformation: DeformationSettings
    alignment: AlignmentSettings
    web: WebSettings
    neuroglancer: NeuroglancerSettings
    downsampling: DownsamplingSettings
    shell: ShellSettings
    meshes: MeshesSettings
    points: PointsSettings


def config_folder() -> Path:
    """The folder with settings.toml and rigid.toml: config/ of the checkout, or the copy inside the wheel."""
    inside = Path(__file__).parent / "config"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "config"


def load_settings(animal_file: Path | None = None) -> Settings:
    """The shipped settings, with those of `animal_file` (where it is there) on top.

    Raises BrainstackError for a file that is not TOML, an unknown name or a value that cannot be.
    """
    tables = {name: dict(table) for name, table in _shipped().items()}
    source = config_folder() / "settings.toml"
    if animal_file is not None and animal_file.exists():
        source = animal_file
        for name, table in _read_toml(animal_file).items():
            if not isinstance(table, dict):
                raise BrainstackError(f"{animal_file}: '{name}' stands outside a table; put it below its [table].")
            tables[name] = tables.get(name, {}) | table
    return _checked(tables, source)


@functools.cache
def _shipped() -> dict[str, dict[str, Any]]:
    return _read_toml(config_folder() / "settings.toml")


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BrainstackError(f"{path} is not a TOML file: {error}. Mend that line.") from error


def _checked(tables: dict[str, dict[str, Any]], source: Path) -> Settings:
    try:
        settings = Settings.model_validate(tables)
    except ValidationError as error:
        raise BrainstackError(f"{source} {_sentence(error, tables)}") from error
    finer, thumbnail = settings.elastix.finer_factor, settings.tifs.thumbnail_factor
    if finer >= thumbnail:
        raise BrainstackError(
            f"{source} [elastix]: finer_factor = {finer} cannot be: wanted less than [tifs] thumbnail_factor, which is "
            f"{thumbnail}, or 0 for none."
        )
    return settings


def _sentence(error: ValidationError, tables: dict[str, dict[str, Any]]) -> str:
    first = error.errors()[0]
    table, *rest = (str(part) for part in first["loc"])
    name = rest[0] if rest else table
    if first["type"] == "extra_forbidden":
        known = list(Settings.model_fields) if not rest else list(_group(table).model_fields)
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"Did you mean '{near[0]}'?" if near else f"Known are: {', '.join(known)}."
        what = f"unknown table [{name}]" if not rest else f"[{table}]: unknown setting '{name}'"
        return f"{what}. {hint}"
    return f"[{table}]: {name} = {tables.get(table, {}).get(name)!r} cannot be: {first['msg']}."


def _group(table: str) -> type[Group]:
    annotation = Settings.model_fields[table].annotation
    assert isinstance(annotation, type)
    assert issubclass(annotation, Group)
    return annotation
