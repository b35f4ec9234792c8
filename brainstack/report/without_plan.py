"""What a report is where no plan of its animal can be made: settings that cannot be read, slides that are away.

Nobody may read "done" then. The page says at its head why there is no other; below stays what an earlier report had,
with its date, as that is all there is to look at.
"""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from pathlib import Path

from brainstack.animal_folder import AnimalFolder
from brainstack.errors import BrainstackError
from brainstack.files.whole import whole_file
from brainstack.report.templating import environment
from brainstack.versions import brainstack_version

log = logging.getLogger(__name__)

HEADER = re.compile(r"<header\b.*?</header>", re.DOTALL)
"""Of a page: it has one, and what people wrote is escaped."""
MADE = re.compile(r'data-made="([^"]*)"|Report of ([^<;]*)')


def tell_instead(folder: AnimalFolder, error: Exception, command: str = "") -> Path | None:
    """Write the page that says what is wrong. command : of the run that could not begin. None where it cannot be
    written: the error itself is what people have to hear of."""
    sentence = str(error) if isinstance(error, BrainstackError | OSError) else f"{type(error).__name__}: {error}"
    try:
        return write_without_plan(folder, sentence, command)
    except (OSError, ValueError) as trouble:
        log.warning("%s | its report could not be written: %s", folder.prep_id, trouble)
        return None


def write_without_plan(folder: AnimalFolder, sentence: str, command: str = "") -> Path:
    """command : what is typed again once that is mended; "" for the usual one."""
    before = _before(folder.report)
    found = HEADER.search(before)
    content = {
        "prep_id": folder.prep_id,
        "sentence": sentence,
        "command": command or f"luigi --module tasks Animal --animal {folder.prep_id}",
        "made_at": datetime.now(UTC),
        "of": _made(found[0]) if found else "",
    }
    header = environment().get_template("without_plan.html").render(content)
    if found is None:
        before = environment().get_template("empty.html").render(content, version=brainstack_version())
    with whole_file(folder.report) as part:
        part.write_text(HEADER.sub(lambda _: header, before, count=1), encoding="utf-8")
    return folder.report


def _before(page: Path) -> str:
    """The page as it is; "" where there is none, or none that can be read."""
    try:
        return page.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _made(header: str) -> str:
    """When what stands below a header was made, as people read it; "" where nothing does."""
    found = MADE.search(header)
    return (found[1] or found[2] or "").strip() if found else ""
