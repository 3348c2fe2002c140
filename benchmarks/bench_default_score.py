"""Default score: what `train` gives with default settings, against scikit-learn's default HistGradientBoosting.

Both see the same training rows and are scored on the same test rows, ours as exported bytes through onnxruntime.

    python benchmarks/bench_default_score.py [NAME ...]
"""

from __future__ import annotations

import sys
import time

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from tables import DATA, SETS, Set, read, schema_of, split
from threadpoolctl import threadpool_limits

from stockade.model.inputs import from_table
from stockade.model.session import Model
from stockade.train.encoding import Encoder, signature_of
from stockade.train.scoring import score
from stockade.train.settings import Settings
from stockade.train.training import train
from stockade.types.scorecard import Task

METRICS = {
    Task.BINARY: ("log_loss", "auc", "accuracy"),
    Task.MULTICLASS: ("log_loss", "auc", "accuracy"),
    Task.REGRESSION: ("rmse", "mae"),
}


def reference(table: pl.DataFrame, test: pl.DataFrame, schema: object) -> np.ndarray:
    """scikit-learn's default, with native categories."""
    signature = signature_of(schema)
    columns = from_table(table, signature)
    encoder = Encoder.fit(signature, columns)
    kind = HistGradientBoostingRegressor if signature.task is Task.REGRESSION else HistGradientBoostingClassifier
    model = kind(categorical_features=list(encoder.categorical) or None, random_state=0)
    matrix, fresh = encoder.encode(columns), encoder.encode(from_table(test, signature))
    target = table[signature.target]
    if signature.task is Task.REGRESSION:
        return model.fit(matrix, target.to_numpy()).predict(fresh)
    places = {word: place for place, word in enumerate(signature.classes)}
    return model.fit(matrix, [places[word] for word in target.cast(pl.String)]).predict_proba(fresh)


def run(item: Set) -> None:
    table = read(item)
    schema = schema_of(table, item)
    repeats = 5 if len(table) < 6_000 and not item.time else 1
    ours: dict[str, list[float]] = {}
    theirs: dict[str, list[float]] = {}
    seconds, chosen = 0.0, []
    for seed in range(repeats):
        folds = split(table, item, seed)
        known, test = table.filter(pl.Series(folds >= 0)), table.filter(pl.Series(folds < 0))
        start = time.perf_counter()
        trained = train(table, folds, schema, Settings(time_ordered=bool(item.time)))
        seconds += time.perf_counter() - start
        chosen += [candidate.name for candidate in trained.leaderboard.candidates if candidate.chosen]
        output = Model(trained.model).predict_table(test)
        with threadpool_limits(limits=1):
            other = reference(known, test, schema)
        if schema.task is Task.REGRESSION:
            truth = test[item.target].to_numpy().astype(float)
        else:
            places = {word: float(place) for place, word in enumerate(schema.classes)}
            truth = np.array([places[word] for word in test[item.target].cast(pl.String)])
        for metric in METRICS[schema.task]:
            ours.setdefault(metric, []).append(score(metric, truth, output))
            theirs.setdefault(metric, []).append(score(metric, truth, other))
    figures = "  ".join(
        f"{metric} {np.mean(ours[metric]):9.5g} {np.mean(theirs[metric]):9.5g}" for metric in METRICS[schema.task]
    )
    names = ", ".join(sorted(set(chosen)))
    print(f"{item.name:20} {len(table):6}x{len(schema.features()):<3} {seconds / repeats:5.1f} s  {figures}  {names}")


def main() -> None:
    if not DATA.exists():
        sys.exit(f"the shared data is not at {DATA}")
    print("set, rows x features, seconds of training, then for each metric: ours, scikit-learn's default")
    for item in SETS:
        if not sys.argv[1:] or item.name.split()[0] in sys.argv[1:]:
            run(item)


if __name__ == "__main__":
    main()
