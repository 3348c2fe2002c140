"""Words and numbers for people: hostile text made inert and visible, figures rounded to what they can bear.

Rules:
    - Text keeps its letters; what would steer the reader's display (control characters, direction overrides, lone
      surrogates, invisible characters) is written out as ``‹U+202E›``, and what is too long is cut with an ellipsis.
    - Escaping for HTML is not done here but by the template engine and `stockade.report.svg`, once.
"""

from __future__ import annotations

import math
import unicodedata
from datetime import UTC, datetime

_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNSEEN = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})
_INVISIBLE = frozenset("\u00ad\u200b\u2060\ufeff")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
NOTHING = "–"

_METRICS = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1 score",
    "auc": "ROC AUC",
    "average_precision": "Average precision",
    "log_loss": "Log-loss",
    "brier": "Brier score",
    "ece": "Calibration error",
    "rmse": "Root mean squared error",
    "mae": "Mean absolute error",
    "r2": "R squared",
    "median_absolute_error": "Median absolute error",
    "mape": "Mean absolute percentage error",
    "tpr": "True-positive rate",
    "fpr": "False-positive rate",
    "selection_rate": "Selection rate",
    "bias": "Mean error",
    "tpr_gap": "Gap in true-positive rate",
    "fpr_gap": "Gap in false-positive rate",
    "selection_gap": "Gap in selection rate",
    "accuracy_gap": "Gap in accuracy",
    "mae_gap": "Gap in mean absolute error",
    "slice.worst": "Worst slice",
    "robustness.accuracy": "Accuracy under attack",
    "robustness.median_distance": "Median distance to a changed answer",
    "membership.auc": "Membership inference, AUC",
    "membership.tpr_at_1pct_fpr": "Members found at 1 % false alarms",
    "generalisation_gap": "Generalisation gap",
    "rejected_share": "Share of rows set aside",
    "duplicate_share": "Share of duplicate rows",
    "leakage.max_score": "Strongest leakage of the target",
    "label_noise.share": "Share of doubtful labels",
    "conflict_share": "Share of contradicting labels",
}

GLOSSARY: tuple[tuple[str, str], ...] = (
    ("Interval", "Where the true value lies in 95 of 100 repetitions of the same test."),
    ("Baseline", "A constant answer that looks at no feature; a model worth having beats it."),
    ("ROC AUC", "Chance that a random positive is ranked above a random negative; 0.5 is guessing, 1 is perfect."),
    ("Precision and recall", "Of the rows called positive, how many are; of the positive rows, how many are found."),
    ("Calibration", "Whether 0.7 means 7 of 10. The calibration error is the mean distance from that."),
    ("Log-loss, Brier score", "Penalties on the probabilities themselves; lower is better."),
    ("True-positive rate", "Share of the positives that are found, here for each group."),
    ("False-positive rate", "Share of the negatives that are called positive."),
    ("Selection rate", "Share of all rows that are called positive."),
    ("Gap", "Largest minus smallest rate over the groups that are large enough to be judged."),
    ("Slice", "A part of the test rows, named by simple conditions, where the model does worse than on the whole."),
    ("Quarantine", "Rows that broke a constraint of the schema. They are kept apart and used for nothing."),
    ("Membership inference", "An attack that tells training rows from others; an AUC of 0.5 learns nothing."),
    ("Waiver", "A signed, expiring permission by an approver, other than the requester, to break one rule."),
    ("Provenance", "A signed statement for each step: its code, inputs, outputs, and how it was confined."),
    (
        "Isolation",
        "none, process (limits only), sandbox (Landlock and a system-call filter), or strict (a new process).",
    ),
    ("Digest", "The SHA-256 fingerprint of exact bytes: one bit changed, and it is another."),
)


def clean(text: str, limit: int = 240) -> str:
    """Make text safe to look at and at most `limit` characters long; tabs and line ends become spaces."""
    cut = text if len(text) <= limit else text[: max(limit - 1, 0)] + "…"
    if cut.isascii() and cut.isprintable():
        return cut
    return "".join(_visible(char) for char in cut)


