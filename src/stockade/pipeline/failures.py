"""From a failed receipt to the error that the user sees."""

from __future__ import annotations

from stockade import errors
from stockade.errors import ConfigError, DataError, StepError, StockadeError
from stockade.pipeline.channel import printable
from stockade.pipeline.graph import Step
from stockade.pipeline.order import Failure

_SHOWN_LINES = 15
_TRACEBACK = b"Traceback (most recent call last):"
_FAMILIES: tuple[type[StockadeError], ...] = (ConfigError, DataError, StepError)


def error_of(step: Step, failure: Failure, log: bytes) -> StockadeError:
    """The error to raise for a failed step.

    A step's process may name a deliberate error of the data, configuration or step families by its code. It cannot
    speak for evidence, policy or the machine: a claim of that kind becomes a plain StepError.
    """
    where = failure.where or f"step {step.name!r}"
    kind = _class_of(failure.code)
    if kind is not None and issubclass(kind, StepError):
        message = f"the step {step.name!r} failed: {failure.message}"
        return kind(message, where=failure.where or step.call, remedy=failure.remedy or _remedy(step))
    if kind is not None:
        return kind(failure.message, where=where, remedy=failure.remedy)
    last = _last_line(log)
    message = f"the step {step.name!r} failed: {failure.kind}: {failure.message}"
    if last and failure.message.partition("\n")[0] not in last:
        message += f" (it printed: {last})"
    return StepError(message, where=failure.where or step.call, remedy=failure.remedy or _remedy(step))


def shown(log: bytes) -> str:
    """The last lines that a step printed before what it failed with, safe for a terminal."""
    printed = log.partition(_TRACEBACK)[0]
    lines = printed[-8192:].decode("utf-8", "replace").splitlines()[-_SHOWN_LINES:]
    return "\n".join(printable(line, 300) for line in lines)


def _remedy(step: Step) -> str:
    if step.is_file:
        return f"correct {step.name!r} and run again; finished steps are kept"
    return "run again; finished steps are kept"


def _last_line(log: bytes) -> str:
    lines = [line for line in shown(log).splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""


def _class_of(code: str) -> type[StockadeError] | None:
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, _FAMILIES) and kind.code == code:
            return kind
    # A room may define further errors of its own, which are not loaded here: the letter still says whose fault it is.
    families = {"D": DataError, "C": ConfigError, "P": StepError}
    return families.get(code[:1]) if code[1:].isdecimal() else None
