"""What is in the HTML of a report, as a browser would find it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "link", "img", "br", "input", "hr"}


@dataclass
class Page(HTMLParser):
    """ids, links, sources : of all elements. words : the text, without scripts and styles. open : elements whose end
    has not come."""

    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    words: str = ""
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.ids += [found["id"] or ""] if "id" in found else []
        if tag in ("a", "image"):
            (self.links if tag == "a" else self.sources).append(found.get("href") or "")
        self.sources += [found["src"] or ""] if "src" in found else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> ends another element"

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.words += f" {data}"

    @property
    def text(self) -> str:
        return " ".join(self.words.split())


def read_page(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    page.close()
    assert page.open == [], "elements without an end"
    return page
