"""Who may move what, from what was seen of a rig: its ticks, the goals on its buses, what its filters gave.

In addition to the invariant of each packet:

missing     a robot that could be written got one governed packet in a tick, and only then
grip        a gripper that has met more than it can move may be spared (`benchmarks.fuzz.grip`); anything else is not as told
silence     the rig counts no silence of the session, the robot or the leader for less than it is (`benchmarks.fuzz.silence`)
driver      what the driver sends by itself (to hold) stays where the joint is
filtered    what the tick says that the filters gave is what the last one gave, by name
offset      a takeover begins where the robot is; after it the robot's target moves as the leader's joints of the same names do
stale       what the policy or a recording is said to want is from a chunk of the epoch in force
ramp        a policy or recording whose first action is far is approached as a ramp
mirror      a leader that leads is not moved
label       what is requested is finite, and where filters refuse nobody commands
alarm       the operator is told of an arm that is held although a source is in force
"""

from collections.abc import Mapping, Sequence

import numpy as np
from attrs import define, field, frozen

from benchmarks.fuzz.grip import GripWatch
from benchmarks.fuzz.invariant import Bounds, Command, Floats, Verdict, Violation, check
from benchmarks.fuzz.silence import Known, SilenceWatch
from hilt.ipc.messages import Acknowledge, ChunkMessage, SetMode, Source, Tick

FROM_QUEUE = (Source.POLICY, Source.REPLAY)
"""Who commands by chunks of actions."""
SILENT_NS, LOST_NS, LEASE_NS = 100_000_000, 1_000_000_000, 60_000_000
RAMP, FAR, ALIGNED = 30.0, 10.0, 3.0
HELD_STEPS = 57
"""5 degrees: how far a joint that moves may have gone while the driver reads it, several times on a bad wire, and holds it."""
_EXACT = 1e-7

Goals = Mapping[int, int]
"""Servo id -> steps."""


@frozen
class Packet:
    """As the driver sent it, whether or not it arrived.

    governed: by a tick, not by the driver for itself. present: where the servos were when they were last asked. latched: those
    that had met more than they can move.
    """

    goals: Goals
    governed: bool
    present: Goals
    latched: frozenset[int] = frozenset()


@frozen(eq=False)
class Seen:
    """One tick, and the goals that came on the buses in it.

    writable: whether the robot could take a command. known: what the bench knows of silences. asked: whether filters were.
    filtered: what the last of them gave by name; None if that may not count.
    """

    tick: Tick
    robot: Sequence[Packet]
    leader: Sequence[Packet]
    writable: bool
    known: Known
    asked: bool = False
    filtered: Mapping[str, float] | None = None


@define
class Trail:
    """The goals on one bus, as far as the next command depends on them.

    governed: by joint, whether the last goal was; otherwise the governor begins anew, where the joint was measured.
    """

    bounds: Bounds
    goals: Floats
    step: Floats = field(init=False)
    governed: Floats = field(init=False)
    commands: list[Command] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.step = np.zeros_like(self.goals)
        self.governed = np.zeros_like(self.goals, dtype=bool)

    def rest(self, goals: Goals) -> None:
        """The driver has moved goals to where joints are, or a governor begins anew."""
        there = self.bounds.values(goals)
        moved = np.isfinite(there)
        self.goals = np.where(moved, there, self.goals)
        self.step = np.where(moved, 0.0, self.step)
        self.governed = self.governed & ~moved

    def pause(self) -> None:
        """The governor may begin at the measured pose."""
        self.step, self.governed = np.zeros_like(self.step), np.zeros_like(self.governed)

    def command(
        self, k: int, wire: Goals, told: Floats, measured: Floats, targets: tuple[Floats, ...], slowest: float = np.inf
    ) -> None:
        before = np.where(self.governed, self.goals, measured)
        self.commands.append(Command(k, wire, told, before, self.step, measured, targets, slowest))
        self.step, self.goals = told - before, told
        self.governed = np.ones_like(self.governed)


