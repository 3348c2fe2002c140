"""The colours of the page, for a light and a dark room, and the measure that they are held against.

Hues follow Okabe and Ito (2008), which people with any of the common colour-vision deficiencies can tell apart, moved
in lightness until every pair that carries text reaches WCAG 2.2 AA. No meaning is carried by colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping

LIGHT: Mapping[str, str] = {
    "paper": "#f7f6f2",
    "card": "#ffffff",
    "sunken": "#efede6",
    "ink": "#1a1d21",
    "muted": "#565d66",
    "line": "#dcd9cf",
    "strong": "#85847c",
    "accent": "#0b5c9e",
    "accent-soft": "#dcebf7",
    "good": "#04664c",
    "good-soft": "#dcf1e8",
    "bad": "#b02a12",
    "bad-soft": "#fce6df",
    "warn": "#835000",
    "warn-soft": "#fbeccb",
    "waive": "#5b3f97",
    "waive-soft": "#ebe5f7",
    "one": "#0b5c9e",
    "two": "#c04a00",
    "three": "#007a5a",
    "four": "#99457e",
    "heat0": "#f4f7fa",
    "heat1": "#e1ecf5",
    "heat2": "#c6dcee",
    "heat3": "#a3c8e4",
    "heat4": "#78add4",
    "heat5": "#2a71ab",
    "heat6": "#0f5690",
    "heat7": "#083e6b",
    "heat-low": "#14202b",
    "heat-high": "#ffffff",
}

DARK: Mapping[str, str] = {
    "paper": "#121519",
    "card": "#1a1e24",
    "sunken": "#0d1013",
    "ink": "#e9e7e2",
    "muted": "#a5adb7",
    "line": "#323942",
    "strong": "#7d8691",
    "accent": "#85bdf2",
    "accent-soft": "#172f45",
    "good": "#62cfa8",
    "good-soft": "#12332a",
    "bad": "#ff9a85",
    "bad-soft": "#45201a",
    "warn": "#ecbe5c",
    "warn-soft": "#3a2d10",
    "waive": "#c0aef8",
    "waive-soft": "#2e2748",
    "one": "#6cb0ee",
    "two": "#f28a4b",
    "three": "#4cc39b",
    "four": "#dd8fc2",
    "heat0": "#1f252c",
    "heat1": "#1d2f3f",
    "heat2": "#1c3b54",
    "heat3": "#1c486a",
    "heat4": "#1d5680",
    "heat5": "#5fa3d9",
    "heat6": "#8cc0ea",
    "heat7": "#bcdcf6",
    "heat-low": "#f1f5f9",
    "heat-high": "#0c1926",
}

TEXT_PAIRS: tuple[tuple[str, str], ...] = (
    *((ink, ground) for ink in ("ink", "muted", "accent") for ground in ("paper", "card", "sunken")),
    *((ink, ground) for ink in ("good", "bad", "warn", "waive") for ground in ("paper", "card", f"{ink}-soft")),
    *(("ink", f"{soft}-soft") for soft in ("accent", "good", "bad", "warn", "waive")),
    *(("muted", f"{soft}-soft") for soft in ("accent", "good", "bad", "warn", "waive")),
    ("accent", "accent-soft"),
    ("card", "accent"),
    *(("heat-low", f"heat{level}") for level in range(5)),
    *(("heat-high", f"heat{level}") for level in range(5, 8)),
)
"""Text and the ground it stands on: at least 4.5 to 1."""

MARK_PAIRS: tuple[tuple[str, str], ...] = (
    *((mark, "card") for mark in ("one", "two", "three", "four", "strong", "accent", "good", "bad", "warn", "waive")),
    ("accent", "paper"),
)
"""Lines and marks that must be seen: at least 3 to 1."""


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two ``#rrggbb`` colours, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def properties(colours: Mapping[str, str]) -> str:
    """Write colours as CSS custom properties."""
    return "".join(f"--{name}:{value};" for name, value in colours.items())
