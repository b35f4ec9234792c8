"""How the pages become a site: `make docs` calls Sphinx with this file.

The source is the whole checkout, so that a link between README.md, docs/ and the code is the same one here and where
the checkout is read as it is. Nothing is fetched when the site is built, or when it is read.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))

PROJECT = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = "brainstack"
version = release = PROJECT["version"]
root_doc = "docs/index"
include_patterns = ["*.md", "docs/*.md"]
exclude_patterns = [".*", "data", "site"]
extensions = ["myst_parser", "stages_picture"]
nitpicky = True

myst_heading_anchors = 3
myst_fence_as_directive = ["mermaid"]
highlight_language = "text"
smartquotes = False  # values and options are shown as they are typed

html_theme = "furo"
html_title = "brainstack"
html_static_path = ["site_static"]
html_css_files = ["site.css"]
html_additional_pages = {"index": "first.html"}  # so that the folder itself leads to docs/index.html
templates_path = ["site_templates"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {"top_of_page_buttons": []}

ORDER = re.compile(r"^## (?P<caption>.+)$|^- \[(?P<title>[^\]]*)\]\((?P<link>[^)#]+\.md)\)", re.MULTILINE)
"""In docs/index.md: a heading, or a line of a list that begins with a link to a page."""


def order_of_pages(app: Sphinx, name: str, source: list[str]) -> None:
    """The navigation has the headings and lists of docs/index.md, so that they are written once."""
    if name != root_doc:
        return
    tables: list[str] = []
    for found in ORDER.finditer(source[0]):
        if found["caption"]:
            tables.append(f"\n```{{toctree}}\n:hidden:\n:caption: {found['caption']}\n")
        else:
            tables[-1] += f"\n{found['title']} <{found['link']}>"
    source[0] += "\n".join(f"{table}\n```" for table in tables)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_lexer("csv", TextLexer)  # heads of tables, which Pygments has no colours for
    app.connect("source-read", order_of_pages)
    return {"parallel_read_safe": True}