def _visible(char: str) -> str:
    if char in "\t\n\r":
        return " "
    if char in _DIRECTION or char in _INVISIBLE or unicodedata.category(char) in _UNSEEN:
        return f"‹U+{ord(char):04X}›"
    return char


def number(value: float | None) -> str:
    """Round a figure for reading: three decimals below 10, fewer above, thousands apart, powers for the extremes."""
    if value is None or not math.isfinite(value):
        return NOTHING
    size = abs(value)
    if size >= 1e9 or 0 < size < 0.0005:
        mantissa, _, exponent = f"{value:.2e}".partition("e")
        return f"{mantissa} × 10{str(int(exponent)).translate(_RAISED)}".replace("-", "−")
    decimals = 3 if size < 10 else 2 if size < 100 else 1 if size < 1000 else 0
    return _grouped(f"{value:,.{decimals}f}")


def short(value: float | None) -> str:
    """Write a number with no more digits than it needs, for axes and thresholds."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if abs(value) >= 1e4:
        for power, sign in ((9, "G"), (6, "M"), (3, "k")):
            if 10.0**power <= abs(value) < 10.0 ** (power + 3):
                return f"{value / 10**power:.3g}{sign}".replace("-", "−")
        return f"{value:.2g}".replace("-", "−")
    # Four digits stay together: they may well be a year.
    return (f"{value:.0f}" if float(value).is_integer() else f"{value:.4g}").replace("-", "−")


def _grouped(text: str) -> str:
    return text.replace(",", "\u202f").replace("-", "−")


def whole(value: int) -> str:
    """Write a count with its thousands apart."""
    return _grouped(f"{value:,d}")


def percent(part: float, total: float) -> str:
    """Write a share; what rounds to nothing or to all but is not is said to be less or more."""
    if total <= 0 or not math.isfinite(part):
        return NOTHING
    share = 100 * part / total
    if 0 < share < 0.1:
        return "< 0.1 %"
    if 99.9 < share < 100:
        return "> 99.9 %"
    return f"{share:.0f} %" if share in (0, 100) or share >= 9.95 else f"{share:.1f} %"


def spread(deviation: float, mean: float) -> str:
    """Write a standard deviation beside its mean, to the same decimals; what rounds to nothing is said to be less."""
    if not (math.isfinite(deviation) and math.isfinite(mean)):
        return ""
    if 0.0005 <= abs(mean) < 10 and 0 < deviation < 0.0005:
        return "± < 0.001"
    return f"± {number(deviation)}"


def interval(low: float | None, high: float | None) -> str:
    """Write both ends of an interval, or nothing at all."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f"{number(low)} to {number(high)}"


def seconds(value: float | None) -> str:
    """Write a duration: milliseconds below one second, minutes above two."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if value < 0.9995:
        return f"{value * 1000:.0f} ms"
    if value < 120:
        return f"{value:.1f} s"
    return f"{int(value // 60)} min {int(value % 60):02d} s"


def moment(text: str) -> str:
    """Write an RFC 3339 time for people, in UTC; what is not one stays as it is."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return text
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return f"{time.day} {time:%B %Y, %H:%M} UTC"


def day(text: str) -> str:
    """Write the day of an RFC 3339 time, in UTC; what is not one stays as it is."""
    return moment(text).partition(",")[0]


def metric(name: str) -> str:
    """Name a figure in words: ``tpr_gap.disability`` is ``Gap in true-positive rate, disability``."""
    if name in _METRICS:
        return _METRICS[name]
    head, _, rest = name.partition(".")
    if head == "baseline" and rest:
        return f"{metric(rest)} of the baseline"
    if head in _METRICS and rest:
        return f"{_METRICS[head]}, {rest}"
    return name


def plural(count: int, one: str, many: str = "") -> str:
    """Count things: ``1 row``, ``2 rows``."""
    return f"{whole(count)} {one if count == 1 else many or one + 's'}"
