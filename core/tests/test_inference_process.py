"""The policy's process, with a policy of a plugin that fails."""

import multiprocessing
from collections.abc import Callable
from pathlib import Path

from hilt.inference.process import PolicySetup, run
from hilt.ipc.messages import Status, StatusState, decode
from hilt.ipc.ring import RingReader, RingWriter
from hilt.ipc.rundir import SESSION, status_ring

PATIENCE_S = 30.0
POLICY = """
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


def test_what_a_policy_raises_is_told_with_its_reason(install: Callable[[str, str], Path], tmp_path: Path) -> None:
    install("torn", POLICY)
    RingWriter(tmp_path / SESSION, slot_bytes=64, slots=4)
    setup = PolicySetup(
        run_dir=tmp_path, type="torn", config={}, path=tmp_path, threshold=0, state=(), actions=(), cameras=(), task=""
    )
    process = multiprocessing.get_context("spawn").Process(target=run, args=(setup,))
    process.start()
    process.join(PATIENCE_S)
    assert process.exitcode == 1
    ring = RingReader(tmp_path / status_ring("policy"), after=0)
    assert [decode(packed) for packed in ring.drain()] == [
        Status(device="policy", state=StatusState.FAILED, detail="RuntimeError: the weights are torn")
    ]
