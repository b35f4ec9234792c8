"""The status of one animal on one screen: what failed and is stale first, each with the command that mends it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from brainstack.disk_space import sizes_in_words
from brainstack.exports import export_kind
from brainstack.last_run import DONE as ALL_MADE
from brainstack.last_run import FAILED as SOME_FAILED
from brainstack.last_run import KILLED, RUNNING, STOPPED, WAITING, LastRun, local_time
from brainstack.slide_names import legible
from brainstack.status import BLOCKED, DONE, FAILED, STALE, TO_DO, Counts, Overview, Status, Trouble, usual_command

SCREEN_ROWS = 40
"""Of a terminal that is not small. Lists are cut so that all of it fits."""
SHARES = {"failed": 14, "next": 7, "stages": 9, "warnings": 8}
"""Rows that each part may fill; what one leaves free, the parts after it may fill."""
OUTCOMES = {
    ALL_MADE: "{made} made, nothing failed",
    WAITING: "{made} made, the rest waits for masks to be approved",
    SOME_FAILED: "{failed} failed",
    STOPPED: "stopped by a person",
    KILLED: "ended without a word: killed, or the computer went off",
    RUNNING: "is going on",
}
COLOURS = {FAILED: "red", BLOCKED: "yellow", STALE: "yellow", TO_DO: "yellow", DONE: "green"}


@dataclass(frozen=True)
class Line:
    """command : never broken, so that it can be copied."""

    words: str
    indent: int = 0
    style: str = ""
    command: bool = False


@dataclass
class Screen:
    """What is printed to. left : rows that parts before left free. more : the command that shows what was cut.
    everything : cut nothing."""

    console: Console
    more: str
    everything: bool = False
    left: int = field(default=0)

    def say(self, line: Line) -> None:
        """In a terminal long sentences go on below their beginning; elsewhere each is one line, to be searched."""
        if line.command or not self.console.is_terminal:
            text = Text(" " * line.indent + legible(line.words), line.style)
            self.console.print(text, soft_wrap=True, highlight=False)
        else:
            hanging = Padding(Text(legible(line.words), line.style), (0, 0, 0, line.indent))
            self.console.print(hanging, highlight=False)

    def rows(self, lines: Iterable[Line]) -> int:
        """How many rows of the terminal lines fill."""
        return sum(math.ceil(max(1, len(one.words)) / max(1, self.console.width - one.indent)) for one in lines)

    def part(self, name: str, items: Sequence[Sequence[Line]], what: str) -> None:
        """Items, each of some lines, as many as there is room for, at least one. what : they are called together."""
        room, used = SHARES[name] + self.left, 0
        for place, item in enumerate(items):
            rows, is_last = self.rows(item), place == len(items) - 1
            if place and not self.everything and used + rows + (not is_last) > room:
                self.say(Line(f"and {len(items) - place} more {what}: {self.more}", 2, command=True))
                used += 1
                break
            for line in item:
                self.say(line)
            used += rows
        self.left = max(0, room - used)


def show(status: Status, console: Console, *, everything: bool = False) -> None:
    """Print the status. everything : long lists whole, and all stages."""
    overview = status.overview
    prep_id = overview.prep_id
    screen = Screen(console, f"brainstack status {prep_id} --all", everything)
    for words in title(overview):
        screen.say(Line(words, style="bold" if words.startswith(prep_id) else ""))
    screen.part("failed", [failed_lines(one) for one in overview.failed], "that failed")
    screen.part("next", next_lines(status, everything=everything), "reasons")
    show_stages(overview.counts, screen)
    screen.part("warnings", [[Line(one)] for one in (*status.warnings, *full_lines(status))], "things to look at")
    if sizes := sizes_in_words(status.sizes):
        screen.say(Line(sizes))
    screen.say(Line(closing(status), style="bold", command=True))


def title(overview: Overview) -> list[str]:
    """Such as "DK39: 6 slides, 24 sections, 2 of them gaps" and how the last run ended."""
    words = [f"{overview.slides} slides", f"{overview.sections} sections"]
    words += [f"{overview.gaps} of them gaps"] if overview.gaps else []
    words += [f"{overview.copies} of them copies"] if overview.copies else []
    channels = ", ".join(f"{channel.number} {channel.name}" for channel in overview.channels)
    lines = [f"{overview.prep_id}: {', '.join(words)}{f'; channels {channels}' if channels else ''}"]
    return lines + ([f"last run: {last_run_words(overview.last_run, overview.outcome)}"] if overview.last_run else [])


def last_run_words(run: LastRun, outcome: str) -> str:
    if outcome == SOME_FAILED and not run.failed:
        words = f"could not go on; why is at the end of its log: {run.log}"
    else:
        words = OUTCOMES.get(outcome, outcome).format(made=run.made, failed=run.failed)
    return f"{local_time(run.started_at)}, {words}"


def failed_lines(trouble: Trouble) -> list[Line]:
    """A step that failed: its sentence whole, so that it can be searched for and copied, and what mends it."""
    number = "" if trouble.number is None else f" (section {trouble.number})"
    lines = [Line(f"failed {trouble.step}{number}: {trouble.sentence}", 2, COLOURS[FAILED])]
    lines += [Line(f"open: {trouble.file}", 4, command=True)] if trouble.file else []
    word = "or leave it out" if " --bad " in trouble.command else "or" if trouble.file else "mend"
    return [*lines, Line(f"{word}: {trouble.command}", 4, "bold", command=True)]


def next_lines(status: Status, *, everything: bool = False) -> list[list[Line]]:
    """What the next run makes, with the command and why, and what was asked for and is stale. everything : also what
    follows from that, by stage."""
    return [*_usual_lines(status, everything=everything), *asked_lines(status)]


def asked_lines(status: Status) -> list[list[Line]]:
    """What was made because somebody asked for it, and is stale: exports, volumes at the scan's resolution."""
    found: dict[str, Counter[str]] = {}
    for trouble in status.stale_asked:
        found.setdefault(trouble.command, Counter())[words_of_asked(trouble, status.overview.prep_id)] += 1
    return [
        [Line(f"stale: {', '.join(f'{one} {count}' if count > 1 else one for one, count in words.items())}; to make "
              f"that again: {command}", 2, COLOURS[STALE], command=True)]
        for command, words in found.items()
    ]  # fmt: skip


