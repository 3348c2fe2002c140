"""What a child says is read as hostile: no bytes break the reader, and none steer the terminal."""

import json

from hypothesis import given
from hypothesis import strategies as st

from stockade.pipeline.channel import ChildReader, LogCollector, printable
from stockade.pipeline.order import Progress

ISOLATION = b'{"isolation": {"landlock": 7, "seccomp": true, "limits": true}}\n'

lines = st.one_of(
    st.binary(max_size=200),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["progress", "failure", "done", "isolation", "kind", "code"]), inner, max_size=3
            )
        ),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode()),
)


@given(said=st.lists(lines, max_size=12), cuts=st.lists(st.integers(1, 60), max_size=20))
def test_nothing_breaks_the_reader(said: list[bytes], cuts: list[int]) -> None:
    """Whatever follows the first line, in whatever pieces, the isolation stays and every text is printable."""
    seen: list[Progress] = []
    reader = ChildReader(seen.append)
    stream = ISOLATION + b"\n".join(said) + b"\n"
    for cut in cuts:
        reader.feed(stream[:cut])
        stream = stream[cut:]
    reader.feed(stream)
    assert reader.isolation is not None
    assert (reader.isolation.landlock, reader.isolation.level) == (
        7,
        "process" if not reader.isolation.seccomp else "sandbox",
    )
    for item in seen:
        assert item.text == printable(item.text, 200)
    if reader.failure is not None:
        assert "\x1b" not in reader.failure.message


def test_isolation_comes_first_or_not_at_all() -> None:
    """An isolation that is not the first line is no isolation."""
    reader = ChildReader(lambda _: None)
    reader.feed(b'{"progress": [1, 2, "x"]}\n' + ISOLATION)
    assert reader.isolation is None


def test_progress_is_checked() -> None:
    """Only finite, non-negative progress of three parts is passed on."""
    seen: list[Progress] = []
    reader = ChildReader(seen.append)
    reader.feed(ISOLATION)
    for line in (
        "[1, 2]",
        '[NaN, 2, "x"]',
        '[-1, 2, "x"]',
        '[1, Infinity, "x"]',
        '[true, 2, "x"]',
        "[1, 2, 3]",
        '[1, 2, "ok"]',
    ):
        reader.feed(b'{"progress": ' + line.encode() + b"}\n")
    assert seen == [Progress(1.0, 2.0, "ok")]


def test_endless_line_is_dropped() -> None:
    """A line without end takes no more memory than the longest line allowed."""
    reader = ChildReader(lambda _: None)
    reader.feed(ISOLATION)
    for _ in range(100):
        reader.feed(b"x" * 65536)
    assert len(reader._rest) <= 2 * 65536


@given(pieces=st.lists(st.binary(max_size=50), max_size=30))
def test_log_keeps_both_ends(pieces: list[bytes]) -> None:
    """A log is kept whole up to the limit, and beyond it by its start and end."""
    log = LogCollector(half=40)
    for piece in pieces:
        log.feed(piece)
    whole = b"".join(pieces)
    kept = log.bytes()
    if len(whole) <= 80:
        assert kept == whole
    else:
        assert kept.startswith(whole[:40])
        assert kept.endswith(whole[-40:])
        assert len(kept) < 120
