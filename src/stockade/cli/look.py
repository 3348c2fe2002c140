"""How things look on a terminal: tables, verdicts, live progress and errors, from plain records.

Colour never speaks alone: every verdict has a word and a sign. What is not a terminal gets plain lines, and
``NO_COLOR`` is heeded. Text that came from data is shown as it is, never read as markup.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Self

from stockade.errors import StockadeError

if TYPE_CHECKING:
    from rich.console import Console

    from stockade.policy.decision import Decision, Ruling
    from stockade.types.results import Finding, Results
    from stockade.types.scorecard import Leaderboard
    from stockade.types.table import Profile, Rejection
    from stockade.workspace.outcomes import Run

_SHOWN_REJECTIONS = 24
_SHOWN_FINDINGS = 12
_SHOWN_LINES = 10
_NARROW = 100


def error(failure: StockadeError) -> None:
    """Say on standard error what happened, where, and what to do; needs no library."""
    console = _console(stderr=True)
    if console is None:
        _plain_error(failure)
        return
    from rich.text import Text

    text = Text.assemble(("error ", "bold red"), (failure.code, "bold"), "  ", visible(failure.message))
    console.print(text, soft_wrap=False)
    for name, value in (("where", failure.where), ("remedy", failure.remedy)):
        if value:
            console.print(Text.assemble((f"  {name:<8}", "dim"), visible(value)))
    console.print(Text(f"  stockade explain {failure.code} says more", "dim"))


def say(text: str) -> None:
    """Print sentences, wrapped between words."""
    from rich.text import Text

    _must().print(Text(visible(text)))


def heading(text: str) -> None:
    """Open a scene or section."""
    console = _must()
    console.print()
    console.rule(f"[bold]{_escaped(text)}", align="left")


def summary(title: str, pairs: Sequence[tuple[str, str]]) -> None:
    """Print names and values, aligned."""
    from rich.text import Text

    _must().print(Text(visible(title), "bold"))
    _pairs(pairs)


def _pairs(pairs: Sequence[tuple[str, str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in pairs:
        grid.add_row(Text(f"  {visible(name)}"), Text(visible(value)))
    _must().print(grid)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; columns of numbers are aligned to the right."""
    console = _must()
    listed = [tuple(row) for row in rows]
    built = _table(title)
    for index, name in enumerate(columns):
        numbers = bool(listed) and all(_is_number(row[index]) for row in listed)
        built.add_column(_escaped(name), justify="right" if numbers else "left", overflow="fold")
    for row in listed:
        built.add_row(*map(_escaped, row))
    console.print(built)


def checks(title: str, items: Iterable[tuple[str, bool, str]]) -> None:
    """Print what was tried, with a sign and a word each."""
    built = _table(title)
    for name in ("", "what", "seen"):
        built.add_column(name, overflow="fold")
    for name, holds, detail in items:
        sign = "[green]✓ holds[/]" if holds else "[red]✗ fails[/]"
        built.add_row(sign, _escaped(name), _escaped(detail))
    _must().print(built)


def profile(found: Profile) -> None:
    """Print a table's columns, one line each."""
    rows = []
    narrow = _must().width < _NARROW
    for item in found.columns:
        numeric = item.minimum is not None and item.maximum is not None
        middle = f"{item.minimum:.6g} to {item.maximum:.6g}, mean {item.mean or 0:.4g}" if numeric else ""
        tallies = item.top[: 2 if narrow else 3]
        words = ", ".join(f"{_cut(tally.value, 16 if narrow else 40)} ({tally.count:,})" for tally in tallies)
        counts = [bar.count for bar in item.histogram]
        halves = [sum(counts[start : start + 2]) for start in range(0, len(counts), 2)]
        bars = _bars(halves if narrow else counts)
        rows.append((item.name, item.kind, f"{item.nulls:,}", f"{item.distinct:,}", middle or words, bars))
    table(f"{found.rows:,} rows", ("column", "kind", "missing", "distinct", "values", "shape"), rows)


def quarantine(rejections: Sequence[Rejection], total: int | None = None) -> None:
    """Print why rows were set aside."""
    shown = rejections[:_SHOWN_REJECTIONS]
    count = total if total is not None else len({item.row for item in rejections})
    rows = [(f"{item.row:,}", item.column, item.value or "(missing)", item.reason) for item in shown]
    table(f"quarantine: {count:,} row{'' if count == 1 else 's'} set aside", ("row", "column", "value", "reason"), rows)
    if len(rejections) > len(shown):
        print(f"  … and {len(rejections) - len(shown):,} more reasons; the report and the artifact `reasons` have them")


