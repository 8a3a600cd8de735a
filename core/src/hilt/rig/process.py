"""The rig's process: write at the tick, read after it, decide, publish. Nothing else runs here.

It outlives its session: without one it holds, until another session takes the arm over or somebody ends it. Torque stays on
whichever way it ends; only a confirmed `ReleaseTorque` lets go.
"""

import gc
import signal
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from attrs import field, frozen

from hilt.config import Station, structure
from hilt.ipc import messages
from hilt.ipc.lease import Lease
from hilt.ipc.messages import TICK_BYTES, Acknowledge, ChunkMessage, ReleaseTorque, SetMode, StatusState, Stop, Tick
from hilt.ipc.process import Mailbox, ask_for_real_time, ignore_interrupts, show_name
from hilt.ipc.ring import RingReader, RingWriter
from hilt.ipc.rundir import CHUNKS, LEASE, TICK, addresses, note_rig
from hilt.kernel import Registry
from hilt.rig.arms import Arm, Arms
from hilt.rig.engine import Decision, Engine, Inputs
from hilt.rig.filters import Filters, installed
from hilt.rig.leader import Handover
from hilt_hooks import Floats, HiltError

ABANDONED_S = 2.0
"""How long a rig without a session stays when its robot is gone too."""

RT_PRIORITY = 10

READ_SHARE = 0.6
"""The part of a period after which a reading that has not come is missing."""


@frozen(kw_only=True)
class RigSetup:
    """station: the plain data of a `Station`. fps: dataset frames a second. interpolation: commands a frame.

    filters: the plugins whose safety filters were found, in calling order.
    """

    run_dir: Path
    station: Mapping[str, Any]
    fps: float
    interpolation: int
    handover: Handover = field(factory=Handover)
    filters: Sequence[str] = ()

    @property
    def period_ns(self) -> int:
        return round(1e9 / (self.fps * self.interpolation))


def create_ticks(run_dir: Path) -> RingWriter:
    return RingWriter(run_dir / TICK, slot_bytes=TICK_BYTES, slots=256)


def run(setup: RigSetup) -> None:
    ignore_interrupts()
    show_name("hilt-rig")
    mailbox = Mailbox(setup.run_dir, "rig")
    try:
        create_ticks(setup.run_dir).close()  # before the arms are there: they do not wait for room
        registry = Registry.discover()
        arms = Arms(structure(Station, setup.station, registry), registry, setup.period_ns / 1e9)
        filters = installed(registry, arms.robot.commands, setup.filters)
        arms.connect()
    except HiltError as error:
        mailbox.tell(StatusState.FAILED, detail=str(error))
        return
    try:
        rig = Rig(setup, arms, mailbox, filters)
        note_rig(setup.run_dir, addresses({name: setup.station[name] for name in ("robot", "teleop")}))
        gc.collect()
        gc.freeze()
        gc.disable()
        mailbox.tell(StatusState.READY, detail="real-time" if ask_for_real_time(RT_PRIORITY) else "")
        rig.run()
    finally:
        arms.disconnect()
        if filters is not None:
            filters.close()


