"""What the rig decides in a tick: a function of what it was told and what it measured, without clock or bus.

Given the same `Inputs` in the same order, and the same answers of the safety filters, an `Engine` gives the same
`Decision`s. All of these are in the log.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from attrs import evolve, field, frozen

from hilt.ipc.lease import EXPIRES_S
from hilt.ipc.messages import SESSION_SILENT, Acknowledge, ChunkMessage, Phase, Segment, SetMode, Source
from hilt.rig.governor import Envelope, Governed, Governor
from hilt.rig.leader import Handover, LeaderSource
from hilt.rig.queue import ActionQueue, Interpolator
from hilt_hooks import Floats

STALE_S = 0.1
"""A robot or leader that has been silent for longer than this is not acted upon: the arm holds until it speaks again.

At low rates it is two ticks: one reading that is missed is no silence (`stale_s`).
"""

LOST_S = 1.0
"""Silent for longer than this, it is lost: the arm holds until the operator has looked."""

APPROACH = 30.0
ALIGNED = 3.0
"""A leader that is further than ALIGNED from the robot comes to it no faster than APPROACH a second, and then follows."""

FAR = 10.0
"""A policy whose first action is further than this from the robot is approached slowly too; and a leader that should have
mirrored but is further away moves the robot relative to where it is, instead of drawing it to itself.
"""

FROM_QUEUE = {Source.POLICY: "where the policy starts", Source.REPLAY: "where the recording is"}
"""Sources whose actions come in chunks, and where the arm has to be for them, as the operator is told."""

READY = SetMode(phase=Phase.READY, source=Source.HOLD, segment=Segment.AUTONOMOUS, episode=0, epoch=0, recorded=False)


@frozen(eq=False)
class Sensed:
    """One arm, in the order of its channels. silent_s: for how long a value has been missing.

    problem: what the operator has to look at before the arm moves again. stiff: whether torque is on.
    """

    values: Floats
    silent_s: float = 0.0
    problem: str = ""
    stiff: bool = True


@frozen(eq=False)
class Inputs:
    """All that a tick depends on. lease_s: since the session last renewed its lease."""

    k: int
    robot: Sensed
    leader: Sensed | None
    messages: Sequence[SetMode | Acknowledge | ChunkMessage]
    lease_s: float


@frozen(eq=False)
class Filtered:
    """What the safety filters made of a target. values: None for a hold, and then `refused` says who refused it and why."""

    values: Floats | None
    refused: str = ""


ActionFilter = Callable[[Source, Floats, Floats], Filtered]
"""(source, target, measured), in the order of the robot's channels."""


@frozen(eq=False)
class Decision:
    """robot: the next command. leader: where it should mirror to, or None. leader_torque: whether it should be stiff.

    requested, proposed: see `Tick`. frame: index of the dataset frame that starts here, or -1.
    filtered: None if no filter was asked.
    """

    robot: Governed
    leader: Governed | None
    leader_torque: bool
    source: Source
    requested: Floats
    proposed: Floats | None
    frame: int
    boundary: bool
    alarm: str
    fault: str = ""
    filtered: Filtered | None = None


@frozen
class Layout:
    """interpolation: commands per frame. to_robot: for each robot channel, the leader's. to_leader: and back."""

    interpolation: int
    period_s: float
    to_robot: tuple[int, ...] = ()
    to_leader: tuple[int, ...] = ()
    mirrors: bool = False
    handover: Handover = field(factory=Handover)


