"""A rig in its own process, between a session that this test is and two emulated arms on ptys."""

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hilt.inference.process import create_chunks
from hilt.ipc import messages, rundir
from hilt.ipc.lease import LeaseHolder
from hilt.ipc.messages import Acknowledge, Phase, Segment, SetMode, Source, Status, StatusState, Tick
from hilt.ipc.ring import RingReader, RingWriter
from hilt.rig.process import RigSetup, run
from hilt_motor_feetech.calibration import MotorCalibration, save_calibration
from hilt_motor_feetech.emulator import EmulatedServo, FirstOrderPlant, PtyBus, ServoChain, preset_calibration, serving
from hilt_motor_feetech.table import REGISTERS
from hilt_robot_so.motors import JOINTS

CALIBRATION = {joint: MotorCalibration(id, 0, 0, 800, 3300) for id, joint in enumerate(JOINTS, start=1)}
SOURCES = {Phase.AUTONOMOUS: Source.POLICY, Phase.HUMAN: Source.HUMAN}
PATIENCE_S = 20.0


class Servo(EmulatedServo):
    """One that is `stuck` leaves its torque as it is, whatever it is told."""

    stuck = False

    def store(self, address: int, data: bytes) -> None:
        if not (self.stuck and address == REGISTERS["Torque_Enable"].address):
            super().store(address, data)


class EmulatedArm:
    def __init__(self, link: Path) -> None:
        """link: names the port even when it comes back as another terminal, the driver still holding the old one."""
        self.plant = FirstOrderPlant()
        self.servos = {id: Servo(id) for id in range(1, 7)}
        self.chain = ServoChain(self.servos.values(), self.plant)
        preset_calibration(self.chain, CALIBRATION)
        self.bus = PtyBus(self.chain, link)

    @property
    def torque(self) -> set[int]:
        return {servo.get("Torque_Enable") for servo in self.chain.servos.values()}

    def cut_power(self) -> None:
        self.chain.faults.dead = set(self.chain.servos)

    def restore_power(self) -> None:
        for servo in self.chain.servos.values():
            servo.power_up()
            servo.drive(self.plant)
        self.chain.faults.dead = set()


class Session:
    """What the rig sees of a session."""

    def __init__(self, folder: Path, robot: EmulatedArm, leader: EmulatedArm) -> None:
        self.robot, self.leader = robot, leader
        self._lease = LeaseHolder(folder / rundir.LEASE)
        self._ring = RingWriter(folder / rundir.SESSION, slot_bytes=4096, slots=64)
        self.folder = folder
        self.chunks = create_chunks(folder)
        self._over = threading.Event()
        threading.Thread(target=self._renew, daemon=True).start()

    def _renew(self) -> None:
        while not self._over.wait(0.01):
            self._lease.renew()

    def end(self) -> None:
        self._over.set()

    def tell(self, message: messages.AnyMessage) -> None:
        self._ring.write(messages.encode(message))

    def mode(self, phase: Phase, epoch: int = 1) -> None:
        source = SOURCES.get(phase, Source.HOLD)
        self.tell(SetMode(phase=phase, source=source, segment=Segment.AUTONOMOUS, episode=0, epoch=epoch, recorded=False))

    def take_over(self) -> None:
        self.mode(Phase.HUMAN)
        self.until(lambda: self.tick().source == Source.HUMAN)

    def look(self) -> None:
        """Somebody has seen what is wrong, and says so: nothing is wrong any more."""
        self.mode(Phase.PAUSED)
        self.tell(Acknowledge())
        self.until(lambda: self.tick().fault == "")

    def tick(self) -> Tick:
        packed = RingReader(self.folder / rundir.TICK).latest()
        tick = messages.decode(packed) if packed else None
        assert isinstance(tick, Tick)
        return tick

    def ticks(self, count: int) -> list[Tick]:
        """The next ones, all of them."""
        ring = RingReader(self.folder / rundir.TICK)
        found: list[Tick] = []

        def enough() -> bool:
            found.extend(tick for packed in ring.drain() if isinstance(tick := messages.decode(packed), Tick))
            return len(found) >= count

        self.until(enough)
        return found

    def told(self, *states: StatusState) -> list[str]:
        """What the rig has said of its devices in these states, so far."""
        return [status.detail for status in self.statuses() if status.state in states]

    def statuses(self) -> list[Status]:
        ring = RingReader(self.folder / rundir.status_ring("rig"), after=0)
        return [status for packed in ring.drain() if isinstance(status := messages.decode(packed), Status)]

    def until(self, what: Callable[[], bool]) -> None:
        """Wait for something to become true, and go on at once when it does."""
        end = time.monotonic() + PATIENCE_S
        while not what():
            assert time.monotonic() < end, f"waited {PATIENCE_S:g} s; the newest tick is {self.tick()}"
            time.sleep(0.005)


@pytest.fixture
def session(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Session]:
    """Parametrized, it is with a rig of so many ticks a second that are all frames."""
    fps, interpolation = (request.param, 1) if hasattr(request, "param") else (30, 2)
    robot, leader = (EmulatedArm(tmp_path / f"{name}.port") for name in ("follower", "leader"))
    for name in ("follower", "leader"):
        save_calibration(tmp_path / f"{name}.json", CALIBRATION)
    folder = tmp_path / "run"
    folder.mkdir()
    with serving(robot.bus, leader.bus):
        made = Session(folder, robot, leader)
        station = {
            "robot": {"type": "so101_follower", "port": robot.bus.port, "id": "follower", "calibration_dir": str(tmp_path)},
            "teleop": {"type": "so101_leader", "port": leader.bus.port, "id": "leader", "calibration_dir": str(tmp_path)},
            "limits": {},
            "max_tracking_error": None,
        }
        setup = RigSetup(run_dir=folder, station=station, fps=fps, interpolation=interpolation)
        process = multiprocessing.get_context("spawn").Process(target=run, args=(setup,))
        process.start()
        status = folder / rundir.status_ring("rig")
        made.until(lambda: status.exists() and bool(made.statuses()))
        assert made.statuses()[0].state == StatusState.READY, made.statuses()
        made.until(lambda: (folder / rundir.TICK).exists() and RingReader(folder / rundir.TICK).latest() is not None)
        yield made
        made.end()
        process.kill()
        process.join()
