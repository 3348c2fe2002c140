"""Reports to draw and to test with: a census run that was refused, and its many-sided cousins."""

from __future__ import annotations

import math
import random
from dataclasses import replace

from report.shapes import calibration, digest, numeric, precision_recall, rate, roc, words, yes_no
from stockade.report.content import (
    Failure,
    Judgement,
    Report,
    RulingRow,
    Status,
    StepNode,
    StepState,
    Verdict,
    Waiver,
)
from stockade.types.execution import Mode, Origin
from stockade.types.results import Figure, Finding, Severity
from stockade.types.scorecard import Candidate, Curve, Group, Leaderboard, Scorecard, Slice, Task
from stockade.types.table import Profile, Rejection

PURPOSE = "Estimate missing employment answers in a survey; not for decisions about people."


def census_profile() -> Profile:
    age = [3120, 2890, 2410, 2260, 2300, 2480, 2390, 2230, 2350, 2580, 2900, 3010, 3050, 2880, 2760, 2530, 2120, 1690]
    school = [510, 60, 70, 410, 380, 520, 900, 1290, 1600, 1290, 10900, 1610, 3500, 8800, 4600, 11800, 6900, 2578]
    columns = (
        numeric("age", 16, 94, [*age, 1300, 1090, 910, 720, 380, 210], (18, 31, 48, 63, 82)),
        numeric("schooling", 1, 24, school, (9, 16, 19, 21, 22)),
        words("employed", {"1": 34205, "0": 23513}),
        words(
            "marital_status",
            {"married": 28361, "never married": 19030, "divorced": 5840, "widowed": 3520, "separated": 967},
        ),
        words(
            "relationship",
            {
                "householder": 23900,
                "spouse": 12450,
                "child": 8930,
                "unmarried partner": 2890,
                "student housing": 2710,
                "other nonrelative": 1790,
                "parent": 1320,
                "roommate": 1250,
                "sibling": 1011,
                "grandchild": 720,
                "nursing facility": 747,
            },
        ),
        yes_no("disability", 8420),
        yes_no("hearing_difficulty", 2610),
        yes_no("vision_difficulty", 1205),
        yes_no("cognitive_difficulty", 3330),
        words("sex", {"female": 30210, "male": 27508}),
        words(
            "race",
            {
                "white": 46800,
                "asian": 3640,
                "black": 3510,
                "other": 1890,
                "two or more": 1650,
                "native american": 228,
            },
        ),
        words("citizenship", {"born in the state": 45120, "naturalized": 6240, "not a citizen": 4980, "abroad": 1378}),
        words("nativity", {"native": 46498, "foreign born": 11220}),
        words("mobility", {"same house": 49780, "moved within": 7290, "from abroad": 648}),
        words("military_service", {"never": 51210, "past": 5010, "training": 540, "active": 74}, 884),
    )
    return Profile(57718, columns)


def rejections(count: int = 20) -> tuple[Rejection, ...]:
    made = []
    for index in range(count):
        row = 1201 + index * 2713
        if index % 3 == 0:
            made.append(Rejection(row, "age", "407", "range", "407 is outside 0 to 120."))
        elif index % 3 == 1:
            reason = "'maried' is not a known category; did you mean 'married'?"
            made.append(Rejection(row, "marital_status", "maried", "category", reason))
        else:
            made.append(Rejection(row, "employed", "", "target", "The target is missing."))
    return tuple(made)


