"""A process that records and is ended on the way: orders come in on stdin, one JSON object a line.

An order holds a pickled recorder (factory, config), calls ([["add", log], ["finish"]]), and how the process that carries them
out is to end. kill_at: before its n-th change to a file below `folder`. torn: not before it, but in the middle of the first
write after it. limit: in the middle of the write that makes a file longer than so many bytes, whoever writes it. Without
any of these: when it is done, and without tidying up.
A child is forked for each order, so imports are paid for once. The answer is a line: how the child ended (0, or minus the
signal), and which changes it had made.
"""

import json
import os
import pickle
import resource
import signal
import sys
import traceback
from base64 import b64decode
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, NoReturn

CHANGES = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate", "os.link", "os.symlink")
_PLACES = {"os.rename": (0, 1), "os.link": (1,), "os.symlink": (1,)}
"""Which arguments of an event say where something is changed; else the first."""
_WRITING = os.O_WRONLY | os.O_RDWR


class Changes:
    """An audit hook: it counts the changes below a folder, and ends the process at a given one."""

    def __init__(self, folder: str, kill_at: int | None, *, torn: bool = False) -> None:
        self.folder = os.path.realpath(folder)
        self.kill_at, self.torn = kill_at, torn
        self.made: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in CHANGES or not any(self._holds(arguments[at]) for at in _PLACES.get(event, (0,))):
            return
        if event == "open" and not arguments[2] & _WRITING:
            return
        if event == "open" and self.torn and len(self.made) == self.kill_at:
            tear(_kept(arguments[0], arguments[2]) + 1)
        self.count(event)

    def count(self, change: str) -> None:
        """One more is about to be made."""
        if len(self.made) == self.kill_at and not self.torn:
            os.kill(os.getpid(), signal.SIGKILL)
        self.made.append(change)

    def _holds(self, path: Any) -> bool:
        """Whether that is in the folder. Something open already, which has a number, is none of the changes."""
        if isinstance(path, int):
            return False
        place = os.path.realpath(os.fsdecode(path))
        return place == self.folder or place.startswith(self.folder + os.sep)


def _kept(path: str, flags: int) -> int:
    """How long the file will be once it has been opened."""
    return 0 if flags & os.O_TRUNC or not os.path.exists(path) else os.path.getsize(path)


def tear(limit: int) -> None:
    """From now on the system writes a file up to so many bytes and ends a process that goes on writing."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


def carry_out(order: dict[str, Any], factory: str, config: Any) -> tuple[Any, list[str]]:
    """The recorder and the changes."""
    changes = Changes(order["folder"], order["kill_at"], torn=order["torn"])
    sys.addaudithook(changes)
    if order["limit"] is not None:
        tear(order["limit"])
    recorder = resolve_name(factory)(config)
    for call, *log in order["calls"]:
        getattr(recorder, call)(*map(Path, log))
    return recorder, changes.made


def in_child(order: dict[str, Any], described: tuple[str, Any], answer: int) -> NoReturn:
    status = 1
    try:
        os.dup2(2, 1)  # what the recorder prints is no answer
        known = set(sys.modules)
        recorder, changes = carry_out(order, *described)
        with open(answer, "w") as stream:
            json.dump({"changes": changes, "modules": [name for name in sys.modules if name not in known]}, stream)
        status = 0 if recorder is not None else 1  # alive to the end: what it would do when it goes away comes too late
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        described = pickle.loads(b64decode(order["recorder"]))  # noqa: S301  from the process that started this one
        resolve_name(described[0])
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            in_child(order, described, write)
        os.close(write)
        with os.fdopen(read) as stream:
            done = json.loads(stream.read() or '{"changes": [], "modules": []}')
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(json.dumps({"status": status, "changes": done["changes"]}) + "\n")
        sys.stdout.flush()
        import_early(done["modules"])


def import_early(modules: list[str]) -> None:
    """What one child imported late, the next ones need as well."""
    for name in modules:
        with suppress(ImportError):
            import_module(name)
