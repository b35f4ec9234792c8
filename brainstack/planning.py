"""Making the plan of an animal: the only place that reads the database, the settings, the slides and people's edits
together. Tasks, the status and the viewer get their plan here."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from brainstack.animal_folder import AnimalFolder
from brainstack.approval import read_approved
from brainstack.database import create_or_upgrade, open_database, refuse_missing
from brainstack.edits import take_in_edits
from brainstack.environment import animal_folder, database_url
from brainstack.errors import BrainstackError
from brainstack.files.whole import write_json
from brainstack.intake import take_in_records
from brainstack.label_sources import sources_now, take_in_polygons
from brainstack.mask_model_choice import model_digest
from brainstack.plan import Plan
from brainstack.point_sources import digests, take_in_points
from brainstack.progress import Progress
from brainstack.records import Ran
from brainstack.settings import load_settings
from brainstack.slide_names import CziFile, check_slides
from brainstack.stages import STAGES
from brainstack.stamps import Stamps, Step


def make_plan(prep_id: str) -> Plan:
    """The plan of an animal as things stand. Raises BrainstackError where none can be made."""
    url = database_url()
    create_or_upgrade(url)
    with open_database(url) as database:
        records = database.animal_records(prep_id)
        approved_masks = {key: one.mask for key, one in database.mask_approvals(prep_id).items()}
    folder = animal_folder(prep_id)
    settings = load_settings(folder.settings)
    czi_files = list_czi(folder.czi)
    check_slides(folder.czi, czi_files, settings)
    plan = Plan(folder, records, settings, czi_files, approved=read_approved(folder),
                mask_model=model_digest(folder, settings), points=digests(folder, url),
                labels=sources_now(folder, url), approved_masks=approved_masks)  # fmt: skip
    _ = plan.is_colour  # says so where some slides are in colour and some in grey
    for name in ("masks", "elastix", "web"):
        _check_channel(plan, name, getattr(settings, name).channel)
    return plan


def known_folder(prep_id: str) -> AnimalFolder:
    """The folder of an animal. Raises BrainstackError for one that the database does not know."""
    url = database_url()
    create_or_upgrade(url)
    with open_database(url) as database:
        database.animal_records(prep_id)
    return animal_folder(prep_id)


def animals_there() -> list[str]:
    """For whoever only looks: the animals of the database. Raises BrainstackError where there is no database."""
    url = database_url()
    refuse_missing(url)
    create_or_upgrade(url)
    with open_database(url) as database:
        return database.animals()


def take_in(prep_id: str, living: Collection[str] = ()) -> tuple[Plan, list[Ran]]:
    """For the process that drives a run, which holds the animal's lock: take in what tasks recorded and what people
    edited since, and make the plan. Returns it, and what was run since the last time.

    living : writers on a cluster that are still at work.
    """
    ran = take_in_records(animal_folder(prep_id), database_url(), living)
    plan = make_plan(prep_id)
    take_in_points(plan.folder, database_url())  # after the plan, so that they are no older than it says
    take_in_polygons(plan.folder, database_url(), plan.labels.values())
    edits, refused = take_in_edits(plan)
    return replace(plan, edits=edits, refused=refused), ran


def look(prep_id: str) -> Plan:
    """For whoever only looks (status, viewer): the plan with the edits taken in so far, less what failed in the
    last run and is not done since. Changes nothing, but that a database of an older brainstack is upgraded."""
    refuse_missing(database_url())
    plan = make_plan(prep_id)
    edits, refused = take_in_edits(plan, dry=True)
    plan = replace(plan, edits=edits, refused=refused)
    failed = failed_still(progress_of(plan))
    return plan.without(step for step in failed if step.stage != "Masks" or step.item not in refused)


def _is_done_since(progress: Progress, step: Step) -> bool:
    """A step that failed has no stamp, which is quick to see: only of others all that they read is looked at."""
    return progress.stamps.read(step) is not None and progress.plan.has(step) and progress.is_done(step)


def failed_still(progress: Progress) -> dict[Step, str]:
    """What failed in the last run and is not done since, each with its sentence."""
    plan = progress.plan
    return {
        step: sentence
        for step, sentence in read_failed(plan.folder).items()
        if (step.stage == "Masks" and step.item in plan.refused) or not _is_done_since(progress, step)
    }


def progress_of(plan: Plan) -> Progress:
    return Progress(plan, Stamps(plan.folder.stamps))


def list_czi(czi: Path) -> tuple[CziFile, ...]:
    """The slide scans in a folder, by name. Raises BrainstackError where the folder is not there, or for one whose
    name ends in other letters than .czi: it would be passed over."""
    if not czi.is_dir():
        raise BrainstackError(
            f"{czi} is not there; wanted the folder of slide scans; mount it, or link it anew with `ln -sfn`."
        )
    if loud := sorted(path.name for path in czi.glob("[!.]*.[cC][zZ][iI]") if path.suffix != ".czi"):
        raise BrainstackError(f"{czi / loud[0]} ends in {loud[0][-4:]}; wanted .czi; rename the file.")
    found = [(path.name, path.stat()) for path in sorted(czi.glob("[!.]*.czi"))]  # ._x.czi is a Mac's
    return tuple(CziFile(name, stat.st_size, stat.st_mtime_ns) for name, stat in found)


def read_failed(folder: AnimalFolder) -> dict[Step, str]:
    """What failed in the last run: each step with its sentence."""
    if not folder.failed.exists():
        return {}
    rows = json.loads(folder.failed.read_text())
    return {Step(stage, channel, item): error for stage, channel, item, error in rows if stage in STAGES}


def write_failed(folder: AnimalFolder, failed: dict[Step, str]) -> None:
    write_json(folder.failed, [[step.stage, step.channel, step.item, error] for step, error in sorted(failed.items())])


def _check_channel(plan: Plan, table: str, channel: int) -> None:
    numbers = [one.number for one in plan.channels]
    if numbers and channel not in numbers:
        raise BrainstackError(
            f"[{table}] channel = {channel}, but the slides of {plan.folder.prep_id} have channels "
            f"{', '.join(map(str, numbers))}; set [{table}] channel in {plan.folder.settings}."
        )
