"""The rig's process: write at the tick, read after it, decide, publish. Nothing else runs here.

It outlives its session: without one it holds, until another session takes the arm over or somebody ends it. Torque stays on
whichever way it ends; only a confirmed `ReleaseTorque` lets go.
"""

import gc
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from attrs import field, frozen

from hilt.config import Station, structure
from hilt.ipc import messages
from hilt.ipc.lease import Lease
from hilt.ipc.messages import Acknowledge, ChunkMessage, ReleaseTorque, SetMode, StatusState, Stop, Tick
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
    """station: the plain data of a `Station`. fps: dataset frames a second. interpolation: commands a frame."""

    run_dir: Path
    station: Mapping[str, Any]
    fps: float
    interpolation: int
    handover: Handover = field(factory=Handover)

    @property
    def period_ns(self) -> int:
        return round(1e9 / (self.fps * self.interpolation))


def run(setup: RigSetup) -> None:
    ignore_interrupts()
    show_name("hilt-rig")
    mailbox = Mailbox(setup.run_dir, "rig")
    try:
        registry = Registry.discover()
        arms = Arms(structure(Station, setup.station, registry), registry)
        filters = installed(registry, arms.robot.commands)
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
        self._ticks = RingWriter(setup.run_dir / TICK, slot_bytes=1 << 17, slots=256)
        self._decision = self._engine.rest()
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
        heard = self._listen(read)
        lease_ns = self._lease.silent_ns(read, self._setup.period_ns)
        leader = None if self._arms.leader is None else self._arms.leader.sensed(read)
        inputs = Inputs(k, self._arms.robot.sensed(read), leader, heard, lease_ns / 1e9)
        self._decision = self._engine.decide(inputs)
        if not self._released:
            self._set_leader_torque()
        self._publish(k, due, wrote, read, lease_ns, inputs, before)
        self._report()
        if self._filters is not None:
            self._filters.tend()

    def _write(self, decision: Decision) -> None:
        self._arms.robot.send("write", decision.robot.sent)
        leader = self._arms.leader
        if leader is not None and leader.stiff and decision.leader is not None:
            leader.send("mirror", decision.leader.sent)

    def _listen(self, read: int) -> list[SetMode | Acknowledge | ChunkMessage]:
        """What concerns the engine; `Stop` and `ReleaseTorque` are carried out here. read: when the measurement was complete."""
        heard: list[SetMode | Acknowledge | ChunkMessage] = []
        for message in self._mailbox.receive():
            if isinstance(message, SetMode):
                heard.append(message)
            elif isinstance(message, Acknowledge):
                self._told.pop(("robot", StatusState.REFUSED), None)  # whoever asks again is answered again
                heard += [message] if self._arms.hold_again(read, seen=self._engine.gone) else []
            elif isinstance(message, Stop):
                self._over = True
            elif isinstance(message, ReleaseTorque):
                self._release()
        for packed in self._chunks.drain():
            chunk = messages.decode(packed)
            if isinstance(chunk, ChunkMessage):
                heard.append(chunk)
        return heard

    def _release(self) -> None:
        for arm in self._arms.all:
            arm.let_go()
        self._over = self._released = True
        self._mailbox.tell(StatusState.RELEASED)

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
        """Tell the session when a device goes or comes back, and end when nobody needs this rig any more."""
        for arm in self._arms.all:
            arm.reconnect()
            self._tell_of(arm)
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
