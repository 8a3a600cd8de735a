"""The process of world and buses: steps the physics in real time and answers for the servos of both arms.

Run as `python -m hilt_robot_emulated.bus FOLDER`. One loop: step up to now, answer the buses, take in commands, wait.
"""

import os
import select
import shutil
import struct
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from attrs import asdict

from hilt.ipc.process import ask_for_real_time
from hilt.ipc.ring import RingWriter
from hilt_hooks import Floats
from hilt_motor_feetech.calibration import save_calibration
from hilt_motor_feetech.emulator import EmulatedServo, PtyBus, ServoChain, preset_calibration
from hilt_robot_emulated.calibration import from_channels, motor_calibration
from hilt_robot_emulated.child import Ending, Parent, report, run
from hilt_robot_emulated.control import ControlServer
from hilt_robot_emulated.fault_player import FaultPlayer
from hilt_robot_emulated.fault_script import make_faults
from hilt_robot_emulated.folder import calibration_folder, claim, control_path, description_path, picture_path, write_json
from hilt_robot_emulated.fresh import FreshArms
from hilt_robot_emulated.model import ARMS, LEADER
from hilt_robot_emulated.plant import ArmPlant
from hilt_robot_emulated.settings import Settings, load_settings
from hilt_robot_emulated.so101 import JOINTS
from hilt_robot_emulated.wire import WireEntry, WireLog
from hilt_robot_emulated.world import World

IDS: Mapping[str, str] = {"robot": "follower", "leader": "leader"}
"""Arm -> its `id`, which names its calibration file."""

_TICK_NS = 10_000_000
"""How long the world waits for a packet before it steps anyway."""
_PICTURE_NS = 5_000_000
_RT_PRIORITY = 10


def make_bus(world: World, arm: str, folder: Path, log: WireLog, *, calibrated: bool = True) -> PtyBus:
    """The servos of one arm behind a port whose name survives an unplug."""
    chain = ServoChain([EmulatedServo(id) for id in range(1, len(JOINTS) + 1)], ArmPlant(world, arm))
    if calibrated:
        calibration = motor_calibration(arm)
        preset_calibration(chain, calibration)
        save_calibration(calibration_folder(folder) / f"{IDS[arm]}.json", calibration)
    bus = PtyBus(chain, link=folder / f"{arm}.port")
    bus.on_sync_write.append(lambda now_ns, goals: log.add(WireEntry(now_ns, arm, dict(goals))))
    return bus


