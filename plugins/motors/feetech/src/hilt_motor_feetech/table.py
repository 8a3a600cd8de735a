"""The registers of Feetech's servos, series by series. Source: Feetech's memory tables; the names are LeRobot's.

The STS and SMS series share one table and keep words with the low byte first. The SCS series has fewer registers, some of
them elsewhere, keeps the high byte first, has no sign bits, and answers neither a sync read nor a broadcast ping.
"""

from collections.abc import Mapping
from typing import Literal

from attrs import evolve, frozen

STEPS = 4096
"""Encoder steps a turn."""

FIRST_SRAM_ADDRESS = 40
"""Below it lies the EEPROM: what is written there with Lock = 0 survives a power cycle."""


@frozen
class Register:
    """size: bytes. sign_bit: where sign-magnitude values keep their sign, None if never negative. order: of the bytes.

    read_only: the servo ignores what is written there.
    """

    name: str
    address: int
    size: int
    sign_bit: int | None = None
    order: Literal["little", "big"] = "little"
    read_only: bool = False

    @property
    def eeprom(self) -> bool:
        return self.address < FIRST_SRAM_ADDRESS

    @property
    def largest(self) -> int:
        """The largest magnitude that fits."""
        return (1 << (8 * self.size if self.sign_bit is None else self.sign_bit)) - 1


_ROWS = (
    Register("Firmware_Major_Version", 0, 1, read_only=True),
    Register("Firmware_Minor_Version", 1, 1, read_only=True),
    Register("Model_Number", 3, 2, read_only=True),
    Register("ID", 5, 1),
    Register("Baud_Rate", 6, 1),
    Register("Return_Delay_Time", 7, 1),  # units of 2 us
    Register("Response_Status_Level", 8, 1),
    Register("Min_Position_Limit", 9, 2),
    Register("Max_Position_Limit", 11, 2),
    Register("Max_Temperature_Limit", 13, 1),
    Register("Max_Voltage_Limit", 14, 1),
    Register("Min_Voltage_Limit", 15, 1),
    Register("Max_Torque_Limit", 16, 2),  # 0.1 %
    Register("Phase", 18, 1),
    Register("Unloading_Condition", 19, 1),
    Register("LED_Alarm_Condition", 20, 1),
    Register("P_Coefficient", 21, 1),
    Register("D_Coefficient", 22, 1),
    Register("I_Coefficient", 23, 1),
    Register("Minimum_Startup_Force", 24, 2),
    Register("CW_Dead_Zone", 26, 1),
    Register("CCW_Dead_Zone", 27, 1),
    Register("Protection_Current", 28, 2),  # 6.5 mA
    Register("Angular_Resolution", 30, 1),
    Register("Homing_Offset", 31, 2, sign_bit=11),
    Register("Operating_Mode", 33, 1),
    Register("Protective_Torque", 34, 1),  # %
    Register("Protection_Time", 35, 1),  # 10 ms
    Register("Overload_Torque", 36, 1),  # %
    Register("Velocity_closed_loop_P_proportional_coefficient", 37, 1),
    Register("Over_Current_Protection_Time", 38, 1),  # 10 ms
    Register("Velocity_closed_loop_I_integral_coefficient", 39, 1),
    Register("Torque_Enable", 40, 1),
    Register("Acceleration", 41, 1),
    Register("Goal_Position", 42, 2, sign_bit=15),
    Register("Goal_Time", 44, 2),
    Register("Goal_Velocity", 46, 2, sign_bit=15),
    Register("Torque_Limit", 48, 2),  # 0.1 %
    Register("Lock", 55, 1),
    Register("Present_Position", 56, 2, sign_bit=15, read_only=True),
    Register("Present_Velocity", 58, 2, sign_bit=15, read_only=True),  # steps/s
    Register("Present_Load", 60, 2, sign_bit=10, read_only=True),  # 0.1 %
    Register("Present_Voltage", 62, 1, read_only=True),  # 0.1 V
    Register("Present_Temperature", 63, 1, read_only=True),  # degrees C
    Register("Status", 65, 1, read_only=True),
    Register("Moving", 66, 1, read_only=True),
    Register("Present_Current", 69, 2, read_only=True),  # 6.5 mA
    Register("Goal_Position_2", 71, 2, read_only=True),
    Register("Moving_Velocity_Threshold", 80, 1),
    Register("DTs", 81, 1),  # ms
    Register("Velocity_Unit_factor", 82, 1),
    Register("Hts", 83, 1),  # ns; firmware 2.54 and later
    Register("Maximum_Velocity_Limit", 84, 1),
    Register("Maximum_Acceleration", 85, 1),
    Register("Acceleration_Multiplier", 86, 1),  # in effect when Acceleration is 0
)

