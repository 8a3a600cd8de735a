"""The real process, with plugins that are really installed and write down what they are told."""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from attrs import define, field
from waiting import PATIENCE_S, soon

from hilt.ipc.messages import EndEpisode, EventSeen, Message, Phase, Segment, SetMode, Source, Status, Stop, decode, encode
from hilt.ipc.process import Mailbox
from hilt.ipc.ring import RingReader, RingWriter
from hilt.ipc.rundir import SESSION, status_ring
from hilt.kernel import Registry
from hilt.observers import ObserversSetup, run
from hilt.observers.process import NICENESS
from hilt.recording.status import RECORDER

Install = Callable[[str, str], Path]

DIARY = """
from pathlib import Path
from hilt_hooks import hookimpl

def write(line):
    with open(Path(__file__).with_name("diary"), "a") as file:
        file.write(line + "\\n")

@hookimpl
def hilt_session_started(session):
    write(f"started {session}")

@hookimpl
def hilt_session_ended(session):
    write(f"ended {session}")

@hookimpl
def hilt_phase_changed(new, episode):
    write(f"phase {episode} {new}")

@hookimpl
def hilt_episode_saved(episode, log, success):
    write(f"saved {episode} {log.name} {success}")
"""

RAISES = """
from hilt_hooks import hookimpl

@hookimpl
def hilt_phase_changed():
    {}
"""

HANGS = """
import time
from pathlib import Path
from hilt_hooks import hookimpl

@hookimpl
def hilt_phase_changed():
    while not Path(__file__).with_name("enough").exists():
        time.sleep(0.005)
    with Path(__file__).with_name("called").open("a") as file:
        file.write(".")
"""

SESSION_PROCESS = """
import multiprocessing, sys
from pathlib import Path
from hilt.observers import ObserversSetup, run
if __name__ == "__main__":
    setup = ObserversSetup(run_dir=Path(sys.argv[1]), session="today", recorded=True)
    process = multiprocessing.get_context("spawn").Process(target=run, args=(setup,))
    process.start()
    process.join()
"""


@define
class Session:
    """What a session and its recorder are to the observers."""

    run_dir: Path
    ring: RingWriter
    recorder: Mailbox
    process: BaseProcess | None = None
    _statuses: RingReader | None = None
    _heard: list[Status] = field(factory=list)

    def start(self, *, recorded: bool = True) -> BaseProcess:
        setup = ObserversSetup(run_dir=self.run_dir, session="today", recorded=recorded)
        self.process = multiprocessing.get_context("spawn").Process(target=run, args=(setup,))
        self.process.start()
        return self.process

    def tell(self, *messages: Message) -> None:
        for message in messages:
            self.ring.write(encode(message))

    def enter(self, new: Phase, episode: int = 0, old: Phase = Phase.PAUSED) -> None:
        self.tell(
            EventSeen(time_ns=0, event="an event", device="", old=old, new=new),
            SetMode(phase=new, source=Source.HOLD, segment=Segment.AUTONOMOUS, episode=episode, epoch=0, recorded=False),
        )

    def record(self, state: str, episode: int = -1) -> None:
        self.recorder.say(Status(device=RECORDER, state=state, episode=episode, detail=f"/logs/{episode}.mcap"))

    def statuses(self) -> list[Status]:
        if self._statuses is None:
            path = self.run_dir / status_ring("observers")
            self._statuses = soon(lambda: RingReader(path, after=0) if path.exists() else None)
        self._heard += [status for status in map(decode, self._statuses.drain()) if isinstance(status, Status)]
        return self._heard

    def wait_for(self, device: str, state: str) -> Status:
        return soon(lambda: next((each for each in self.statuses() if (each.device, each.state) == (device, state)), None))

    def ends(self) -> None:
        assert self.process is not None
        self.process.join(PATIENCE_S)
        assert self.process.exitcode == 0


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    running = Session(tmp_path, RingWriter(tmp_path / SESSION, slot_bytes=4096, slots=512), Mailbox(tmp_path, RECORDER))
    yield running
    if running.process is not None:
        running.process.kill()
        running.process.join()


def read(folder: Path) -> list[str]:
    diary = folder / "diary"
    return diary.read_text().splitlines() if diary.exists() else []


def wait_for_line(folder: Path, line: str) -> None:
    soon(lambda: True if line in read(folder) else None)