class Engine:
    def __init__(
        self, layout: Layout, robot: Governor, leader: Governor | None, at: Floats, filters: ActionFilter | None = None
    ) -> None:
        self.mode = READY
        self._filters = filters
        self._layout, self._stale_s = layout, stale_s(layout.period_s)
        self._robot, self._leader = robot, leader
        self._slow = Governor(robot.envelope.slowed(APPROACH), robot.period_s)
        self._sent = robot.begin(at)
        self._mirrored: Governed | None = None
        self._aligned = False
        self._hand = LeaderSource(layout.handover, layout.period_s)
        self.queue = ActionQueue(len(at))
        self.queue.begin(self.mode.epoch)
        self._interpolator = Interpolator(layout.interpolation)
        self._interpolator.begin(at)
        self._requested = at
        self._proposed: Floats | None = None
        self._waiting = self._held = False
        self._start: _Approach | None = None
        self._fault = ""
        self._gone = False
        self._grid = _Grid(layout.interpolation)

    @property
    def gone(self) -> bool:
        """Whether the robot was away or limp, so that it has to be held anew before the fault is over."""
        return self._gone

    def rest(self) -> Decision:
        """What holds before the first tick."""
        at = self._sent.sent
        return Decision(self._sent, None, False, Source.HOLD, at, None, -1, False, "")

    def decide(self, inputs: Inputs) -> Decision:
        for message in inputs.messages:
            self._take(message, inputs)
        silent = self._watch(inputs)
        intended = Source.HOLD if self._fault else self.mode.source
        source = Source.HOLD if silent else intended
        starts = self._grid.starts(inputs.k, self.mode.recorded and not self._fault)
        target = self._target(source, inputs, starts)
        measured = inputs.robot.values
        filtered = self._filter(source, target, measured)
        self._sent = self._govern(target, filtered, measured) if inputs.robot.stiff else self._robot.stay(self._sent)
        if target is None:
            self._rest_here()
        self._held = _nowhere(_wanted(target, filtered))
        frame, boundary = self._grid.frame(inputs.k) if starts else (-1, False)
        return Decision(
            robot=self._sent,
            leader=self._mirror(intended, inputs),
            leader_torque=self._layout.mirrors and intended != Source.HUMAN,
            source=Source.HOLD if self._held else self._commander(source),
            requested=self._sent.sent if self._held else self._requested,
            proposed=self._proposed if source == Source.POLICY else None,
            frame=frame,
            boundary=boundary,
            alarm=silent or self._sent.alarm or self._remark(source),
            fault=self._fault,
            filtered=filtered,
        )

    def _rest_here(self) -> None:
        """Nobody commands: whoever does next begins at the last command."""
        self._start = None
        self._requested = self._sent.sent
        self._interpolator.begin(self._sent.sent)
        self._hand.release()

    def _remark(self, source: Source) -> str:
        """What the operator is told although nothing holds the arm."""
        if source in FROM_QUEUE and self.queue.misfit:
            return f"holding: {self.queue.misfit}"
        return "" if self._start is None else self._start.told

    def _commander(self, source: Source) -> Source:
        """Who is in command of an arm that is not held, as it is recorded."""
        if self._waiting:
            return Source.HOLD
        return source if self._start is None else Source.RAMP

    def _filter(self, source: Source, target: Floats | None, measured: Floats) -> Filtered | None:
        if self._filters is None or target is None or _nowhere(target):
            return None
        return self._filters(source, target, measured)

    def _govern(self, target: Floats | None, filtered: Filtered | None, measured: Floats) -> Governed:
        wanted = _wanted(target, filtered)
        if self._start is not None and wanted is not None:
            self._start = self._start.towards(wanted, self._robot.envelope)
        if wanted is None:
            return self._robot.hold(self._sent, measured, alarm="" if filtered is None else filtered.refused)
        governor = self._robot if self._start is None else self._slow
        return governor.command(self._sent, wanted, measured)

    def _take(self, message: SetMode | Acknowledge | ChunkMessage, inputs: Inputs) -> None:
        if isinstance(message, ChunkMessage):
            self.queue.put(message)
        elif isinstance(message, Acknowledge):
            if inputs.robot.silent_s > self._stale_s:  # nobody knows where it is
                return
            self._fault = ""
            if self._gone:
                self._sent, self._gone = self._robot.begin(inputs.robot.values), False
        else:
            self._enter(message, inputs)

    def _enter(self, mode: SetMode, inputs: Inputs) -> None:
        if mode.source != self.mode.source or mode.epoch != self.mode.epoch:
            self.queue.begin(mode.epoch)
            self._proposed = self._start = None
            self._interpolator.begin(self._sent.sent)
            self._requested = self._sent.sent
            self._hand.release()
        if mode.recorded and not self.mode.recorded:
            self._grid.restart(inputs.k, new_episode=mode.episode != self._grid.episode)
            self._grid.episode = mode.episode
        self.mode = mode

    def _watch(self, inputs: Inputs) -> str:
        """Who is waited for, if anybody. A fault is latched: it stays until the operator acknowledges it."""
        self._gone = self._gone or bool(inputs.robot.problem) or inputs.robot.silent_s > LOST_S
        if self._fault:
            return ""
        needed = self._needed(inputs)
        self._fault = _fault(inputs, needed)
        if self._fault:
            self.queue.begin(self.mode.epoch)
        silent = [role for role, arm in needed.items() if arm.silent_s > self._stale_s]
        # A robot that is not stiff is not commanded: what is decided meanwhile would be a jump afterwards.
        awaited = silent if inputs.robot.stiff else ["robot"]
        return f"holding: waiting for the {awaited[0]}" if awaited else ""

    def _needed(self, inputs: Inputs) -> dict[str, Sensed]:
        """Whose silence holds the arm: the leader's only while it leads."""
        if self.mode.source == Source.HUMAN and inputs.leader is not None:
            return {"robot": inputs.robot, "leader": inputs.leader}
        return {"robot": inputs.robot}

    def _target(self, source: Source, inputs: Inputs, starts: bool) -> Floats | None:
        """Where the source wants the robot, or None to hold."""
        self._waiting = self._waiting and source in FROM_QUEUE
        if source in FROM_QUEUE:
            return self._from_queue(FROM_QUEUE[source], starts)
        if source == Source.HUMAN and inputs.leader is not None:
            return self._from_leader(inputs.leader)
        return None

    def _from_queue(self, where: str, starts: bool) -> Floats | None:
        if self._start is not None:
            if np.abs(self._start.aim - self._sent.sent).max() > ALIGNED:
                return self._start.to
            self._start = None
            self._interpolator.begin(self._sent.sent)
        if starts:
            action = self.queue.pop()
            self._waiting = action is None
            if action is not None:
                if self._held:
                    self._interpolator.begin(self._sent.sent)
                self._proposed = self._requested = action
                self._interpolator.to(action)
                if self.queue.consumed == 1:
                    self._start = _Approach.of(self._robot.envelope, self._sent.sent, action, where)
        return self._interpolator.next() if self.queue.consumed else None

    def _from_leader(self, leader: Sensed) -> Floats:
        pose = leader.values[list(self._layout.to_robot)]
        if not self._hand.engaged:
            apart = np.abs(self._sent.sent - pose).max()
            self._hand.engage(self._sent.sent, pose, keep=self._layout.mirrors and bool(apart > FAR))
        self._requested = self._hand.target(pose)
        return self._requested

    def _mirror(self, source: Source, inputs: Inputs) -> Governed | None:
        """The leader follows the robot whenever it does not lead."""
        leader = inputs.leader
        if (
            self._leader is None
            or leader is None
            or source == Source.HUMAN
            or not leader.stiff
            or leader.silent_s > self._stale_s
        ):
            self._mirrored = None
            return None
        at, target = leader.values, self._sent.sent[list(self._layout.to_leader)]
        before = self._mirrored or self._leader.begin(at)
        self._aligned = self._mirrored is not None and (self._aligned or np.abs(target - before.sent).max() < ALIGNED)
        governor = self._leader if self._aligned else Governor(self._leader.envelope.slowed(APPROACH), self._layout.period_s)
        self._mirrored = governor.command(before, target, at)
        return self._mirrored


