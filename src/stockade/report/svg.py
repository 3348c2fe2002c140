"""Elements, scales and ticks: what every drawing is made of.

Rules:
    - Everything that is not `Markup` is cleaned and escaped, text and attribute alike; nothing breaks out of a drawing.
    - Colour comes from classes of the page's one style block. No drawing carries a ``style`` attribute, an ``id``, a
      script or a reference to anything outside itself.
    - Numbers that are not finite never reach a coordinate.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from stockade.report.wording import clean


def tag(name: str, /, *content: object, **attributes: object) -> Markup:
    """Write one element: ``class_`` becomes ``class``, ``text_anchor`` ``text-anchor``; ``None`` is left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_attribute(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    inside = "".join(str(_content(item)) for item in content)
    return Markup(f"<{name}{written}>{inside}</{name}>" if inside else f"<{name}{written}/>")  # noqa: S704  (all parts are escaped above)


def _attribute(value: object) -> str:
    if isinstance(value, float):
        return trim(value)
    return str(escape(value if isinstance(value, (Markup, int)) else clean(str(value), 600)))


def _content(value: object) -> Markup:
    return value if isinstance(value, Markup) else escape(clean(str(value)))


def group(parts: Iterable[Markup], **attributes: object) -> Markup:
    """Wrap elements in a ``g``; nothing at all when there are none."""
    inside = Markup("").join(parts)
    return tag("g", inside, **attributes) if inside else Markup("")


def drawing(width: float, height: float, label: str, *parts: Markup, class_: str = "") -> Markup:
    """Write a drawing that scales with the page and speaks through `label` to those who do not see it."""
    return tag(
        "svg",
        *parts,
        viewBox=f"0 0 {trim(width)} {trim(height)}",
        width=width,
        height=height,
        role="img",
        aria_label=label,
        class_=class_ or None,
    )


def trim(value: float) -> str:
    """Write a coordinate with at most one decimal."""
    if not math.isfinite(value):
        return "0"
    return f"{value:.1f}".rstrip("0").rstrip(".") if value else "0"


def points(pairs: Iterable[tuple[float, float]]) -> Markup:
    """Write a path through points; it is made of our own letters and numbers, so it is neither cut nor escaped."""
    text = "".join(f"{'L' if index else 'M'}{trim(x)} {trim(y)}" for index, (x, y) in enumerate(pairs))
    return Markup(text or "M0 0")  # noqa: S704  (letters and numbers of our own)


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear map from ``low..high`` of the data to ``start..end`` of the drawing; values outside stop at the ends."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Map one value; what is not finite lands on ``start``."""
        if not (math.isfinite(value) and self.low < self.high):
            return self.start
        # The difference of two huge finite numbers may overflow; halves do not.
        part = (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return self.start + min(max(part, 0.0), 1.0) * (self.end - self.start)

    def percent(self, value: float) -> str:
        """Map one value to a percentage of the width, for drawings that stretch without scaling their text."""
        return f"{self(value):.1f}%"


def ticks(low: float, high: float, count: int = 5) -> tuple[float, ...]:
    """Choose about `count` round numbers in ``low..high``: multiples of 1, 2 or 5 times a power of ten."""
    span = high - low
    if not math.isfinite(span) or span <= 0 or span / count < 5e-308:
        return (low,) if math.isfinite(low) else ()
    rough = span / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next((factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999), 10 * power)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    if not 0 <= last - first <= 4 * count:
        return (low, high)
    decimals = max(0, -math.floor(math.log10(step)) + 1)
    return tuple(round(index * step, min(decimals, 300)) for index in range(first, last + 1))


def span(values: Iterable[float | None], *, pad: float = 0.06, within: tuple[float, float] | None = None) -> Scale:
    """Fit a scale of 0 to 100 around all finite values, a little wider, and not beyond `within`."""
    finite = [value for value in values if value is not None and math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    margin = high * pad - low * pad or abs(low) * 0.1 or 0.5
    low, high = low - margin, high + margin
    if within:
        low, high = max(low, within[0]), min(high, within[1])
    return Scale(low, high, 2.0, 98.0) if low < high else Scale(low - 0.5, low + 0.5, 2.0, 98.0)


def unit(values: Sequence[float | None]) -> bool:
    """Whether all finite values are shares between 0 and 1."""
    return all(0 <= value <= 1 for value in values if value is not None and math.isfinite(value))
