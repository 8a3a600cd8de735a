"""The registers of one servo, and what they make of its shaft."""

from collections.abc import Mapping

from hilt_motor_feetech.codec import decode, encode
from hilt_motor_feetech.emulator.plant import Plant
from hilt_motor_feetech.emulator.protection import STALL_CURRENT, Protection
from hilt_motor_feetech.health import OVERHEATED
from hilt_motor_feetech.table import FIRST_SRAM_ADDRESS, MODELS, MULTI_TURN_PHASE

_MEMORY = 96
_ID_ADDRESS = 5
_FACTORY: Mapping[str, int] = {
    "Firmware_Major_Version": 3,
    "Firmware_Minor_Version": 10,
    "Return_Delay_Time": 250,
    "Response_Status_Level": 1,
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
_POWER_UP: Mapping[str, int] = {"Lock": 1, "Present_Voltage": 120, "Present_Temperature": 30, "Maximum_Acceleration": 50}
LOW_VOLTAGE: Mapping[str, int] = {"Max_Voltage_Limit": 80}
"""`registers` of the 7.4 V variant, which a supply of 12 V is too much for."""


class EmulatedServo:
    """The registers of one servo, by name as `get` and `set` see them and by address as the wire does."""

    def __init__(self, id: int, model: str = "sts3215", registers: Mapping[str, int] | None = None) -> None:
        """registers: EEPROM values that differ from the factory's."""
        self.series = MODELS[model].series
        self.protection = Protection()
        self._memory = bytearray(_MEMORY)
        rows = self.series.registers.values()
        self._read_only = {row.address + offset for row in rows if row.read_only for offset in range(row.size)}
        factory = {name: value for name, value in _FACTORY.items() if name in self.series.registers}
        factory |= {"Max_Position_Limit": self.series.steps - 1, "ID": id, "Model_Number": MODELS[model].number}
        for name, value in {**factory, **(registers or {})}.items():
            self.set(name, value)
        self._saved = bytes(self._memory[:FIRST_SRAM_ADDRESS])
        self.pending: tuple[int, bytes] | None = None
        self.power_up()

    @property
    def id(self) -> int:
        return self._memory[_ID_ADDRESS]

    def get(self, name: str) -> int:
        register = self.series.registers[name]
        return decode(register, self._memory[register.address : register.address + register.size])

    def set(self, name: str, value: int) -> None:
        register = self.series.registers[name]
        self._memory[register.address : register.address + register.size] = encode(register, value)

    def save(self) -> None:
        """Keep the EEPROM as it is now."""
        self._saved = bytes(self._memory[:FIRST_SRAM_ADDRESS])

    def power_up(self) -> None:
        """Everything as after a power cycle: EEPROM as saved, SRAM at its defaults."""
        self._memory[:] = self._saved + bytes(_MEMORY - FIRST_SRAM_ADDRESS)
        for name, value in _POWER_UP.items():
            if name in self.series.registers:
                self.set(name, value)
        if "Torque_Limit" in self.series.registers:
            self.set("Torque_Limit", self.get("Max_Torque_Limit"))
        self.protection.let_go()

    def load(self, address: int, size: int) -> bytes:
        return bytes(self._memory[address : address + size])

    def store(self, address: int, data: bytes) -> None:
        """Write as the wire does: into the EEPROM to last only while Lock is 0."""
        if address in self._read_only or address + len(data) > _MEMORY:
            return
        self._memory[address : address + len(data)] = data
        if address < FIRST_SRAM_ADDRESS and self.get("Lock") == 0:
            self.save()
        if not self.get("Torque_Enable"):
            self.protection.let_go()

    def measure(self, plant: Plant) -> None:
        """Bring the Present registers up to date."""
        velocity, load = round(plant.velocity(self.id)), plant.load(self.id)
        self.set("Present_Position", self._present(plant.position(self.id)))
        self._show("Present_Velocity", max(-32767, min(32767, velocity)))
        self._show("Present_Load", max(-1000, min(1000, round(load * 1000))))
        self._show("Present_Current", min(500, round(abs(load) * STALL_CURRENT)))
        self.set("Moving", int(abs(velocity) > 10))

    def live(self, plant: Plant, now_ns: int, volts: float, hot: float | None = None) -> None:
        """Let time pass up to `now_ns`: motors warm up, and protect themselves. hot: the temperature it is kept at, if any."""
        guard = self.protection
        if round(guard.degrees) != self.get("Present_Temperature"):
            guard.degrees = self.get("Present_Temperature")  # somebody has set it from outside
        if hot is not None:
            guard.degrees = hot
        before = guard.bits
        guard.advance(self._limits(), abs(plant.load(self.id)), volts, now_ns)
        self.set("Present_Temperature", round(guard.degrees))
        self.set("Present_Voltage", max(0, min(255, round(volts * 10))))
        self.set("Status", guard.bits)
        if guard.bits != before:
            self.drive(plant)

    def drive(self, plant: Plant) -> None:
        """Tell the plant what this servo's registers make of it."""
        limit = self._or("Torque_Limit", self.get("Max_Torque_Limit")) / 1000
        if self.protection.latched:
            limit = min(limit, self.get("Protective_Torque") / 100)
        if not self.get("Torque_Enable") or self._too_hot():
            plant.command(self.id, None, limit)
            return
        goal, lower, upper = (self.get(name) for name in ("Goal_Position", "Min_Position_Limit", "Max_Position_Limit"))
        if lower < upper:
            goal = max(lower, min(upper, goal))
        position, offset = plant.position(self.id), self._or("Homing_Offset", 0)
        # The goal is in the turn that the shaft is in: the servo never takes the short way across the end of a turn.
        turns = round(position) - offset - self._present(position)
        plant.command(self.id, goal + turns + offset, limit)

    def _present(self, position: float) -> int:
        steps = round(position) - self._or("Homing_Offset", 0)
        if self.get("Phase") & MULTI_TURN_PHASE:
            return max(-32767, min(32767, steps))
        return steps % self.series.steps

    def _too_hot(self) -> bool:
        return bool(self.protection.bits & OVERHEATED & self.get("Unloading_Condition"))

    def _limits(self) -> dict[str, int]:
        plain = ("Unloading_Condition", "Protection_Time", "Max_Temperature_Limit", "Min_Voltage_Limit", "Max_Voltage_Limit")
        limits = {name: self.get(name) for name in plain}
        limits["Overload_Torque"] = self._or("Overload_Torque", 80)
        limits["Protection_Current"] = self._or("Protection_Current", STALL_CURRENT)
        limits["Over_Current_Protection_Time"] = self._or("Over_Current_Protection_Time", 0)
        return limits

    def _or(self, name: str, otherwise: int) -> int:
        """A register that not every series has."""
        return self.get(name) if name in self.series.registers else otherwise

    def _show(self, name: str, value: int) -> None:
        """What is measured; a series without a sign bit gives the size only."""
        register = self.series.registers.get(name)
        if register is not None:
            self.set(name, value if register.sign_bit is not None else abs(value))
