"""Logs that were cut off at any byte, or damaged anywhere."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from log_samples import HEADER, STARTED_NS, fill, make_packets, make_row, make_tick
from mcap.opcode import Opcode

from hilt.ipc.messages import EventSeen, Outcome, Phase
from hilt.log import EpisodeLog, EpisodeWriter, recover, unfinished
from hilt.log.files import records
from hilt_hooks import HiltError

PART = "episode-000003.mcap.part"
damaging = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)


def row_ends(part: Path) -> list[int]:
    """Where in the file each row becomes whole: the end of the chunk that holds it."""
    with open(part, "rb") as file:
        chunks = [(at + len(payload), payload) for opcode, at, payload in records(file) if opcode == Opcode.CHUNK]
    ends = [end for end, payload in chunks if b'"frame":' in payload and b"front " in payload]
    assert len(ends) == 10
    return ends


@damaging
@given(data=st.data())
def test_cut_anywhere_every_row_that_was_whole_is_read(part: Path, data: st.DataObject) -> None:
    content, ends = part.read_bytes(), row_ends(part)
    cut = data.draw(st.integers(0, len(content)))
    whole = sum(end <= cut for end in ends)
    with TemporaryDirectory() as folder:
        copy = Path(folder) / PART
        copy.write_bytes(content[:cut])
        try:
            log = EpisodeLog(copy)
        except HiltError:
            assert whole == 0
        else:
            check_prefix(log, whole)
            assert log.outcome is None
        path = recover(copy)
        assert not copy.exists()
        if whole == 0:
            assert path is None
            assert (Path(folder) / f"{PART}.empty").read_bytes() == content[:cut]
            return
        assert path == Path(folder) / "episode-000003.mcap"
        recovered, first = EpisodeLog(path), path.read_bytes()
        check_prefix(recovered, whole)
        assert recovered.outcome == Outcome(saved=True, recovered=True)
        assert (recovered.header, recovered.task, recovered.started_ns) == (HEADER, "pick", STARTED_NS)
        copy.write_bytes(content[:cut])
        assert recover(copy) == path
        assert path.read_bytes() == first


def check_prefix(log: EpisodeLog, rows: int) -> None:
    assert [row.frame for row in log.rows()] == list(range(rows))
    for camera in ("front", "wrist"):
        assert list(log.packets(camera)) == [make_packets(frame)[camera] for frame in range(rows)]


@damaging
@given(data=st.data())
def test_a_flipped_bit_is_never_read_as_data(finished: Path, data: st.DataObject) -> None:
    content = bytearray(finished.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "e.mcap"
        copy.write_bytes(content)
        try:
            log = EpisodeLog(copy)
        except HiltError:
            return
        assert log.header == HEADER
        rows = sum(1 for _ in log.rows())
        check_prefix(log, rows)
        ticks = [tick.k for tick in log.ticks()]
        assert ticks == list(range(len(ticks)))
        assert rows == 10 or log.outcome is None
        assert log.outcome in {None, Outcome(saved=True, success=True)}


@damaging
@given(data=st.data())
def test_a_flipped_bit_in_a_chunk_ends_the_log_there(finished: Path, data: st.DataObject) -> None:
    content, ends = bytearray(finished.read_bytes()), row_ends(finished)
    row = data.draw(st.integers(0, 9))
    at = ends[row] - 1 - data.draw(st.integers(0, 100))  # the packets are the last of the chunk
    content[at] ^= 1 << data.draw(st.integers(0, 7))
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "e.mcap"
        copy.write_bytes(content)
        check_prefix(EpisodeLog(copy), row)
        assert EpisodeLog(copy).outcome is None


def test_a_chunk_that_is_gone_ends_the_log_there(finished: Path) -> None:
    content = finished.read_bytes()
    with open(finished, "rb") as file:
        chunks = [(at - 9, at + len(payload)) for opcode, at, payload in records(file) if opcode == Opcode.CHUNK]
    start, end = chunks[len(chunks) // 2]
    finished.write_bytes(content[:start] + content[end:])
    rows = [row.frame for row in EpisodeLog(finished).rows()]
    assert 0 < len(rows) < 10
    assert rows == list(range(len(rows)))


def test_recovery_that_was_killed_is_done_again(part: Path) -> None:
    copy = part.read_bytes()
    path = recover(part)
    assert path is not None
    expected = path.read_bytes()
    part.write_bytes(copy)  # killed between the rename and the removal
    path.with_name(path.name + ".recovering").write_bytes(expected[:1000])  # and another time while it was copying
    assert unfinished(part.parent) == [part]
    assert recover(part) == path
    assert path.read_bytes() == expected
    assert sorted(each.name for each in part.parent.iterdir()) == [path.name]


def test_an_episode_that_was_discarded_is_not_recovered(writer: EpisodeWriter, tmp_path: Path) -> None:
    fill(writer, 2)
    final = writer.close(Outcome(saved=False))
    part = final.rename(tmp_path / PART)  # killed between the outcome and the rename
    assert recover(part) is None
    assert [each.name for each in tmp_path.iterdir()] == ["episode-000003.mcap.discarded"]


def test_success_survives_a_kill_before_the_rename(finished: Path) -> None:
    part = finished.rename(finished.with_name(PART))
    path = recover(part)
    assert path is not None
    assert EpisodeLog(path).outcome == Outcome(saved=True, success=True, recovered=True)


EVENTS = {
    "judged": ([("start", Phase.READY, Phase.HUMAN), ("failure", Phase.HUMAN, Phase.SAVED)], Outcome(saved=True, success=False)),
    "saved": ([("start", Phase.READY, Phase.HUMAN), ("save", Phase.HUMAN, Phase.SAVED)], Outcome(saved=True)),
    "running": ([("success", Phase.PAUSED, Phase.SAVED), ("start", Phase.READY, Phase.AUTONOMOUS)], Outcome(saved=True)),
    "discarded": ([("start", Phase.READY, Phase.HUMAN), ("rerecord", Phase.HUMAN, Phase.DISCARDED)], Outcome(saved=False)),
}


@pytest.mark.parametrize(("events", "ends"), EVENTS.values(), ids=EVENTS.keys())
def test_killed_before_the_outcome_was_written_what_the_operator_decided_counts(
    writer: EpisodeWriter, events: list[tuple[str, Phase, Phase]], ends: Outcome
) -> None:
    """`running`: the log begins with what happened to the episode before it."""
    for event, old, new in events:
        writer.event(EventSeen(time_ns=STARTED_NS, event=event, device="keys", old=old, new=new))
    writer.row(make_row(0), make_packets(0))
    writer.abandon()
    path = recover(writer.path.with_name(PART))
    if not ends.saved:
        assert path is None
        assert [each.name for each in writer.path.parent.iterdir()] == ["episode-000003.mcap.discarded"]
        return
    assert path is not None
    assert EpisodeLog(path).outcome == Outcome(saved=True, success=ends.success, recovered=True)


def test_ticks_reach_the_kernel_with_later_ones(writer: EpisodeWriter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clock = time.monotonic_ns()
    monkeypatch.setattr(time, "monotonic_ns", lambda: clock)
    for k in range(60):
        clock += 16_666_667
        writer.tick(make_tick(k))
        there = len(list(EpisodeLog(tmp_path / PART).ticks()))
        assert (k + 1 - there) * 16_666_667 < 500_000_000
    writer.abandon()


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from log_samples import HEADER, STARTED_NS, make_packets, make_row
from hilt.log import EpisodeWriter
writer = EpisodeWriter(Path(sys.argv[2]), HEADER, episode=3, task="pick", started_ns=STARTED_NS)
for frame in range(1_000_000):
    writer.row(make_row(frame), make_packets(frame))
    print(frame, flush=True)
"""


