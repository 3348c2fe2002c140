"""A small assembler for the classic BPF programs that seccomp runs on each system call.

Source: Linux, Documentation/userspace-api/seccomp_filter.rst; struct seccomp_data in include/uapi/linux/seccomp.h.
Both architectures supported are little-endian, so the low word of an argument comes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Instruction = tuple[int, int, int, int]
Program = tuple[Instruction, ...]

ALLOW = 0x7FFF0000
KILL_PROCESS = 0x80000000
_LOAD = 0x20
_JUMP_EQUAL = 0x15
_JUMP_FROM = 0x35
_JUMP_ABOVE = 0x25
_JUMP_ANY_BIT = 0x45
_RETURN = 0x06
_NUMBER = 0
_ARCHITECTURE = 4
_ARGUMENTS = 16


def fail(code: int) -> int:
    """The verdict that makes a call fail with errno `code`; with 0 it does nothing and reports success."""
    return 0x00050000 | code


def verdict(value: int) -> Program:
    """End with a verdict."""
    return ((_RETURN, 0, 0, value),)


def require_architecture(architecture: int) -> Program:
    """Kill the process unless it calls under this architecture, then load the call's number."""
    return (
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, architecture),
        *verdict(KILL_PROCESS),
        (_LOAD, 0, 0, _NUMBER),
    )


def from_number(number: int, value: int) -> Program:
    """Give a verdict on all calls numbered `number` or higher."""
    return ((_JUMP_FROM, 0, 1, number), *verdict(value))


def on_call(number: int, body: Program) -> Program:
    """Run `body`, which must end with a verdict, for one call."""
    return ((_JUMP_EQUAL, 0, len(body), number), *body)


def argument_in(index: int, values: Iterable[int], otherwise: int) -> Program:
    """Allow when the low word of an argument is one of `values`."""
    tests: list[Instruction] = [(_LOAD, 0, 0, _ARGUMENTS + 8 * index)]
    for value in values:
        tests += [(_JUMP_EQUAL, 0, 1, value & 0xFFFFFFFF), *verdict(ALLOW)]
    return (*tests, *verdict(otherwise))


def argument_bits(index: int, *, needed: int, forbidden: int, otherwise: int) -> Program:
    """Allow when an argument's low word has any bit of `needed` (0: no need) and none of `forbidden`."""
    tests: list[Instruction] = [(_LOAD, 0, 0, _ARGUMENTS + 8 * index)]
    tests += [(_JUMP_ANY_BIT, 0, 1, forbidden), *verdict(otherwise)]
    if needed:
        tests += [(_JUMP_ANY_BIT, 1, 0, needed), *verdict(otherwise)]
    return (*tests, *verdict(ALLOW))


def allow_numbers(numbers: Sequence[int]) -> Program:
    """Allow all these calls; runs of neighbours share a test, as the kernel walks the program call by call."""
    program: list[Instruction] = []
    for low, high in _runs(sorted(set(numbers))):
        program += [(_JUMP_FROM, 0, 2, low), (_JUMP_ABOVE, 1, 0, high), *verdict(ALLOW)]
    return tuple(program)


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
