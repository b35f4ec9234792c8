"""What all tests share."""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

# Before anything imports numpy: several tests at once, each with all cores, would only wait for each other.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"):
    os.environ.setdefault(name, "1")
os.environ["MPLBACKEND"] = "agg"

import pytest  # noqa: E402

if TYPE_CHECKING:
    from fake_slurm import FakeSlurm
    from lab import Lab
    from slurm_cluster import SlurmCluster

REPOSITORY = Path(__file__).parent.parent
REAL_DATA = REPOSITORY.parent / "shared" / "data"
"""Real slides. They are not part of the project; the tests marked real_data use them where they are there."""


@pytest.fixture
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data root of the test's own, with a SQLite database in it, whatever the environment says."""
    root = tmp_path / "data"
    root.mkdir()
    monkeypatch.setenv("BRAINSTACK_DATA_ROOT", str(root))
    monkeypatch.delenv("BRAINSTACK_DATABASE_URL", raising=False)
    monkeypatch.delenv("LUIGI_CONFIG_PATH", raising=False)
    return root


@pytest.fixture
def real_data() -> Callable[[str], Path]:
    """A file or folder of the real data by its name; the test is skipped, and says so, where it is not there."""

    def find(name: str) -> Path:
        path = REAL_DATA / name
        if not path.exists():
            pytest.skip(f"{name} is not in {REAL_DATA.relative_to(REPOSITORY.parent)}: real data, not in the project")
        return path

    return find


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A Chromium that all tests of pages share; a test is skipped, and says so, where there is none."""
    from brainstack.browser import missing_programs, open_browser

    if missing := missing_programs():
        reason = f"no browser: apt-get install {' '.join(missing)}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    with open_browser((1280, 720)) as browser:
        open_browsers.append(browser)
        yield browser
        open_browsers.clear()


open_browsers: list[Any] = []


@pytest.fixture(scope="module", autouse=True)
def leave_the_last_page() -> Iterator[None]:
    """Else a page whose server is gone would go on asking and drawing beside all tests that follow."""
    yield
    for browser in open_browsers:
        browser.get("about:blank")


@pytest.fixture(scope="session")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A small made-up animal that was added, and nothing more. Not to be changed: copy it."""
    from lab import SIZE, Lab

    lab = Lab(tmp_path_factory.mktemp("scanned"))
    made = lab.brainstack("demo", *SIZE)
    assert made.returncode == 0, made.stderr
    return lab


@pytest.fixture(scope="session")
def finished(scanned: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The same animal after an undisturbed run. Not to be changed: copy it."""
    from lab import copy_of

    lab = copy_of(scanned, tmp_path_factory.mktemp("finished"))
    run = lab.luigi()
    assert run.returncode == 0, run.stderr
    return lab


@pytest.fixture
def loggers() -> Iterator[None]:
    """A run's log takes what these say, which the next test has to hear again."""
    names = ("luigi", "luigi-interface", "luigi.scheduler", "brainstack")
    before = [(one, one.level, one.propagate, list(one.handlers)) for one in map(logging.getLogger, names)]
    yield
    for logger, level, propagate, handlers in before:
        for handler in set(logger.handlers) - set(handlers):
            handler.close()
        logger.level, logger.propagate, logger.handlers = level, propagate, handlers


@pytest.fixture
def luigid_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """It seems to, whatever runs on this computer."""
    from brainstack import as_typed

    monkeypatch.setattr(as_typed, "_answers", lambda at: True)


@pytest.fixture(scope="session")
def slurm_of_the_session() -> Iterator[SlurmCluster]:
    """Two nodes, no accounting; the test is skipped, and says so, where there can be none."""
    import slurm_cluster

    if reason := slurm_cluster.why_not():
        pytest.skip(reason)
    with slurm_cluster.SlurmCluster() as cluster:
        yield cluster


@pytest.fixture
def slurm(slurm_of_the_session: SlurmCluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlurmCluster]:
    """A real Slurm with nothing in it; the environment leads to its commands. (Mark the test `slurm`.)"""
    for name, value in slurm_of_the_session.environment.items():
        monkeypatch.setenv(name, value)
    yield slurm_of_the_session
    slurm_of_the_session.clear()


@pytest.fixture
def fake_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSlurm]:
    """Commands as Slurm's, which go wrong as the test wants."""
    from fake_slurm import FakeSlurm

    with FakeSlurm(tmp_path / "fake_slurm") as slurm:
        for name, value in slurm.environment.items():
            monkeypatch.setenv(name, value)
        yield slurm


@pytest.fixture(scope="session")
def docs() -> ModuleType:
    """docs/write.py, which writes what the docs take from the code."""
    spec = importlib.util.spec_from_file_location("docs_write", REPOSITORY / "docs" / "write.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
