"""The filter program, run by an interpreter of classic BPF written from the specification."""

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.sandbox import bpf, seccomp, syscalls

PID = 4321
X86, ARM = syscalls.ARCHITECTURES["x86_64"], syscalls.ARCHITECTURES["aarch64"]
REFUSED, ABSENT = bpf.fail(errno.EPERM), bpf.fail(errno.ENOSYS)


def evaluate(program: bpf.Program, architecture: int, number: int, arguments: tuple[int, ...] = ()) -> int:
    words = {0: number, 4: architecture}
    for index, value in enumerate(arguments):
        words[16 + 8 * index] = value & 0xFFFFFFFF
    accumulator, place = 0, 0
    while True:
        code, yes, no, word = program[place]
        place += 1
        if code == 0x06:
            return word
        if code == 0x20:
            accumulator = words.get(word, 0)
        else:
            holds = {0x15: accumulator == word, 0x35: accumulator >= word, 0x25: accumulator > word}
            taken = bool(accumulator & word) if code == 0x45 else holds[code]
            place += yes if taken else no


def build(machine: str = "x86_64", **options: bool) -> bpf.Program:
    settings = {"processes": False, "signals": False, "serving": False} | options
    return seccomp.build(machine, own_pid=PID, **settings)


@pytest.mark.parametrize(("machine", "own", "other"), [("x86_64", X86, ARM), ("aarch64", ARM, X86)])
def test_another_architecture_is_killed(machine: str, own: int, other: int) -> None:
    """A call under another architecture, where numbers mean other calls, ends the process."""
    read = syscalls.plain(machine)["read"]
    assert evaluate(build(machine), own, read) == bpf.ALLOW
    assert evaluate(build(machine), other, read) == bpf.KILL_PROCESS


@given(number=st.integers(0, 0xFFFFFFFF))
def test_only_listed_numbers_are_allowed(number: int) -> None:
    """No number outside the list is allowed, whatever its arguments."""
    listed = set(syscalls.plain("x86_64").values())
    for arguments in ((), (PID, PID, PID), (0x10000, 0x5401)):
        if evaluate(build(), X86, number, arguments) == bpf.ALLOW:
            assert number in listed


@given(machine=st.sampled_from(["x86_64", "aarch64"]), data=st.data())
def test_plain_calls_are_allowed(machine: str, data: st.DataObject) -> None:
    """A call that is listed and whose arguments do not matter is allowed, with and without processes."""
    special = set(seccomp._arguments(own_pid=1, processes=False, signals=False)) | set(seccomp._NEW_PROCESSES)
    names = sorted(set(syscalls.plain(machine)) - special)
    number = syscalls.plain(machine)[data.draw(st.sampled_from(names))]
    assert evaluate(build(machine), syscalls.ARCHITECTURES[machine], number) == bpf.ALLOW


def test_threads_but_no_processes() -> None:
    """Clone makes threads; processes and namespaces only where they are allowed, namespaces never."""
    clone = syscalls.plain("x86_64")["clone"]
    thread, process, namespace = 0x3D0F00, 17, 0x10000000
    assert evaluate(build(), X86, clone, (thread,)) == bpf.ALLOW
    assert evaluate(build(), X86, clone, (process,)) == REFUSED
    assert evaluate(build(processes=True), X86, clone, (process,)) == bpf.ALLOW
    for program in (build(), build(processes=True)):
        assert evaluate(program, X86, clone, (namespace | thread,)) == REFUSED
    assert evaluate(build(), X86, syscalls.plain("x86_64")["clone3"]) == ABSENT


def test_signals_go_to_itself() -> None:
    """Without Landlock's scopes a process may signal nobody but itself."""
    kill = syscalls.plain("x86_64")["kill"]
    assert evaluate(build(), X86, kill, (PID, 9)) == bpf.ALLOW
    for other in (1, 0, 0xFFFFFFFF, PID + 1):
        assert evaluate(build(), X86, kill, (other, 9)) == REFUSED


def test_x32_calls_do_not_exist() -> None:
    """The x32 calls, which share the architecture's number, are absent."""
    assert evaluate(build(), X86, 0x40000000 | syscalls.plain("x86_64")["read"]) == ABSENT


@pytest.mark.parametrize("number", [425, 426, 427, 101, 310, 311, 321, 308, 272, 165, 90, 91, 92, 188, 250, 41, 42, 29])
def test_dangerous_calls_are_refused(number: int) -> None:
    """io_uring, ptrace, cross-process memory, bpf, namespaces, mount, modes, owners, attributes, keys, sockets, IPC."""
    for program in (build(), build(processes=True, signals=True), build(serving=True)):
        assert evaluate(program, X86, number) == REFUSED


def test_serving_takes_connections_and_makes_none() -> None:
    """A server accepts on the sockets it was given, and can neither open nor connect one."""
    sockets = syscalls.sockets("x86_64")
    assert evaluate(build(serving=True), X86, sockets["accept4"]) == bpf.ALLOW
    assert evaluate(build(), X86, sockets["accept4"]) == REFUSED
    assert evaluate(build(serving=True), X86, sockets["socketpair"], (2,)) == REFUSED


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_who_starts_others_opens_no_socket_and_traces_nobody(machine: str) -> None:
    """The starter may fork, change its user and filter its children; sockets, traces and namespaces stay refused."""
    program, own = seccomp.build_starter(machine), syscalls.ARCHITECTURES[machine]
    assert evaluate(program, own, syscalls.starting(machine)["setresuid"]) == bpf.ALLOW
    assert evaluate(program, own, syscalls.plain(machine)["clone"], (17,)) == bpf.ALLOW
    assert evaluate(program, own, syscalls.plain(machine)["clone"], (0x10000011,)) == REFUSED
    assert evaluate(program, own, syscalls.plain(machine)["clone3"]) == ABSENT
    refused = {"x86_64": (41, 42, 101, 272, 310), "aarch64": (198, 203, 117, 97, 270)}[machine]
    assert {evaluate(program, own, number) for number in refused} == {REFUSED}
