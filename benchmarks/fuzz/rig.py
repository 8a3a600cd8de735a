"""A whole rig in lock-step: the real tick, governor, driver and codec, and emulated servos that note every goal packet."""

import contextlib
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random

from benchmarks.fuzz.lockstep import Clock, Later, Line, Plugin, lockstep
from benchmarks.fuzz.setting import CHANNELS, Setting, draw
from benchmarks.fuzz.silence import Known
from benchmarks.fuzz.witness import Packet, Seen, Trail, Witness
from hilt.config import Station, structure
from hilt.inference.process import create_chunks
from hilt.ipc import messages, rundir
from hilt.ipc.lease import LeaseHolder
from hilt.ipc.messages import AnyMessage, ChunkMessage, Tick
from hilt.ipc.process import Mailbox
from hilt.ipc.ring import RingReader, RingWriter
from hilt.rig import process
from hilt.rig.arms import Arms
from hilt.rig.filters import Filters
from hilt.rig.leader import Handover
from hilt_hooks import Vector
from hilt_motor_feetech.calibration import MotorCalibration
from hilt_motor_feetech.emulator import EmulatedServo, FirstOrderPlant, Plant, PtyBus, ServoChain, preset_calibration

Judge = Callable[[str, Vector, Vector], Vector]
_SPRING_STEPS = 57
"""How far outside its range a joint may be and still be stiffened by the driver."""


class Servo(EmulatedServo):
    """Keeps up to date only what is read here: the position."""

    def measure(self, plant: Plant) -> None:
        self.set("Present_Position", self._present(plant.position(self.id)))


class Servos:
    """The servos of one arm, their shafts, the line to them, and the goal packets that came since somebody last took them."""

    def __init__(self, calibration: Mapping[str, MotorCalibration], clock: Clock, random: Random) -> None:
        slow, fast = random.uniform(0.02, 0.3), random.choice((300.0, 2000.0, 4000.0))
        self.plant = FirstOrderPlant(time_constant_s=slow, top_speed=fast, clock=clock.monotonic_ns)
        self.chain = ServoChain([Servo(id) for id in range(1, 7)], self.plant, wire_timing=False)
        self.line = Line(self.chain)
        self.ends = {motor.id: (motor.range_min, motor.range_max, motor.homing_offset) for motor in calibration.values()}
        self.at_work = False
        self._packets: list[Packet] = []
        preset_calibration(self.chain, calibration)
        for id, (low, high, _) in self.ends.items():
            self.push(id, random.uniform(low - _SPRING_STEPS, high + _SPRING_STEPS))
        self.line.on_goals.append(self._note)

    def push(self, id: int, present: float) -> None:
        """Put a shaft to where the servo reports `present`."""
        self.plant.push(id, present + self.ends[id][2])

    @property
    def answered_ns(self) -> int:
        """Since when not all of them have answered."""
        return min(self.line.answered_ns.get(id, 0) for id in self.ends)

    def present(self, id: int) -> float:
        return self.plant.position(id) - self.ends[id][2]

    def power_cycle(self) -> None:
        """As after a cut: torque off, registers at their defaults."""
        for servo in self.chain.servos.values():
            servo.power_up()
            servo.drive(self.plant)

    def goals(self) -> dict[int, int]:
        return {id: servo.get("Goal_Position") for id, servo in self.chain.servos.items()}

    def take(self) -> list[Packet]:
        taken, self._packets = self._packets, []
        return taken

    def _note(self, goals: Mapping[int, int]) -> None:
        servos = self.chain.servos
        present = {id: servo.get("Present_Position") for id, servo in servos.items()}
        latched = frozenset(id for id, servo in servos.items() if servo.protection.latched)
        self._packets.append(Packet(goals, not (self.at_work or self.line.asked), present, latched))