class Rig:
    def __init__(self, setup: RigSetup, arms: Arms, mailbox: Mailbox, filters: Filters | None) -> None:
        self._setup, self._arms, self._mailbox, self._filters = setup, arms, mailbox, filters
        period_s = setup.period_ns / 1e9
        robot, leader = arms.governors(period_s)
        at = arms.robot.sensed(time.monotonic_ns()).values
        self._engine = Engine(arms.layout(setup.interpolation, period_s, setup.handover), robot, leader, at, filters)
        self._lease = Lease(setup.run_dir / LEASE)
        self._chunks = RingReader(setup.run_dir / CHUNKS, after=0)
        self._ticks = create_ticks(setup.run_dir)
        self._decision = self._engine.rest()
        self._said: deque[SetMode | Acknowledge] = deque()
        self._told: dict[tuple[str, StatusState], str] = {}
        self._warned: dict[str, tuple[str, ...]] = {}
        self._over = self._released = False
        self._alone_since: float | None = None
        signal.signal(signal.SIGTERM, self._end)

    def _end(self, *_: object) -> None:
        self._over = True

    def run(self) -> None:
        start, period, k = time.monotonic_ns(), self._setup.period_ns, 0
        while not self._over:
            k = max(k + 1, (time.monotonic_ns() - start) // period)
            due = start + k * period
            while (ahead := due - time.monotonic_ns()) > 0:
                time.sleep(ahead / 1e9)
            self._tick(k, due)

    def _tick(self, k: int, due: int) -> None:
        before = self._decision
        self._write(before)
        wrote = time.monotonic_ns()
        self._arms.read(due + int(self._setup.period_ns * READ_SHARE))
        read = time.monotonic_ns()
        self._listen()
        heard = [*self._in_order(read), *self._new_chunk()]
        lease_ns = self._lease.silent_ns(read, self._setup.period_ns)
        leader = None if self._arms.leader is None else self._arms.leader.sensed(read)
        inputs = Inputs(k, self._arms.robot.sensed(read), leader, heard, lease_ns / 1e9)
        self._decision = self._engine.decide(inputs)
        if not self._released:
            self._set_leader_torque()
            self._report()
        self._publish(k, due, wrote, read, lease_ns, inputs, before)
        self._tend()
        if self._filters is not None:
            self._filters.tend()

    def _write(self, decision: Decision) -> None:
        self._arms.robot.send("write", decision.robot.sent)
        leader = self._arms.leader
        if leader is not None and leader.stiff and decision.leader is not None:
            leader.send("mirror", decision.leader.sent)

    def _listen(self) -> None:
        """Carry out `Stop` and `ReleaseTorque`, whatever waits; keep what concerns the engine."""
        for message in self._mailbox.receive():
            if isinstance(message, Stop):
                self._over = True
            elif isinstance(message, ReleaseTorque):
                self._release()
            elif isinstance(message, SetMode):
                self._said.append(message)
            elif isinstance(message, Acknowledge) and message not in self._said:
                self._told.pop(("robot", StatusState.REFUSED), None)  # whoever asks again is answered again
                self._said.append(message)

    def _in_order(self, read: int) -> Iterator[SetMode | Acknowledge]:
        """What the session has said, in its order, up to an acknowledgement that is still being carried out.

        What comes after that one waits: until the session acknowledged, it wanted the arm to hold. One that is refused is left
        out. read: when the measurement was complete.
        """
        while self._said:
            acknowledged = isinstance(self._said[0], Acknowledge)
            taken = self._arms.hold_again(read, seen=self._engine.gone) if acknowledged else True
            if taken is None:
                return
            message = self._said.popleft()
            if taken:
                yield message

    def _new_chunk(self) -> list[ChunkMessage]:
        """One at most."""
        packed = self._chunks.read()
        chunk = None if packed is None else messages.decode(packed)
        return [chunk] if isinstance(chunk, ChunkMessage) else []

    def _release(self) -> None:
        """Only what the motors of both arms have confirmed is told as released."""
        doubts = [f"the {arm.role} may still be stiff: {why}" for arm in self._arms.all if (why := arm.let_go())]
        self._over = self._released = True
        self._mailbox.tell(StatusState.REFUSED if doubts else StatusState.RELEASED, detail="; ".join(doubts))

    def _set_leader_torque(self) -> None:
        leader = self._arms.leader
        if leader is not None and leader.mirrors and not leader.lost and leader.stiff != self._decision.leader_torque:
            leader.set_torque(self._decision.leader_torque)

    def _publish(self, k: int, due: int, wrote: int, read: int, lease_ns: int, inputs: Inputs, before: Decision) -> None:
        decision, mode, queue, robot = self._decision, self._engine.mode, self._engine.queue, self._arms.robot
        leader = self._arms.leader
        tick = Tick(
            k=k,
            time_ns=due,
            wrote_ns=wrote,
            read_ns=read,
            phase=mode.phase,
            source=decision.source,
            segment=mode.segment,
            episode=mode.episode,
            epoch=mode.epoch,
            frame=decision.frame,
            boundary=decision.boundary,
            sent=before.robot.sent.tolist(),
            measured=robot.values.tolist(),
            fresh=robot.fresh.tolist(),
            ages_ns=(read - robot.times).tolist(),
            requested=decision.requested.tolist(),
            proposed=_listed(decision.proposed),
            leader=None if leader is None else leader.values.tolist(),
            leader_silent_ns=0 if inputs.leader is None else round(inputs.leader.silent_s * 1e9),
            leader_stiff=inputs.leader is not None and inputs.leader.stiff,
            robot_stiff=inputs.robot.stiff,
            problem=inputs.robot.problem,
            leader_fresh=leader is not None and bool(leader.fresh.all()),
            leader_sent=None if before.leader is None else before.leader.sent.tolist(),
            queue=len(queue),
            consumed=queue.consumed,
            chunk=queue.chunk,
            lease_age_ns=lease_ns,
            limited=list(before.robot.limited),
            alarm=decision.alarm,
            fault=decision.fault,
            filtered=None if decision.filtered is None else _listed(decision.filtered.values),
            refused="" if decision.filtered is None else decision.filtered.refused,
            inputs=list(inputs.messages),
        )
        self._ticks.write(messages.encode(tick))

    def _report(self) -> None:
        """Before the tick, so that whoever sees a fault there has heard of the device that is gone."""
        for arm in self._arms.all:
            self._tell_of(arm)

    def _tend(self) -> None:
        """Try lost devices again, and end when nobody needs this rig any more."""
        for arm in self._arms.all:
            arm.reconnect()
        if not (self._mailbox.orphaned and self._arms.robot.lost):
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = time.monotonic()
        else:
            self._over = time.monotonic() - self._alone_since > ABANDONED_S

    def _tell_of(self, arm: Arm) -> None:
        """Each loss and each refusal once, and each return."""
        for state, why in ((StatusState.LOST, arm.lost), (StatusState.REFUSED, arm.refused)):
            if why == self._told.get((arm.role, state), ""):
                continue
            self._told[arm.role, state] = why
            if why:
                self._mailbox.tell(state, device=arm.role, detail=why)
            elif state == StatusState.LOST:
                self._mailbox.tell(StatusState.BACK, device=arm.role)
        before, self._warned[arm.role] = self._warned.get(arm.role, ()), arm.warnings
        for warning in self._warned[arm.role]:
            if warning not in before:
                self._mailbox.tell(StatusState.WARNS, device=arm.role, detail=warning)


def _listed(values: Floats | None) -> list[float] | None:
    return None if values is None else np.asarray(values).tolist()