def people(
    column: str, value: str, count: int, rates: tuple[float, float, float, float], *, small: bool = False
) -> Group:
    names = ("selection_rate", "tpr", "fpr", "accuracy")
    figures = tuple(rate(name, share, count // 2) for name, share in zip(names, rates, strict=True))
    return Group(column, value, count, figures, small)


def census_groups() -> tuple[Group, ...]:
    return (
        people("sex", "female", 6031, (0.60, 0.868, 0.236, 0.823)),
        people("sex", "male", 5512, (0.66, 0.897, 0.228, 0.846)),
        people("disability", "no", 9862, (0.702, 0.906, 0.263, 0.850)),
        people("disability", "yes", 1681, (0.119, 0.318, 0.047, 0.802)),
        people("race", "white", 9360, (0.63, 0.884, 0.225, 0.837)),
        people("race", "asian", 728, (0.64, 0.871, 0.281, 0.818)),
        people("race", "black", 702, (0.61, 0.852, 0.262, 0.805)),
        people("race", "other", 378, (0.65, 0.880, 0.270, 0.816)),
        people("race", "two or more", 330, (0.60, 0.858, 0.231, 0.829)),
        people("race", "native american", 45, (0.52, 0.79, 0.24, 0.78), small=True),
        people("age", "16 to 24", 1690, (0.53, 0.746, 0.318, 0.716)),
        people("age", "25 to 44", 3450, (0.90, 0.962, 0.628, 0.852)),
        people("age", "45 to 64", 3980, (0.82, 0.928, 0.441, 0.834)),
        people("age", "65 and over", 2423, (0.09, 0.262, 0.041, 0.838)),
    )


def census_scorecard() -> Scorecard:
    figures = (
        rate("accuracy", 0.834, 11543),
        rate("balanced_accuracy", 0.825, 11543),
        rate("precision", 0.846, 7220),
        rate("recall", 0.884, 6841),
        rate("f1", 0.865, 11543),
        Figure("auc", 0.9012, 0.8957, 0.9066, 11543),
        Figure("average_precision", 0.9213, 0.9151, 0.9272, 11543),
        Figure("log_loss", 0.3804, 0.3711, 0.3899, 11543),
        Figure("brier", 0.1187, 0.1153, 0.1221, 11543),
        Figure("ece", 0.0112, 0.0081, 0.0157, 11543),
        Figure("baseline.accuracy", 0.5927),
        Figure("baseline.auc", 0.5),
        Figure("baseline.log_loss", 0.6759),
        Figure("baseline.brier", 0.2414),
        Figure("tpr_gap.disability", 0.588, 0.556, 0.618, 11543),
        Figure("fpr_gap.disability", 0.216, 0.195, 0.236, 11543),
        Figure("selection_gap.disability", 0.583, 0.564, 0.601, 11543),
        Figure("tpr_gap.sex", 0.029, 0.016, 0.044, 11543),
        Figure("fpr_gap.sex", 0.008, 0.0, 0.031, 11543),
        Figure("selection_gap.sex", 0.06, 0.042, 0.078, 11543),
        Figure("tpr_gap.race", 0.032, 0.008, 0.071, 11543),
        Figure("tpr_gap.age", 0.70, 0.662, 0.735, 11543),
        Figure("slice.worst", 0.681, 0.648, 0.713, 812),
        Figure("robustness.accuracy", 0.741, 0.703, 0.776, 500),
        Figure("robustness.median_distance", 0.214, 0.190, 0.241, 500),
        Figure("membership.auc", 0.512, 0.498, 0.526, 4000),
        Figure("membership.tpr_at_1pct_fpr", 0.0124, 0.0081, 0.0188, 4000),
        Figure("generalisation_gap", 0.0061, 0.0012, 0.0110, 11543),
    )
    slices = (
        Slice("age < 22 and relationship = child", 812, rate("accuracy", 0.681, 812), 0.834, 2e-7),
        Slice("relationship = student housing", 541, rate("accuracy", 0.694, 541), 0.834, 1e-6),
        Slice("61 ≤ age < 66", 928, rate("accuracy", 0.729, 928), 0.834, 3e-6),
        Slice("citizenship = not a citizen and sex = female", 502, rate("accuracy", 0.751, 502), 0.834, 0.0034),
        Slice("schooling < 12 and age ≥ 25", 690, rate("accuracy", 0.779, 690), 0.834, 0.0412),
    )
    notes = (
        "Intervals are percentile bootstraps of 1000 resamples of test rows, equal rows kept together.",
        "Robustness: a decision-based attack on 500 rows, numbers moved by at most 5 % of their range, one category changed.",
        "Membership inference: the calibrated loss attack; it bounds what this attacker learns, not what any can.",
        "Slices are searched on one half of the test rows and confirmed on the other.",
    )
    return Scorecard(
        Task.BINARY,
        "auc",
        11543,
        ("0", "1"),
        figures,
        (roc(1.82), precision_recall(1.82, 0.593), calibration()),
        ((3604, 1098), (812, 6029)),
        census_groups(),
        slices,
        notes,
    )


def census_leaderboard() -> Leaderboard:
    searched = (("num_leaves", "41"), ("learning_rate", "0.062"), ("min_child_samples", "38"), ("trees", "212"))
    board = (
        (
            "lightgbm, searched",
            "lightgbm",
            (0.9013, 0.9041, 0.8987, 0.9022, 0.9008),
            31.4,
            True,
            "24 trials, early stopping",
        ),
        ("lightgbm, defaults", "lightgbm", (0.8994, 0.9020, 0.8961, 0.9003, 0.8985), 2.1, False, ""),
        ("logistic regression", "linear", (0.8702, 0.8741, 0.8683, 0.8719, 0.8690), 1.3, False, "scaled, one-hot"),
        ("most frequent class", "baseline", (0.5, 0.5, 0.5, 0.5, 0.5), 0.01, False, "looks at no feature"),
    )
    made = []
    for name, trainer, scores, spent, chosen, note in board:
        mean = sum(scores) / len(scores)
        deviation = math.sqrt(sum((score - mean) ** 2 for score in scores) / (len(scores) - 1))
        parameters = searched if chosen else ()
        made.append(Candidate(name, trainer, parameters, scores, mean, deviation, spent, chosen, note))
    return Leaderboard("auc", maximize=True, candidates=tuple(made))


def census_steps(*, cached: bool = False) -> tuple[StepNode, ...]:
    plan: tuple[tuple[str, tuple[str, ...], tuple[str, ...], float], ...] = (
        ("ingest", ("people_2015.parquet",), ("raw", "unreadable"), 0.42),
        ("validate", ("raw", "schema.toml"), ("rows", "rejections", "validation"), 0.51),
        ("profile", ("rows",), ("profile",), 0.38),
        ("audit", ("rows", "schema.toml"), ("audit_results",), 6.84),
        ("clean", ("rows",), ("cleaned",), 0.12),
        ("anonymise", ("cleaned",), ("table",), 0.09),
        ("split", ("table",), ("train", "test"), 0.21),
        ("train", ("train", "schema.toml"), ("model", "leaderboard", "plan"), 34.2),
        ("assess", ("model", "train", "test"), ("scorecard", "results"), 11.7),
        ("card", ("model", "scorecard", "profile", "leaderboard"), ("card", "bom"), 0.31),
    )
    state = StepState.CACHED if cached else StepState.RAN
    made = []
    for name, inputs, outputs, spent in plan:
        origin = Origin.CUSTOM if name == "clean" else Origin.BUILT_IN
        kind = StepState.CACHED if name == "ingest" else state
        made.append(StepNode(name, inputs, outputs, kind, spent, "sandbox", origin, digest(name)))
    return tuple(made)


def census_verdict() -> Verdict:
    passed = Judgement.PASSED
    advice = (
        "Look at the features that stand in for disability, reweigh the rows of the group, or limit the use. "
        "An approver other than you may waive the rule for a while: stockade waive employment@3 fair-tpr-disability"
    )
    until = Waiver(
        "Bea Okafor", "2026-03-01T00:00:00Z", "Age is what the survey is weighted by; the gap is reviewed in March."
    )
    rulings = (
        RulingRow("quality-auc", "The model ranks well", passed, "auc", 0.9012, 0.8957, 0.9066, 0.75, "at least"),
        RulingRow(
            "quality-baseline", "It beats the baseline", passed, "accuracy", 0.834, 0.827, 0.841, 0.5927, "at least"
        ),
        RulingRow(
            "calibrated", "Probabilities mean what they say", passed, "ece", 0.0112, 0.0081, 0.0157, 0.05, "at most"
        ),
        RulingRow(
            "fair-tpr-disability",
            "True-positive rates by disability stay close",
            Judgement.REFUSED,
            "tpr_gap.disability",
            0.588,
            0.556,
            0.618,
            0.2,
            "at most",
            advice,
        ),
        RulingRow(
            "fair-tpr-age",
            "True-positive rates by age stay close",
            Judgement.WAIVED,
            "tpr_gap.age",
            0.70,
            0.662,
            0.735,
            0.2,
            "at most",
            advice,
            until,
        ),
        RulingRow(
            "fair-tpr-sex",
            "True-positive rates by sex stay close",
            passed,
            "tpr_gap.sex",
            0.029,
            0.016,
            0.044,
            0.2,
            "at most",
        ),
        RulingRow(
            "fair-tpr-race",
            "True-positive rates by race stay close",
            passed,
            "tpr_gap.race",
            0.032,
            0.008,
            0.071,
            0.2,
            "at most",
        ),
        RulingRow(
            "slices",
            "No slice is far below the whole",
            Judgement.ADVISED,
            "slice.worst",
            0.681,
            0.648,
            0.713,
            0.7,
            "at least",
            "Collect more rows of young people who live with their parents, or say in the model card that it does worse there.",
        ),
        RulingRow(
            "private", "Training rows stay hidden", passed, "membership.auc", 0.512, 0.498, 0.526, 0.6, "at most"
        ),
        RulingRow("isolated", "Every step ran in a sandbox", passed),
        RulingRow("built-in", "Audit and assessment are built in", passed),
    )
    detail = "Ada Lindqvist asked to promote employment@3 from staging to production."
    return Verdict("Promotion to production is refused", Status.REFUSED, rulings, detail, digest("policy"))


def census() -> Report:
    """The census run as the demo tells it: a good model whose promotion is refused."""
    findings = (
        Finding(
            "audit.duplicates",
            "11,204 rows",
            "19.4 % of the rows are equal to another once the identifier is gone; equal rows share a fold.",
            Severity.LOW,
            "duplicate_share",
            0.194,
            0.05,
            remedy="Nothing to do where people are coded into few columns; otherwise look for a join that repeats rows.",
        ),
        Finding(
            "audit.label_noise",
            "312 rows",
            "0.5 % of the labels contradict a confident cross-validated answer.",
            Severity.INFO,
            "label_noise.share",
            0.0054,
            0.02,
            ("AML.T0020", "ML02"),
        ),
        Finding(
            "assess.fairness",
            "column disability",
            "People with a disability who work are found in 32 % of cases, others in 91 %.",
            Severity.HIGH,
            "tpr_gap.disability",
            0.588,
            0.2,
            remedy="See the fairness section; consider another threshold, more features or another use.",
        ),
    )
    environment = (
        ("Python", "3.11.2"),
        ("Platform", "Linux 6.1 x86_64"),
        ("Stockade", "0.1.0"),
        ("onnxruntime", "1.24.1"),
        ("lightgbm", "4.6.0"),
        ("polars", "2.0.1"),
        ("Builder", "https://stockade.example/builder/local"),
        ("Seed", "20250101"),
    )
    command = f"stockade verify employment-3.stockade --trust {digest('root')}"
    return Report(
        title="Employment of people in Massachusetts",
        project="census",
        created="2025-11-21T04:12:09Z",
        mode=Mode.PRODUCTION,
        generator="Stockade 0.1.0",
        run="r-20251121-041102-7f3a",
        version="employment@3",
        model=digest("model"),
        purpose=PURPOSE,
        verdict=census_verdict(),
        source="people_2015.parquet",
        target="employed",
        sensitive=("sex", "race", "age", "disability"),
        profile=census_profile(),
        rejections=rejections(),
        rejected_rows=20,
        findings=findings,
        audits=("duplicates", "target leakage", "label noise"),
        leaderboard=census_leaderboard(),
        scorecard=census_scorecard(),
        steps=census_steps(),
        environment=environment,
        digests=(("Trust root", digest("root")), ("Evidence set", digest("evidence")), ("Checkpoint", digest("log"))),
        verify=command,
    )


def regression() -> Report:
    """Insurance claims: no classes, no gate, advice only."""
    chance = random.Random(7)
    predicted = [chance.lognormvariate(9, 0.7) for _ in range(200)]
    residual = [chance.gauss(0, 0.25 * value) for value in predicted]
    truth = tuple(p + r for p, r in zip(predicted, residual, strict=True))
    card = Scorecard(
        Task.REGRESSION,
        "mae",
        268,
        (),
        (
            Figure("mae", 2481.3, 2119.0, 2890.4, 268),
            Figure("rmse", 4470.9, 3801.1, 5120.2, 268),
            Figure("r2", 0.861, 0.812, 0.901, 268),
            Figure("median_absolute_error", 1310.2, 1180.0, 1490.0, 268),
            Figure("baseline.mae", 9060.7),
            Figure("mae_gap.smoker", 0.41, 0.22, 0.63, 268),
        ),
        (
            Curve("residuals", "charges", tuple(predicted), tuple(residual)),
            Curve("predicted_truth", "charges", truth, tuple(predicted)),
        ),
        groups=(
            Group("smoker", "no", 213, (Figure("mae", 1990.0, 1700.0, 2300.0), Figure("bias", -40.0, -420.0, 350.0))),
            Group("smoker", "yes", 55, (Figure("mae", 3020.0, 2290.0, 3900.0), Figure("bias", 310.0, -600.0, 1210.0))),
        ),
        slices=(Slice("age < 25 and smoker = no", 61, Figure("mae", 3960.0, 3010.0, 4991.0), 2481.3, 0.012),),
    )
    verdict = Verdict("Promotion to staging would be refused", Status.ADVICE, ())
    base = replace(census(), title="Insurance charges", project="insurance", scorecard=card, verdict=verdict)
    return replace(base, leaderboard=None, mode=Mode.RESEARCH, target="charges", version="", findings=())


def digits() -> Report:
    """Ten classes, no sensitive columns, 64 columns."""
    chance = random.Random(11)
    names = tuple(str(digit) for digit in range(10))
    matrix = [[0] * 10 for _ in range(10)]
    for true in range(10):
        matrix[true][true] = 31 + true % 4
        matrix[true][(true * 3 + 1) % 10] += 2
        matrix[true][chance.randrange(10)] += 1
    curves = tuple(
        curve
        for index, name in enumerate(names)
        for curve in (
            roc(2.6 + 0.15 * index, name),
            precision_recall(2.6 + 0.15 * index, 0.1, name),
            calibration(name, 0.02 + 0.004 * index),
        )
    )
    figures = (
        rate("accuracy", 0.968, 360),
        rate("f1", 0.967, 360),
        rate("auc", 0.998, 360),
        rate("recall", 0.967, 360),
    )
    card = Scorecard(Task.MULTICLASS, "accuracy", 360, names, figures, curves, tuple(map(tuple, matrix)))
    shape = [chance.randrange(5, 300) for _ in range(17)]
    columns = tuple(
        replace(
            numeric(
                f"pixel_{index // 8}_{index % 8}", 0, 16, shape[index % 9 :] + shape[: index % 9], (0, 1, 4, 11, 16)
            )
        )
        for index in range(64)
    )
    verdict = Verdict("Promotion to production is admitted", Status.ADMITTED, census_verdict().rulings[:1])
    return replace(
        census(),
        title="Handwritten digits",
        project="digits",
        scorecard=card,
        verdict=verdict,
        profile=Profile(1797, columns),
        sensitive=(),
        target="digit",
        rejections=(),
        rejected_rows=0,
        findings=(),
    )


def failed() -> Report:
    """A run that ended in its third step."""
    steps = census_steps()
    ended = (*steps[:3], replace(steps[3], state=StepState.FAILED, outputs=()))
    skipped = tuple(replace(step, state=StepState.SKIPPED, seconds=None, digest=None) for step in steps[4:])
    failure = Failure(
        "D104",
        "After quarantine 3 rows are left; at least 20 are needed to train and to test honestly.",
        "people.csv",
        "Add rows, or look at the quarantine: a wrong schema sets aside good rows.",
        "audit",
    )
    return replace(
        census(),
        verdict=None,
        failure=failure,
        steps=(*ended, *skipped),
        scorecard=None,
        leaderboard=None,
        version="",
        model=None,
    )


def empty() -> Report:
    """The least a report can hold."""
    return Report(title="Nothing yet", project="fresh", created="2025-11-21T04:12:09Z")


ALL = {"census": census, "regression": regression, "digits": digits, "failed": failed, "empty": empty}
