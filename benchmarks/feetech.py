"""CPU time of one cycle on a Feetech bus: write the goals of six servos, read their positions. Ours beside the SDK's.

Both talk to emulated servos in another process that answer at the pace of a 1 Mbaud wire with no return delay. Blocks of
cycles take turns, so that a busy moment hits both. As in a control loop, each cycle begins at its own time.
"""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import scservo_sdk

from benchmarks.results import Check, Measured, options, positive, repeat, report
from benchmarks.servos import IDS
from hilt_motor_feetech.bus import FeetechBus, Motor
from hilt_motor_feetech.table import REGISTERS

CPU_BAR_MS = 0.3
PERIOD_S = 1.0 / 90
CYCLES = 30
"""In a block."""

_DEADLINE_NS = 100_000_000
_GOAL, _POSITION = REGISTERS["Goal_Position"], REGISTERS["Present_Position"]
_CENTER = 2048

Cycle = Callable[[int], Mapping[int, int | None]]
"""Goal of all servos, in steps -> position by id."""


@contextlib.contextmanager
def servos(chains: int) -> Iterator[list[str]]:
    """The ports of as many chains of emulated servos."""
    command = [sys.executable, "-m", "benchmarks.servos", str(chains)]
    root = Path(__file__).parents[1]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.communicate()


@contextlib.contextmanager
def ours(port: str) -> Iterator[Cycle]:
    bus = FeetechBus(port, {str(id): Motor(id) for id in IDS})
    names = tuple(bus.motors)

    def cycle(goal: int) -> Mapping[int, int | None]:
        bus.sync_write("Goal_Position", dict.fromkeys(names, goal))
        answers = bus.sync_read("Present_Position", time.monotonic_ns() + _DEADLINE_NS, retries=0)
        return {int(name): steps for name, steps in answers.items()}

    bus.open()
    try:
        yield cycle
    finally:
        bus.close()


@contextlib.contextmanager
def sdk(port: str) -> Iterator[Cycle]:
    """As the SDK's own examples do it."""
    handler, packets = scservo_sdk.PortHandler(port), scservo_sdk.PacketHandler(0)
    read = scservo_sdk.GroupSyncRead(handler, packets, _POSITION.address, _POSITION.size)
    write = scservo_sdk.GroupSyncWrite(handler, packets, _GOAL.address, _GOAL.size)
    for id in IDS:
        read.addParam(id)

    def cycle(goal: int) -> Mapping[int, int | None]:
        write.clearParam()
        for id in IDS:
            write.addParam(id, [goal & 0xFF, goal >> 8])
        write.txPacket()
        read.txRxPacket()
        found = (id for id in IDS if read.isAvailable(id, _POSITION.address, _POSITION.size))
        return {id: read.getData(id, _POSITION.address, _POSITION.size) for id in found}

    handler.openPort()
    try:
        yield cycle
    finally:
        handler.closePort()


def block(cycle: Cycle) -> list[tuple[float, float]]:
    """CPU and wall time of `CYCLES` cycles in which every servo answered, in ms.

    A cycle with an answer missing is left out and made up for: on a busy machine one comes late now and then.
    Raises RuntimeError when that happens more often than not.
    """
    spent: list[tuple[float, float]] = []
    due = time.monotonic()
    for number in range(2 * CYCLES):
        due += PERIOD_S
        time.sleep(max(0.0, due - time.monotonic()))
        wall, cpu = time.perf_counter_ns(), time.process_time_ns()
        answers = cycle(_CENTER + number)
        took = ((time.process_time_ns() - cpu) / 1e6, (time.perf_counter_ns() - wall) / 1e6)
        if all(answers.get(id) is not None for id in IDS):
            spent.append(took)
        if len(spent) == CYCLES:
            return spent
    raise RuntimeError(f"in only {len(spent)} of {2 * CYCLES} cycles did every servo answer; there is nothing to compare")


def once(blocks: int) -> Measured:
    spent: dict[str, list[tuple[float, float]]] = {"ours": [], "sdk": []}
    with servos(2) as ports, ours(ports[0]) as our_cycle, sdk(ports[1]) as sdk_cycle:
        for cycle in (our_cycle, sdk_cycle):
            block(cycle)  # fills the caches
        for _ in range(blocks):
            spent["ours"] += block(our_cycle)
            spent["sdk"] += block(sdk_cycle)
    (cpu, wall), (sdk_cpu, sdk_wall) = (np.mean(each, axis=0).tolist() for each in spent.values())
    metrics = {"cpu_ms": cpu, "wall_ms": wall, "sdk_cpu_ms": sdk_cpu, "sdk_wall_ms": sdk_wall, "cpu_ratio": cpu / sdk_cpu}
    return Measured({**metrics, "cycles": len(spent["ours"])}, (Check("CPU of a cycle, ms", cpu, CPU_BAR_MS),))


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--blocks", type=positive, default=10, help=f"blocks of {CYCLES} cycles for each side (default 10)")
    chosen = parser.parse_args()
    report("feetech", repeat(lambda: once(chosen.blocks), chosen.runs), chosen.json)


if __name__ == "__main__":
    main()