def results(found: Results) -> None:
    """Print figures and findings of a check."""
    table(
        "figures",
        ("figure", "value", "interval"),
        [(figure.name, f"{figure.value:.4g}", _interval(figure.low, figure.high)) for figure in found.figures],
    )
    findings(found.findings)


def findings(found: Sequence[Finding]) -> None:
    """Print findings, gravest first."""
    if not found:
        print("no findings")
        return
    built = _table("findings")
    for name in ("severity", "about", "finding"):
        built.add_column(name, overflow="fold")
    for item in sorted(found, key=lambda entry: -entry.severity.rank)[:_SHOWN_FINDINGS]:
        style = {"critical": "bold red", "high": "red", "medium": "yellow"}.get(item.severity.value, "dim")
        built.add_row(f"[{style}]{item.severity.value}[/]", _escaped(item.subject), _escaped(item.message))
    _must().print(built)


def leaderboard(board: Leaderboard) -> None:
    """Print who competed."""
    better = "higher is better" if board.maximize else "lower is better"
    rows = [
        (
            "★" if item.chosen else "",
            item.name,
            f"{item.mean:.4f}",
            f"± {item.deviation:.4f}",
            f"{item.seconds:.1f}",
        )
        for item in board.candidates
    ]
    table(f"leaderboard: {board.metric}, {better}", ("", "contender", "mean", "folds", "CPU s"), rows)


def run(found: Run) -> None:
    """Print what a run came to: quarantine, leaderboard, figures, verdict."""
    if found.rejections:
        quarantine(found.rejections, found.rejected)
    if found.leaderboard is not None:
        leaderboard(found.leaderboard)
    serious = [item for item in found.findings if item.severity.rank >= 2]
    if serious:
        findings(serious)
    main = [figure for figure in found.figures if "." not in figure.name and "_gap" not in figure.name]
    table(
        "the exported model, on rows it never saw",
        ("figure", "value", "95 % interval"),
        [(figure.name.replace("_", " "), f"{figure.value:.4f}", _interval(figure.low, figure.high)) for figure in main],
    )
    advice = not found.blocked and not found.verdict.allowed
    decision(found.verdict, advice=advice, asked=found.verdict.source != "none")
    cached = sum(step.cached for step in found.steps)
    origin = f", {cached} of {len(found.steps)} steps proven and not repeated" if cached else ""
    print(f"\n{found.name} version {found.version}, model {found.model.short}…, {found.seconds:.1f} s{origin}")
    print(f"report: {found.report}")
    if found.verdict.allowed and found.verdict.source == "none":
        print(f"next: stockade promote {found.version} --to {found.verdict.target}")


def decision(found: Decision, *, only_refused: bool = False, advice: bool = False, asked: bool = True) -> None:
    """Print a judgement: each rule about figures with figure, interval, threshold and verdict; then what to do.

    Rules about the evidence are shown one by one only where they refuse. `advice` softens a refusal in research mode,
    and `asked` tells whether somebody asked for the promotion, or it was only held against the policy.
    """
    told = [item for item in found.rulings if not item.verdict.admits or (item.figure and not only_refused)]
    built = _table(f"policy: {found.name} {found.version} to {found.target}")
    built.add_column("verdict", no_wrap=True)
    built.add_column("rule", no_wrap=True)
    built.add_column("figure", justify="right")
    built.add_column("interval", overflow="fold")
    built.add_column("must be", overflow="fold")
    for ruling in sorted(told, key=lambda item: item.verdict.admits):
        built.add_row(*_ruling(ruling))
    console = _must()
    console.print(built)
    silent = sum(item.verdict.admits and not item.figure for item in found.rulings)
    if silent and not only_refused:
        rules = "1 rule about the evidence is" if silent == 1 else f"{silent} rules about the evidence are"
        console.print(f"[green]✓[/] and {rules} met")
    if found.allowed:
        console.print(f"[green]✓ admitted to {found.target}[/]" if asked else "[green]✓ would be admitted[/]")
        return
    word = "would be refused; in research mode gates advise" if advice else "refused"
    console.print(f"[{'yellow' if advice else 'red'}]✗ {word}[/]")
    advices = dict.fromkeys(ruling.advice for ruling in found.refused if ruling.advice)
    _pairs([("advice", text) for text in advices] + [("note", text) for text in (*found.notes, *found.problems)])


_VERDICTS = {
    "allowed": "[green]✓ met[/]",
    "waived": "[yellow]◌ waived[/]",
    "refused": "[red]✗ refused[/]",
    "missing": "[red]? missing[/]",
}