def test_hooks_follow_a_session_to_its_end(install: Install, session: Session) -> None:
    diary = install("diary", DIARY)
    session.enter(Phase.HUMAN)
    process = session.start()
    session.wait_for("observers", "ready")
    assert process.pid is not None
    assert os.getpriority(os.PRIO_PROCESS, process.pid) == min(os.getpriority(os.PRIO_PROCESS, 0) + NICENESS, 19)
    wait_for_line(diary, "phase 0 human")
    session.tell(EndEpisode(episode=0, saved=True, success=True), Stop())
    session.record("saved", episode=0)
    session.record("done")
    session.ends()
    assert read(diary) == ["started today", "phase 0 human", "saved 0 0.mcap True", "ended today"]
    assert [status.state for status in session.statuses()] == ["ready"]


def test_a_session_that_records_nothing_ends_at_its_stop(install: Install, session: Session) -> None:
    diary = install("diary", DIARY)
    session.enter(Phase.HUMAN)
    session.tell(Stop())
    session.start(recorded=False)
    session.ends()
    assert read(diary) == ["started today", "phase 0 human", "ended today"]


@pytest.mark.parametrize(
    ("body", "error"),
    [("1 / 0", "ZeroDivisionError: division by zero"), ("raise SystemExit(3)", "SystemExit: 3")],
    ids=["raises", "exits"],
)
def test_one_that_raises_is_named_once_and_the_others_are_called(
    install: Install, session: Session, body: str, error: str
) -> None:
    diary = install("diary", DIARY)
    install("clumsy", RAISES.format(body))
    session.start()
    session.enter(Phase.HUMAN)
    named = session.wait_for("clumsy (hilt-test-clumsy)", "failed")
    assert named.detail == f"hilt_phase_changed raised {error}"
    session.enter(Phase.AUTONOMOUS)
    wait_for_line(diary, "phase 0 autonomous")
    session.tell(Stop())
    session.record("done")
    session.ends()
    assert read(diary) == ["started today", "phase 0 human", "phase 0 autonomous", "ended today"]
    assert [status.device for status in session.statuses() if status.state == "failed"] == ["clumsy (hilt-test-clumsy)"]


def test_one_that_hangs_misses_nothing_and_delays_no_other(install: Install, session: Session) -> None:
    slow, diary = install("slow", HANGS), install("diary", DIARY)
    session.start()
    for number in range(100):
        session.enter(Phase.HUMAN, episode=number)
    wait_for_line(diary, "phase 99 human")
    assert not (slow / "called").exists()
    (slow / "enough").touch()
    soon(lambda: True if (slow / "called").exists() and (slow / "called").stat().st_size == 100 else None)
    assert read(diary) == ["started today", *(f"phase {number} human" for number in range(100))]


def test_one_that_takes_long_is_named_while_it_runs(install: Install, session: Session) -> None:
    install("slow", HANGS)
    session.start()
    session.enter(Phase.HUMAN)
    named = session.wait_for("slow (hilt-test-slow)", "failed")
    assert named.detail == "hilt_phase_changed has been running for 5 s; its later calls wait"


def test_one_that_never_comes_back_does_not_keep_the_process(install: Install, session: Session) -> None:
    install("slow", HANGS)
    session.start()
    session.enter(Phase.HUMAN)
    session.enter(Phase.PAUSED, old=Phase.HUMAN)
    session.tell(Stop())
    session.record("done")
    session.ends()
    said = session.wait_for("slow (hilt-test-slow)", "failed").detail
    assert said == "hilt_phase_changed has not come back; 2 later calls are not made"


def test_ctrl_c_is_left_to_the_session_and_termination_is_an_end(install: Install, session: Session) -> None:
    diary = install("diary", DIARY)
    process = session.start()
    session.enter(Phase.HUMAN)
    wait_for_line(diary, "phase 0 human")
    assert process.pid is not None
    os.kill(process.pid, signal.SIGINT)
    session.enter(Phase.AUTONOMOUS)
    wait_for_line(diary, "phase 0 autonomous")
    os.kill(process.pid, signal.SIGTERM)
    session.ends()
    assert read(diary)[-1] == "ended today"


def test_it_ends_when_its_session_dies(install: Install, session: Session, tmp_path: Path) -> None:
    diary = install("diary", DIARY)
    session.enter(Phase.HUMAN)
    script = tmp_path / "session.py"
    script.write_text(SESSION_PROCESS)
    environment = os.environ | {"PYTHONPATH": str(diary)}
    with subprocess.Popen([sys.executable, script, tmp_path], env=environment) as parent:
        wait_for_line(diary, "phase 0 human")
        parent.kill()
    wait_for_line(diary, "ended today")


def test_a_session_without_hooks_has_nobody_to_tell(install: Install) -> None:
    assert Registry.discover(path=[]).followers() == ()
    path = [str(install("diary", DIARY)), str(install("slow", HANGS))]
    assert Registry.discover(path=path).followers() == ("diary (hilt-test-diary)", "slow (hilt-test-slow)")
