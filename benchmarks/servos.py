"""The process of emulated servos that `benchmarks.feetech` talks to: one chain for each side, at the pace of a real wire.

Run as `python -m benchmarks.servos CHAINS`; prints the ports as one line of JSON and answers until its stdin is closed.
"""

import json
import sys
import threading

from hilt.ipc.process import ask_for_real_time
from hilt_motor_feetech.emulator import EmulatedServo, FirstOrderPlant, PtyBus, ServoChain, serve

IDS = (1, 2, 3, 4, 5, 6)
_PRIORITY = 10
_CENTER = 2048


def chain() -> ServoChain:
    servos = [EmulatedServo(id, registers={"Return_Delay_Time": 0}) for id in IDS]
    return ServoChain(servos, FirstOrderPlant(dict.fromkeys(IDS, _CENTER)), wire_timing=True)


def _await_end(over: threading.Event) -> None:
    sys.stdin.read()
    over.set()


def main() -> None:
    buses = [PtyBus(chain()) for _ in range(int(sys.argv[1]))]
    over = threading.Event()
    threading.Thread(target=_await_end, args=(over,), daemon=True).start()
    ask_for_real_time(_PRIORITY)
    print(json.dumps([bus.port for bus in buses]), flush=True)
    serve(buses, over)
    for bus in buses:
        bus.close()


if __name__ == "__main__":
    main()
