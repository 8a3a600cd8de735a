"""The registers of an STS3215. Source: Feetech's memory table; the names are LeRobot's."""

from collections.abc import Mapping

from attrs import frozen

STEPS = 4096
"""Encoder steps a turn."""

FIRST_SRAM_ADDRESS = 40
"""Below it lies the EEPROM: what is written there with Lock = 0 survives a power cycle."""

MODEL_NUMBERS: Mapping[str, int] = {"sts3215": 777}


@frozen
class Register:
    """size: bytes, little-endian. sign_bit: where sign-magnitude values keep their sign, None if never negative."""

    name: str
    address: int
    size: int
    sign_bit: int | None = None

    @property
    def eeprom(self) -> bool:
        return self.address < FIRST_SRAM_ADDRESS

    @property
    def largest(self) -> int:
        """The largest magnitude that fits."""
        return (1 << (8 * self.size if self.sign_bit is None else self.sign_bit)) - 1


_ROWS = (
    Register("Firmware_Major_Version", 0, 1),
    Register("Firmware_Minor_Version", 1, 1),
    Register("Model_Number", 3, 2),
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
    Register("Over_Current_Protection_Time", 38, 1),
    Register("Torque_Enable", 40, 1),
    Register("Acceleration", 41, 1),
    Register("Goal_Position", 42, 2, sign_bit=15),
    Register("Goal_Time", 44, 2),
    Register("Goal_Velocity", 46, 2, sign_bit=15),
    Register("Torque_Limit", 48, 2),  # 0.1 %
    Register("Lock", 55, 1),
    Register("Present_Position", 56, 2, sign_bit=15),
    Register("Present_Velocity", 58, 2, sign_bit=15),  # steps/s
    Register("Present_Load", 60, 2, sign_bit=10),  # 0.1 %
    Register("Present_Voltage", 62, 1),  # 0.1 V
    Register("Present_Temperature", 63, 1),  # degrees C
    Register("Status", 65, 1),
    Register("Moving", 66, 1),
    Register("Present_Current", 69, 2),  # 6.5 mA
    Register("Goal_Position_2", 71, 2),
    Register("Maximum_Velocity_Limit", 84, 1),
    Register("Maximum_Acceleration", 85, 1),
)

REGISTERS: Mapping[str, Register] = {row.name: row for row in _ROWS}

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
