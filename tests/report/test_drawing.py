"""Scales, ticks, charts, strips and the layered graph."""

from __future__ import annotations

import itertools
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.report.charts import Drawn, Plane, Series, chart, wilson
from stockade.report.layers import arrange
from stockade.report.palette import DARK, LIGHT, MARK_PAIRS, TEXT_PAIRS, contrast
from stockade.report.strips import axis, bound, folds, histogram, share, whisker
from stockade.report.svg import Scale, span, tag, ticks
from stockade.types.table import Bar

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_text_contrast(colours: dict[str, str]) -> None:
    """Every pair of text and ground reaches WCAG AA, 4.5 to 1."""
    for ink, ground in TEXT_PAIRS:
        assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_mark_contrast(colours: dict[str, str]) -> None:
    """Every line and mark stands out from its ground by 3 to 1."""
    for mark, ground in MARK_PAIRS:
        assert contrast(colours[mark], colours[ground]) >= 3, (mark, ground)


def test_both_themes_have_the_same_colours() -> None:
    """No colour is missing in the dark."""
    assert LIGHT.keys() == DARK.keys()


def test_contrast_of_known_pairs() -> None:
    """Contrast agrees with the examples of WCAG: black on white is 21, a colour on itself 1, #767676 on white 4.54."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#123456", "#123456") == pytest.approx(1)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)


# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
BLIND = {
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def lab(colour: str, blind: tuple[tuple[float, ...], ...]) -> tuple[float, float, float]:
    """CIE L*a*b* (D65) of a colour as somebody with a colour-vision deficiency sees it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    red, green, blue = (min(max(sum(m * c for m, c in zip(row, linear, strict=True)), 0), 1) for row in blind)
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    fx, fy, fz = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("kind", sorted(BLIND))
def test_tones_differ_for_the_colour_blind(colours: dict[str, str], kind: str) -> None:
    """Lines that share a chart are at least ten units of CIE76 apart for each kind of colour blindness."""
    for one, other in itertools.combinations(("one", "two", "three", "four"), 2):
        distance = math.dist(lab(colours[one], BLIND[kind]), lab(colours[other], BLIND[kind]))
        assert distance >= 10, (one, other)


def test_tag_escapes_text_and_attributes() -> None:
    """Text and attributes are escaped; names lose their trailing underscore."""
    drawn = tag("text", "<b>", class_='x" onload="y', text_anchor="end", x=None)
    assert drawn == '<text class="x&#34; onload=&#34;y" text-anchor="end">&lt;b&gt;</text>'


@given(FINITE, FINITE, st.integers(2, 8))
def test_ticks_are_few_round_and_inside(first: float, second: float, count: int) -> None:
    """Ticks rise, stay inside the range but for rounding, and are not many more than asked for."""
    low, high = sorted((first, second))
    found = ticks(low, high, count)
    assert len(found) <= 4 * count + 1
    assert list(found) == sorted(found)
    if math.isfinite(high - low):
        slack = (high - low) * 1e-6
        assert all(low - slack <= tick <= high + slack for tick in found)


def test_ticks_of_a_unit() -> None:
    """Shares get fifths."""
    assert ticks(0, 1, 5) == (0, 0.2, 0.4, 0.6, 0.8, 1)


@given(FINITE, FINITE, st.floats())
def test_scale_never_leaves_the_drawing(first: float, second: float, value: float) -> None:
    """Any value, finite or not, lands within the drawing."""
    low, high = sorted((first, second))
    assert 10 <= Scale(low, high, 10, 90)(value) <= 90


@given(st.lists(st.one_of(st.none(), st.floats()), max_size=8))
def test_span_holds_all_finite_values(values: list[float | None]) -> None:
    """A fitted scale has a width and holds every finite value."""
    scale = span(values)
    assert scale.low < scale.high
    for value in values:
        if value is not None and math.isfinite(value):
            assert scale.low <= value <= scale.high


