"""`brainstack mask`: the masks of an animal: looked at, set, approved, taken out, without the review page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from brainstack.cli_arguments import Name
from brainstack.errors import BrainstackError
from brainstack.last_run import local_time
from brainstack.plan import Plan, section_named

By = Annotated[str | None, typer.Option(metavar="PERSON", help="who says so; by default, the user of this computer")]
ASection = Annotated[str, typer.Argument(metavar="SECTION", help="its key or number")]
Sections = Annotated[list[str] | None, typer.Argument(metavar="[SECTION]...", help="their keys or numbers")]
All = Annotated[bool, typer.Option("--all", help="all sections")]
NEXT_RUN = "The next run takes it in."


def register(app: typer.Typer) -> None:
    """app : of brainstack."""
    mask_app = typer.Typer(no_args_is_help=True, help="See the masks, set or approve them; as the review page does.")
    app.add_typer(mask_app, name="mask")
    mask_app.command("list")(show)
    mask_app.command("set")(set_one)
    mask_app.command("to-proposal")(to_proposal)
    mask_app.command("approve")(approve)
    mask_app.command("take-back")(take_back)
    mask_app.command("export")(export)


def show(
    name: Name,
    open_only: Annotated[bool, typer.Option("--not-approved", help="only those that are not approved")] = False,
) -> None:
    """List the masks: proposed, edited, doubtful, refused, approved, and by whom."""
    from brainstack.mask_approvals import approvals, waiting
    from brainstack.masking import mask_states, read_note
    from brainstack.stamps import Stamps

    plan = _plan(name)
    table = Table(title=f"Masks of {name}", title_justify="left")
    table.add_column("section", justify="right")
    for column in ("key", "mask", "made by", "approved"):
        table.add_column(column)
    for one in mask_states(plan, approvals(plan)):
        note = read_note(plan, one.section.key, one.version) if one.is_edited else None
        if not (open_only and one.approved):
            said = f"{one.approved.person or '-'}, {local_time(one.approved.at)}" if one.approved else ""
            made = one.word if one.word != "approved" else "edited" if one.is_edited else "proposal"
            table.add_row(str(one.section.number), one.section.key, made, str(note) if note else "", said or (
                "another one" if one.approved_before else ""))  # fmt: skip
    Console().print(table)
    for line in [*plan.refused.values(), *waiting(plan, Stamps(plan.folder.stamps))]:
        typer.echo(line)


def set_one(
    name: Name,
    section: ASection,
    file: Annotated[Path, typer.Argument(help="a mask as TIFF or PNG, in black and white, at the thumbnail's size")],
    by: By = None,
) -> None:
    """Set the mask of a section, in place of its proposal or of what people made before."""
    from brainstack.files.miniatures import read_picture
    from brainstack.files.tiff import read_saved_tiff
    from brainstack.masking import saved_mask, set_mask

    plan = _plan(name)
    key = section_named(plan, section).key
    if not file.is_file():
        raise BrainstackError(f"{file} is not there; wanted a mask as TIFF or PNG.")
    image = read_picture(file) if file.suffix.lower() == ".png" else read_saved_tiff(file)
    before = saved_mask(plan, key).version
    is_new = set_mask(plan, key, image, person=_person(by)) != before
    said = f"is set. {NEXT_RUN}" if is_new else "is that one already; nothing changed."
    typer.echo(f"The mask of section {plan.section[key].number} ({key}) {said}")


def to_proposal(name: Name, section: ASection) -> None:
    """Take away what people made of a section's mask: its proposal is in force again."""
    from brainstack.masking import back_to_proposal

    plan = _plan(name)
    key = section_named(plan, section).key
    back_to_proposal(plan, key)
    typer.echo(f"The mask of section {plan.section[key].number} ({key}) is its proposal again. {NEXT_RUN}")


def approve(name: Name, sections: Sections = None, everything: All = False, by: By = None) -> None:
    """Approve masks as they are: of these sections, or of all that have one. A mask that changes is not approved."""
    from brainstack import mask_approvals
    from brainstack.masking import mask_states

    plan = _plan(name)
    keys, left = _keys(plan, sections, everything=everything), []
    if everything:
        states = {one.section.key: one for one in mask_states(plan, {})}
        left = [key for key in keys if states[key].word in ("none", "refused")]
    new = mask_approvals.approve(plan, [key for key in keys if key not in left], person=_person(by))
    typer.echo(f"{len(new)} approved, {len(keys) - len(left) - len(new)} were approved before.")
    if left:
        numbers = ", ".join(str(plan.section[key].number) for key in left)
        typer.echo(f"Not approved, as they have no mask that can be used: {numbers}; see `brainstack status {name}`.")


def take_back(name: Name, sections: Sections = None, everything: All = False, by: By = None) -> None:
    """Take approvals back."""
    from brainstack import mask_approvals

    plan = _plan(name)
    taken = mask_approvals.take_back(plan, _keys(plan, sections, everything=everything), person=_person(by))
    typer.echo(f"{len(taken)} approvals were taken back.")


def export(
    name: Name, section: ASection, file: Annotated[Path, typer.Argument(help="where to, such as mask.tif")]
) -> None:
    """Write the mask that is in force of a section to a file, to be edited elsewhere and set again."""
    from brainstack.masking import export_mask

    plan = _plan(name)
    export_mask(plan, section_named(plan, section).key, file)


def _plan(name: str) -> Plan:
    from brainstack.planning import look

    return look(name)


def _person(by: str | None) -> str:
    from brainstack.aligning import user

    return user() if by is None else by


def _keys(plan: Plan, sections: Sequence[str] | None, *, everything: bool) -> list[str]:
    if bool(sections) == everything:
        raise BrainstackError("Give the sections, by number or key, or --all for all of them.")
    return list(plan.section) if everything else [section_named(plan, one).key for one in sections or ()]
