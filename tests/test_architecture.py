"""The rules of the house that no tool knows: who may import whom, and what is where."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

from brainstack.stages import STAGES

REPOSITORY = Path(__file__).parent.parent

LAYERS = {
    # what says what there is, and knows no file, no database and no image
    "brainstack.errors": set(),
    "brainstack.records": set(),
    "brainstack.said": set(),
    "brainstack.points": set(),
    "brainstack.exports": set(),
    "brainstack.labels": {"brainstack.errors", "brainstack.points"},
    "brainstack.triangles": {"numpy"},
    "brainstack.mesh_costs": {"brainstack.errors", "brainstack.files.whole"},
    "brainstack.point_layer": {"brainstack.errors", "numpy"},
    "brainstack.settings": {"brainstack.errors", "pydantic"},
    "brainstack.animal_folder": {"brainstack.records"},
    "brainstack.environment": {"brainstack.animal_folder", "brainstack.errors"},
    "brainstack.layer_names": {"brainstack.animal_folder", "brainstack.errors"},
    "brainstack.geometry": {"brainstack.errors", "numpy"},
    "brainstack.given_pairs": {"brainstack.geometry", "brainstack.records"},
    # what is to be done: pure, but for the stamps themselves
    "brainstack.stamps": {"brainstack.errors", "brainstack.files.whole", "brainstack.files.writer", "numpy"},
    "brainstack.stack": {"brainstack.records", "brainstack.said"},
    "brainstack.decided_before": {"brainstack.errors", "brainstack.said"},
    "brainstack.reordering": {
        *("brainstack.errors", "brainstack.plan", "brainstack.records", "brainstack.said", "brainstack.stack"),
    },
    "brainstack.stages": {
        *("brainstack.settings", "brainstack.stages", "brainstack.stamps", "brainstack.plan"),
        *("brainstack.records", "brainstack.volume_pieces", "brainstack.labels", "brainstack.mesh_costs"),
        "brainstack.exports",
    },
    "brainstack.volume_pieces": {"brainstack.plan", "brainstack.records"},
    "brainstack.plan": {
        *("brainstack.animal_folder", "brainstack.errors", "brainstack.records", "brainstack.settings"),
        *("brainstack.given_pairs", "brainstack.labels"),
        *("brainstack.slide_names", "brainstack.stack", "brainstack.stages", "brainstack.stamps"),
    },
    "brainstack.progress": {
        *("brainstack.files.listing", "brainstack.plan", "brainstack.stages", "brainstack.stamps"),
    },
    "brainstack.slide_names": {"brainstack.errors", "brainstack.settings"},
    # array -> array
    "brainstack.images": {
        *("brainstack.errors", "brainstack.geometry", "brainstack.images", "brainstack.records", "brainstack.settings"),
        *("numpy", "scipy", "skimage", "cv2", "SimpleITK", "lightgbm", "matplotlib", "zmesh"),
        "brainstack.triangles",
    },
    # path <-> array
    "brainstack.files": {
        *("brainstack.errors", "brainstack.files", "brainstack.geometry", "brainstack.points", "brainstack.records"),
        "brainstack.point_layer",
        *(
            "numpy",
            "cv2",
            "tifffile",
            "imagecodecs",
            "pylibCZIrw",
            "aicspylibczi",
            "cloudvolume",
            "igneous",
            "taskqueue",
            "tinybrain",
            "DracoPy",
            "compressed_segmentation",
            "SimpleITK",
        ),
        *("brainstack.labels", "brainstack.triangles"),
        *("brainstack.images.halving", "brainstack.images.plane_pyramid", "zarr"),
        "matplotlib",
    },
    # plots of the report: text from numbers
    "brainstack.report.scales": set(),
    "brainstack.report.plots": {"brainstack.report.scales"},
    "brainstack.report.citations": set(),
    "brainstack.demo.czi_metadata": set(),
    "brainstack.demo.czi_writer": {"brainstack.demo.czi_metadata", "numpy", "imagecodecs"},
    # batch jobs, of any tasks
    "hpc.salloc": {"hpc", "sciluigi"},
    "hpc": {"hpc", "luigi"},
    # records in, records out
    "brainstack.database": {
        *("brainstack.database", "brainstack.errors", "brainstack.points", "brainstack.records", "brainstack.said"),
        *("sqlalchemy", "alembic"),
    },
}
"""Module or package -> what it may import besides the standard library. What is not here (the command line, status,
intake ...) joins the layers, and may import any of them."""

ONLY_IN = {
    "luigi": ("tasks", "hpc"),
    "sciluigi": ("hpc.salloc",),
    "tasks": ("tasks",),
    "hpc": ("tasks", "hpc"),
    "sqlalchemy": ("brainstack.database",),
    "alembic": ("brainstack.database",),
    "cv2": ("brainstack.images", "brainstack.files", "brainstack.demo"),
    "scipy": ("brainstack.images", "brainstack.demo"),
    "skimage": ("brainstack.images", "brainstack.demo"),
    "SimpleITK": ("brainstack.images", "brainstack.files.label_files"),
    "zmesh": ("brainstack.images",),
    "DracoPy": ("brainstack.files",),
    "lightgbm": ("brainstack.images",),
    "tifffile": ("brainstack.files", "brainstack.demo"),
    "cloudvolume": ("brainstack.files",),
    "zarr": ("brainstack.files.ome_zarr",),
    "igneous": ("brainstack.files",),
    "imagecodecs": ("brainstack.files", "brainstack.demo"),
    "matplotlib": (
        *("brainstack.files.histogram_files", "brainstack.images.alignment_plots", "brainstack.images.stack_views"),
    ),
    "typer": tuple(f"brainstack.{path.stem}" for path in (REPOSITORY / "brainstack").glob("cli*.py")),
    "starlette": ("brainstack.review",),
    "uvicorn": ("brainstack.review",),
    "sqladmin": ("brainstack.review",),
    "argon2": ("brainstack.passwords",),
    "jinja2": ("brainstack.review", "brainstack.report"),
    "selenium": ("brainstack.browser",),
}
"""Package -> the only places that import it."""

REACHES_INTO_LUIGI = {"tasks.worker", "tasks.configuration", "tasks.luigid"}
"""The only modules that touch names that Luigi keeps to itself: its worker, its list of configuration files, its
client of luigid."""


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__")


MODULES = {
    module_name(path): path
    for folder in ("brainstack", "hpc", "tasks")
    for path in sorted((REPOSITORY / folder).rglob("*.py"))
}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[str]:
    """What a file imports, at its top or in a function: modules, as far as a module can be told from a name."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports {node.module} by a relative name"
            submodules = [f"{node.module}.{one.name}" for one in node.names]
            found = [name for name in submodules if is_ours(name)]
            yield from found or [node.module or ""]


