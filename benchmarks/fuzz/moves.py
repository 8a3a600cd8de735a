"""What is done to a rig: what is asked of it, what its devices and its machine do, what its safety filters give."""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from random import Random

import numpy as np

from benchmarks.fuzz.lockstep import Plugin
from benchmarks.fuzz.rig import Bench
from benchmarks.fuzz.setting import CHANNELS, Setting
from benchmarks.fuzz.witness import FROM_QUEUE
from hilt.ipc.messages import Acknowledge, ChunkMessage, Phase, Segment, SetMode, Source, Tick
from hilt_hooks import Floats, SafetyStop, Vector

_WILD = (math.nan, math.inf, -math.inf, 1e308, -1e308, 1e9, 0.0)
PHASES: Mapping[str, tuple[Phase, Source]] = {
    "autonomous": (Phase.AUTONOMOUS, Source.POLICY),
    "human": (Phase.HUMAN, Source.HUMAN),
    "paused": (Phase.PAUSED, Source.HOLD),
    "ready": (Phase.READY, Source.HOLD),
    "reset": (Phase.RESET, Source.HOLD),
    "reset led": (Phase.RESET, Source.HUMAN),
    "fault": (Phase.FAULT, Source.HOLD),
    "ramp": (Phase.READY, Source.RAMP),
    "replay": (Phase.AUTONOMOUS, Source.REPLAY),
}
_OFTEN = {"autonomous": 10.0, "human": 6.0, "paused": 1.0, "replay": 2.0}
SHARES: Mapping[str, float] = {
    "mode": 0.012,
    "same mode again": 0.003,
    "chunk": 0.06,
    "wild chunk": 0.02,
    "misshapen chunk": 0.003,
    "chunk of another epoch": 0.01,
    "acknowledge": 0.002,
    "late tick": 0.012,
    "lease stops": 0.001,
    "bad wire": 0.004,
    "dead servos": 0.002,
    "power cut": 0.001,
    "unplug": 0.0007,
    "push robot": 0.004,
    "push leader": 0.006,
    "overload": 0.002,
    "slow threads": 0.005,
    "bad filter": 0.01,
}
"""How likely each is in a tick."""


