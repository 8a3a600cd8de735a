"""The process of the scripted operator: hears phases on stdin, presses keys on stdout, moves the hand on the bench.

Run as `python -m hilt_robot_emulated.player BENCH SCRIPT`. A process of its own, because planning a push takes longer
than the loop that handles events may wait. It ends when its stdin is closed.
"""

import json
import os
import select
import sys
import time
from collections.abc import Callable, Mapping

from hilt_hooks import HiltError
from hilt_robot_emulated.bench import BenchClient
from hilt_robot_emulated.expert import FAST, Expert
from hilt_robot_emulated.script import Script, Step, load_script
from hilt_robot_emulated.waypoint import Waypoint

PHASE_LIMIT_S = 120.0
_LOOK_S = 0.05
_ARRIVE_S = 5.0
_ARRIVED = 4.0
"""How far, in degrees or percent, the robot may be behind the leader when a move counts as done."""
_SETTLE_S = 0.4
_ATTEMPTS = 3
_OVER = ("saved", "discarded", "reset", "ready")


class EpisodeOver(Exception):
    """The session went on: the rest of the steps no longer applies."""


class Wrong(Exception):
    """Something did not come as the script expects it."""


class SessionEnded(Exception):
    """The session is over, or gone."""


class Ears:
    """The phases that the session tells, one JSON object a line on stdin."""

    def __init__(self) -> None:
        self.phase = ""
        self._buffer = b""

    def listen(self, seconds: float) -> None:
        """Take in phases for up to `seconds`; returns at the first change. Raises SessionEnded."""
        readable, _, _ = select.select([sys.stdin], [], [], max(0.0, seconds))
        if not readable:
            return
        data = os.read(sys.stdin.fileno(), 4096)
        if not data:
            raise SessionEnded
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self.phase = json.loads(line)["phase"]
        if self.phase == "ended":
            raise SessionEnded

    def wait_for_close(self) -> None:
        """Stay until the session closes stdin: an operator that leaves earlier looks like one that was lost."""
        while os.read(sys.stdin.fileno(), 4096):
            pass


class Operator:
    """Plays a script, episode after episode, until the session ends."""

    def __init__(self, bench: BenchClient, script: Script, ears: Ears) -> None:
        self._bench, self._script, self._ears = bench, script, ears
        self._expert = Expert()
        self._verbs: Mapping[str, Callable[[Step], None]] = {
            "hand": self._move_hand,
            "press": lambda step: self._press(step.value, step.extra or 0.0),
            "wait": lambda step: self._wait_for((step.value,), step.extra or PHASE_LIMIT_S, self._look),
            "sleep": lambda step: self._pass(step.value),
            "judge": lambda step: self._press("success" if self._bench.state()["success"] else "failure"),
            "cube": lambda step: self._reset_cube(),
        }
        self._hand: Mapping[str, Callable[[], None]] = {
            "align": self._align,
            "hold": self._bench.hand.hold,
            "home": self._home,
            "release": self._bench.hand.release,
        }

    def play(self) -> None:
        """Raises SessionEnded at the end, Wrong when the session does not do what the script expects."""
        while True:
            self._wait_for(("ready",), PHASE_LIMIT_S, self._listen)
            self._steps(self._script.episode)
            self._wait_for(("reset", "ready"), PHASE_LIMIT_S, self._listen)
            if self._ears.phase == "reset":
                self._steps(self._script.reset)

    def _steps(self, steps: tuple[Step, ...]) -> None:
        try:
            for step in steps:
                self._verbs[step.verb](step)
        except EpisodeOver:
            return

    def _listen(self, seconds: float) -> None:
        self._ears.listen(seconds)
        if self._ears.phase == "fault":
            raise Wrong("the session reports a fault")

    def _look(self, seconds: float) -> None:
        """As `_listen`, in the middle of steps: raises EpisodeOver when they no longer apply."""
        before = self._ears.phase
        self._listen(seconds)
        if self._ears.phase != before and self._ears.phase in _OVER:
            raise EpisodeOver

    def _pass(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._look(left)

    def _wait_for(self, phases: tuple[str, ...], limit_s: float, listen: Callable[[float], None]) -> None:
        end = time.monotonic() + limit_s
        while self._ears.phase not in phases:
            left = end - time.monotonic()
            if left <= 0:
                phase = self._ears.phase or "no phase"
                raise Wrong(f"waited {limit_s:g} s for {' or '.join(phases)}, but the session is in {phase}")
            listen(left)

    def _press(self, control: str, hold_s: float = 0.0) -> None:
        _send(control, "press")
        if hold_s:
            self._pass(hold_s)
        _send(control, "release")

    def _move_hand(self, step: Step) -> None:
        if step.value == "push":
            self._push(step.extra)
        else:
            self._hand[step.value]()

    def _align(self) -> None:
        self._follow([Waypoint(self._bench.state()["robot"], FAST)])

    def _home(self) -> None:
        self._follow(self._expert.home(self._bench.state()["leader"]))
        self._arrive()

    def _push(self, halfway: str | None) -> None:
        """Push until the cube is at the goal, or the attempts are used up."""
        for _ in range(_ATTEMPTS):
            state = self._bench.state()
            if state["success"]:
                break
            path = self._expert.push(state)
            half = len(path) // 2
            self._follow(path[:half])
            if halfway:
                self._press(halfway)
                halfway = None
            self._follow(path[half:])
            self._pass(_SETTLE_S)

    def _follow(self, path: list[Waypoint]) -> None:
        self._bench.hand.move(path)
        while self._bench.hand.moving:
            self._look(_LOOK_S)

    def _arrive(self) -> None:
        """Until the robot is where the leader is; one that does not follow in this phase is left where it is."""
        end = time.monotonic() + _ARRIVE_S
        while time.monotonic() < end:
            state = self._bench.state()
            if max(abs(state["robot"][name] - value) for name, value in state["leader"].items()) < _ARRIVED:
                return
            self._look(_LOOK_S)

    def _reset_cube(self) -> None:
        self._bench.command("reset")


def _send(control: str, edge: str) -> None:
    sys.stdout.write(json.dumps({"control": control, "edge": edge, "time_ns": time.monotonic_ns()}) + "\n")
    sys.stdout.flush()


def main() -> None:
    folder, script = sys.argv[1:]
    ears = Ears()
    try:
        Operator(BenchClient.find(folder), load_script(script), ears).play()
    except SessionEnded:
        pass
    except (Wrong, HiltError) as error:
        sys.stderr.write(f"the scripted operator stops the session: {error}\n")
        _send("stop", "press")
        _send("stop", "release")
    ears.wait_for_close()


if __name__ == "__main__":
    main()
