"""The bench of a recorder's checks: a dataset that is not there yet, logs of episodes, and a process that can be killed."""

import json
import os
import pickle
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from pkgutil import resolve_name
from typing import IO, Any, cast

from attrs import field, frozen

from hilt_hooks.descriptors import RecorderDescriptor
from hilt_hooks.testing.checks import NotConforming, NotExercised, expect

_WORKER = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from hilt_hooks.testing.killing import main; sys.exit(main())"


@frozen(kw_only=True)
class RecorderRig:
    """What the author of a recorder provides, once for every check: a dataset that is not there yet, and logs.

    config: of the recorder. folder: where it writes. header: of the logs, as `validate` gets it.
    logs: log of a saved episode -> its number of frames; two or more, in the folder of their session, always with the same
    names and content. unsaved: the log of an episode that was not saved.
    lengths: the number of frames of each episode that is on disk, as a reader of the format finds them.
    content: the dataset in a form that is equal for equal datasets; by default the bytes of all files in `folder` but the logs.
    refused: what the error must name -> a header that does not fit a dataset which holds the first log.
    """

    config: Any
    folder: Path
    header: Mapping[str, Any]
    logs: Mapping[Path, int]
    lengths: Callable[[], Sequence[int]]
    content: Callable[[], object] | None = None
    refused: Mapping[str, Mapping[str, Any]] = field(factory=dict)
    unsaved: Path | None = None


MakeRecorderRig = Callable[[], AbstractContextManager[RecorderRig]]


@frozen(kw_only=True)
class RecorderCase:
    """One type of recorder under test. module: what an entry point of the plugin names."""

    descriptor: RecorderDescriptor
    make: MakeRecorderRig
    module: str

    @contextmanager
    def bench(self) -> Iterator["RecorderBench"]:
        with self.make() as rig:
            expect(len(rig.logs) > 1, "the rig needs two logs or more")
            yield RecorderBench(self, rig)

    def build(self, rig: RecorderRig) -> Any:
        return resolve_name(self.descriptor.factory)(rig.config)

    def content_of(self, *numbers: int) -> object:
        """What a dataset holds to which the logs with these numbers were added, one after the other."""
        with self.bench() as bench:
            bench.add(*numbers)
            return bench.content()


@frozen
class RecorderBench:
    case: RecorderCase
    rig: RecorderRig

    @property
    def logs(self) -> list[Path]:
        return list(self.rig.logs)

    def build(self) -> Any:
        return self.case.build(self.rig)

    def add(self, *numbers: int) -> Any:
        """Add the logs with these numbers with a new recorder, and finish. Returns the recorder."""
        recorder = self.build()
        for number in numbers:
            recorder.add(self.logs[number])
        recorder.finish()
        return recorder

    def content(self) -> object:
        if self.rig.content is not None:
            return self.rig.content()
        logs = {log.parent for log in self.logs}
        return {name: data for name, data in self.files().items() if not logs.intersection((self.rig.folder / name).parents)}

    def files(self) -> dict[Path, bytes]:
        """Path below the folder -> bytes, of every file there is."""
        files = (path for path in self.rig.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.rig.folder): path.read_bytes() for path in files}

    def expect_holds(self, *numbers: int, when: str) -> None:
        """The dataset on disk has the episodes with these numbers, complete and in this order."""
        wanted = [self.rig.logs[self.logs[number]] for number in numbers]
        found = list(self.rig.lengths())
        expect(found == wanted, f"{when}, the episodes on disk have {found} frames, and their logs {wanted}")

    def expect_content(self, wanted: object, when: str) -> None:
        found = self.content()
        if found == wanted:
            return
        where = f" ({_differing(found, wanted)})" if isinstance(found, dict) and isinstance(wanted, dict) else ""
        raise NotConforming(f"{when}, the dataset is another one{where}")


def _differing(found: Mapping[Any, Any], wanted: Mapping[Any, Any]) -> str:
    names = sorted(str(name) for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


@frozen
class Ended:
    """How a process ended that recorded: its status, and what it did to files, as audit events; nothing if it was killed."""

    status: int
    changes: Sequence[str]


@frozen
class OtherProcess:
    """Carries out calls of recorders in processes of their own."""

    orders: IO[str]
    answers: IO[str]

    def call(
        self,
        factory: str,
        config: Any,
        folder: Path,
        calls: Sequence[tuple[str, *tuple[Path, ...]]],
        *,
        kill_at: int | None = None,
        torn: bool = False,
        limit: int | None = None,
    ) -> Ended:
        """kill_at: before which change below `folder` it is killed; torn: in the first write after that. limit: in the write
        that makes a file longer than so many bytes.
        """
        order = {
            "recorder": _pickled(factory, config),
            "folder": str(folder),
            "calls": [[name, *map(str, logs)] for name, *logs in calls],
            "kill_at": kill_at,
            "torn": torn,
            "limit": limit,
        }
        self.orders.write(json.dumps(order) + "\n")
        self.orders.flush()
        answer = self.answers.readline()
        expect(bool(answer), "the recorder cannot be made in another process (its traceback is on stderr)")
        ended = Ended(**json.loads(answer))
        expect(ended.status <= 0, "recording in another process fails (its traceback is on stderr)")
        return ended


def _pickled(factory: str, config: Any) -> str:
    try:
        return b64encode(pickle.dumps((factory, config))).decode()
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise NotExercised(f"the config cannot be handed to another process: {error}") from error


@contextmanager
def other_process() -> Iterator[OtherProcess]:
    if not hasattr(os, "fork"):
        raise NotExercised("this system cannot fork a process to be killed")
    command = [sys.executable, "-c", _WORKER, json.dumps(sys.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        yield OtherProcess(cast(IO[str], worker.stdin), cast(IO[str], worker.stdout))
