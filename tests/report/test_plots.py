from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from brainstack.report.plots import LOOKS, SHAPES, Curve, Dot, Panel, Upright, bars, figure, strips
from brainstack.report.scales import linear


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)


def words(svg: str) -> list[str]:
    return [one.text or "" for one in parsed(svg).iter("text")]


def places(svg: str, look: str) -> list[tuple[float, float]]:
    """Where dots of a look are drawn, but for that in the legend, which is not moved by parts of a pixel."""
    marks = [one for one in parsed(svg).iter("path") if one.get("d") == SHAPES[LOOKS[look].shape]]
    found = [re.fullmatch(r"translate\((\d+\.\d) (\d+\.\d)\)", one.get("transform") or "") for one in marks]
    return [(float(one[1]), float(one[2])) for one in found if one]


def test_a_dot_lies_where_its_value_is() -> None:
    panel = Panel(
        "area (mm²)", linear([0.0, 10.0], include=(0.0, 10.0)), dots=[Dot(0, 0.0), Dot(5, 5.0), Dot(10, 10.0)]
    )
    (left, bottom), (middle, half), (right, top) = places(figure([panel], panel.axis, "x", "t"), "good")
    assert left < middle < right
    assert abs((left + right) / 2 - middle) < 0.2
    assert bottom > half > top, "more is further up"
    assert abs((bottom + top) / 2 - half) < 0.2


def test_a_dot_says_what_it_is_and_leads_to_it() -> None:
    panel = Panel("y", linear([1.0]), dots=[Dot(1, 1.0, "failed", "section 1 <a&b>", "s-slide001_S1")])
    svg = figure([panel], linear([1.0]), "x", "t")
    (link,) = parsed(svg).iter("a")
    assert link.get("href") == "#s-slide001_S1"
    assert [one.text for one in link.iter("title")] == ["section 1 <a&b>"]


def test_a_dot_without_a_value_is_at_the_bottom_and_said() -> None:
    panel = Panel("y", linear([1.0, 2.0]), dots=[Dot(1, None, "failed"), Dot(2, 2.0)])
    svg = figure([panel], linear([0.0, 3.0]), "x", "t")
    assert "no value" in words(svg)
    assert places(svg, "failed")[0][1] > places(svg, "good")[0][1]


def test_a_line_is_broken_where_a_value_is_missing() -> None:
    panel = Panel("y", linear([1.0, 2.0]), [Curve([(0, 1.0), (1, 2.0), (2, None), (3, 1.0), (4, 1.0)], "#123456")])
    drawn = [
        one
        for one in parsed(figure([panel], linear([0.0, 4.0]), "x", "t")).iter("path")
        if one.get("stroke") == "#123456"
    ]
    assert [one.get("d", "").count("L") for one in drawn] == [1, 1]


def test_units_and_names_stand_at_the_axes_and_looks_in_a_legend() -> None:
    panel = Panel("shift\n(µm)", linear([1.0]), [Curve([(0, 1.0)], label="expected")], [Dot(0, 1.0, "doubtful")],
                  [Upright(0.0, "black 5", "#111111")])  # fmt: skip
    found = words(figure([panel], linear([0.0]), "section number", "Shifts"))
    for one in ("shift", "(µm)", "section number", "expected", "doubtful", "black 5"):
        assert one in found


def test_shapes_differ_so_that_no_colour_is_needed() -> None:
    shapes = [look.shape for name, look in LOOKS.items() if name not in ("", "good")]
    assert len(set(shapes)) == len(shapes)


def test_bars_are_as_long_as_what_they_show() -> None:
    wide = [
        float(one.get("width", 0))
        for one in parsed(bars([("a", 10, "10 s"), ("b", 5, "5 s"), ("<c>", 0, "0 s")], "t")).iter("rect")
    ]
    assert wide[0] == 2 * wide[1]
    assert 0 < wide[2] <= 1


def test_strips_have_a_row_for_each_name() -> None:
    svg = strips(["DK39", "DK<40>"], [("sections", [440, 110]), ("area (mm²)", [None, 30.0])], "t")
    assert words(svg).count("DK<40>") == 1, "names stand once"
    assert "not known" in words(svg)
    assert len(places(svg, "by hand")) == 3
