"""A chain of STS3215 servos that answers with the bytes and at the pace of a real one, behind a pseudo-terminal.

The servos know registers and packets; what the motors do is the business of a `Plant`, which may be a physics engine.
"""

from hilt_motor_feetech.emulator.chain import ServoChain, preset_calibration
from hilt_motor_feetech.emulator.faults import Faults
from hilt_motor_feetech.emulator.plant import FirstOrderPlant, Plant
from hilt_motor_feetech.emulator.pty_bus import PtyBus, Stop, serve, serving
from hilt_motor_feetech.emulator.servo import LOW_VOLTAGE, EmulatedServo

__all__ = [
    "LOW_VOLTAGE",
    "EmulatedServo",
    "Faults",
    "FirstOrderPlant",
    "Plant",
    "PtyBus",
    "ServoChain",
    "Stop",
    "preset_calibration",
    "serve",
    "serving",
]
