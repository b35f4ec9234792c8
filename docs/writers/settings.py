"""The page of settings: each with its unit, what is shipped and why, from the files in config/ and luigi.cfg."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainstack.settings import config_folder

REPOSITORY = Path(__file__).parent.parent.parent

ENDINGS = {
    "_um2": "square micrometres",
    "_um": "micrometres",
    "_px": "pixels",
    "_deg": "degrees",
    "_gb": "GB",
    "_s": "seconds",
    "_share": "share, 0 to 1",
    "_factor": "times",
    "_quantile": "share, 0 to 1",
    "_iterations": "a number",
    "_triangles": "a number",
    "_chunks": "a number",
    "_steps": "a number",
    "_elements": "a number",
    "channel": "from 1",
    "minutes": "minutes",
    "seconds": "seconds",
}
"""End of a setting's name -> its unit."""
UNITS = {
    "normalized.clahe_clip": "times the mean of a histogram's bin",
    "normalized.clahe_tiles": "tiles a side",
    "mask_check.neighbours": "sections on either side",
    "mask_check.fewest": "sections",
    "train_masks.pixels": "pixels a section",
    "train_masks.trees": "a number",
    "train_masks.leaves": "a number a tree",
    "train_masks.folds": "rounds",
    "histogram.bins": "a number",
    "gain.quantile": "share, 0 to 1",
    "gain.target": "share of the largest value",
    "gain.step": "share, 0 to 1",
    "gain.even_limit": "times",
    "white_point.quantile": "share, 0 to 1",
    "elastix.reach": "sections",
    "elastix.fine_reach": "sections",
    "elastix.candidates": "a number",
    "elastix.allowed_loss": "of a correlation, -1 to 1",
    "elastix.lowest_metric": "a correlation, -1 to 1",
    "elastix.lowest_overlap": "share, 0 to 1",
    "elastix.finer_factor": "times; 0: not made",
    "pair_check.damaged_outline": "share, 0 to 1",
    "pair_check.damaged_light": "share, 0 to 1",
    "shape.lowest_likeness": "a correlation, -1 to 1",
    "deformation.stiffness": "a weight",
    "deformation.least_gain": "of a correlation, -1 to 1",
    "neuroglancer.chunk_size": "voxels in x, y, z",
    "neuroglancer.jpeg_quality": "1 to 100",
    "meshes.levels": "a number",
    "points.most_in_cell": "annotations",
    "limits.array_size": "elements",
    "limits.submitted": "elements",
    "defaults.cores": "a number",
    "defaults.gpus": "a number",
}
"""Table and name -> the unit, where the name does not say it."""
PARAMETERS = {
    "Registration": "",
    "Transform": "",
    "HowToCombineTransforms": "",
    "AutomaticTransformInitialization": "yes or no",
    "AutomaticScalesEstimation": "yes or no",
    "Metric": "",
    "NumberOfHistogramBins": "a number",
    "NumberOfResolutions": "a number",
    "ImagePyramidSchedule": "times, in x and y, a resolution",
    "FixedImagePyramid": "",
    "MovingImagePyramid": "",
    "Optimizer": "",
    "AutomaticParameterEstimation": "yes or no",
    "MaximumNumberOfIterations": "steps a resolution",
    "ImageSampler": "",
    "NewSamplesEveryIteration": "yes or no",
    "NumberOfSpatialSamples": "pixels a step",
    "NumberOfSamplesForExactGradient": "pixels",
    "MaximumNumberOfSamplingAttempts": "a number",
    "CheckNumberOfSamples": "yes or no",
    "RequiredRatioOfValidSamples": "share, 0 to 1",
    "RandomSeed": "a number",
    "Interpolator": "",
    "Resampler": "",
    "ResampleInterpolator": "",
    "DefaultPixelValue": "a grey value",
    "ErodeMask": "yes or no",
    "WriteResultImage": "yes or no",
    "WriteIterationInfo": "yes or no",
}
"""elastix' parameter -> its unit; "" for one that is a name."""
REASONS = {
    "rigid.ImagePyramidSchedule": "smoothed as for half the size, then for the full size; a number for x and one for y",
    "rigid.FixedImagePyramid": "only smooths: pixels are drawn at random, so that no smaller image would be quicker",
    "rigid.MovingImagePyramid": "the same for the other section",
    "rigid.AutomaticParameterEstimation": "the steps of the optimizer are found from the images",
    "rigid.NewSamplesEveryIteration": "else the pixels that were drawn first would decide alone",
    "rigid.NumberOfSpatialSamples": "pixels drawn in each step: its noise averages out over the steps, so few will do",
    "rigid.NumberOfSamplesForExactGradient": "more than in a step, as from these the sizes of all steps are estimated",
    "rigid.MaximumNumberOfSamplingAttempts": "how often pixels are drawn anew where too few lie inside the masks",
    "rigid.CheckNumberOfSamples": "a pair is given up where too few pixels lie in both sections",
    "rigid.Resampler": "elastix wants one named; no image is resampled",
    "rigid.ResampleInterpolator": "elastix wants one named; no image is resampled",
    "rigid.DefaultPixelValue": "what lies outside an image: 0, the background",
    "rigid.WriteIterationInfo": "a table a step would be many files that nobody reads",
    "defaults.account": "of the cluster that the work is charged to; empty: your default",
    "defaults.qos": "quality of service that the queue knows; empty: the queue's default",
    "core.scheduler_port": "luigid's own; another where two people run one each on a computer",
    "worker.wait_interval": "seconds between two questions to luigid for work: an idle run soon hears of some",
    "retcode.missing_data": "what a task needs from outside is not there",
    "retcode.not_run": "something was asked for and not even begun",
    "retcode.task_failed": "something failed; `brainstack status` says what, and what to do",
    "retcode.scheduling_error": "a task could not be asked for, a fault of brainstack",
    "retcode.unhandled_exception": "another fault of brainstack; the log of the run says which",
}
"""Table and name -> why, where the files themselves say it of the line above alone."""
ENVIRONMENT = {
    "BRAINSTACK_DATA_ROOT": "the folder with a folder for each animal; goes before `[brainstack] data_root`",
    "BRAINSTACK_DATABASE_URL": "the [database](servers.md), with a password if there has to be one; goes before "
    "`[database] url`",
    "BRAINSTACK_PUBLIC_URL": "where others reach the [viewer](viewer.md#on-a-labs-own-server); goes before `[viewer] "
    "public_url`",
    "BRAINSTACK_LAB_DATABASE_URL": "the lab's own database, for `brainstack database import` without `--from`",
    "LUIGI_CONFIG_PATH": "another luigi.cfg than the one in the current folder or the checkout",
}
"""What the environment may say, and what for."""


