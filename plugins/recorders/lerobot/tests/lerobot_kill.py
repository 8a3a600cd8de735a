"""A process that records and is killed on the way: `python lerobot_kill.py` and orders, one JSON object a line, on stdin.

An order has a root, calls ([["add", log], ["remove", log], ...]) and kill_at: the process dies by SIGKILL just before its
kill_at-th change to a file below the root (opening for writing, creating a folder, renaming, deleting); null: never.
A child is forked for each order, so that the imports are paid for once. The answer is a line: how the child ended
(0, or -9), and how many changes it had begun.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pandas  # noqa: F401  (pyarrow would import it in every child)

from hilt_recorder_lerobot.plugin import DatasetConfig
from hilt_recorder_lerobot.recorder import build

CHANGES = ("open", "os.mkdir", "os.rename", "os.remove")


class Reaper:
    """An audit hook: it sees every such call of this process, whoever makes it."""

    def __init__(self, root: str, kill_at: int | None) -> None:
        self.root, self.kill_at, self.seen = root, kill_at, 0

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in CHANGES or not str(arguments[0]).startswith(self.root):
            return
        if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)):
            return
        if self.seen == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.seen += 1


def record(order: dict[str, Any], answer: int) -> None:
    reaper = Reaper(order["root"], order["kill_at"])
    sys.addaudithook(reaper)
    recorder = build(DatasetConfig(repo_id="lab/killed", root=order["root"], resume=True))
    for call, log in order["calls"]:
        getattr(recorder, call)(Path(log))
    os.write(answer, str(reaper.seen).encode())


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            record(order, write)
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as answer:
            seen = answer.read() or "0"
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(json.dumps({"status": status, "seen": int(seen)}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
