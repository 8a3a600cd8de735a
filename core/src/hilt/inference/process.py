"""The policy's process: waits until the rig needs actions, looks, thinks, answers."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen

from hilt.config import structure
from hilt.ipc import messages
from hilt.ipc.frames import FrameReader
from hilt.ipc.messages import CHUNK_BYTES, ChunkMessage, Phase, StatusState, Stop, Tick
from hilt.ipc.process import Mailbox, ignore_interrupts, lower_priority
from hilt.ipc.ring import RingReader, RingWriter
from hilt.ipc.rundir import CHUNKS, TICK, camera_ring
from hilt.kernel import Registry, build
from hilt_hooks import ConfigError, Floats, HiltError, Observation, Policy, PolicyDescriptor, PolicySpec, Prediction, Vector

POLL_S = 0.002
FRESH_S = 0.5
"""An image that is older than this is not shown to the policy: the arm holds when its actions are used up."""


@frozen(kw_only=True)
class PolicySetup:
    """type, config: of the policy's plugin. path: the checkpoint. threshold: ask again when no more actions are left.

    state, actions: the robot's channel names. cameras: their names.
    """

    run_dir: Path
    type: str
    config: Mapping[str, Any]
    path: Path
    threshold: int
    state: tuple[str, ...]
    actions: tuple[str, ...]
    cameras: tuple[str, ...]
    task: str


def open_policy(type_: str, config: Mapping[str, Any], path: Path, registry: Registry) -> Policy:
    """The policy of a checkpoint, its weights not yet read."""
    descriptor = registry.find(PolicyDescriptor, type_)
    policy: Policy = build(descriptor, structure(descriptor.config, config, registry), path)
    return policy


def create_chunks(run_dir: Path) -> RingWriter:
    """The ring that carries chunks. The session makes it, so that the rig finds it; policies go on in it."""
    return RingWriter(run_dir / CHUNKS, slot_bytes=CHUNK_BYTES, slots=8)


def pack(chunk: ChunkMessage) -> bytes:
    """Raises ConfigError for a chunk that is larger than the rig takes."""
    packed = messages.encode(chunk)
    if len(packed) > CHUNK_BYTES:
        count, width = len(chunk.actions), len(chunk.actions[0])
        raise ConfigError(
            f"the policy gives {count} actions of {width} values at once, which with what its network gave for them are "
            f"{len(packed)} bytes; {CHUNK_BYTES} are allowed. Let it give no more than about {count * CHUNK_BYTES // len(packed)}"
        )
    return packed


def run(setup: PolicySetup) -> None:
    ignore_interrupts()
    lower_priority(5)
    mailbox = Mailbox(setup.run_dir, "policy")
    try:
        policy = open_policy(setup.type, setup.config, setup.path, Registry.discover())
        policy.load()
        Server(setup, policy, mailbox).run()
    except HiltError as error:
        mailbox.tell(StatusState.FAILED, detail=str(error))
    except Exception as error:  # of the plugin: what went wrong is told, the traceback goes where tracebacks go
        mailbox.tell(StatusState.FAILED, detail=f"{type(error).__name__}: {error}")
        raise


class Server:
    def __init__(self, setup: PolicySetup, policy: Policy, mailbox: Mailbox) -> None:
        self._setup, self._policy, self._mailbox = setup, policy, mailbox
        self._chunks = create_chunks(setup.run_dir)
        self._frames: dict[str, FrameReader] = {}
        self._ticks: RingReader | None = None
        self._epoch, self._epoch_ns = -1, 0
        self._last = self._chunks.written - 1
        self._unanswered = True
        self._refused = -1

    def run(self) -> None:
        self._warm_up()
        self._mailbox.tell(StatusState.READY)
        while not self._mailbox.orphaned:
            if any(isinstance(message, Stop) for message in self._mailbox.receive()):
                return
            tick = self._latest()
            if tick is None or not self._due(tick) or not self._answer(tick):
                time.sleep(POLL_S)

    def _warm_up(self) -> None:
        """The first inference is slow, and may give too much; better now than while an arm waits."""
        spec = self._policy.spec
        images = {name: np.zeros(shape, np.uint8) for name, shape in spec.images.items()}
        state = Vector(self._state(spec), np.zeros(len(self._state(spec))))
        now = time.monotonic_ns()
        prediction = self._policy.predict(Observation(now, state, images, self._setup.task))
        pack(self._chunk(prediction, epoch=0, observed_ns=now, consumed=0, started_ns=now))
        self._policy.reset()

    def _state(self, spec: PolicySpec) -> tuple[str, ...]:
        return spec.state or (self._setup.state if spec.state_size else ())

    def _latest(self) -> Tick | None:
        if self._ticks is None:
            if not (self._setup.run_dir / TICK).exists():
                return None
            self._ticks = RingReader(self._setup.run_dir / TICK)
        packed = self._ticks.latest()
        tick = messages.decode(packed) if packed is not None else None
        return tick if isinstance(tick, Tick) else None

    def _due(self, tick: Tick) -> bool:
        """Whether the rig needs actions now, and has taken in the last ones."""
        if tick.phase != Phase.AUTONOMOUS:
            return False
        if tick.epoch != self._epoch:
            self._epoch, self._epoch_ns = tick.epoch, tick.time_ns
            self._unanswered = True
            self._policy.reset()
        return self._unanswered or (tick.queue <= self._setup.threshold and tick.chunk == self._last)

    def _answer(self, tick: Tick) -> bool:
        observation = self._observe(tick)
        if observation is None:
            return False
        started = time.monotonic_ns()
        prediction = self._policy.predict(observation)
        chunk = self._chunk(
            prediction, epoch=tick.epoch, observed_ns=observation.time_ns, consumed=tick.consumed, started_ns=started
        )
        try:
            self._chunks.write(pack(chunk))
        except ConfigError as error:
            self._refuse(tick.epoch, str(error))
            return False
        self._last, self._unanswered = chunk.id, False
        return True

    def _chunk(self, prediction: Prediction, *, epoch: int, observed_ns: int, consumed: int, started_ns: int) -> ChunkMessage:
        """The next one; it is finished now."""
        return ChunkMessage(
            epoch=epoch,
            id=self._last + 1,
            observed_ns=observed_ns,
            consumed=consumed,
            started_ns=started_ns,
            finished_ns=time.monotonic_ns(),
            actions=self._ordered(prediction).tolist(),
            model=prediction.model.tolist(),
        )

    def _refuse(self, epoch: int, why: str) -> None:
        """Tell the operator, once an epoch: a policy that gives too much is asked again at once."""
        if epoch != self._refused:
            self._refused = epoch
            self._mailbox.tell(StatusState.WARNS, detail=why)

    def _ordered(self, prediction: Prediction) -> Floats:
        """Actions (T, A) in the robot's order."""
        names = prediction.names or self._setup.actions
        columns = [names.index(name) for name in self._setup.actions]
        return prediction.actions[:, columns]

    def _observe(self, tick: Tick) -> Observation | None:
        """What there is to see at a tick; None while images are missing, stale, or older than the hand-over to the policy."""
        images, oldest = {}, tick.read_ns
        for name in self._policy.spec.images:
            frame = self._reader(name).latest(before_ns=tick.read_ns)
            if frame is None or not self._recent(frame.time_ns, tick):
                return None
            images[name], oldest = frame.image, min(oldest, frame.time_ns)
        names = self._state(self._policy.spec)
        measured = dict(zip(self._setup.state, tick.measured, strict=True))
        state = Vector(names, np.array([measured[name] for name in names]))
        return Observation(oldest, state, images, self._setup.task)

    def _recent(self, captured_ns: int, tick: Tick) -> bool:
        return captured_ns >= max(self._epoch_ns, tick.read_ns - FRESH_S * 1e9)

    def _reader(self, camera: str) -> FrameReader:
        if camera not in self._frames:
            self._frames[camera] = FrameReader(self._setup.run_dir / camera_ring(camera), camera)
        return self._frames[camera]