def test_wilson_interval() -> None:
    """Wilson's interval agrees with the value of Newcombe (1998), 81 of 263: 0.2553 to 0.3662."""
    low, high = wilson(81 / 263, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert wilson(0.0, 10)[0] == 0
    assert wilson(0.5, 0) == (0, 1)


def test_chart_places_points() -> None:
    """The corners of the data are the corners of the plane, upwards up."""
    drawn = chart(Plane("l", "x", "y"), [Series("s", (0.0, 1.0), (0.0, 1.0))])
    assert 'd="M46 248L330 10"' in drawn
    assert 'aria-label="l"' in drawn


def test_steps_hold_until_the_next_point() -> None:
    """A stepped line has a corner between two points."""
    drawn = chart(Plane("l", "x", "y"), [Series("s", (0.0, 1.0), (1.0, 0.0), Drawn.STEP)])
    assert 'd="M46 10L330 10L330 248"' in drawn


def test_dots_have_intervals_where_rows_are_known() -> None:
    """Calibration points carry a whisker each, and none without rows."""
    series = Series("s", (0.2, 0.8), (0.3, 0.7), Drawn.DOTS, weight=(100, 50))
    assert (
        len(re.findall(r"<line", chart(Plane("l", "x", "y"), [series])))
        - len(re.findall(r"<line", chart(Plane("l", "x", "y"), [Series("s", (0.2, 0.8), (0.3, 0.7), Drawn.DOTS)])))
        == 2
    )


def test_chart_without_points_is_nothing() -> None:
    """A chart whose points are all missing is left out."""
    assert not chart(Plane("l", "x", "y"), [Series("s", (math.nan,), (1.0,))])


def test_bound_shades_the_allowed_side() -> None:
    """An upper bound shades what is below it, a lower bound what is above."""
    scale = Scale(0, 1, 0, 100)
    assert '<rect x="0%" y="5" width="20%"' in bound(scale, 0.2, (0.5, 0.4, 0.6), "bad", upper=True)
    assert '<rect x="70%" y="5" width="30%"' in bound(scale, 0.7, (0.5, None, None), "bad", upper=False)


def test_whisker_spans_its_interval() -> None:
    """The dot is at the value and the bar from the low to the high end."""
    drawn = whisker(Scale(0, 1, 0, 100), 0.5, 0.25, 0.75)
    assert 'x1="25.0%" x2="75.0%"' in drawn
    assert 'cx="50.0%"' in drawn
    assert "hollow" in whisker(Scale(0, 1, 0, 100), 0.5, None, None, hollow=True)


def test_folds_beyond_the_scale_are_pointed_to() -> None:
    """A contender far below the others is not drawn at the edge as if it were there."""
    scale = Scale(0.8, 0.9, 2, 98)
    assert "circle" not in folds(scale, (0.5, 0.5), 0.5, chosen=False)
    assert 'class="off"' in folds(scale, (0.5, 0.5), 0.5, chosen=False)
    assert folds(scale, (0.84, 0.86), 0.85, chosen=True).count("<circle") == 2


def test_histogram_of_one_value_and_of_outliers() -> None:
    """A lone row stays visible beside a million, and a column of one value does not divide by nothing."""
    tall = histogram((Bar(0, 1, 1_000_000), Bar(1, 2, 0), Bar(2, 3, 1)), "l")
    assert tall.count("M") == 2
    assert histogram((Bar(5, 5, 10),), "l")
    assert not histogram((), "l")
    assert not histogram((Bar(0, 1, 0),), "l")


def test_share_and_axis_stay_inside() -> None:
    """A share beyond one fills its rail and no more."""
    assert 'width="100%" height="8" rx="2" class="f-one"' in share(7.0)
    assert 'width="0%"' in share(math.nan)
    assert axis(Scale(0, 1, 2, 98)).count("<text") == 5 or axis(Scale(0, 1, 2, 98)).count("<text") == 3


NAMES = st.sampled_from("abcdefgh")


@given(st.sets(NAMES, min_size=1), st.lists(st.tuples(NAMES, NAMES), max_size=24))
def test_layers_never_overlap_and_edges_go_down(names: set[str], edges: list[tuple[str, str]]) -> None:
    """Of any graph, cyclic or not, every node is placed once, no two touch, and every edge goes down one layer."""
    layout = arrange(dict.fromkeys(sorted(names), 100.0), edges, frozenset())
    assert sorted(spot.name for spot in layout.spots() if not spot.lane) == sorted(names)
    for row in layout.rows:
        assert row
        for left, right in itertools.pairwise(row):
            assert right.x - left.x >= (left.width + right.width) / 2
    for spot in layout.spots():
        assert spot.width / 2 - 1e-6 <= spot.x <= layout.width - spot.width / 2 + 1e-6
        assert all(below.layer == spot.layer + 1 for below in spot.below)


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=24))
def test_every_edge_of_an_acyclic_graph_is_kept(pairs: list[tuple[int, int]]) -> None:
    """Where nothing is cyclic, whoever reads what a node wrote is reached from it, directly or through its lane."""
    names = "abcdefgh"
    edges = {(names[one], names[other]) for one, other in pairs if one < other}
    layout = arrange(dict.fromkeys(names, 50.0), sorted(edges), frozenset())
    found = {(spot.name, below.name) for spot in layout.spots() for below in spot.below if not below.lane}
    assert found == edges
