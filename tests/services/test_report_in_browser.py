"""The report in a real browser, under its own strict policy: nothing fetched, nothing complained of, nothing cut off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.browser import Browser, find
from services.conftest import Released

pytestmark = pytest.mark.services

OVERFLOWING = """
[...document.querySelectorAll("body *")].filter(item => {
  for (let up = item; up; up = up.parentElement) {
    const style = getComputedStyle(up);
    if (style.overflowX !== "visible" || style.position === "fixed" || style.position === "absolute") return false;
  }
  const box = item.getBoundingClientRect();
  return box.width > 0 && box.right > innerWidth + 0.5;
}).slice(0, 5).map(item => item.tagName + "." + item.getAttribute("class"))
"""
BACKGROUND = "getComputedStyle(document.body).backgroundColor"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = find()
    if program is None:
        pytest.skip("chromium is not installed")
    with Browser(program) as started:
        yield started


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_report_opens_from_a_file(browser: Browser, released: Released, width: int, dark: bool) -> None:
    """One request (the file itself), an empty console, and no sideways scrolling at either width."""
    address = released.report.as_uri()
    browser.visit(address, width=width, dark=dark)
    assert browser.evaluate("document.readyState") == "complete"
    assert len(browser.evaluate("document.body.innerText")) > 1_000
    assert browser.evaluate("document.querySelectorAll('svg').length") >= 3
    assert browser.evaluate(OVERFLOWING) == []
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.requests() == [address]
    assert browser.complaints() == []


def test_the_report_has_a_dark_face(browser: Browser, released: Released) -> None:
    """The page follows what the reader's system prefers."""
    seen = []
    for dark in (False, True):
        browser.visit(released.report.as_uri(), width=1280, dark=dark)
        seen.append(browser.evaluate(BACKGROUND))
    light, night = (sum(map(int, colour.strip("rgba()").split(",")[:3])) for colour in seen)
    assert light > 600
    assert night < 200


@pytest.mark.parametrize(
    "smuggled",
    [
        "<script>document.title = 'taken'</script>",
        "<img src='https://example.invalid/x.png'>",
        "<link rel='stylesheet' href='https://example.invalid/x.css'>",
        "<p onclick='1' id='p'>x</p><script src='x.js'></script>",
        "<iframe src='https://example.invalid/'></iframe>",
    ],
)
def test_the_policy_of_the_page_stops_what_is_smuggled_in(
    browser: Browser, released: Released, tmp_path: Path, smuggled: str
) -> None:
    """The test above can fail: markup put into the page neither runs nor leaves the machine, and is complained of."""
    page = released.report.read_text(encoding="utf-8")
    altered = tmp_path / "altered.html"
    altered.write_text(page.replace("</body>", smuggled + "</body>"), encoding="utf-8")
    browser.visit(altered.as_uri(), width=1280, dark=False)
    assert browser.evaluate("document.title") != "taken"
    answered = [event for event in browser.events if event.get("method") == "Network.responseReceived"]
    found = [event["params"]["response"]["url"] for event in answered]
    # The browser's own error page, in a frame that was refused, brings its pictures along.
    assert [address for address in found if not address.startswith("data:")] == [altered.as_uri()]
    assert browser.complaints() != []