def is_ours(name: str) -> bool:
    """True where `name` is a module of this checkout."""
    path = REPOSITORY.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def is_below(name: str, packages: Iterable[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def test_a_layer_imports_only_what_is_below_it() -> None:
    wrong = []
    for name, path in MODULES.items():
        layer = next((layer for layer in LAYERS if is_below(name, (layer,))), None)
        for imported in imports(path) if layer else ():
            standard = imported.split(".")[0] in sys.stdlib_module_names
            if not standard and not is_below(imported, LAYERS[layer or ""]):
                wrong.append(f"{name} may not import {imported}: LAYERS does not list it for {layer}")
    assert not wrong


def test_a_package_is_imported_only_where_it_belongs() -> None:
    wrong = []
    for name, path in MODULES.items():
        for imported in imports(path):
            places = ONLY_IN.get(imported.split(".")[0])
            if places and not is_below(name, places):
                wrong.append(f"{name} may not import {imported}: only {', '.join(places)} may")
    assert not wrong


def test_the_rules_see_an_import_inside_a_function(tmp_path: Path) -> None:
    file = tmp_path / "wrong.py"
    file.write_text("def late():\n    from tasks import clean\n    import luigi.worker\n")

    assert sorted(imports(file)) == ["luigi.worker", "tasks.clean"]
    assert not is_below("brainstack.plan", ONLY_IN["tasks"])


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    names = {imported.split(".")[0] for path in MODULES.values() for imported in imports(path)}
    distributions = packages_distributions()
    imported = {plain(one) for name in names for one in distributions.get(name, [])} - {"brainstack"}
    without_import = {"neuroglancer", "mysql-connector-python", "python-multipart"}
    # its files are served; SQLAlchemy and Starlette import theirs

    assert imported - declared() == set(), "pyproject.toml does not name it"
    assert declared() - imported == without_import, "nothing imports it"


def declared() -> set[str]:
    """The dependencies in pyproject.toml, with that of hpc/salloc.py and without those of other extras."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    named = project["dependencies"] + project["optional-dependencies"]["salloc"]
    return {plain(re.split(r"[ <>=!;\[]", one)[0]) for one in named}


def plain(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def test_luigis_private_names_are_touched_in_two_places_only() -> None:
    tasks = {name: path for name, path in MODULES.items() if is_below(name, ("tasks", "hpc"))}
    ours = {own for path in tasks.values() for own in defined(path)}
    wrong = [
        f"{name}:{node.lineno} touches {node.attr}"
        for name, path in tasks.items()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and re.match(r"_[^_]", node.attr) and node.attr not in ours
    ]
    assert {one.split(":")[0] for one in wrong} <= REACHES_INTO_LUIGI, wrong


def defined(path: Path) -> Iterator[str]:
    """Functions of a file, and attributes that it sets on self."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def test_nothing_prints() -> None:
    """The command line uses typer.echo, a run its display, all else a logger."""
    for name, path in MODULES.items():
        calls = [node.func for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)]
        assert not [call.lineno for call in calls if isinstance(call, ast.Name) and call.id == "print"], name


def test_each_stage_has_a_task_of_its_name_in_a_module_of_its_name() -> None:
    import tasks

    histograms = ("ChannelHistogram", "HistogramPicture", "SingleHistogram")
    together = {"ExportSection": "export", "MaskProposal": "masks", "Midline": "shape", "Outline": "shape",
                "ReferencePlace": "shape"}  # fmt: skip
    together |= dict.fromkeys(histograms, "histogram")
    together |= {"FullClean": "full_sections", "FullAlignment": "full_sections"}
    together |= dict.fromkeys(("FullInfo", "FullSlab", "FullImage", "FullShards", "FullDownsampling"), "full_volume")
    for stage in STAGES:
        module = together.get(stage, re.sub(r"(?<!^)(?=[A-Z])", "_", stage).lower())
        assert getattr(tasks, stage).__module__ == f"tasks.{module}"
    assert set(tasks.__all__) == {*STAGES, "Animal", "ApprovedMasks", "Report", "GroupReport"}


def test_what_is_imported_is_this_checkout_s() -> None:
    import brainstack
    import hpc
    import tasks

    for package in (brainstack, hpc, tasks):
        assert package.__file__
        assert Path(package.__file__).parent.parent == REPOSITORY
