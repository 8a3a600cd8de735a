"""Whose work the machine did."""

import os
import signal
import subprocess
import sys
import time

from benchmarks import load
from benchmarks.load import adopting, bury

WORK_S = 0.3
WORKER = f"""
import time
while time.process_time() < {WORK_S}: pass
print("done", flush=True)
time.sleep(60)
"""
PARENT = f"""
import subprocess, sys, time
worker = subprocess.Popen([sys.executable, "-c", {WORKER!r}])
print(worker.pid, flush=True)
time.sleep(60)
"""


def test_orphans_that_are_adopted_are_ours() -> None:
    before_s = load._ours_s()
    with adopting():
        with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
            assert parent.stdout is not None
            orphan = int(parent.stdout.readline())
            assert parent.stdout.readline() == "done\n"
            parent.kill()
        assert load._ours_s() - before_s > WORK_S / 2
        os.kill(orphan, signal.SIGKILL)
        while _is_there(orphan):
            bury()
            time.sleep(0.01)
    assert load._ours_s() - before_s > WORK_S / 2


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
