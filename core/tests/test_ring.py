"""Rings: whole messages or none, whoever dies, stops or falls behind."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilt.ipc import messages
from hilt.ipc.frames import FrameReader, FrameWriter
from hilt.ipc.lease import Lease, LeaseHolder
from hilt.ipc.ring import RingReader, RingWriter
from hilt_hooks import Frame

WRITE_FOREVER = """
import sys, time
from pathlib import Path
from hilt.ipc.ring import RingWriter

writer = RingWriter(Path(sys.argv[1]), slot_bytes=4096, slots=8)
while True:
    writer.write(writer.written.to_bytes(8, "little") * 500)
    time.sleep(0.0001)
"""

FILL = """
import sys
from pathlib import Path
from hilt.ipc.lease import LeaseHolder
from hilt.ipc.ring import RingWriter
from hilt_hooks import ConnectError

folder = Path(sys.argv[1])
LeaseHolder(folder / "before")
for name in "ab":
    try:
        writer = RingWriter(folder / name, slot_bytes=1 << 16, slots=10)
    except ConnectError as error:
        print(error)
with open(folder / "filler", "wb", buffering=0) as filler:
    try:
        while filler.write(bytes(4096)):
            pass
    except OSError:
        pass
for _ in range(20):
    writer.write(bytes(1 << 16))
try:
    LeaseHolder(folder / "after")
except ConnectError as error:
    print(error)