class Bench:
    """One station from its start on. `tick` is one tick of the rig; what is to happen before it is done to the attributes."""

    def __init__(self, random: Random, setting: Setting, folder: Path, clock: Clock, judges: list[Plugin]) -> None:
        self.random, self.setting, self.clock, self.plugins = random, setting, clock, judges
        self.servos = {arm: Servos(content, clock, random) for arm, content in setting.calibration.items()}
        self.judged: list[Mapping[str, float] | None] = []
        self.job_ticks = 0
        self.k = 0
        self.arms: Arms | None = None
        self._folder = folder

    def start(self) -> None:
        setting, folder = self.setting, self._folder
        registry = setting.registry
        self._lease = LeaseHolder(folder / rundir.LEASE)
        self._renewed_ns = self.clock.now_ns
        self._session = RingWriter(folder / rundir.SESSION, slot_bytes=4096, slots=64)
        self._chunks = create_chunks(folder)
        setup = process.RigSetup(
            run_dir=folder,
            station=setting.config,
            fps=setting.fps,
            interpolation=setting.interpolation,
            handover=Handover(setting.bleed),
        )
        arms = self.arms = Arms(structure(Station, setting.config, registry), registry)
        filters = Filters([each.name for each in self.plugins], arms.robot.commands) if self.plugins else None
        self.filtered = filters is not None
        if filters is not None:
            filters.start()
        arms.connect()
        self._rig = process.Rig(setup, arms, Mailbox(folder, "rig"), filters)
        self._ticks = RingReader(folder / rundir.TICK, after=0)
        self._began_ns = self.clock.now_ns
        leader = None
        if setting.leader is not None:
            leader = Trail(setting.leader, setting.leader.values(self.servos["leader"].goals()))
        robot = Trail(setting.robot, setting.robot.values(self.servos["robot"].goals()))
        names = () if arms.leader is None else arms.leader.names
        self.witness = Witness(robot, leader, CHANNELS, names, setting.period_ns / 1e9, setting.bleed, setting.grip)
        for servos in self.servos.values():
            servos.take()

    def close(self) -> None:
        for servos in self.servos.values():
            servos.line.replug()
        if self.arms is not None:
            self.arms.disconnect()

    def renew(self) -> None:
        self._lease.renew()
        self._renewed_ns = self.clock.now_ns

    def tell(self, message: AnyMessage) -> None:
        ring = self._chunks if isinstance(message, ChunkMessage) else self._session
        ring.write(messages.encode(message))

    def tick(self, late_ns: int = 0) -> Tick:
        """The next tick of the grid, `late_ns` after its time. Raises whatever the rig raises."""
        period = self.setting.period_ns
        self._let_threads_work()
        self.clock.until(self._began_ns + (self.k + 1) * period + late_ns)
        self.k = max(self.k + 1, (self.clock.now_ns - self._began_ns) // period)
        for servos in self.servos.values():
            servos.line.asked = False
        assert self.arms is not None
        robot = self.arms.robot
        writable = not (robot.busy or robot.lost or robot.problem) and self.servos["robot"].line.plugged
        self.judged.clear()
        began_ns = self.clock.now_ns
        self._rig._tick(self.k, self._began_ns + self.k * period)
        packed = self._ticks.read()
        tick = messages.decode(packed) if packed is not None else None
        assert isinstance(tick, Tick)
        packets = {arm: servos.take() for arm, servos in self.servos.items()}
        asked = self.filtered and bool(tick.filtered or tick.refused)
        given = self.judged[-1] if tick.filtered and self.judged else None
        answered_ns = {arm: servos.answered_ns for arm, servos in self.servos.items()}
        known = Known(began_ns, self.clock.now_ns, self._renewed_ns, answered_ns)
        self.witness.see(Seen(tick, packets["robot"], packets["leader"], writable, known, asked, given))
        return tick

    def _let_threads_work(self) -> None:
        assert self.arms is not None
        for arm in self.arms.all:
            servos = self.servos[arm.role]
            servos.at_work = True
            worker = arm._worker
            assert isinstance(worker, Later)
            worker.go_on()
            servos.at_work = False


Filtering = Callable[[Random, Setting, list[Mapping[str, float] | None]], list[Plugin]]
"""(random, setting, where to note what the last filter gave) -> filters."""


@contextlib.contextmanager
def bench(seed: int, plugins: Filtering, *, pty: bool = False) -> Iterator[Bench]:
    """A started rig whose every property follows from `seed`. pty: with the driver's own port, on a pseudo-terminal."""
    random, clock = Random(seed), Clock()
    on_term = signal.getsignal(signal.SIGTERM)
    where = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=where) as name:
        folder = Path(name)
        ports = {arm: str(folder / f"tty-{arm}") for arm in ("robot", "leader")}
        setting = draw(random, folder, ports)
        made = Bench(random, setting, folder, clock, [])
        made.plugins += plugins(random, setting, made.judged)
        lines = {ports[arm]: servos.line for arm, servos in made.servos.items()}
        with contextlib.ExitStack() as stack:
            for path, line in lines.items() if pty else ():
                line.pty = PtyBus(line.chain, link=Path(path))
                stack.callback(line.pty.close)
            stack.enter_context(lockstep(clock, lines, made.plugins, lambda: made.job_ticks))
            stack.callback(made.close)
            stack.callback(signal.signal, signal.SIGTERM, on_term)
            made.start()
            yield made
