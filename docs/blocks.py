"""What stands in a page to be done, in its order: commands, Python, and the pictures between them.

The tests run what they find here, and docs/pictures.py makes the pictures where they stand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)
PICTURE = re.compile(r"!\[[^\]]*\]\((?P<path>pictures/[^)]+)\)")


@dataclass(frozen=True)
class Block:
    """language : "bash", "python" and so on, or "picture", whose text is its path. line : of the page, from 1."""

    language: str
    text: str
    line: int

    @property
    def commands(self) -> list[str]:
        """Of bash: a line each, without comments, and with those joined that end in a backslash."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [one for line in lines if (one := re.sub(r"(^|\s)#.*", "", line).strip())]


def blocks(page: str) -> list[Block]:
    """Blocks and pictures of a page of Markdown."""
    found = []
    for one in FENCE.finditer(page):
        text = re.sub(f"^{one['indent']}", "", one["text"], flags=re.MULTILINE)
        found.append((one.start(), one["language"] or "text", text))
    found += [(one.start(), "picture", one["path"]) for one in PICTURE.finditer(page)]
    return [Block(language, text, page.count("\n", 0, start) + 1) for start, language, text in sorted(found)]
