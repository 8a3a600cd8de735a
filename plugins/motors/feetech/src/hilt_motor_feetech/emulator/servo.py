"""The registers of one servo, and what they make of its shaft."""

from collections.abc import Mapping

from hilt_motor_feetech.codec import decode, encode
from hilt_motor_feetech.emulator.plant import Plant
from hilt_motor_feetech.table import FIRST_SRAM_ADDRESS, MODEL_NUMBERS, MULTI_TURN_PHASE, REGISTERS, STEPS

_MEMORY = 96
_READ_ONLY = frozenset((*range(5), *range(56, 71)))
"""Addresses: firmware, model, and what the servo measures."""
_FACTORY: Mapping[str, int] = {
    "Firmware_Major_Version": 3,
    "Firmware_Minor_Version": 10,
    "Return_Delay_Time": 250,
    "Response_Status_Level": 1,
    "Max_Position_Limit": STEPS - 1,
    "Max_Temperature_Limit": 70,
    "Max_Voltage_Limit": 140,
    "Min_Voltage_Limit": 40,
    "Max_Torque_Limit": 1000,
    "Phase": 12,
    "Unloading_Condition": 44,
    "LED_Alarm_Condition": 47,
    "P_Coefficient": 32,
    "D_Coefficient": 32,
    "Minimum_Startup_Force": 16,
    "CW_Dead_Zone": 1,
    "CCW_Dead_Zone": 1,
    "Protection_Current": 500,
    "Angular_Resolution": 1,
    "Protective_Torque": 20,
    "Protection_Time": 200,
    "Overload_Torque": 80,
    "Over_Current_Protection_Time": 200,
}


class EmulatedServo:
    """The registers of one servo, by name as `get` and `set` see them and by address as the wire does."""

    def __init__(self, id: int, model: str = "sts3215", registers: Mapping[str, int] | None = None) -> None:
        """registers: EEPROM values that differ from the factory's."""
        self._memory = bytearray(_MEMORY)
        for name, value in {**_FACTORY, "ID": id, "Model_Number": MODEL_NUMBERS[model], **(registers or {})}.items():
            self.set(name, value)
        self._saved = bytes(self._memory[:FIRST_SRAM_ADDRESS])
        self.pending: tuple[int, bytes] | None = None
        self.power_up()

    @property
    def id(self) -> int:
        return self.get("ID")

    def get(self, name: str) -> int:
        register = REGISTERS[name]
        return decode(register, self._memory[register.address : register.address + register.size])

    def set(self, name: str, value: int) -> None:
        register = REGISTERS[name]
        self._memory[register.address : register.address + register.size] = encode(register, value)

    def save(self) -> None:
        """Keep the EEPROM as it is now."""
        self._saved = bytes(self._memory[:FIRST_SRAM_ADDRESS])

    def power_up(self) -> None:
        """Everything as after a power cycle: EEPROM as saved, SRAM at its defaults."""
        self._memory[:] = self._saved + bytes(_MEMORY - FIRST_SRAM_ADDRESS)
        for name, value in (("Lock", 1), ("Present_Voltage", 120), ("Present_Temperature", 30), ("Maximum_Acceleration", 50)):
            self.set(name, value)
        self.set("Torque_Limit", self.get("Max_Torque_Limit"))

    def load(self, address: int, size: int) -> bytes:
        return bytes(self._memory[address : address + size])

    def store(self, address: int, data: bytes) -> None:
        """Write as the wire does: into the EEPROM to last only while Lock is 0."""
        if address in _READ_ONLY or address + len(data) > _MEMORY:
            return
        self._memory[address : address + len(data)] = data
        if address < FIRST_SRAM_ADDRESS and self.get("Lock") == 0:
            self.save()

    def measure(self, plant: Plant) -> None:
        """Bring the Present registers up to date."""
        velocity, load = round(plant.velocity(self.id)), plant.load(self.id)
        self.set("Present_Position", self._present(plant.position(self.id)))
        self.set("Present_Velocity", max(-32767, min(32767, velocity)))
        self.set("Present_Load", max(-1000, min(1000, round(load * 1000))))
        self.set("Present_Current", min(500, round(abs(load) * 300)))
        self.set("Moving", int(abs(velocity) > 10))

    def drive(self, plant: Plant, overloaded: bool) -> None:
        """Tell the plant what this servo's registers make of it."""
        limit = self.get("Torque_Limit") / 1000
        if overloaded:
            limit = min(limit, self.get("Protective_Torque") / 100)
        if not self.get("Torque_Enable"):
            plant.command(self.id, None, limit)
            return
        goal, lower, upper = (self.get(name) for name in ("Goal_Position", "Min_Position_Limit", "Max_Position_Limit"))
        if lower < upper:
            goal = max(lower, min(upper, goal))
        position = plant.position(self.id)
        # The goal is in the turn that the shaft is in: the servo never takes the short way across the end of a turn.
        turns = round(position) - self.get("Homing_Offset") - self._present(position)
        plant.command(self.id, goal + turns + self.get("Homing_Offset"), limit)

    def _present(self, position: float) -> int:
        steps = round(position) - self.get("Homing_Offset")
        if self.get("Phase") & MULTI_TURN_PHASE:
            return max(-32767, min(32767, steps))
        return steps % STEPS
