"""How each figure was measured, and what it cannot say: a sentence each."""

from __future__ import annotations

from stockade.adversary.attacks.membership import FALSE_POSITIVE_RATE
from stockade.assess.attacked import Robustness
from stockade.assess.exam import MOST_TRAINING_ROWS, Exam
from stockade.assess.weakness import support_of
from stockade.metrics.groups import MIN_OF_KIND, MIN_ROWS
from stockade.types.scorecard import Task


def on_performance(exam: Exam) -> list[str]:
    """On scores, baseline and generalisation gap."""
    notes = [
        f"All figures come from the exported ONNX bytes, asked about {exam.test.rows:,} rows that training never saw.",
        "Intervals are 95 % and take rows as independent; where rows follow each other in time they are too narrow.",
    ]
    if exam.task is Task.REGRESSION:
        notes.append("Intervals of scores are a seeded bootstrap's over rows, the median's is distribution-free.")
    else:
        notes.append(
            "Intervals are Wilson's for accuracy, and for precision and recall of two classes, DeLong's for the AUC, "
            "and a seeded bootstrap's within classes for the rest."
        )
        notes.append(
            "The calibration error uses at most 15 bins of about equal mass; it is biased upwards on few rows, and its "
            "interval is shifted by the bootstrap's estimate of that."
        )
    if exam.task is Task.MULTICLASS:
        notes.append(
            "Precision, recall, F1, average precision and the one-vs-rest AUC are means over the classes that the test "
            "part holds, each counting alike."
        )
    sampled = exam.train.rows == MOST_TRAINING_ROWS
    sample = f"a sample of {MOST_TRAINING_ROWS:,} training rows" if sampled else "training rows"
    notes.append(
        "The baseline is the best constant that the training targets give; the generalisation gap is how much better "
        f"{exam.metric} is on {sample} than on test rows."
    )
    return notes


def on_groups(task: Task) -> str:
    """On groups and gaps."""
    limits = f"groups below {MIN_ROWS} rows are shown and left out of gaps"
    if task is Task.BINARY:
        limits += f", and so are rates on fewer than {MIN_OF_KIND} positives or negatives"
    scale = ", as a share of the error over all rows" if task is Task.REGRESSION else ""
    return (
        f"Gaps are the largest minus the smallest rate over the groups of a column{scale}; {limits}; "
        "the interval is that of the one difference, not adjusted for having picked the two groups."
    )


def on_slices(exam: Exam) -> str:
    """On weak slices."""
    measure = "mean absolute error" if exam.task is Task.REGRESSION else "accuracy"
    return (
        f"Slices are all single conditions and pairs of them with at least {support_of(exam.test.rows)} rows, compared "
        f"by {measure} with Welch's test, adjusted by Holm's method; the worst was picked for being bad, so its figure "
        "is pessimistic."
    )


def on_robustness(exam: Exam, found: Robustness) -> list[str]:
    """On evasion: what was tried, and what the attacker may do."""
    settings = exam.settings
    if exam.task is Task.REGRESSION:
        told = (
            f"Robustness is the share of {found.rows:,} test rows whose prediction an attack could not move by "
            f"{settings.tolerance:g} standard deviations of the target"
        )
    else:
        told = (
            f"Accuracy under attack is the accuracy times the share of {found.rows:,} rightly answered test rows whose "
            "answer an attack could not turn"
        )
    return [
        (
            f"{told} by changes of at most {settings.epsilon:g} standard deviations; without that bound "
            f"{found.turned:.0%} could be."
        ),
        (
            f"The evasion attack sees decisions only and asks {settings.queries} times a row; it moves numbers within "
            "the ranges observed, keeps whole numbers whole and missing values missing, and pays 1 for a new category."
        ),
        "Distances found by an attack are upper bounds: a stronger attacker may need less.",
    ]


def on_membership() -> list[str]:
    """On membership inference."""
    return [
        (
            "Membership inference calls a row a member when the model predicts it better than a threshold (Yeom 2018); "
            f"it is judged by AUC and at {FALSE_POSITIVE_RATE:.0%} false alarms."
        ),
        "Attacks that train shadow models find more members, and drift between the parts looks like membership.",
    ]