@dataclass(frozen=True)
class Setting:
    """A line of settings.toml. comment : what stands above it; "" where that is the line before it."""

    table: str
    name: str
    default: str
    comment: str

    @property
    def unit(self) -> str:
        """In words; "" for one that has none, which a test finds."""
        if unit := UNITS.get(f"{self.table}.{self.name}"):
            return unit
        value = tomllib.loads(f"value = {self.default}")["value"]
        if isinstance(value, str):
            return "text"
        if isinstance(value, bool):
            return "yes or no"
        endings = [unit for ending, unit in ENDINGS.items() if self.name.endswith(ending)]
        return endings[0] if endings else ("texts" if value == [] else "")


def settings(text: str) -> Iterator[Setting]:
    """The settings in the text of a TOML file whose comments stand above a line, or behind it."""
    table, comment = "", []
    for line in text.splitlines():
        if line.startswith("["):
            table, comment = line.partition("#")[0].strip().strip("[]"), []
        elif line.startswith("#"):
            comment.append(line.lstrip("# "))
        elif "=" in line:
            name, _, rest = (part.strip() for part in line.partition("="))
            default, _, behind = (part.strip() for part in rest.partition("  # "))
            yield Setting(table, name, default, " ".join([*comment, behind]).strip())
            comment = []
        elif not line:
            comment = []


def settings_page() -> str:
    return "\n".join([*head(), *shipped_settings(), *elastix(), *luigi_cfg(), *cluster(), *environment()]) + "\n"