def words_of_asked(trouble: Trouble, prep_id: str) -> str:
    """An export by its file, all else by its stage."""
    stage = trouble.step.stage
    return f"export/{export_kind(trouble.step.item).file_name(prep_id)}" if stage == "Export" else stage


def _usual_lines(status: Status, *, everything: bool) -> list[list[Line]]:
    if not status.summary:
        return []
    overview, groups = status.overview, status.groups
    stale = overview.count(STALE)
    words = f"stale: {stale} of {overview.steps} steps" if stale else "not all is made"
    to_do = "to make what follows"
    command = usual_command(overview.prep_id)
    if overview.waits and not overview.failed:
        to_do, command = "what follows waits for masks to be approved", f"brainstack review {overview.prep_id}"
    first = Line(f"{words}; {to_do}: {command}", 2, COLOURS[STALE], command=True)
    shown = (
        list(status.summary)
        if everything
        else [("" if one.sure else "perhaps ") + one.words for one in groups if not one.follows]
    )
    lines = [[Line(one, 4)] for one in shown]
    lines = [[first, *lines[0]], *lines[1:]] if lines else [[first]]
    sure = sum(one.count for one in groups if one.follows and one.sure)
    perhaps = sum(one.count for one in groups if one.follows and not one.sure)
    if (sure or perhaps or status.unread_slides) and not everything:
        counted = [f"{sure} steps"] * bool(sure) + [f"perhaps {perhaps} {'more' if sure else 'steps'}"] * bool(perhaps)
        counted += [f"all of {status.unread_slides} slides not read yet"] * bool(status.unread_slides)
        lines.append([Line(f"and what follows from that: {', '.join(counted)}", 4)])
    return lines