REGISTERS: Mapping[str, Register] = {row.name: row for row in _ROWS}
"""Of the STS and SMS series."""

_NOT_IN_SCS = frozenset(
    (
        "Protection_Current",
        "Angular_Resolution",
        "Homing_Offset",
        "Operating_Mode",
        "Overload_Torque",
        "Velocity_closed_loop_P_proportional_coefficient",
        "Over_Current_Protection_Time",
        "Velocity_closed_loop_I_integral_coefficient",
        "Goal_Time",
        "Torque_Limit",
        "Present_Current",
        "Goal_Position_2",
        "Moving_Velocity_Threshold",
        "DTs",
        "Velocity_Unit_factor",
        "Hts",
        "Maximum_Velocity_Limit",
        "Maximum_Acceleration",
        "Acceleration_Multiplier",
    )
)
_ELSEWHERE_IN_SCS = (
    Register("Protective_Torque", 37, 1),
    Register("Protection_Time", 38, 1),
    Register("Running_Time", 44, 2),
    Register("Lock", 48, 1),
    Register("Sync_Write_Flag", 64, 1, read_only=True),
    Register("PWM_Maximum_Step", 78, 1),
    Register("Moving_Velocity_Threshold*50", 79, 1),
    Register("DTs", 80, 1),  # ms
    Register("Minimum_Velocity_Limit*50", 81, 1),
    Register("Maximum_Velocity_Limit*50", 82, 1),
    Register("Acceleration_2", 83, 1),
)
_SCS_ROWS = {row.name: row for row in _ROWS if row.name not in _NOT_IN_SCS} | {row.name: row for row in _ELSEWHERE_IN_SCS}
SCS_REGISTERS: Mapping[str, Register] = {name: evolve(row, order="big", sign_bit=None) for name, row in _SCS_ROWS.items()}


@frozen(eq=False)
class Series:
    """steps: encoder steps a turn. sync_read: whether one packet can ask several servos."""

    name: str
    registers: Mapping[str, Register]
    steps: int
    sync_read: bool


STS = Series("STS/SMS", REGISTERS, STEPS, sync_read=True)
SCS = Series("SCS", SCS_REGISTERS, 1024, sync_read=False)


@frozen(eq=False)
class Model:
    """number: what the register Model_Number says."""

    number: int
    series: Series


MODELS: Mapping[str, Model] = {
    "sts3215": Model(777, STS),
    "sts3250": Model(2825, STS),
    "sm8512bl": Model(11272, STS),
    "scs0009": Model(1284, SCS),
}
MODEL_NUMBERS: Mapping[str, int] = {name: model.number for name, model in MODELS.items()}

BAUD_RATES: Mapping[int, int] = {
    0: 1_000_000,
    1: 500_000,
    2: 250_000,
    3: 128_000,
    4: 115_200,
    5: 57_600,
    6: 38_400,
    7: 19_200,
}
"""What the values of Baud_Rate mean, bit/s."""

MULTI_TURN_PHASE = 0x10
"""The bit of Phase with which positions count on beyond one turn instead of wrapping."""