def head() -> list[str]:
    return [
        "# Settings\n",
        "Written by `make docs` from `config/settings.toml`, `config/rigid.toml`, `luigi.cfg` and",
        "`config/cluster.toml`. What changes a pixel is in the first two; to change it for one animal, put its",
        "table and its line into",
        "`<data_root>/<animal>/settings.toml`:\n",
        "```toml\n[masks]\nchannel = 2\n```\n",
        "The next run makes again what depends on it, and nothing else. A name that does not exist is refused.",
        "How it runs (workers, database, cluster) is in [luigi.cfg](#luigicfg), [cluster.toml](#clustertoml) and the",
        "[environment](#the-environment).",
    ]


def shipped_settings() -> Iterator[str]:
    text = shipped("settings.toml")
    for table in tomllib.loads(text):
        yield f"\n## [{table}]\n"
        yield from rows([one for one in settings(text) if one.table == table])


def rows(some: list[Setting]) -> Iterator[str]:
    """A table of settings."""
    yield "| setting | shipped | unit | what it is, and why |"
    yield "|---|---|---|---|"
    for one in some:
        reason = one.comment or REASONS[f"{one.table}.{one.name}"]
        yield f"| `{one.name}` | {code(one.default)} | {one.unit} | {cell(reason)} |"


def code(text: str) -> str:
    """As code in a cell of a table."""
    return f"`{text}`".replace("|", r"\|") if text else ""


def cell(text: str) -> str:
    """Words for a cell of a table, in which `<` is no tag, but where it is in code."""
    parts = text.replace("|", r"\|").split("`")
    return "`".join(part if at % 2 else part.replace("<", "&lt;") for at, part in enumerate(parts))


def elastix() -> Iterator[str]:
    yield "\n## Parameters of elastix\n"
    yield "elastix' own names; lengths are micrometres to it, as the images carry their pixel size. They are in"
    yield "`config/rigid.toml`; an animal's own go under `[elastix.rigid]` of its `settings.toml`.\n"
    yield "| parameter | shipped | unit | why |"
    yield "|---|---|---|---|"
    for one in settings(shipped("rigid.toml")):
        reason = REASONS.get(f"rigid.{one.name}") or one.comment
        yield f"| `{one.name}` | {code(one.default)} | {PARAMETERS[one.name] or 'a name'} | {cell(reason)} |"


def luigi_cfg() -> Iterator[str]:
    yield "\n## luigi.cfg\n"
    yield "How it runs: nothing in it changes a pixel. A lab's own `luigi.cfg` in the current folder, or where"
    yield "`LUIGI_CONFIG_PATH` says, needs only the lines that differ. What is not here is Luigi's own."
    table, comment = "", []
    for line in (REPOSITORY / "luigi.cfg").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            table, comment = line, []
            yield f"\n### {table}\n"
            yield "| setting | shipped | what it is, and why |"
            yield "|---|---|---|"
        elif line.startswith("#"):
            comment.append(line.lstrip("# "))
        elif "=" in line:
            name, _, value = (part.strip() for part in line.partition("="))
            reason = " ".join(comment) or REASONS[f"{table.strip('[]')}.{name}"]
            yield f"| `{name}` | {code(value)} | {cell(reason)} |"
            comment = []


def cluster() -> Iterator[str]:
    text = shipped("cluster.toml")
    tables: dict[str, Any] = tomllib.loads(text)
    stages: dict[str, dict[str, float]] = tables.pop("stages")
    yield "\n## cluster.toml\n"
    yield "What each heavy stage asks of a [cluster](cluster.md), and how it is watched. Nothing in it changes a pixel."
    for table in tables:
        yield f"\n### [{table}]\n"
        yield from rows([one for one in settings(text) if one.table == table])
    yield "\n### [stages.…]\n"
    yield "What differs from `[defaults]`; a stage that is not named is made by the process that drives the run.\n"
    names = list(dict.fromkeys(name for one in stages.values() for name in one))
    yield f"| stage | {' | '.join(f'`{name}`' for name in names)} |"
    yield "|---|" + "---:|" * len(names)
    for stage, asked in stages.items():
        yield f"| {stage} | {' | '.join(str(asked.get(name, '')) for name in names)} |"


def environment() -> Iterator[str]:
    yield "\n## The environment\n"
    yield "| variable | what it says |"
    yield "|---|---|"
    yield from (f"| `{name}` | {what} |" for name, what in ENVIRONMENT.items())


def shipped(name: str) -> str:
    return (config_folder() / name).read_text(encoding="utf-8")