class Fuzzer:
    """Does to a bench what its seed says, tick by tick. done: how often each thing was done."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.random = bench, bench.random
        self.done: Counter[str] = Counter()
        self._moves: dict[str, Callable[[], None]] = {name: getattr(self, "_" + name.replace(" ", "_")) for name in SHARES}
        self._mode_now = SetMode(
            phase=Phase.READY, source=Source.HOLD, segment=Segment.AUTONOMOUS, episode=0, epoch=0, recorded=False
        )
        self._later: list[tuple[int, Callable[[], None]]] = []
        self._leased, self._late_ns, self._chunk_id = True, 0, 0
        self._last: Tick | None = None
        self._hand = np.zeros(6)

    def tick(self) -> Tick:
        for name, share in SHARES.items():
            if self.random.random() < share:
                self.do(name)
        self._go_on()
        late_ns, self._late_ns = self._late_ns, 0
        self._last = self.bench.tick(late_ns)
        return self._last

    def do(self, name: str) -> None:
        self.done[name] += 1
        self._moves[name]()

    def _go_on(self) -> None:
        """What lasts for a while, and what an operator and a policy would do next."""
        due = [each for each in self._later if each[0] <= self.bench.k]
        self._later = [each for each in self._later if each[0] > self.bench.k]
        for _, action in due:
            action()
        if self._leased:
            self.bench.renew()
        last = self._last
        if last is not None and last.fault and self.random.random() < 0.2:
            self._acknowledge()
        if last is not None and self._mode_now.source in FROM_QUEUE and not last.queue and self.random.random() < 0.4:
            self._chunk()
        self._move_hand()

    def _in(self, ticks: int, action: Callable[[], None]) -> None:
        self._later.append((self.bench.k + ticks, action))

    def _mode(self) -> None:
        name = self.random.choices(list(PHASES), [_OFTEN.get(name, 0.4) for name in PHASES])[0]
        phase, source = PHASES[name]
        before = self._mode_now
        self.done[f"mode: {name}"] += 1
        self._mode_now = SetMode(
            phase=phase,
            source=source,
            segment=self.random.choice(list(Segment)),
            episode=before.episode + (self.random.random() < 0.2),
            epoch=before.epoch + (source in FROM_QUEUE and self.random.random() < 0.9),
            recorded=source in (*FROM_QUEUE, Source.HUMAN) and phase is not Phase.RESET,
        )
        self.bench.tell(self._mode_now)

    def _same_mode_again(self) -> None:
        self.bench.tell(self._mode_now)

    def _acknowledge(self) -> None:
        self.bench.tell(Acknowledge())

    def _chunk(self) -> None:
        """A walk from where the arm is, a jump and a walk, or leaps all over the range and beyond."""
        random = self.random
        bounds, length = self.bench.setting.robot, random.randint(1, 40)
        here = self._here()
        if random.random() < 0.3:
            here = self._anywhere(1.3)
        if random.random() < 0.15:
            rows = np.array([self._anywhere(1.2) for _ in range(length)])
        else:
            pace = random.choice((0.2, 1.0, 4.0, 12.0))
            rows = here + np.cumsum(np.array([[random.gauss(0, pace) for _ in bounds.names] for _ in range(length)]), axis=0)
        self._send(rows.tolist())

    def _wild_chunk(self) -> None:
        rows = [self._anywhere(1.0).tolist() for _ in range(self.random.randint(1, 12))]
        for _ in range(self.random.randint(1, 6)):
            self.random.choice(rows)[self.random.randrange(6)] = self.random.choice(_WILD)
        self._send(rows)

    def _misshapen_chunk(self) -> None:
        rows = [self._anywhere(1.0).tolist() for _ in range(self.random.randint(0, 6))]
        for row in rows:
            if self.random.random() < 0.7:
                row[:] = (row * 2)[: self.random.choice((0, 1, 5, 7, 12))]
        self._send(rows)

    def _chunk_of_another_epoch(self) -> None:
        other = self._mode_now.epoch + self.random.choice((-2, -1, 1))
        self._send([self._anywhere(1.0).tolist() for _ in range(10)], epoch=other)

    def _send(self, rows: list[list[float]], epoch: int | None = None) -> None:
        self._chunk_id += 1
        used = 0 if self._last is None else self._last.consumed
        consumed = self.random.choice((used, used, used, max(0, used - self.random.randint(0, 8)), -3, used + 5))
        self.bench.tell(
            ChunkMessage(
                epoch=self._mode_now.epoch if epoch is None else epoch,
                id=self._chunk_id,
                observed_ns=0,
                consumed=consumed,
                started_ns=0,
                finished_ns=0,
                actions=rows,
                model=[],
            )
        )

    def _here(self) -> Floats:
        return np.zeros(6) if self._last is None else np.array(self._last.sent)

    def _anywhere(self, beyond: float) -> Floats:
        """Somewhere in the joint limits, or with `beyond` above 1 outside of them."""
        bounds = self.bench.setting.robot
        middle, half = (bounds.lower + bounds.upper) / 2, (bounds.upper - bounds.lower) / 2
        somewhere: Floats = middle + beyond * half * np.array([self.random.uniform(-1, 1) for _ in bounds.names])
        return somewhere

    def _late_tick(self) -> None:
        periods = self.random.choice((0.1, 0.9, 1.0, 2.5, 20.0, 300.0))
        self._late_ns = round(periods * self.bench.setting.period_ns)

    def _lease_stops(self) -> None:
        self._leased = False
        self._in(self.random.randint(1, 20), self._lease)

    def _lease(self) -> None:
        self._leased = True

    def _arm(self) -> str:
        return self.random.choice(("robot", "robot", "leader"))

    def _bad_wire(self) -> None:
        faults = self.bench.servos[self._arm()].chain.faults
        faults.drop, faults.corrupt = self.random.choice(((0.2, 0.0), (0.0, 0.2), (0.5, 0.3), (1.0, 0.0)))

        def mend() -> None:
            faults.drop = faults.corrupt = 0.0

        self._in(self.random.choice((1, 5, 20, 120)), mend)

    def _dead_servos(self) -> None:
        servos = self.bench.servos[self._arm()]
        all_ids = sorted(servos.ends)
        servos.chain.faults.dead = set(self.random.choice((all_ids, [self.random.choice(all_ids)])))
        self._in(self.random.choice((1, 5, 12, 120)), servos.chain.faults.dead.clear)

    def _power_cut(self) -> None:
        servos = self.bench.servos[self._arm()]
        servos.chain.faults.dead = set(servos.ends)
        servos.power_cycle()

        def restore() -> None:
            servos.chain.faults.dead.clear()
            if self.random.random() < 0.8:
                self._shove(servos.ends, servos.push, servos.present, 400.0)

        self._in(self.random.choice((2, 8, 20, 120)), restore)

    def _unplug(self) -> None:
        line = self.bench.servos[self._arm()].line
        line.unplug()
        self._in(self.random.choice((1, 5, 40, 100)), line.replug)

    def _push_robot(self) -> None:
        servos = self.bench.servos["robot"]
        self._shove(servos.ends, servos.push, servos.present, self.random.choice((20.0, 100.0, 600.0)))

    def _push_leader(self) -> None:
        servos = self.bench.servos["leader"]
        self._shove(servos.ends, servos.push, servos.present, self.random.choice((20.0, 100.0, 600.0)))

    def _shove(
        self,
        ends: Mapping[int, tuple[int, int, int]],
        push: Callable[[int, float], None],
        present: Callable[[int], float],
        far: float,
    ) -> None:
        for id, (low, high, _) in ends.items():
            if self.random.random() < 0.5:
                push(id, min(high + 60.0, max(low - 60.0, present(id) + self.random.gauss(0, far))))

    def _move_hand(self) -> None:
        """A hand on a limp leader never rests."""
        servos = self.bench.servos["leader"]
        if self._mode_now.source is not Source.HUMAN or self.bench.setting.leader is None:
            return
        self._hand = 0.9 * self._hand + np.array([self.random.gauss(0, 8.0) for _ in range(6)])
        for id, (low, high, _) in servos.ends.items():
            servos.push(id, min(high, max(low, servos.present(id) + self._hand[id - 1])))

    def _overload(self) -> None:
        faults = self.bench.servos[self._arm()].chain.faults
        faults.overloaded = {self.random.randint(1, 6)}
        self._in(30, faults.overloaded.clear)

    def _slow_threads(self) -> None:
        self.bench.job_ticks = self.random.choice((0, 1, 3, 10, 40))

    def _bad_filter(self) -> None:
        """A filter that is late, hangs or ends its process; see `filters` for what it gives meanwhile."""
        if not self.bench.plugins:
            return
        plugin = self.random.choice(self.bench.plugins)
        what = self.random.choice(("late", "hang", "end", "late"))
        self.done[f"filter: {what}"] += 1
        plugin.takes_ns = {"late": 5_000_000, "hang": None}.get(what, 0)
        plugin.ends = what == "end"

        def mend() -> None:
            plugin.takes_ns, plugin.ends = 0, False

        self._in(self.random.choice((1, 3, 30)), mend)


def filters(random: Random, setting: Setting, judged: list[Mapping[str, float] | None]) -> list[Plugin]:
    """Safety filters that pass, change, refuse, raise, and give what nobody may give. judged: what they gave, if it counts."""

    def judge(source: str, target: Vector, measured: Vector) -> Vector:
        judged.append(None)
        given = _given(random, target, measured)
        named = given.as_dict() if isinstance(given, Vector) else {}
        if len(given.names) == len(named) and set(named) == set(CHANNELS) and all(map(math.isfinite, named.values())):
            judged[-1] = named
        return given

    return [Plugin(f"filter-{number}", judge) for number in range(setting.filters)]


Given = Callable[[Random, Vector, Vector], Vector]
"""(random, target, measured) -> what a filter gives."""


def _given(random: Random, target: Vector, measured: Vector) -> Vector:
    return random.choices(list(_GIVEN), list(_GIVEN.values()))[0](random, target, measured)


def _passes(random: Random, target: Vector, measured: Vector) -> Vector:
    return target


def _changes(random: Random, target: Vector, measured: Vector) -> Vector:
    return Vector(target.names, target.values + np.array([random.gauss(0, 20) for _ in target.names]))


def _another_order(random: Random, target: Vector, measured: Vector) -> Vector:
    order = random.sample(range(len(target.names)), len(target.names))
    return Vector(tuple(target.names[i] for i in order), target.values[order])


def _clips(random: Random, target: Vector, measured: Vector) -> Vector:
    return Vector(target.names, np.clip(target.values, -20, 20))


def _stays(random: Random, target: Vector, measured: Vector) -> Vector:
    target.values[:] = measured.values
    return target


def _refuses(random: Random, target: Vector, measured: Vector) -> Vector:
    raise SafetyStop("not there")


def _raises(random: Random, target: Vector, measured: Vector) -> Vector:
    raise RuntimeError("a bug in a filter")


def _wild(random: Random, target: Vector, measured: Vector) -> Vector:
    target.values[random.randrange(len(target.names))] = random.choice(_WILD)
    return target


def _lacks(random: Random, target: Vector, measured: Vector) -> Vector:
    return Vector(target.names[1:], target.values[1:])


def _adds(random: Random, target: Vector, measured: Vector) -> Vector:
    return Vector((*target.names, "elbow.pos"), np.append(target.values, 1.0))


def _repeats(random: Random, target: Vector, measured: Vector) -> Vector:
    return Vector((*target.names, target.names[0]), np.append(target.values, target.values[0] + 50))


def _renames(random: Random, target: Vector, measured: Vector) -> Vector:
    return Vector(tuple(name.removesuffix(".pos") for name in target.names), target.values)


_GIVEN: Mapping[Given, float] = {
    _passes: 30,
    _changes: 4,
    _another_order: 4,
    _clips: 4,
    _stays: 0.5,
    _refuses: 0.3,
    _raises: 0.3,
    _wild: 0.5,
    _lacks: 0.3,
    _adds: 0.3,
    _repeats: 0.3,
    _renames: 0.3,
}
"""What a filter gives, and how often."""
