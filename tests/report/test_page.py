"""The page holds what it promises: order, structure, accessibility, policy and size."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from itertools import pairwise

import pytest

from report import sample
from report.reading import Page, read
from stockade.report.content import Judgement, Report, RulingRow, Verdict
from stockade.report.page import LIMIT, render
from stockade.types.results import Figure
from stockade.types.scorecard import Task


@pytest.fixture(scope="module", params=sorted(sample.ALL))
def page(request: pytest.FixtureRequest) -> tuple[str, Page]:
    html = render(sample.ALL[request.param]())
    return html, read(html)


@pytest.fixture(scope="module")
def census() -> Page:
    return read(render(sample.census()))


def test_no_style_script_or_handler(page: tuple[str, Page]) -> None:
    """No element carries a style attribute, an event handler or a script, and only one style block exists."""
    for element in page[1].elements:
        assert element.tag not in {"script", "iframe", "object", "embed", "link", "base", "form", "img", "use", "image"}
        for name, value in element.attributes.items():
            assert name != "style"
            assert not name.startswith("on")
            assert "javascript:" not in value.lower()
    assert len(page[1].all("style")) == 1


def test_nothing_outside_is_referred_to(page: tuple[str, Page]) -> None:
    """Links lead to places on the page itself, which exist, and the style loads nothing."""
    ids = {element.attributes["id"] for element in page[1].elements if "id" in element.attributes}
    for element in page[1].elements:
        for name in ("href", "src", "action", "data", "xlink:href"):
            if name in element.attributes:
                target = element.attributes[name]
                assert target.startswith("#")
                assert target[1:] in ids
    style = page[1].all("style")[0].text
    assert "url(" not in style
    assert "@import" not in style


def test_policy_allows_exactly_the_style_block(page: tuple[str, Page]) -> None:
    """The content security policy names the hash of the style block and forbids everything else."""
    style = re.search(r"<style>(.*?)</style>", page[0], re.DOTALL)
    assert style
    expected = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    metas = [meta for meta in page[1].all("meta") if meta.attributes.get("http-equiv") == "Content-Security-Policy"]
    assert len(metas) == 1
    policy = metas[0].attributes["content"]
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{expected}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_policy_comes_before_what_it_governs(page: tuple[str, Page]) -> None:
    """The policy stands before the style block, or it would not apply to it."""
    assert page[0].index("Content-Security-Policy") < page[0].index("<style>")


def test_headings_are_in_order(page: tuple[str, Page]) -> None:
    """There is one first-level heading, and no level is skipped on the way down."""
    levels = [int(heading.tag[1]) for heading in page[1].all("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))


def test_landmarks_and_names(page: tuple[str, Page]) -> None:
    """Header, navigation, main and footer exist once; every section is named by a heading; ids are unique."""
    document = page[1]
    for tag in ("header", "nav", "main", "footer"):
        assert len(document.all(tag)) == 1
    ids = [element.attributes["id"] for element in document.elements if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    for section in document.all("section"):
        assert document.by_id(section.attributes["aria-labelledby"]).tag in {"h1", "h2"}
    assert document.all("html")[0].attributes["lang"] == "en"


def test_tables_have_captions_and_scopes(page: tuple[str, Page]) -> None:
    """Every table has a caption, and every header cell says what it heads."""
    captions = {id(caption.parents[-1]) for caption in page[1].all("caption")}
    for table in page[1].all("table"):
        assert id(table) in captions
    for cell in page[1].all("th"):
        assert cell.attributes.get("scope") in {"col", "row", "colgroup"}


def test_drawings_speak_or_are_hidden(page: tuple[str, Page]) -> None:
    """An outermost drawing has a label, or is hidden from screen readers because the text beside it says the same."""
    for svg in page[1].all("svg"):
        if any(parent.tag == "svg" for parent in svg.parents):
            continue
        labelled = svg.attributes.get("role") == "img" and svg.attributes.get("aria-label")
        assert labelled or svg.attributes.get("aria-hidden") == "true"


def test_scroll_regions_can_be_reached_by_key(page: tuple[str, Page]) -> None:
    """What scrolls sideways can be focused and has a name."""
    for element in page[1].elements:
        if element.has("scroll"):
            assert element.attributes["tabindex"] == "0"
            assert element.attributes["aria-label"]


def test_coordinates_are_finite_numbers(page: tuple[str, Page]) -> None:
    """No drawing holds NaN, infinity, a negative size or an unfinished path."""
    for element in page[1].elements:
        if not any(parent.tag == "svg" for parent in element.parents) or "transform" in element.attributes:
            continue
        for name in ("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height"):
            if name in element.attributes:
                assert re.fullmatch(r"-?\d+(\.\d+)?%?", element.attributes[name])
        for name in ("width", "height", "r"):
            assert not element.attributes.get(name, "0").startswith("-")
        if element.tag == "path":
            assert re.fullmatch(r"[MLHVCZAahlvz\d .\-]+", element.attributes["d"])


def test_size(page: tuple[str, Page]) -> None:
    """A page of ordinary content is well below the limit."""
    assert len(page[0].encode()) < LIMIT * 0.6


def test_sections_of_the_census_page_in_order(census: Page) -> None:
    """The verdict comes first, then purpose, data, findings, model, groups, provenance, and how to check it."""
    outline = [(element.tag, element.text) for element in census.all("h1", "h2")]
    assert outline == [
        ("h1", "Refused Promotion to production is refused"),
        ("h2", "Purpose"),
        ("h2", "Data"),
        ("h2", "Findings"),
        ("h2", "Contenders"),
        ("h2", "Model"),
        ("h2", "Slices"),
        ("h2", "Fairness"),
        ("h2", "Robustness and privacy"),
        ("h2", "Provenance"),
        ("h2", "Check it yourself"),
        ("h2", "Words"),
    ]


def test_refused_rule_is_the_first_line(census: Page) -> None:
    """The rules table begins with the refused rule, its figure, interval, bound and advice."""
    table = next(table for table in census.all("table") if table.has("rules"))
    rows = [row for row in census.all("tr") if table in row.parents]
    for part in ("refused", "fair-tpr-disability", "0.588", "0.556 to 0.618", "at most 0.2", "Look at the features"):
        assert part in rows[1].text


def test_waiver_names_person_day_and_reason(census: Page) -> None:
    """A waived rule says who waived it, until when, and why."""
    waiver = next(element for element in census.elements if element.has("waiver"))
    assert waiver.text.startswith("Waived by Bea Okafor until 1 March 2026.")
    assert "the gap is reviewed in March" in waiver.text


def test_every_quarantined_row_is_listed(census: Page) -> None:
    """Each of the twenty damaged rows is there by number, column, value and reason."""
    text = census.by_id("data").text
    for one in sample.rejections():
        assert f"{one.row:,}".replace(",", "\u202f") in text
        assert one.reason in text


def test_rejections_are_capped_and_counted() -> None:
    """Two hundred failed constraints are listed; the rest is counted."""
    many = replace(sample.census(), rejections=sample.rejections(230), rejected_rows=5000, rejected_total=5123)
    page = read(render(many))
    values = [element for element in page.elements if element.has("value") or element.has("none")]
    assert len([one for one in values if any(parent.has("plain") for parent in one.parents)]) == 200
    assert "and 4\u202f923 more failed constraints" in page.by_id("data").text
    assert "5\u202f000 rows of 62\u202f718 set aside" in page.by_id("data").text


def test_disability_rates_are_told(census: Page) -> None:
    """The fairness section gives the true-positive rate of each group with its interval, the refused column first."""
    columns = [element for element in census.elements if element.tag == "article" and element.has("by")]
    assert columns[0].text.strip().startswith("disability")
    assert "refused" in columns[0].text
    assert "0.318 0.287 to 0.349" in columns[0].text
    assert "0.906 0.898 to 0.914" in columns[0].text


def test_small_groups_are_said_to_be_small(census: Page) -> None:
    """A group that is too small to be judged is marked in words, and its dots are hollow."""
    row = next(row for row in census.all("tr") if row.has("few"))
    assert "few rows" in row.text
    assert any(circle.has("hollow") for circle in census.all("circle") if row in circle.parents)


def test_verify_command_is_whole(census: Page) -> None:
    """The command to check the evidence is not cut, however long."""
    command = census.all("pre")[0].text
    assert command == sample.census().verify
    long = "stockade verify x --trust " + "a" * 900
    assert read(render(replace(sample.census(), verify=long))).all("pre")[0].text == long


def test_verdicts_have_a_word_and_a_sign(census: Page) -> None:
    """No verdict is told by colour alone: each badge holds a word and a drawing."""
    badges = [element for element in census.elements if element.has("badge")]
    assert len(badges) > 15
    for badge in badges:
        assert badge.text.strip()
        assert any(badge in svg.parents for svg in census.all("svg"))


def test_steps_tell_state_isolation_and_origin(census: Page) -> None:
    """The table of steps names a cached step, a custom step, isolation and the statement."""
    text = census.by_id("provenance").text
    assert "10 steps: 9 ran, 1 cached, 1 custom" in text
    assert sample.digest("clean").short in text
    nodes = [element for element in census.elements if element.tag == "g" and element.has("node")]
    assert len(nodes) == 12
    assert sum(node.has("custom") for node in nodes) == 1
    assert sum(node.has("source") for node in nodes) == 2


def test_failed_run_says_what_where_and_what_to_do() -> None:
    """A run that ended early leads with its error and draws the steps that were left."""
    page = read(render(sample.failed()))
    verdict = page.by_id("verdict").text
    for part in ("Ended early", "It stopped at step audit", "D104", "people.csv", "Add rows"):
        assert part in verdict
    nodes = [element for element in page.elements if element.tag == "g" and element.has("node")]
    assert sum(node.has("failed") for node in nodes) == 1
    assert sum(node.has("skipped") for node in nodes) == 6


def test_ten_classes_set_off_best_and_worst() -> None:
    """With more classes than tones the best and the worst are named and the others stay in the background."""
    page = read(render(sample.digits()))
    legend = next(element for element in page.elements if element.has("legend")).text
    assert "best: 9" in legend
    assert "worst: 0" in legend
    assert "and 8 more classes" in legend
    matrix = next(element for element in page.all("table") if element.has("confusion"))
    assert sum(1 for cell in page.all("td") if matrix in cell.parents) == 101


def test_sixty_four_columns_are_folded() -> None:
    """Many columns do not push the rest of the page away: all but the first are folded."""
    page = read(render(sample.digits()))
    cards = [element for element in page.all("article") if element.has("column")]
    assert len(cards) == 64
    assert sum(any(parent.tag == "details" for parent in card.parents) for card in cards) == 46


def test_regression_draws_residuals() -> None:
    """A regression shows residuals around zero and errors in the target's units, and no confusion matrix."""
    page = read(render(sample.regression()))
    text = page.by_id("model").text
    assert "Residuals" in text
    assert "2\u202f481" in text
    assert "Confusion" not in text


