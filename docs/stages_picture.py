"""Draws the picture of the stages for the site, by Graphviz: an extension of Sphinx.

Where the pages are read as they are, the block of Mermaid is drawn by whoever shows them. In the site it is an SVG, so
that no script is needed. Only what docs/write.py writes of Mermaid is understood; another line is a warning.
"""

from __future__ import annotations

import re
from typing import Any

import pygraphviz
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

NODE = re.compile(r'^(\w+)\["(.+)<br><small>(.+)</small>"\]$')
ARROW = re.compile(r"^(\w+)(?:\(\[(.+)\]\))? --> (\w+)(?:\(\[(.+)\]\))?$")
PEOPLE = re.compile(r"^class ([\w,]+) people$")
PASSED_OVER = ("flowchart TD", "classDef people stroke-width:4px")


def graph(mermaid: str) -> pygraphviz.AGraph:
    """The stages and arrows of a flowchart. Raises ValueError with the line that is not understood."""
    drawn = pygraphviz.AGraph(directed=True, ranksep=0.3, nodesep=0.2, bgcolor="transparent")
    drawn.node_attr.update(shape="box", style="rounded", fontname="sans-serif", fontsize=12, margin="0.12,0.06")
    drawn.edge_attr.update(arrowsize=0.6)
    for line in (one.strip() for one in mermaid.splitlines()):
        if found := NODE.match(line):
            name, label, small = found.groups()
            drawn.add_node(name, label=f'<{label}<br/><font point-size="9">{in_lines(small)}</font>>')
        elif found := ARROW.match(line):
            source, source_label, target, target_label = found.groups()
            for name, label in ((source, source_label), (target, target_label)):
                if label:
                    drawn.add_node(name, label=label, shape="ellipse", style="")
            drawn.add_edge(source, target)
        elif found := PEOPLE.match(line):
            for name in found[1].split(","):
                drawn.get_node(name).attr["penwidth"] = 3
        elif line and line not in PASSED_OVER:
            raise ValueError(line)
    return drawn


def in_lines(words: str, width: int = 26) -> str:
    """Words in lines of about so many letters, as Graphviz does not break lines."""
    lines = [""]
    for word in words.split():
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br/>".join(lines)


def as_svg(drawn: pygraphviz.AGraph) -> str:
    """Drawn in the colour of the text around it, light or dark, and as large as its letters ask for."""
    svg = drawn.draw(format="svg", prog="dot").decode()
    svg = svg[svg.index("<svg") :].replace('"black"', '"currentColor"').replace("<text ", '<text fill="currentColor" ')
    return re.sub(r"<title>.*?</title>", "", svg, flags=re.DOTALL)


class Mermaid(SphinxDirective):
    """A block of Mermaid, as a picture."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        try:
            svg = as_svg(graph("\n".join(self.content)))
        except ValueError as error:
            return [self.state.document.reporter.warning(f"not understood in a picture: {error}", line=self.lineno)]
        return [nodes.raw("", f'<div class="stages-picture">{svg}</div>', format="html")]


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("mermaid", Mermaid)
    return {"parallel_read_safe": True}