@define
class _Right:
    """Who may move the robot, by what the rig was told and could know.

    fault: until somebody acknowledges. away: the robot was gone, limp or silent for long. anew: it is held where it is from
    now on. rows: the actions of each epoch's chunks.
    """

    led: bool
    mode: SetMode | None = None
    fault: bool = False
    silent: bool = False
    stiff: bool = True
    away: bool = False
    anew: bool = False
    heard_mode: bool = False
    rows: dict[int, set[bytes]] = field(factory=dict)

    def hear(self, tick: Tick) -> None:
        self.heard_mode = self.anew = False
        for message in tick.inputs:
            if isinstance(message, SetMode):
                self.mode, self.heard_mode = message, True
            elif isinstance(message, Acknowledge):
                self._acknowledge(tick)
            elif isinstance(message, ChunkMessage):
                rows = self.rows.get(message.epoch, set()) | {np.array(row).tobytes() for row in message.actions}
                self.rows = {epoch: each for epoch, each in self.rows.items() if epoch >= self.epoch} | {message.epoch: rows}
        leader_ns = tick.leader_silent_ns if self.source is Source.HUMAN else 0
        silent_ns = max(*tick.ages_ns, leader_ns)
        self.stiff = tick.robot_stiff
        self.away |= bool(tick.problem) or max(tick.ages_ns) > LOST_NS
        self.fault |= tick.lease_age_ns > LEASE_NS or bool(tick.problem) or silent_ns > LOST_NS
        self.silent = silent_ns > SILENT_NS

    def _acknowledge(self, tick: Tick) -> None:
        """Refused while nobody knows where the robot is. After it was away, it is held where it is."""
        if max(tick.ages_ns) <= SILENT_NS:
            self.fault, self.anew, self.away = False, self.anew or self.away, False

    @property
    def epoch(self) -> int:
        return -1 if self.mode is None else self.mode.epoch

    @property
    def source(self) -> Source:
        return Source.HOLD if self.mode is None else self.mode.source

    def moves(self, tick: Tick) -> Source:
        """The source in force in this tick: policy, replay, human or hold."""
        if self.fault or self.silent or not self.stiff or (self.source in FROM_QUEUE and not tick.consumed):
            return Source.HOLD
        if self.source is Source.HUMAN and not self.led:
            return Source.HOLD
        return self.source if self.source in (*FROM_QUEUE, Source.HUMAN) else Source.HOLD