def _ruling(ruling: Ruling) -> tuple[str, str, str, str, str]:
    value = "" if ruling.value is None else f"{ruling.value:.4f}"
    bound = f"{ruling.operator} {ruling.threshold}" if ruling.figure else ruling.title
    if ruling.waived_by:
        bound += f" (waived by {', '.join(ruling.waived_by)} until {ruling.waived_until[:10]})"
    verdict = _VERDICTS[ruling.verdict.value]
    return verdict, _escaped(ruling.rule), value, _interval(ruling.low, ruling.high), _escaped(bound)


class RunDisplay:
    """Live progress of a run: one line a step on a terminal, plain lines elsewhere. A context manager."""

    def __init__(self) -> None:
        self._console = _must()
        self._live: Any = None
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

            self._live = Progress(
                SpinnerColumn(finished_text="[green]✓[/]"),
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                TextColumn("[dim]{task.fields[note]}"),
                TimeElapsedColumn(),
                console=self._console,
            )
            self._live.start()
        return self

    def __exit__(self, *_details: object) -> None:
        if self._live is not None:
            self._live.stop()

    def on_event(self, event: object) -> None:
        """Show an event of the engine."""
        from stockade.pipeline.events import (
            CacheRefused,
            StepCached,
            StepFailed,
            StepFinished,
            StepProgress,
            StepStarted,
        )

        match event:
            case StepStarted():
                self._start(event.step, event.place, event.total)
            case StepProgress():
                self._update(event.step, event.done, event.total, event.text)
            case StepCached():
                self._start(event.step, event.place, event.total)
                self._finish(event.step, "proven, not repeated", event.seconds)
            case StepFinished():
                self._finish(event.step, f"{event.isolation.level}, signed", event.seconds)
            case CacheRefused():
                self._console.print(f"[yellow]! {_escaped(event.step)}[/]: {_escaped(event.reason)}; it runs again")
            case StepFailed():
                self._fail(event.step, event.log)

    def _start(self, step: str, place: int, total: int) -> None:
        if self._live is None:
            self._tasks[step] = f"[{place}/{total}]"
            return
        self._tasks[step] = self._live.add_task(f"{_escaped(step):<10}", total=None, note="")

    def _update(self, step: str, done: float, total: float, text: str) -> None:
        if self._live is not None and step in self._tasks:
            note = _escaped(text[:48])
            self._live.update(self._tasks[step], completed=done, total=total or None, note=note)

    def _finish(self, step: str, note: str, seconds: float) -> None:
        if self._live is None:
            print(f"{self._tasks.get(step, '')} {step:<10} {note} ({seconds:.1f} s)", flush=True)
        elif step in self._tasks:
            self._live.update(self._tasks[step], completed=1, total=1, note=note)

    def _fail(self, step: str, log: str) -> None:
        if self._live is None:
            print(f"{self._tasks.get(step, '')} {step:<10} failed", flush=True)
        elif step in self._tasks:
            self._live.update(self._tasks[step], note="failed")
            self._live.stop_task(self._tasks[step])
        # The error that follows has the sentence and the line; what matters here is what the step said before.
        for line in log.splitlines()[-_SHOWN_LINES:]:
            self._console.print(f"[dim]  {_escaped(step)} printed:[/] {_escaped(line)}")


def _table(title: str) -> Any:
    from rich import box
    from rich.table import Table

    return Table(title=_escaped(title), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)


def _console(*, stderr: bool = False) -> Console | None:
    try:
        from rich.console import Console
    except ModuleNotFoundError:  # a verifier's environment holds nothing but cryptography
        return None
    return Console(stderr=stderr, highlight=False)


def _must() -> Console:
    console = _console()
    if console is None:
        from stockade.errors import UnsupportedError

        raise UnsupportedError("rich is not installed", remedy="install stockade with its dependencies")
    return console


def _plain_error(failure: StockadeError) -> None:
    sys.stderr.write(f"error {failure.code}  {visible(failure.message)}\n")
    for name, value in (("where", failure.where), ("remedy", failure.remedy)):
        if value:
            sys.stderr.write(f"  {name:<8}{visible(value)}\n")


def visible(text: str) -> str:
    """Keep what can be seen, and line ends; a value from data must not steer the terminal."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "�" for sign in text)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(visible(text).replace("\n", "�"))


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.4f} to {high:.4f}"


def _is_number(text: str) -> bool:
    return text.replace(",", "").replace(".", "").replace("-", "").replace("±", "").replace("e", "").strip().isdigit()


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _bars(counts: Sequence[int]) -> str:
    top = max(counts, default=0) or 1
    return "".join(" ▁▂▃▄▅▆▇█"[round(8 * count / top)] for count in counts)