class Commands:
    """What the control socket can ask for: one public method each, with the fields of the message as arguments."""

    def __init__(self, world: World, buses: Mapping[str, PtyBus], seed: int, *, fresh: bool = False) -> None:
        self._world, self._buses, self._seed = world, buses, seed
        self._fresh = FreshArms(world, buses) if fresh else None
        self._player: FaultPlayer | None = None
        self._known: Mapping[str, Callable[..., Mapping[str, Any] | None]] = {
            "state": world.state,
            "hold": self.hold,
            "release": world.hand.release,
            "move": self.move,
            "reset": self.reset,
            "place": self.place,
            "faults": self.faults,
            "play_faults": self.play_faults,
            "fault_log": self.fault_log,
            "plug": self.plug,
            "sweep": self.sweep,
            "unplug": self.unplug,
            "replug": self.replug,
        }

    def handle(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        fields = dict(message)
        do = fields.pop("do")
        if do not in self._known:
            raise ValueError(f"unknown command {do!r}; known are {', '.join(self._known)}")
        return self._known[do](**fields) or {}

    def hold(self, pose: Mapping[str, float] | None = None) -> None:
        """The hand holds the leader where it is, or pulls it to `pose`."""
        self._world.hand.hold(self._world.angles(LEADER) if pose is None else _angles(pose))

    def move(self, path: list[Mapping[str, Any]]) -> None:
        """path: `{"pose": channel -> value, "speed": degrees per second of the fastest joint}`."""
        stages = [(_angles(stage["pose"]), float(np.radians(stage["speed"]))) for stage in path]
        self._world.hand.move(self._world.angles(LEADER), stages)

    def reset(self, seed: int | None = None) -> Mapping[str, Any]:
        """Cube and goal to the places of `seed`, or of the next one."""
        self._seed = self._seed + 1 if seed is None else seed
        self._world.place(self._seed)
        return {"seed": self._seed}

    def place(self, cube: list[float], goal: list[float], yaw: float = 0.0) -> None:
        self._world.place_at(np.array(cube[:2]), np.array(goal[:2]), yaw)

    def faults(self, arm: str, **what: Any) -> Mapping[str, Any]:
        """Set the faults of an arm's chain; the names are those of `hilt_motor_feetech.emulator.Faults`."""
        faults = self._buses[arm].chain.faults
        allowed = ("corrupt", "drop", "delay_ms", "cut", "dead", "overloaded", "volts")
        for name, value in what.items():
            if name not in allowed:
                raise ValueError(f"unknown fault {name!r}; known are {', '.join(allowed)}")
            setattr(faults, name, set(value) if isinstance(value, list) else value)
        return {name: sorted(value) if isinstance(value, set) else value for name in allowed for value in [getattr(faults, name)]}

    def play_faults(self, script: Mapping[str, Any]) -> None:
        """From now on, what a fault script says (see `fault_script`), in place of the one before."""
        made = make_faults(script)
        if self._player is not None:
            self._player.end()
        self._player = FaultPlayer(made, self._buses, time.monotonic_ns())

    def fault_log(self) -> Mapping[str, Any]:
        """What the script has made go wrong so far."""
        return {"log": [] if self._player is None else self._player.log}

    def plug(self, arm: str, motor: str) -> None:
        """Of a fresh bench: leave only this motor on the wire, or `all`."""
        self._new().plug(arm, motor)

    def sweep(self, arm: str | None = None) -> Mapping[str, Any]:
        """Of a fresh bench: move a limp arm to all its ends; tells which arms are being moved."""
        if arm is not None:
            self._new().sweep(arm)
        return {"sweeping": self._new().sweeping}

    def _new(self) -> FreshArms:
        if self._fresh is None:
            raise ValueError("the arms of this bench are set up and calibrated; start one with: hilt emulate so101 --fresh")
        return self._fresh

    def advance(self, now_ns: int) -> None:
        if self._fresh is not None:
            self._fresh.advance(now_ns)
        if self._player is not None:
            self._player.play(now_ns)

    def unplug(self, arm: str) -> None:
        self._buses[arm].unplug()

    def replug(self, arm: str) -> None:
        self._buses[arm].replug()


def _angles(pose: Mapping[str, float]) -> Floats:
    return np.array(from_channels(pose))


class Picture:
    """The world's pose for the renderers, at most every 5 ms: time, then the numbers of `World.picture`."""

    def __init__(self, folder: Path, world: World) -> None:
        self._world, self._published_ns = world, 0
        self._ring = RingWriter(picture_path(folder), slot_bytes=8 + world.picture().nbytes, slots=32)

    def publish(self, now_ns: int) -> None:
        if now_ns - self._published_ns >= _PICTURE_NS:
            self._ring.write(struct.pack("<q", now_ns), self._world.picture().tobytes())
            self._published_ns = now_ns


def _wait(buses: Mapping[str, PtyBus], control: ControlServer, until_ns: int) -> None:
    """Sleep until a packet, a command or `until_ns` comes; commands are served here."""
    plugged: list[Any] = [bus for bus in buses.values() if bus.fileno() >= 0]
    timeout = max(0.0, (until_ns - time.monotonic_ns()) / 1e9)
    readable, _, _ = select.select([*plugged, *control.sockets], [], [], timeout)
    control.serve(readable)


def _describe(settings: Settings, folder: Path, buses: Mapping[str, PtyBus]) -> None:
    description = {
        "pid": os.getpid(),
        "ports": {arm: bus.port for arm, bus in buses.items()},
        "types": {"robot": "so101_follower", "leader": "so101_leader"},
        "ids": IDS,
        "calibration_dir": str(calibration_folder(folder)),
        "cameras": {name: asdict(view) for name, view in settings.cameras.items()},
        "seed": settings.seed,
    }
    write_json(description_path(folder), description)


def serve(folder: Path, settings: Settings) -> None:
    """Until the starter asks for the end, or is gone."""
    parent, ending = Parent(settings.parent), Ending()
    world, log = World(settings.seed), WireLog(folder)
    buses = {arm: make_bus(world, arm, folder, log, calibrated=not settings.fresh) for arm in ARMS}
    commands = Commands(world, buses, settings.seed, fresh=settings.fresh)
    control = ControlServer(control_path(folder), commands.handle)
    picture = Picture(folder, world)
    picture.publish(time.monotonic_ns())
    _describe(settings, folder, buses)
    if settings.faults is not None:
        commands.play_faults(settings.faults)
    report(ready=True)
    try:
        while parent.alive and not ending:
            now = time.monotonic_ns()
            world.advance(now)
            commands.advance(now)
            due = [at for bus in buses.values() if (at := bus.pump(now)) is not None]
            picture.publish(now)
            _wait(buses, control, min([now + _TICK_NS, *due]))
    finally:
        description_path(folder).unlink(missing_ok=True)
        control.close()
        for bus in buses.values():
            bus.close()


def main() -> None:
    folder = Path(sys.argv[1])
    settings = load_settings(folder)
    claim(folder)
    # Servos are hardware: they answer however busy the machine is. Without the right to it, they take their turn.
    ask_for_real_time(_RT_PRIORITY)
    try:
        serve(folder, settings)
    finally:
        if settings.temporary:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    run(main)
