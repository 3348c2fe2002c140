"""What is to be predicted, told from the values of the target."""

from __future__ import annotations

from itertools import pairwise

import polars as pl

from stockade.data.facts import Facts, known_words, number_bounds
from stockade.data.typed import DTYPES, as_text
from stockade.errors import TargetError, TooFewRowsError
from stockade.schema.column import Column, Kind, Role
from stockade.types.scorecard import Task

LEAST_ROWS = 20
"""With fewer rows that have a target nothing is learnt."""

_MOST_CLASSES = 100
_LEAST_COUNTS = 5
_THIN = 20
_MOST_WHOLE_CLASSES = 20
_LEAST_PER_CLASS = 5
_POSITIVE = {"1", "true", "yes", "y", "t", "positive", "pos", "+1", "да", "ja", "oui", "sí", "si", "sim", "tak", "是"}


def propose(item: Facts, hinted: Task | None) -> tuple[Column, Task]:
    """Propose the target's column and the task.

    Two values are binary; several words, or at most 20 whole numbers that lie close together, are classes; other
    numbers are regression, and so are counts: whole numbers of which large or small ones thin out.

    Raises:
        stockade.errors.TargetError: no value, one value, dates, text without repetition, or not what was hinted.
        stockade.errors.TooFewRowsError: fewer than 20 rows have a target.
    """
    _check(item)
    words = _class_words(item)
    known = known_words(words, item.rows)
    if len(known) < 2:
        others = len(item.values) - int(words["count"][0])
        message = f"the target {item.name!r} has one class: {known[0]!r} in all rows but {others}"
        raise TargetError(message, remedy="there is nothing to tell apart; take another target or more data")
    task = hinted or _task(item, known)
    if task is Task.REGRESSION:
        return _regression(item), task
    fitting = len(known) == 2 if task is Task.BINARY else 2 < len(known) <= _MOST_CLASSES
    if not fitting or words.height > len(item.values) / 2:
        message = f"the target {item.name!r} has {len(known)} different values, which does not make a {task.value} task"
        raise TargetError(message, remedy=_remedy(item, task))
    left = [word for word in words["word"].to_list() if word not in set(known)]
    note = f"left out as unknown: {', '.join(left[:5])}" if left else ""
    if not note and item.kind.numeric and task is Task.MULTICLASS:
        note = "few numbers close together are classes; if they count, make the kind integer and the task regression"
    return Column(item.name, Kind.CATEGORY, Role.TARGET, categories=_ordered(item, known, words), note=note), task


def _check(item: Facts) -> None:
    present = len(item.values)
    if present == 0:
        message = f"no row has a value of the target {item.name!r}"
        raise TargetError(message, remedy="check the export, or name another target")
    if present < LEAST_ROWS:
        message = f"only {present} rows have a value of the target {item.name!r}; {LEAST_ROWS} are the least"
        raise TooFewRowsError(message, remedy="bring more rows")
    if item.distinct == 1:
        message = f"the target {item.name!r} has one value, {item.values[0]!r}, in all rows"
        raise TargetError(message, remedy="there is nothing to tell apart; take another target or more data")
    if item.kind is Kind.TIMESTAMP:
        message = f"the target {item.name!r} holds dates or times"
        raise TargetError(message, remedy="predict a number, such as the days until then")


def _class_words(item: Facts) -> pl.DataFrame:
    if not item.words.is_empty():
        return item.words
    texts = item.values.to_frame().select(as_text(pl.col(item.name), DTYPES[item.kind]).alias("word")).to_series()
    return texts.value_counts(name="count").sort("count", "word", descending=[True, False])


def _task(item: Facts, known: list[str]) -> Task:
    if len(known) == 2:
        return Task.BINARY
    if not item.kind.numeric:
        return Task.MULTICLASS
    if item.format:
        return Task.REGRESSION
    numbers = [float(word) for word in known]
    whole = all(number.is_integer() for number in numbers)
    close = max(numbers) - min(numbers) < 2 * len(numbers)
    frequent = len(item.values) >= _LEAST_PER_CLASS * len(known)
    few = len(known) <= _MOST_WHOLE_CLASSES
    return Task.MULTICLASS if whole and close and frequent and few and not _thins_out(item) else Task.REGRESSION


def _thins_out(item: Facts) -> bool:
    """Whether numbers occur as counts do, which classes that happen to be numbered seldom do.

    There are five or more, ever rarer on both sides of the most frequent, and the rarest is twenty times rarer. The
    outermost may be frequent again, for it often stands for all beyond.
    """
    tally = item.values.alias("value").value_counts(name="count").sort("value")["count"].to_list()
    peak = tally.index(max(tally))
    sides = (tally[peak:], tally[peak::-1])
    falling = all(later <= before + 3 * before**0.5 for side in sides for before, later in pairwise(side[:-1]))
    return len(tally) >= _LEAST_COUNTS and falling and min(tally) * _THIN <= max(tally)


def _regression(item: Facts) -> Column:
    if not item.kind.numeric:
        message = f"the target {item.name!r} holds {item.kind.value} values, which no regression predicts"
        raise TargetError(message, remedy="leave the task out, or name a numeric target")
    low, high = number_bounds(item)
    note = item.note
    if not note and item.distinct <= _MOST_WHOLE_CLASSES:
        note = "counts that thin out; if they are classes, make the kind category and list the categories"
    return Column(item.name, item.kind, Role.TARGET, minimum=low, maximum=high, format=item.format, note=note)


def _remedy(item: Facts, task: Task) -> str:
    if task is Task.MULTICLASS and item.kind is Kind.CATEGORY:
        return f"group rare classes (at most {_MOST_CLASSES}, each in several rows), or name another target"
    return "leave the task out to let it be told from the values"


def _ordered(item: Facts, known: list[str], words: pl.DataFrame) -> tuple[str, ...]:
    """Numbers by size and words by alphabet; of two words the positive one last: yes and its like, else the rarer."""
    if item.kind.numeric and not item.format:
        return tuple(sorted(known, key=float))
    ordered = sorted(known)
    if len(known) != 2:
        return tuple(ordered)
    counts = dict(words.select("word", "count").iter_rows())
    return tuple(sorted(ordered, key=lambda word: (word.lower() in _POSITIVE, -counts[word])))
