"""`brainstack slides` and `brainstack slide`: what people see of slides and scenes, and what they say about them."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from brainstack import deciding
from brainstack.cli_arguments import Name
from brainstack.deciding import Change, change_animal, undo_decision
from brainstack.errors import BrainstackError
from brainstack.said import Decided
from brainstack.slides_shown import said, show_history, show_slides

By = Annotated[str | None, typer.Option(metavar="PERSON", help="who says so; by default, the user of this computer")]


class SlideGroup(TyperGroup):
    """`brainstack slide DK39 12 --bad ...` is `brainstack slide set DK39 12 --bad ...`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["set", *args]
        return super().resolve_command(ctx, args)


def register(app: typer.Typer, slide_app: typer.Typer) -> None:
    """app : of brainstack. slide_app : of `brainstack slide`, whose group is a SlideGroup."""
    app.command("slides")(slides)
    slide_app.command("set")(set_slide)


def slides(
    name: Name,
    history: Annotated[bool, typer.Option("--history", help="what was decided, by whom, when and why")] = False,
    undo: Annotated[int | None, typer.Option(min=1, metavar="NUMBER", help="take back this decision of the history, "
                                             "and what was decided with it")] = None,
    undo_last: Annotated[bool, typer.Option("--undo-last", help="take back what you decided last")] = False,
    by: By = None,
) -> None:  # fmt: skip
    """List an animal's slides: status, scenes with verdicts and copies, warnings; or what was decided about them."""
    if undo is not None:
        _undo(name, by, number=undo)
    elif undo_last:
        _tell_undone(deciding.undo_last(name, _person(by)))
    elif history:
        show_history(name, Console())
    else:
        show_slides(name, Console())


def set_slide(
    name: Name,
    slide: Annotated[int, typer.Argument(min=0, help="its number")],
    scene: Annotated[int | None, typer.Option(min=1, help="of the slide, as in its TIFF's name; without it, what "
                                              "follows is about the whole slide")] = None,
    good: Annotated[bool, typer.Option("--good", help="the slide, or the scene, is good")] = False,
    bad: Annotated[str | None, typer.Option(metavar="WHY", help="the slide, or the tissue, is bad")] = None,
    focus: Annotated[str | None, typer.Option(metavar="WHY", help="the scene is out of focus")] = None,
    end: Annotated[bool, typer.Option("--end", help="the scene lies behind the end of the tissue")] = False,
    gap: Annotated[bool, typer.Option("--gap", help="a bad scene's slot stays empty; it is bad if nothing else is "
                                                    "said")] = False,
    replicate: Annotated[int | None, typer.Option(min=0, help="copies of the scene that follow it; of a bad one, slots "
                                                  "that its neighbour fills")] = None,
    drop: Annotated[bool, typer.Option("--drop", help="the scene was never a section")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="the scene is a section after all")] = False,
    order: Annotated[int | None, typer.Option(min=1, help="the scene's place on the slide; its number stays")] = None,
    after: Annotated[str | None, typer.Option(metavar="KEY", help="move the scene behind this section, in the order of "
                                              "cutting; first: before all; back: to its slide")] = None,
    rotation: Annotated[int | None, typer.Option(min=0, max=3, help="quarter turns clockwise of this scene, in place "
                                                 "of the animal's")] = None,
    flip: Annotated[str | None, typer.Option(help="of this scene, after its turns: none, flip (half a turn), flop "
                                                  "(mirror)")] = None,
    as_animal: Annotated[bool, typer.Option("--as-animal", help="the scene is turned as the animal is")] = False,
    scene_order: Annotated[str | None, typer.Option(help="of all scenes: scan, position, settings, or their numbers as "
                                                    "3,1,2")] = None,
    status: Annotated[str | None, typer.Option(help="of the slide: Good or Bad")] = None,
    rescan: Annotated[int | None, typer.Option(min=1, help="which scan of the slide, where there are several")] = None,
    adds: Annotated[bool, typer.Option("--adds", help="this later scan has scenes that the earlier missed")] = False,
    replaces: Annotated[bool, typer.Option("--replaces", help="this later scan replaces the earlier")] = False,
    use: Annotated[bool, typer.Option("--use", help="sections are taken from this scan of the slide, not from a later "
                                                    "one")] = False,
    why: Annotated[str, typer.Option(help="is kept with what is said")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="take back what was said last of the slide, or scene")] = False,
    history: Annotated[bool, typer.Option("--history", help="what was said of the slide")] = False,
    by: By = None,
) -> None:  # fmt: skip
    """Say what a slide or one of its scenes is (`set` may be left out). The next run redoes what that changes."""
    if history:
        show_history(name, Console(), slide)
        return
    if undo:
        _undo(name, by, slide=slide, scene=scene or 0)
        return
    _check_one("a verdict", good=good, bad=bad is not None, focus=focus is not None, end=end, drop=drop, keep=keep)
    _check_one("what a later scan is for", adds=adds, replaces=replaces)
    if scene is None and (rotation is not None or flip is not None or as_animal):
        raise BrainstackError(
            "--rotation, --flip and --as-animal are about one scene here; give it with --scene, or turn the whole "
            f"animal: brainstack animal set {name} --rotation ... --flip ..."
        )
    qc = _verdict(good=good, bad=bad, focus=focus, end=end, gap=gap)
    if scene is None:
        if focus is not None or end or gap or drop or keep:
            raise BrainstackError("--focus, --end, --gap, --drop and --keep are about one scene; give it with --scene.")
        if good or bad is not None:
            status, qc = ("Good" if good else "Bad"), None
    if gap and replicate:
        raise BrainstackError("--gap and --replicate were given at once; wanted one: an empty slot, or copies in it.")
    change = Change(
        slide=slide, scene=scene, status=status, rescan=rescan, qc=qc, order=order, scene_order=scene_order,
        replicates=0 if gap else replicate, dropped=True if drop else False if keep else None,
        rescan_use="adds" if adds else "replaces" if replaces else None,
        moved_after={"back": "", None: None}.get(after, after),
        scene_rotation=rotation, scene_flip=flip, as_animal=as_animal, use_scan=use,
    )  # fmt: skip
    reason = "; ".join(text for text in (bad, focus, why) if text)
    changed = change_animal(name, change, person=_person(by), reason=reason)
    for one in changed:
        typer.echo(said(one))
    if not changed:
        typer.echo("It is so already; nothing was changed.")


def _verdict(*, good: bool, bad: str | None, focus: str | None, end: bool, gap: bool) -> int | None:
    for qc, is_said in ((1, focus is not None), (2, bad is not None), (3, end), (0, good), (2, gap)):
        if is_said:
            return qc
    return None


def _check_one(what: str, **given: bool) -> None:
    names = [f"--{name}" for name, is_given in given.items() if is_given]
    if len(names) > 1:
        raise BrainstackError(f"{' and '.join(names)} were given at once; wanted one: each is {what}.")


def _undo(name: str, by: str | None, *, slide: int = 0, scene: int = 0, number: int = 0) -> None:
    _tell_undone(undo_decision(name, slide=slide, scene=scene, number=number, person=_person(by)))


def _tell_undone(undone: list[Decided]) -> None:
    for one in undone:
        typer.echo(f"taken back: {said(one, back=True)}")


def _person(by: str | None) -> str:
    from brainstack import aligning

    return aligning.user() if by is None else aligning.checked_person(by)