"""
"""In a file system of 1 MiB: two rings of 0.7 MB, then whatever else there is room for."""


def test_messages_arrive_in_order(tmp_path: Path) -> None:
    writer = RingWriter(tmp_path / "r", slot_bytes=16, slots=4)
    reader = RingReader(tmp_path / "r")
    writer.write(b"a", b"b")
    writer.write(b"")
    assert list(reader.drain()) == [b"ab", b""]
    assert reader.read() is None


@given(st.lists(st.integers(1, 12), max_size=12))
def test_a_reader_that_falls_behind_knows_what_it_missed(tmp_path_factory: pytest.TempPathFactory, bursts: list[int]) -> None:
    path = tmp_path_factory.mktemp("ring") / "r"
    writer, reader = RingWriter(path, slot_bytes=8, slots=4), None
    reader = RingReader(path)
    seen: list[int] = []
    for burst in bursts:
        for _ in range(burst):
            writer.write(writer.written.to_bytes(8, "little"))
        seen += [int.from_bytes(message, "little") for message in reader.drain()]
    assert seen == sorted(set(seen))
    assert len(seen) + reader.lost == writer.written
    assert not seen or seen[-1] == writer.written - 1


def test_a_late_reader_starts_now_or_at_the_oldest(tmp_path: Path) -> None:
    writer = RingWriter(tmp_path / "r", slot_bytes=8, slots=4)
    for number in range(6):
        writer.write(bytes([number]))
    assert list(RingReader(tmp_path / "r").drain()) == []
    assert list(RingReader(tmp_path / "r", after=0).drain()) == [b"\2", b"\3", b"\4", b"\5"]
    assert RingReader(tmp_path / "r").latest() == b"\5"


def test_a_message_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        RingWriter(tmp_path / "r", slot_bytes=4, slots=2).write(b"12345")


def test_a_damaged_message_is_not_delivered(tmp_path: Path) -> None:
    writer = RingWriter(tmp_path / "r", slot_bytes=8, slots=2)
    reader = RingReader(tmp_path / "r")
    writer.write(b"12345678")
    content = bytearray((tmp_path / "r").read_bytes())
    content[content.index(b"12345678")] ^= 1
    with open(tmp_path / "r", "r+b") as file:
        file.write(content)
    assert reader.read() is None
    assert reader.lost == 1


def test_a_writer_killed_at_any_instant_leaves_whole_messages(tmp_path: Path) -> None:
    for attempt in range(5):
        path = tmp_path / f"r{attempt}"
        process = subprocess.Popen([sys.executable, "-c", WRITE_FOREVER, str(path)])
        while not path.exists() or RingReader(path).written < 100:
            assert process.poll() is None
            time.sleep(0.001)
        reader = RingReader(path, after=0)
        found = 0
        while found < 200:
            for message in reader.drain():
                assert len({message[at : at + 8] for at in range(0, len(message), 8)}) == 1
                found += 1
        process.kill()
        process.wait()
        assert all(len(message) == 4000 for message in reader.drain())


def test_room_is_taken_when_a_ring_is_made(tmp_path: Path) -> None:
    """Not in the middle of a movement: what a mapping has no page for, kills whoever writes to it."""
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare (util-linux)")
    mount = 'mount -t tmpfs -o size=1m tmpfs "$1" && echo mounted && exec "$2" -c "$3" "$1"'
    line = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh", tmp_path, sys.executable, FILL]
    ran = subprocess.run(line, capture_output=True, text=True, check=False)
    if not ran.stdout.startswith("mounted"):
        pytest.skip(f"needs user namespaces: {ran.stderr}")
    advice = "remove what is left there, or in a container give it more: docker run --shm-size=1g"
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == [
        "mounted",
        f"{tmp_path}: a session needs 0.7 MB more there, 0.4 MB are free; {advice}",
        f"{tmp_path}: a session needs 0.1 MB more there, 0.0 MB are free; {advice}",
    ]


def test_the_successor_of_a_writer_goes_on_in_the_same_ring(tmp_path: Path) -> None:
    first = RingWriter(tmp_path / "r", slot_bytes=8, slots=2)
    reader = RingReader(tmp_path / "r")
    first.write(b"1")
    first.close()
    successor = RingWriter(tmp_path / "r", slot_bytes=8, slots=2)
    successor.write(b"2")
    assert list(reader.drain()) == [b"1", b"2"]
    assert list(RingReader(tmp_path / "r", after=1).drain()) == [b"2"]


def test_a_ring_of_another_shape_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    RingWriter(tmp_path / "r", slot_bytes=8, slots=2).write(b"old")
    writer = RingWriter(tmp_path / "r", slot_bytes=16, slots=2)
    assert writer.written == 0
    writer.write(b"123456789")
    assert list(RingReader(tmp_path / "r", after=0).drain()) == [b"123456789"]


def test_the_newest_frame_not_newer_than(tmp_path: Path) -> None:
    writer = FrameWriter(tmp_path / "f", (4, 6, 3))
    reader = FrameReader(tmp_path / "f", "front")
    assert reader.latest() is None
    for number in range(1, 5):
        writer.write(Frame("front", np.full((4, 6, 3), number, np.uint8), time_ns=number * 100, sequence=number))
    frame = reader.latest(before_ns=250)
    assert frame is not None
    assert (frame.time_ns, frame.sequence, int(frame.image.max())) == (200, 2, 2)
    newest, oldest = reader.latest(), reader.latest(before_ns=1)
    assert newest is not None
    assert oldest is not None
    assert (newest.time_ns, oldest.time_ns) == (400, 100)


def test_the_lease_tells_when_it_was_renewed(tmp_path: Path) -> None:
    before = time.monotonic_ns()
    holder = LeaseHolder(tmp_path / "lease")
    lease = Lease(tmp_path / "lease")
    first = lease.renewed_ns()
    holder.renew()
    assert before <= first <= lease.renewed_ns() <= time.monotonic_ns()


def test_messages_survive_the_wire_with_values_that_are_no_numbers() -> None:
    nan, inf = float("nan"), float("inf")
    chunk = messages.ChunkMessage(
        epoch=1,
        id=2,
        observed_ns=3,
        consumed=4,
        started_ns=5,
        finished_ns=6,
        actions=[[nan, inf]],
        model=[[0.5]],
    )
    back = messages.decode(messages.encode(chunk))
    assert isinstance(back, messages.ChunkMessage)
    assert np.isnan(back.actions[0][0])
    assert back.actions[0][1] == inf