def test_rules_without_a_figure_are_listed_apart() -> None:
    """Rules that hold and judge no figure are counted and folded; one that lacks its evidence is not."""
    rows = (
        RulingRow("isolated", "every step ran in a sandbox", Judgement.PASSED),
        RulingRow("auc", "auc is at least 0.7", Judgement.ABSENT, "auc", threshold=0.7, bound="at least"),
    )
    verdict = replace(sample.census_verdict(), rulings=rows)
    page = read(render(replace(sample.census(), verdict=verdict)))
    quiet = next(element for element in page.all("details") if element.has("quiet"))
    assert "Every step ran in a sandbox" in quiet.text
    table = next(element for element in page.all("table") if element.has("rules"))
    assert "ROC AUC is at least 0.7" in table.text
    assert "not measured" in table.text


def test_numbers_that_are_not_numbers() -> None:
    """NaN and infinity in any figure are shown as absent and never reach a drawing."""
    nan, infinity = float("nan"), float("inf")
    base = sample.census()
    card = base.scorecard
    assert card
    broken = tuple(Figure(figure.name, nan, -infinity, infinity, 0) for figure in card.figures)
    curves = tuple(replace(curve, x=(nan, 0.0, infinity), y=(0.0, nan, 1.0), weight=()) for curve in card.curves)
    groups = tuple(
        replace(group, figures=tuple(Figure(f.name, nan, nan, nan) for f in group.figures)) for group in card.groups
    )
    rulings = tuple(replace(row, value=nan, low=nan, high=infinity) for row in sample.census_verdict().rulings)
    verdict = Verdict("x", sample.census_verdict().status, rulings)
    broken_card = replace(card, figures=broken, curves=curves, groups=groups, confusion=((0, 0), (0, 0)))
    html = render(replace(base, scorecard=broken_card, verdict=verdict))
    text = "".join(element.text for element in read(html).all("main"))
    assert not re.search(r"\b(nan|inf)\b", text.lower())
    for element in read(html).elements:
        assert "nan" not in " ".join(
            element.attributes.get(name, "") for name in ("d", "cx", "cy", "x1", "y1", "width")
        )


def test_empty_parts_of_a_scorecard() -> None:
    """A scorecard without curves, groups, slices and classes still makes a page."""
    from stockade.types.scorecard import Scorecard

    page = read(render(Report("t", "p", "", scorecard=Scorecard(Task.BINARY, "auc", 0, (), ()))))
    assert "Measured on 0 test rows" in page.by_id("model").text


def test_the_same_report_makes_the_same_page() -> None:
    """Rendering is a function of the report alone."""
    assert render(sample.census()) == render(sample.census())
