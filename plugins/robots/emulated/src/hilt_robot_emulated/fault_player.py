"""Makes things go wrong on the buses of a bench when a script says so."""

from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

from hilt_motor_feetech.emulator import Faults, PtyBus
from hilt_robot_emulated.fault_script import Fault, FaultScript
from hilt_robot_emulated.so101 import JOINTS

IDS: Mapping[str, int] = {joint: id for id, joint in enumerate(JOINTS, start=1)}


class FaultPlayer:
    """begins: when the script does, monotonic ns. It takes over the faults of the arms that it names."""

    def __init__(self, script: FaultScript, buses: Mapping[str, PtyBus], begins_ns: int) -> None:
        self._script, self._begins_ns = script, begins_ns
        self._buses = {arm: buses[arm] for arm in {fault.arm for fault in script.faults}}
        self._active: tuple[Fault, ...] = ()
        self._log: list[dict[str, Any]] = []
        for number, bus in enumerate(self._buses.values()):
            bus.chain.faults.random = Random(script.seed + number)  # noqa: S311

    @property
    def log(self) -> list[dict[str, Any]]:
        """What began (`on`) and ended when: `time_ns`, `arm`, `kind`, `value`, `on`."""
        return self._log

    def play(self, now_ns: int) -> None:
        seconds = (now_ns - self._begins_ns) / 1e9
        active = tuple(fault for fault in self._script.faults if fault.active(seconds))
        if active == self._active:
            return
        for changed, on in ((set(active) - set(self._active), True), (set(self._active) - set(active), False)):
            self._log += [
                {"time_ns": now_ns, "arm": fault.arm, "kind": fault.kind, "value": fault.value, "on": on} for fault in changed
            ]
        self._active = active
        for arm, bus in self._buses.items():
            _apply(bus, [fault for fault in active if fault.arm == arm])

    def end(self) -> None:
        """All is well again."""
        for bus in self._buses.values():
            _apply(bus, ())


def _apply(bus: PtyBus, active: Iterable[Fault]) -> None:
    faults, well = bus.chain.faults, Faults()
    of: dict[str, list[Fault]] = {}
    for fault in active:
        of.setdefault(fault.kind, []).append(fault)

    def worst(kind: str) -> float:
        return max((float(fault.value) for fault in of.get(kind, ())), default=0.0)

    faults.corrupt, faults.drop, faults.delay_ms = worst("corrupt") / 100, worst("drop") / 100, worst("delay")
    faults.cut = "dropout" in of
    faults.dead = {IDS[fault.value] for fault in of.get("dead", ())}
    faults.overloaded = {IDS[fault.value] for fault in of.get("overload", ())}
    faults.hot = {IDS[fault.value]: fault.degrees for fault in of.get("hot", ())}
    faults.volts = min((float(fault.value) for fault in of.get("volts", ())), default=well.volts)
    if "unplug" in of:
        bus.unplug()
    else:
        bus.replug()