class Witness:
    def __init__(
        self,
        robot: Trail,
        leader: Trail | None,
        names: tuple[str, ...],
        leader_names: tuple[str, ...],
        period_s: float,
        bleed: float,
        grip: GripWatch,
    ) -> None:
        """names, leader_names: the order of the vectors in a tick. bleed: units a second. grip: of the robot."""
        self.robot, self.leader = robot, leader
        self._period_s, self._bleed = period_s, bleed * period_s
        self._names, self._grip = names, grip
        self._silences = SilenceWatch(round(period_s * 1e9))
        self._to_robot = [leader_names.index(name) for name in names] if leader_names else []
        self._to_leader = [names.index(name) for name in leader_names]
        self._right = _Right(bool(leader_names))
        self._violations: list[Violation] = []
        self._before: Seen | None = None
        self._force = Source.HOLD
        self._starved = self._held = False
        self._requested = self._other = np.full(len(names), np.nan)
        self._aligned = False
        self._unsent: tuple[Floats, ...] = ()

    def see(self, seen: Seen) -> None:
        tick = seen.tick
        for what in self._silences.wrong(tick, seen.known):
            self.broken("silence", tick.k, what)
        self._packets(seen)
        if self.leader is not None:
            self._mirrored(seen, self.leader)
        self._understand(seen)
        self._before = seen
        if tick.requested is not None:
            self._note(np.array(tick.requested))

    def verdict(self) -> Verdict:
        found = list(self._violations)
        trails = [self.robot] if self.leader is None else [self.robot, self.leader]
        for trail in trails:
            found += check(trail.bounds, self._period_s, trail.commands)
        return Verdict.of(sum(len(trail.commands) for trail in trails), found)

    def broken(self, rule: str, k: int, detail: str) -> None:
        self._violations.append(Violation(rule, k, detail))

    def _note(self, requested: Floats) -> None:
        if not np.array_equal(requested, self._requested, equal_nan=True):
            self._other, self._requested = self._requested, requested

    def _packets(self, seen: Seen) -> None:
        tick, governed = seen.tick, sum(packet.governed for packet in seen.robot)
        if governed != seen.writable:
            self.broken("missing", tick.k, f"{governed} governed packets, robot writable: {seen.writable}")
        targets = self._unsent if self._before is None else self._unsent + self._targets(self._before)
        self._unsent = targets if not governed else ()
        for packet in seen.robot:
            if packet.governed:
                self._command(tick, packet, targets)
            else:
                self._by_driver(tick.k, packet, self.robot)
                self._grip.forget()

    def _by_driver(self, k: int, packet: Packet, trail: Trail) -> None:
        for index, id in enumerate(trail.bounds.ids):
            low, high = (ends[index] for ends in trail.bounds.steps)
            here = packet.present.get(id)
            goal = packet.goals.get(id)
            if goal is not None and here is not None and abs(goal - min(high, max(low, here))) > HELD_STEPS:
                self.broken("driver", k, f"{trail.bounds.names[index]}: goal {goal}, but the joint is at {here}")
        trail.rest(packet.goals)

    def _command(self, tick: Tick, packet: Packet, targets: tuple[Floats, ...]) -> None:
        before = self._before
        told = np.array(tick.sent)
        measured = told if before is None else np.array(before.tick.measured)
        slowest = RAMP if targets and before is not None and before.tick.source is Source.RAMP else np.inf
        self.robot.command(tick.k, self._without_sparing(tick, packet, told), told, measured, targets, slowest)

    def _without_sparing(self, tick: Tick, packet: Packet, told: Floats) -> Goals:
        """The goals, with that of a gripper as it would be if the driver did not spare it."""
        grip, bounds = self._grip, self.robot.bounds
        if grip.id not in packet.goals:
            return packet.goals
        exact = float(bounds.exact_steps(told)[bounds.ids.index(grip.id)])
        goal, present = packet.goals[grip.id], packet.present[grip.id]
        if not grip.spares(goal, exact, present, grip.id in packet.latched, tick.wrote_ns):
            return packet.goals
        return {**packet.goals, grip.id: round(exact)}

    def _targets(self, before: Seen) -> tuple[Floats, ...]:
        """Where the decision of that tick could go; none for a hold."""
        if self._force is Source.HOLD or self._held:
            return ()
        if before.asked:
            given = before.filtered
            return () if given is None else (np.array([given[name] for name in self._names]),)
        return (self._requested,) if self._force is Source.HUMAN else (self._requested, self._other)

    def _mirrored(self, seen: Seen, trail: Trail) -> None:
        tick, before = seen.tick, self._before
        told = tick.leader_sent
        if told is None or before is None or before.tick.leader is None:
            self._aligned = False
            trail.pause()
        for packet in seen.leader:
            if not packet.governed:
                self._by_driver(tick.k, packet, trail)
            elif told is None or before is None or before.tick.leader is None:
                self.broken("told", tick.k, "the leader got a goal that no tick tells of")
            else:
                sent, target = np.array(told), np.array(tick.sent)[self._to_leader]
                measured = np.array(before.tick.leader)
                slowest = np.inf if self._aligned else self._speed(trail, target, measured)
                trail.command(tick.k, packet.goals, sent, measured, (target,), slowest)
        if told is not None and self._right.source is Source.HUMAN and not self._right.fault:
            self.broken("mirror", tick.k, "the leader is moved while it leads")

    def _speed(self, trail: Trail, target: Floats, measured: Floats) -> float:
        """A leader that is far comes slowly until it is near."""
        at = np.where(trail.governed, trail.goals, measured)
        self._aligned = bool(trail.governed.all()) and bool(np.abs(target - at).max() < ALIGNED)
        return np.inf if self._aligned else RAMP

    def _understand(self, seen: Seen) -> None:
        tick, right = seen.tick, self._right
        right.hear(tick)
        if right.anew:
            self.robot.pause()
        force = right.moves(tick)
        requested = np.array(tick.requested)
        held = self._holds(tick, force)
        if force is Source.HUMAN and not held:
            self._offset(tick, requested)
        if force in FROM_QUEUE:
            self._queue(tick, np.array(tick.proposed) if force is Source.POLICY else requested)
        if seen.asked:
            self._filtered(tick, seen.filtered)
        self._force, self._held = force, held

    def _holds(self, tick: Tick, force: Source) -> bool:
        """Whether the arm is held although a source is in force. One that has no actions left is still on its way to the last."""
        if tick.frame >= 0:
            self._starved = self._before is None or tick.consumed in (0, self._before.tick.consumed)
        if not np.isfinite(tick.requested).all() or (tick.refused and tick.source is not Source.HOLD):
            self.broken("label", tick.k, f"{tick.source} commands {tick.requested} ({tick.refused or tick.alarm})")
        held = tick.source is Source.HOLD and (force is Source.HUMAN or (force in FROM_QUEUE and not self._starved))
        if held and not tick.alarm:
            self.broken("alarm", tick.k, f"nobody is told that the arm is held under {force}")
        return held

    def _filtered(self, tick: Tick, last: Mapping[str, float] | None) -> None:
        """last: what the last filter gave; None if that may not count."""
        given = None if last is None else [last[name] for name in self._names]
        if given != tick.filtered:
            self.broken("filtered", tick.k, f"{tick.filtered} ({tick.refused}), but the last filter gave {last}")

    def _offset(self, tick: Tick, requested: Floats) -> None:
        before = self._before
        if before is None or tick.leader is None or before.tick.leader is None or self._right.heard_mode or self._held:
            return
        if self._force is not Source.HUMAN:
            apart = requested - np.array(self._start(tick))
        else:
            leader = (np.array(tick.leader) - np.array(before.tick.leader))[self._to_robot]
            apart = np.maximum(np.abs(requested - np.array(before.tick.requested) - leader) - self._bleed, 0.0)
        if (np.abs(apart) > _EXACT).any():
            self.broken("offset", tick.k, f"the robot's target is {apart.tolist()} from where the leader's joints take it")

    def _start(self, tick: Tick) -> list[float]:
        """Where the robot is driven from."""
        return tick.measured if self._right.anew else tick.sent

    def _queue(self, tick: Tick, action: Floats) -> None:
        """action: of the policy or the recording, in the tick that begins to carry it out."""
        if tick.frame < 0 or tick.source is Source.HOLD:
            return
        if action.tobytes() not in self._right.rows.get(tick.epoch, set()):
            self.broken("stale", tick.k, f"{action.tolist()} is in no chunk of epoch {tick.epoch}")
        apart = np.abs(action - np.array(self._start(tick))).max()
        first = self._before is not None and (self._before.tick.consumed, tick.consumed) == (0, 1)
        if first and apart > FAR and np.isfinite(apart) and tick.source is not Source.RAMP:
            self.broken("ramp", tick.k, f"the first action is {apart:g} away")