def show_stages(counts: Counts, screen: Screen) -> None:
    """The stages that are neither done nor still to begin, which are counted in one line."""
    stages = list(dict.fromkeys(stage for stage, _ in counts))
    if screen.everything:
        screen.console.print(table_of_all_stages(counts, stages))
        return
    whole: dict[str, Counter[str]] = {stage: Counter() for stage in stages}
    for (stage, _), states in counts.items():
        whole[stage] += states
    done = [stage for stage in stages if whole[stage][DONE] == whole[stage].total()]
    waiting = [stage for stage in stages if whole[stage][TO_DO] == whole[stage].total()]
    lines = stage_lines(counts, [one for one in stages if one not in (*done, *waiting)])
    words = [f"{len(some)} {word}" for some, word in ((done, "done"), (waiting, "to begin")) if some]
    if words:
        words[0] = words[0].replace(" ", f" of {len(stages)} stages ", 1)
        screen.say(Line(", ".join(words), style=COLOURS[DONE] if len(done) == len(stages) else ""))
    screen.part("stages", [[line] for line in lines], "lines of stages")


def stage_lines(counts: Counts, stages: Sequence[str]) -> list[Line]:
    """For example "20/24, 4 held up in each channel: Clean, Alignment": stages that are alike share a line."""
    alike: dict[str, list[str]] = {}
    for stage in stages:
        cells = {channel: cell(states, "done").plain for (one, channel), states in counts.items() if one == stage}
        if len(set(cells.values())) == 1:
            words = next(iter(cells.values())) + " in each channel" * (len(cells) > 1)
        else:
            words = "; ".join(f"channel {channel} {one}" for channel, one in cells.items())
        alike.setdefault(words, []).append(stage)
    return [Line(f"{words}: {', '.join(names)}", 2) for words, names in alike.items()]


def table_of_all_stages(counts: Counts, stages: Sequence[str]) -> Table:
    """One row a stage, one column a channel: done of how many, and how many failed, are held up or are stale."""
    channels = sorted({channel for _, channel in counts})
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("stage", no_wrap=True)
    for channel in channels:
        table.add_column(f"channel {channel}" if channel else "animal", justify="right")
    for stage in stages:
        table.add_row(stage, *(cell(counts.get((stage, channel))) for channel in channels))
    return table


def cell(states: Counter[str] | None, done: str = "") -> Text:
    """For example "430/440, 2 failed, 8 stale"; empty where there is nothing to make. done : a word for the first."""
    text = Text()
    if not states:
        return text
    text.append(f"{states[DONE]}/{states.total()} {done}".rstrip())
    for state, word in ((FAILED, "failed"), (BLOCKED, "held up"), (STALE, "stale")):
        if states[state]:
            text.append(", ").append(f"{states[state]} {word}", COLOURS[state])
    return text


def full_lines(status: Status) -> list[str]:
    """How far each channel is at the scan's resolution, where anybody asked for that."""
    lines = []
    for channel, stages in status.full.items():
        words = [f"{stage} {cell(states).plain}" for stage, states in stages.items()]
        lines.append(f"channel {channel} at the scan's resolution: {'; '.join(words)}")
    if not status.is_full_done:
        lines.append(f"to go on with that: {usual_command(status.overview.prep_id, full=True)}")
    return lines


def closing(status: Status) -> str:
    """What to do next."""
    overview = status.overview
    if overview.holder:
        return f"It is being run now, by {overview.holder}."
    usual = usual_command(overview.prep_id)
    if overview.failed:
        return f"To go on, once that is mended: {usual}"
    if not status.summary and overview.sections and not overview.stale_asked:
        return f"All is done. Look at it: brainstack view {overview.prep_id}"
    return f"To go on: {usual if overview.state == DONE else overview.next_command}"


def show_failures(failed: Sequence[Trouble], console: Console, *, prep_id: str) -> None:
    """At the end of a run: what failed, with its sentences and commands."""
    screen = Screen(console, f"brainstack status {prep_id} --all", left=SCREEN_ROWS)
    screen.part("failed", [failed_lines(one) for one in failed], "that failed")
