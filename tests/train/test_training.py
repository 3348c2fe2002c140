"""Training as a whole: choice, plan, determinism, and the tasks it must cope with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from stockade.errors import ConfigError, DataError, TargetError, TooFewRowsError
from stockade.model.session import Model
from stockade.schema.column import Column, Kind, Role, Schema
from stockade.train.encoding import NothingToLearnFromError
from stockade.train.settings import Settings
from stockade.train.training import refit, train
from stockade.types import progress
from stockade.types.scorecard import Task
from train.making import folds, schema, table

FEW = Settings(trials=4, threads=1)


@pytest.fixture(scope="module", params=list(Task))
def trained(request):
    """One training of each task."""
    frame = table(request.param, 600, 7)
    return request.param, frame, train(frame, folds(600), schema(request.param), FEW)


def test_the_plan_makes_the_same_bytes_again(trained):
    """Refitting from the plan, after a passage through JSON, gives the same file."""
    task, frame, result = trained
    plan = json.loads(json.dumps(result.plan, allow_nan=False))
    assert refit(frame, schema(task), plan) == result.model


def test_training_repeats_whatever_the_threads(trained):
    """The same table and settings give the same file and plan, on one thread and on two."""
    task, frame, result = trained
    again = train(frame, folds(600), schema(task), Settings(trials=4, threads=2))
    assert again.model == result.model
    assert again.plan == result.plan


def test_the_best_contender_is_chosen_and_baselines_compete(trained):
    """The leaderboard is sorted, its first entry is the chosen one, and it is not the constant."""
    _, _, result = trained
    board = result.leaderboard
    means = [candidate.mean for candidate in board.candidates]
    assert means == sorted(means, reverse=board.maximize)
    assert [candidate.chosen for candidate in board.candidates] == [True] + [False] * (len(board.candidates) - 1)
    assert board.candidates[0].trainer != "constant"
    trainers = {candidate.trainer for candidate in board.candidates}
    assert trainers - {"blend"} == {"constant", "linear", "histogram", "lightgbm"}


def test_out_of_fold_predictions_cover_all_rows(trained):
    """Each row has a held-out prediction that says something about it."""
    task, frame, result = trained
    output = result.out_of_fold
    assert output.shape == ((600,) if task is Task.REGRESSION else (600, 2 if task is Task.BINARY else 3))
    assert np.isfinite(output).all()
    if task is Task.REGRESSION:
        assert np.corrcoef(output, frame["target"].to_numpy())[0, 1] > 0.5
    else:
        labels = Model(result.model).labels(output)
        assert (labels == frame["target"].to_numpy()).mean() > 0.5


def test_the_model_predicts_tables(trained):
    """The file alone is enough to predict a table."""
    task, _, result = trained
    fresh = table(task, 200, 99)
    model = Model(result.model)
    assert model.signature.task is task
    output = model.predict_table(fresh)
    if task is Task.REGRESSION:
        assert np.corrcoef(output, fresh["target"].to_numpy())[0, 1] > 0.5
    else:
        assert (model.labels(output) == fresh["target"].to_numpy()).mean() > 0.5


def test_time_ordered_folds_never_learn_from_the_future():
    """Ordered folds with enough history are predicted from their past, and what only the future explains is not learnt."""
    rows = 600
    block = np.arange(rows) // 100
    random = np.random.default_rng(0)
    frame = pl.DataFrame({"x": block + random.random(rows), "target": block * 10.0 + random.normal(size=rows)})
    shape = Schema((Column("x", Kind.REAL), Column("target", Kind.REAL, Role.TARGET)), "target", Task.REGRESSION)
    settings = Settings(trainers=("lightgbm",), trials=0, time_ordered=True)
    result = train(frame, block, shape, settings)
    assert np.isnan(result.out_of_fold[:300]).all()
    later = slice(300, None)
    assert np.isfinite(result.out_of_fold[later]).all()
    # Trees cannot extrapolate: a block held out is predicted at most at the level of the block before it.
    assert (result.out_of_fold[later] < block[later] * 10.0).mean() > 0.9


def test_rows_with_a_negative_fold_are_not_used():
    """Test rows do not reach the model."""
    frame, numbers = table(Task.BINARY, 400, 1), folds(400)
    numbers[:100] = -1
    whole = train(frame, numbers, schema(Task.BINARY), Settings(trainers=("lightgbm",), trials=0))
    part = train(frame[100:], numbers[100:], schema(Task.BINARY), Settings(trainers=("lightgbm",), trials=0))
    assert whole.model == part.model
    assert np.isnan(whole.out_of_fold[:100]).all()


def test_rare_positives_are_ranked():
    """With 2 % positives the model ranks, and its probabilities keep to the share."""
    random = np.random.default_rng(3)
    rows = 3000
    x = random.normal(size=rows)
    positive = random.random(rows) < 1 / (1 + np.exp(-(3 * x - 7)))
    assert 0.01 < positive.mean() < 0.05
    frame = pl.DataFrame({"x": x, "target": np.where(positive, "yes", "no")})
    shape = Schema(
        (Column("x", Kind.REAL), Column("target", Kind.CATEGORY, Role.TARGET, categories=("no", "yes"))),
        "target",
        Task.BINARY,
    )
    result = train(frame, folds(rows, 5), shape, FEW)
    share = result.out_of_fold[:, 1]
    assert abs(share.mean() - positive.mean()) < 0.01
    assert share[positive].mean() > 5 * share[~positive].mean()


def test_more_words_than_codes_are_told_apart_or_shared():
    """A column of 600 words trains and exports; the rarest share a code and unseen words take it."""
    random = np.random.default_rng(1)
    words = np.array([f"id {index}" for index in np.minimum(random.zipf(1.2, 2500), 600)])
    frame = pl.DataFrame(
        {"word": words, "target": np.where(random.random(2500) < 0.3 + 0.4 * (words == "id 1"), "yes", "no")}
    )
    shape = Schema(
        (Column("word", Kind.TEXT), Column("target", Kind.CATEGORY, Role.TARGET, categories=("no", "yes"))),
        "target",
        Task.BINARY,
    )
    for trainer in ("linear", "histogram", "lightgbm"):
        train(frame, folds(2500), shape, Settings(trainers=(trainer,), trials=0))


def test_progress_never_falls(monkeypatch):
    """Reports rise to their total."""
    seen = []
    monkeypatch.setattr(progress, "report", lambda done, total, _text="": seen.append((done, total)))
    train(table(Task.BINARY, 200, 1), folds(200), schema(Task.BINARY), FEW)
    shares = [done / total for done, total in seen]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_unusable_targets_are_named():
    """Absent, constant, foreign and empty targets, and schemas without features, raise errors of the data."""
    frame = table(Task.REGRESSION, 100, 1)
    with pytest.raises(TargetError, match="no such column"):
        train(frame.drop("target"), folds(100), schema(Task.REGRESSION), FEW)
    with pytest.raises(TargetError, match="constant"):
        train(frame.with_columns(pl.lit(3.0).alias("target")), folds(100), schema(Task.REGRESSION), FEW)
    with pytest.raises(TargetError, match="'maybe' is not among"):
        train(frame.with_columns(pl.lit("maybe").alias("target")), folds(100), schema(Task.BINARY), FEW)
    with pytest.raises(TargetError, match="no training row is of class 'yes'"):
        train(frame.with_columns(pl.lit("no").alias("target")), folds(100), schema(Task.BINARY), FEW)
    bare = Schema((Column("target", Kind.REAL, Role.TARGET),), "target", Task.REGRESSION)
    with pytest.raises(NothingToLearnFromError):
        train(frame, folds(100), bare, FEW)


def test_folds_without_a_class_are_left_out_and_named_when_none_is_left():
    """A fold that holds all rows of a class cannot be held out; if no fold can, the error says so."""
    frame = table(Task.BINARY, 200, 1)
    by_class = (frame["target"] == "yes").cast(pl.Int64).to_numpy()
    with pytest.raises(TooFewRowsError):
        train(frame, by_class, schema(Task.BINARY), FEW)


def test_a_plan_of_other_rows_is_refused():
    """A plan knows how many rows it was made on."""
    frame = table(Task.BINARY, 200, 1)
    plan = train(frame, folds(200), schema(Task.BINARY), Settings(trainers=("linear",), trials=0)).plan
    with pytest.raises(DataError, match="200 rows, the table has 199"):
        refit(frame[1:], schema(Task.BINARY), plan)


def test_settings_say_what_they_allow():
    """Unknown names and metrics of another task are refused with the choices."""
    for wrong in ({"metric": "gini"}, {"trainers": ("xgboost",)}, {"calibration": "beta"}, {"trials": -1}):
        with pytest.raises(ConfigError) as caught:
            Settings(**wrong)
        assert caught.value.where.startswith("[train]")
        assert "Choose among" in caught.value.remedy
    with pytest.raises(ConfigError):
        Settings(metric="rmse").metric_for(Task.BINARY)


def test_real_credit_rows_are_ranked():
    """On the German credit set the chosen contender reaches the AUC that is known to be possible."""
    path = Path(__file__).parents[2].parent / "shared" / "data" / "german_credit.parquet"
    if not path.exists():
        pytest.skip("the shared data is not here")
    frame = pl.read_parquet(path)
    columns = tuple(
        Column(name, Kind.CATEGORY, Role.TARGET, categories=("1", "2"))
        if name == "credit_risk"
        else Column(name, Kind.INTEGER if kind.is_integer() else Kind.CATEGORY, nullable=True)
        for name, kind in frame.schema.items()
    )
    result = train(frame, folds(len(frame), 5), Schema(columns, "credit_risk", Task.BINARY), Settings(metric="auc"))
    assert result.leaderboard.candidates[0].mean > 0.77