def stale_s(period_s: float) -> float:
    """For how long an arm may be silent that is read every `period_s`."""
    return max(STALE_S, 2 * period_s)


def _wanted(target: Floats | None, filtered: Filtered | None) -> Floats | None:
    """What is left of a target after the safety filters."""
    return target if filtered is None else filtered.values


def _nowhere(wanted: Floats | None) -> bool:
    """Whether the arm is held: nothing is wanted, or nothing that is a number."""
    return wanted is None or not np.isfinite(wanted).all()


def _fault(inputs: Inputs, needed: Mapping[str, Sensed]) -> str:
    """What somebody has to look at before the arm moves again, the most serious first."""
    if inputs.lease_s > EXPIRES_S:
        return SESSION_SILENT
    if inputs.robot.problem:
        return f"holding: the robot {inputs.robot.problem}"
    lost = next((role for role, arm in needed.items() if arm.silent_s > LOST_S), "")
    return f"holding: the {lost} does not answer" if lost else ""


@frozen(eq=False)
class _Approach:
    """The slow way to where a policy or a recording starts.

    told: what the operator is told. aim: how near filters and limits let it come.
    """

    to: Floats
    told: str
    aim: Floats

    @classmethod
    def of(cls, envelope: Envelope, at: Floats, to: Floats, where: str) -> "_Approach | None":
        """None if it is near, or nowhere."""
        apart = np.abs(to - at)
        worst = int(apart.argmax())
        if not (apart[worst] > FAR and np.isfinite(to).all()):
            return None
        told = f"going slowly to {where}: {envelope.names[worst]} is {apart[worst]:.3g} away"
        return cls(to, told, to).towards(to, envelope)

    def towards(self, wanted: Floats, envelope: Envelope) -> "_Approach":
        return evolve(self, aim=np.clip(wanted, envelope.lower, envelope.upper))


class _Grid:
    """Which ticks start a dataset frame: every `interpolation`-th one, from where recording last began."""

    def __init__(self, interpolation: int) -> None:
        self._every = interpolation
        self._anchor, self._slot, self._frame = 0, -1, 0
        self._gap = False
        self.episode = -1

    def restart(self, k: int, *, new_episode: bool) -> None:
        self._frame = 0 if new_episode else self._frame
        self._gap = not new_episode
        self._anchor, self._slot = k, -1

    def starts(self, k: int, recorded: bool) -> bool:
        return recorded and (k - self._anchor) // self._every > self._slot

    def frame(self, k: int) -> tuple[int, bool]:
        """Index of the frame that starts at tick k, and whether frames are missing before it."""
        slot = (k - self._anchor) // self._every
        boundary = self._gap or slot > self._slot + 1
        frame = self._frame
        self._slot, self._frame, self._gap = slot, frame + 1, False
        return frame, boundary


def matching(have: tuple[str, ...], want: tuple[str, ...]) -> tuple[int, ...]:
    """For each name in `want`, its index in `have`; the caller has checked that it is there."""
    return tuple(have.index(name) for name in want)
