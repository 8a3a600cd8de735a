"""The policy's process, with policies of plugins that fail, and that give more than the rig takes."""

import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from tick_samples import idle_tick

from hilt.inference.process import PolicySetup, create_chunks, run
from hilt.ipc.messages import CHUNK_BYTES, TICK_BYTES, ChunkMessage, Phase, Status, StatusState, Stop, Tick, decode, encode
from hilt.ipc.ring import RingReader, RingWriter
from hilt.ipc.rundir import CHUNKS, SESSION, TICK, status_ring

PATIENCE_S = 30.0
TORN = """
from attrs import frozen
from hilt_hooks import PolicyDescriptor, PolicySpec, hookimpl

@frozen
class Config:
    torn: bool = True

class Torn:
    spec = PolicySpec((), (), 0, 0)

    def __init__(self, config, path): ...

    def load(self):
        raise RuntimeError("the weights are torn")

    def reset(self): ...
    def predict(self, observation): ...

@hookimpl
def hilt_policies():
    return [PolicyDescriptor(name="torn", summary="Cannot be loaded", config=Config, factory="hilt_test_torn:Torn")]
"""


WORDY = """
from pathlib import Path
import numpy as np
from attrs import frozen
from hilt_hooks import PolicyDescriptor, PolicySpec, Prediction, hookimpl

@frozen
class Config:
    lengths: tuple[int, ...] = ()

class Wordy:
    '''Gives as many actions as `lengths` says, the next number after every reset. Counts how often it was asked.'''
    spec = PolicySpec((), (), 0, 16)

    def __init__(self, config, path):
        self.lengths, self.asked = list(config.lengths), path / "asked"

    def load(self): ...

    def reset(self):
        del self.lengths[0]

    def predict(self, observation):
        with self.asked.open("a") as file:
            file.write(".")
        actions = np.full((self.lengths[0], 16), 0.1)
        return Prediction((), actions, actions)

@hookimpl
def hilt_policies():
    return [PolicyDescriptor(name="wordy", summary="Gives too much", config=Config, factory="hilt_test_wordy:Wordy")]
"""


def start(run_dir: Path, type_: str, **config: object) -> BaseProcess:
    actions = tuple(f"joint_{number}.pos" for number in range(16))
    setup = PolicySetup(
        run_dir=run_dir, type=type_, config=config, path=run_dir, threshold=0, state=(), actions=actions, cameras=(), task=""
    )
    process = multiprocessing.get_context("spawn").Process(target=run, args=(setup,))
    process.start()
    return process


def statuses(run_dir: Path) -> list[Status]:
    ring = RingReader(run_dir / status_ring("policy"), after=0)
    return [status for status in map(decode, ring.drain()) if isinstance(status, Status)]


def test_what_a_policy_raises_is_told_with_its_reason(install: Callable[[str, str], Path], tmp_path: Path) -> None:
    install("torn", TORN)
    RingWriter(tmp_path / SESSION, slot_bytes=64, slots=4)
    process = start(tmp_path, "torn")
    process.join(PATIENCE_S)
    assert process.exitcode == 1
    assert statuses(tmp_path) == [Status(device="policy", state=StatusState.FAILED, detail="RuntimeError: the weights are torn")]


def test_a_policy_that_always_gives_too_much_is_refused_before_the_arm_is_there(
    install: Callable[[str, str], Path], tmp_path: Path
) -> None:
    install("wordy", WORDY)
    RingWriter(tmp_path / SESSION, slot_bytes=64, slots=4)
    process = start(tmp_path, "wordy", lengths=(500,))
    process.join(PATIENCE_S)
    exitcode = process.exitcode
    process.kill()
    assert exitcode == 0
    (refused,) = statuses(tmp_path)
    assert refused.state == StatusState.FAILED
    assert "500 actions of 16 values" in refused.detail
    assert f"{CHUNK_BYTES} are allowed" in refused.detail


def test_too_many_actions_are_told_of_once_and_the_policy_goes_on(install: Callable[[str, str], Path], tmp_path: Path) -> None:
    install("wordy", WORDY)
    session = RingWriter(tmp_path / SESSION, slot_bytes=64, slots=4)
    ticks = RingWriter(tmp_path / TICK, slot_bytes=TICK_BYTES, slots=4)
    create_chunks(tmp_path).close()
    chunks = RingReader(tmp_path / CHUNKS, after=0)
    process = start(tmp_path, "wordy", lengths=(50, 500, 500, 50))
    try:
        ticks.write(encode(drives(epoch=1)))
        until(lambda: asked(tmp_path) > 1 + 3)
        ticks.write(encode(drives(epoch=2)))
        until(lambda: chunks.written > 0)
    finally:
        session.write(encode(Stop()))
        process.join(PATIENCE_S)
        process.kill()
    (chunk,) = map(decode, chunks.drain())
    assert isinstance(chunk, ChunkMessage)
    assert (chunk.epoch, chunk.id, len(chunk.actions)) == (2, 0, 50)
    ready, warned = statuses(tmp_path)
    assert (ready.state, warned.state) == (StatusState.READY, StatusState.WARNS)
    assert "500 actions of 16 values" in warned.detail


def drives(epoch: int) -> Tick:
    return idle_tick(phase=Phase.AUTONOMOUS, epoch=epoch, measured=[])


def asked(run_dir: Path) -> int:
    path = run_dir / "asked"
    return path.stat().st_size if path.exists() else 0


def until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        if time.monotonic() > deadline:
            pytest.fail("what was waited for did not come")
        time.sleep(0.005)


def test_a_tick_with_the_largest_chunk_and_all_else_of_a_large_robot_fits() -> None:
    names = [f"left_finger_joint_{number}.pos" for number in range(100)]
    vector = [0.1] * len(names)
    tick = idle_tick(
        sent=vector,
        measured=vector,
        fresh=[True] * len(names),
        ages_ns=[10**9] * len(names),
        requested=vector,
        proposed=vector,
        leader=vector,
        leader_sent=vector,
        limited=names,
        filtered=vector,
        alarm=f"cannot follow for 0.5 s: {', '.join(f'{name} (more than 15 from its target)' for name in names)}",
    )
    assert len(encode(tick)) + CHUNK_BYTES <= TICK_BYTES
