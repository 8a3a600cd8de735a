"""How an emulated servo looks after itself: overload, current, heat, voltage.

Overload and current are latched: a servo that has pushed harder than Overload_Torque for longer than Protection_Time goes on
with Protective_Torque, and says so with every answer, until its torque is switched off or its power fails. Feetech's manual
does not say what else would clear it, so this emulator assumes nothing else. Heat and voltage pass by themselves.
"""

import math
from collections.abc import Mapping

from attrs import define, field

from hilt_motor_feetech.health import OVERCURRENT, OVERHEATED, OVERLOAD, VOLTAGE

AMBIENT_C = 30.0
_RISE_C = 45.0
"""Over the ambient, in the long run, of a motor that pushes with all its torque."""
_TIME_CONSTANT_S = 150.0
_COOLER_C = 5
"""How far below its limit a motor that was too hot has to be before it works again."""
STALL_CURRENT = 300
"""Units of 6.5 mA."""


@define
class Protection:
    """latched: the error bits that only letting go clears. bits: all error bits as of the last `advance`."""

    latched: int = 0
    bits: int = 0
    degrees: float = AMBIENT_C
    _since_ns: dict[int, int] = field(factory=dict)
    _now_ns: int = 0

    def advance(self, limits: Mapping[str, int], load: float, volts: float, now_ns: int) -> None:
        """limits: the registers that set them. load: 0 to 1 of the stall torque."""
        elapsed_s = (now_ns - self._now_ns) / 1e9 if self._now_ns else 0.0
        self._now_ns = now_ns
        settled = AMBIENT_C + _RISE_C * load * load
        self.degrees += (settled - self.degrees) * -math.expm1(-elapsed_s / _TIME_CONSTANT_S)
        guarded = limits["Unloading_Condition"]
        if guarded & OVERLOAD:
            self._watch(OVERLOAD, load * 100 > limits["Overload_Torque"], limits["Protection_Time"], now_ns)
        if guarded & OVERCURRENT:
            over = load * STALL_CURRENT > limits["Protection_Current"]
            self._watch(OVERCURRENT, over, limits["Over_Current_Protection_Time"], now_ns)
        bearable_c = limits["Max_Temperature_Limit"] - (_COOLER_C if self.bits & OVERHEATED else 0)
        self.bits = self.latched
        self.bits |= OVERHEATED if self.degrees >= bearable_c else 0
        self.bits |= 0 if limits["Min_Voltage_Limit"] <= volts * 10 <= limits["Max_Voltage_Limit"] else VOLTAGE

    def latch(self, bit: int) -> None:
        self.latched |= bit
        self.bits |= bit

    def let_go(self) -> None:
        self.bits &= ~self.latched
        self.latched = 0
        self._since_ns.clear()

    def _watch(self, bit: int, over: bool, hundredths_s: int, now_ns: int) -> None:
        since = self._since_ns.setdefault(bit, now_ns)
        if not over:
            del self._since_ns[bit]
        elif now_ns - since >= hundredths_s * 10_000_000:
            self.latched |= bit
