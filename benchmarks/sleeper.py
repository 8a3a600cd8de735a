"""The control of `benchmarks.tick`: a bare process that sleeps on the same grid, with the priority that the rig got.

Run as `python -m benchmarks.sleeper`. It waits for one line of JSON on stdin, `{"policy", "priority", "period_ns"}`, sleeps
until SIGTERM, and prints a list of `[due_ns, woke_ns]`. Like the rig, it never moves its grid. It ends when its parent is gone.
"""

import gc
import json
import os
import signal
import sys
import time


def sleep_until(over: list[bool], period_ns: int) -> list[tuple[int, int]]:
    woken, start, k, parent = [], time.monotonic_ns(), 0, os.getppid()
    while not over and os.getppid() == parent:
        k += 1
        due = start + k * period_ns
        while (ahead := due - time.monotonic_ns()) > 0:
            time.sleep(ahead / 1e9)
        woken.append((due, time.monotonic_ns()))
    return woken


def main() -> None:
    over: list[bool] = []
    signal.signal(signal.SIGTERM, lambda *_: over.append(True))
    line = sys.stdin.readline()
    if not line:
        return
    wanted = json.loads(line)
    gc.disable()
    if wanted["priority"]:
        os.sched_setscheduler(0, wanted["policy"], os.sched_param(wanted["priority"]))
    json.dump(sleep_until(over, wanted["period_ns"]), sys.stdout)


if __name__ == "__main__":
    main()
