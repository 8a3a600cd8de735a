"""An arm that has just been bought: six servos in a bag, an adapter, and the hands that plug and move them and type."""

import re
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from e2e_session import Terminal, until

from hilt_motor_feetech.calibration import save_calibration
from hilt_motor_feetech.emulator import EmulatedServo, FirstOrderPlant, PtyBus, ServoChain, preset_calibration, serving
from hilt_motor_feetech.sweep import calibration_of_sweep
from hilt_robot_so.motors import JOINTS, MOTORS

WIDTH = 80
"""Columns of a terminal beside a robot."""

RANGES: Mapping[str, int] = dict(zip(JOINTS, (2480, 2280, 2200, 2160, 3600, 1250), strict=True))
"""Steps from stop to stop."""
MIDDLES: Mapping[str, int] = dict(zip(JOINTS, (4090, 2000, 10, 3100, 4000, 900), strict=True))
"""What the encoders count in the middle: how an arm happens to be screwed together. Some ranges lie across the end of a turn."""
_STRIDE, _REST = 500, 5
"""Steps from one look at an encoder to the next; looks for which a hand stays where a joint ends."""


class HandMoved(FirstOrderPlant):
    """Goes on along its path whenever a servo looks at its encoder, so that no pace of the driver misses anything."""

    def __init__(self, positions: Mapping[int, float]) -> None:
        super().__init__(positions)
        self._paths: dict[int, deque[float]] = {}

    def position(self, motor_id: int) -> float:
        if path := self._paths.get(motor_id):
            self.push(motor_id, path.popleft())
        return super().position(motor_id)

    def lead(self, motor_id: int, *waypoints: float, stride: int = _STRIDE) -> None:
        path, at = deque[float](), super().position(motor_id)
        for waypoint in waypoints:
            strides = max(1, round(abs(waypoint - at) / stride))
            path.extend(at + (waypoint - at) * number / strides for number in range(1, strides + 1))
            path.extend([waypoint] * _REST)
            at = waypoint
        self._paths[motor_id] = path

    @property
    def moving(self) -> bool:
        return any(self._paths.values())


class NewArm:
    """shift: of the encoders, in steps, so that two arms differ."""

    def __init__(self, port: Path, shift: int = 0) -> None:
        self.middles = {joint: middle + shift for joint, middle in MIDDLES.items()}
        self.plant = HandMoved({MOTORS[joint].id: middle for joint, middle in self.middles.items()})
        self.servos = {joint: EmulatedServo(1) for joint in JOINTS}
        self.bus = PtyBus(ServoChain([EmulatedServo(200)], self.plant), link=port)
        self.port = self.bus.port
        self.unplug_all()

    def plug(self, *joints: str) -> None:
        self.bus.chain = ServoChain([self.servos[joint] for joint in joints], self.plant)

    def unplug_all(self) -> None:
        self.plug(JOINTS[0])
        self.bus.chain.faults.cut = True

    def chain_up(self) -> None:
        self.plug(*JOINTS)

    def number(self) -> None:
        """As `hilt setup-motors` leaves them."""
        for joint, servo in self.servos.items():
            servo.set("ID", MOTORS[joint].id)
            servo.save()
        self.chain_up()

    def calibrate(self, file: Path) -> None:
        """As `hilt calibrate` leaves them."""
        made = {
            joint: calibration_of_sweep(MOTORS[joint].id, middle, -RANGES[joint] // 2, RANGES[joint] // 2)
            for joint, middle in self.middles.items()
        }
        preset_calibration(self.bus.chain, made)
        save_calibration(file, made)

    def sweep(self, *but: str, pose: Mapping[str, float] | None = None) -> None:
        """Every joint to both its stops, then to a pose: part of the range, -0.5 to 0.5."""
        for joint in JOINTS:
            if joint not in but:
                half = 0 if joint == "wrist_roll" else RANGES[joint] / 2
                middle = self.middles[joint]
                end = middle + (pose or {}).get(joint, 0.0) * RANGES[joint]
                self.plant.lead(MOTORS[joint].id, middle - half, middle + half, end)

    def pose(self, stride: int = _STRIDE, **parts: float) -> None:
        for joint in JOINTS:
            self.plant.lead(MOTORS[joint].id, self.middles[joint] + parts.get(joint, 0.0) * RANGES[joint], stride=stride)

    def degrees(self, joint: str) -> float:
        """From the middle of its range, whatever the motors say."""
        return (FirstOrderPlant.position(self.plant, MOTORS[joint].id) - self.middles[joint]) * 360 / 4096


@contextmanager
def new_arms(folder: Path, *names: str) -> Iterator[list[NewArm]]:
    arms = [NewArm(folder / f"{name}.port", shift=700 * number) for number, name in enumerate(names)]
    with serving(*(arm.bus for arm in arms)):
        yield arms


def flags(arm: NewArm, device: str = "robot") -> list[str]:
    kind, id = {"robot": ("so101_follower", "black"), "teleop": ("so101_leader", "blue")}[device]
    port = Path(arm.port)
    return [
        f"--{device}.type={kind}",
        f"--{device}.port={port}",
        f"--{device}.id={id}",
        f"--{device}.calibration_dir={port.parent}",
    ]


def terminal(*command: str) -> Terminal:
    return Terminal(command, width=WIDTH)


def told(screen: Terminal, text: str) -> None:
    """Wait for this text, wherever the lines are broken."""
    screen.expect(r"\s+".join(map(re.escape, text.split())))


def plug_in(screen: Terminal, arm: NewArm, *joints: str) -> None:
    screen.expect(r"q: stop here > ")
    arm.plug(*joints)
    screen.press("enter")


def swept(screen: Terminal, arm: NewArm, *but: str) -> None:
    screen.expect("does not matter in which pose")
    arm.sweep(*but)
    until(lambda: not arm.plant.moving, "the hand has moved every joint", screen=screen)


def calibrated(screen: Terminal, arm: NewArm) -> None:
    swept(screen, arm)
    screen.press("enter")
    screen.expect("turn wrist_roll half way")
    screen.press("enter")
    screen.expect(r"^Calibrated\.$")