def test_killed_while_writing_no_row_that_was_acknowledged_is_lost(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(Path(__file__).parent), str(tmp_path / "episode-000003.mcap")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(50):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        acknowledged = 49 + len(process.stdout.read().split(b"\n")[:-1])
    log = EpisodeLog(tmp_path / PART)
    rows = sum(1 for _ in log.rows())
    assert rows >= acknowledged
    check_prefix(log, rows)


def test_a_log_can_be_read_while_it_is_written(writer: EpisodeWriter, tmp_path: Path) -> None:
    writer.row(make_row(0), make_packets(0))
    snapshot = tmp_path / "copy.mcap"
    shutil.copy(tmp_path / PART, snapshot)
    check_prefix(EpisodeLog(snapshot), 1)
    check_prefix(EpisodeLog(tmp_path / PART), 1)
    writer.abandon()


needs_size_limits = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs file size limits")


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """As on a full disk: no file grows beyond `size` bytes."""
    import resource

    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


@needs_size_limits
def test_a_disk_without_room_to_recover_keeps_the_log_and_no_draft(part: Path) -> None:
    content = part.read_bytes()
    with room_for(len(content) - 1000), pytest.raises(OSError, match="File too large"):
        recover(part)
    assert [each.name for each in part.parent.iterdir()] == [PART]
    assert part.read_bytes() == content
    assert recover(part) is not None


@needs_size_limits
def test_a_full_disk_leaves_a_log_that_is_whole_up_to_there(writer: EpisodeWriter, tmp_path: Path) -> None:
    with room_for(20_000), pytest.raises(OSError, match="File too large"):
        fill(writer, 100)
    rows = writer.rows
    writer.abandon()
    assert rows > 3
    check_prefix(EpisodeLog(tmp_path / PART), rows)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("size", [0, 100])
def test_a_log_that_a_full_disk_does_not_let_begin_is_closed(tmp_path: Path, size: int) -> None:
    with room_for(size), pytest.raises(OSError, match="File too large") as caught:
        EpisodeWriter(tmp_path / "episode-000003.mcap", HEADER, episode=3, task="pick", started_ns=STARTED_NS)
    open_here = [os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]
    assert caught.tb  # which keeps alive whatever was open
    assert str(tmp_path / PART) not in open_here
