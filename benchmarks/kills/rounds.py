"""Sessions one after the other, in each of which something is killed; now and then one that only recovers what it finds."""

import itertools
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from attrs import define, evolve, field, frozen

from benchmarks.collecting import Plan, Sleeper, command, environment, write_policy
from benchmarks.kills.power import SYNCED, Disk
from benchmarks.kills.survivors import Episode, Session, episodes, wrong
from benchmarks.kills.victims import ALL, COMPACTION, POLL_S, RECORDER, SESSION, Victim, end, family, left_over, strike
from benchmarks.load import bury
from benchmarks.results import console
from hilt.ipc.messages import Phase
from hilt_robot_emulated.bench import Bench
from hilt_robot_emulated.settings import View
from hilt_robot_emulated.wire import WireReader

PROCESSES = (SESSION, "rig", "filters", RECORDER, COMPACTION, "cameras", "policy", "observers", ALL)
HOOKED = Path(__file__).with_name("hooked")
"""Belongs on the PYTHONPATH of a session that is to have filters and observers."""
RUNNING_S = 2.5
"""How long an episode lasts: much longer than what of it may be lost."""
DELAYS_S: Mapping[str, float] = {"starting": 1.5, "running": RUNNING_S - 0.1, "saving": 0.06, "compacting": 0.8, "ending": 1.5}
"""Moment -> at most so long after it the kill comes. Starting: from when the process is there; a session takes 2 s to start."""
STOPS, STOPPED_S = 0.4, 1.0
"""The share of kills that begin with a SIGSTOP, and at most how long the process is stopped."""
AGAIN = 0.4
"""How often the start after a kill is killed as well, before anybody has looked at what it recovered."""
KILLS_ON_A_DATASET = 10
CAMERAS = dict.fromkeys(("front", "wrist"), View(width=160, height=120, fps=30.0))

_EPISODES = 3
_SCRIPT = f"""
episode:
  - press: start
  - wait: autonomous
  - sleep: {RUNNING_S}
  - press: success
reset:
  - press: next
"""
_START_S, _END_S, _LEAVE_S, _GO_ON_S, _HOLD_S = 60.0, 60.0, 20.0, 1.0, 1.0
_MOVING = 10
"""Of so many goals before a death at least half differ from the one before: the arm moved."""
_NOISE_NS = 300_000_000
"""How long after a death the control counts."""
_REFUSALS = 5
"""How many starts may fail before this is given up."""
_TAIL = 1500


@frozen
class Blow:
    """Who is killed, how (`kill`, `stop`, `power cut`) and when: `delay_s` after the moment of this episode."""

    process: str
    how: str
    moment: str
    episode: int
    delay_s: float
    stopped_s: float

    def __str__(self) -> str:
        return f"{self.process}, {self.how} while {self.moment}"


@define
class Struck:
    """A blow that hit. lost: what a power cut took. stuck: what had to be ended by force afterwards.

    hold_ms: from the session's death until goals stopped changing; None where it lived, or the arm did not move. noise_ms:
    the latest that the control woke meanwhile.
    """

    blow: Blow
    at_ns: int
    hold_ms: float | None = None
    noise_ms: float = 0.0
    lost: Sequence[str] = ()
    stuck: Sequence[str] = ()
    episodes: list[Episode] = field(factory=list)


@define
class Story:
    """missing: episodes that are not whole although nothing was killed in their session. refused: what sessions said

    that did not come as far as they should. wrong: of datasets as a whole.
    """

    struck: list[Struck] = field(factory=list)
    missing: list[Episode] = field(factory=list)
    refused: list[str] = field(factory=list)
    wrong: list[str] = field(factory=list)


def blows(chance: random.Random) -> Iterator[Blow]:
    """Every process at every moment once, in an order by chance; then all over again."""
    while True:
        deck = list(itertools.product(PROCESSES, DELAYS_S))
        chance.shuffle(deck)
        for process, moment in deck:
            how = "power cut" if process == ALL else "stop" if chance.random() < STOPS else "kill"
            delay_s, stopped_s = chance.uniform(0.0, DELAYS_S[moment]), chance.uniform(0.0, STOPPED_S)
            yield Blow(process, how, moment, chance.randrange(_EPISODES), delay_s, stopped_s)


class Wire:
    """The goals that reach the robot's servos. folder: of the bench."""

    def __init__(self, folder: Path) -> None:
        self._reader = WireReader(folder)
        self._goals: list[tuple[int, Mapping[int, int]]] = []

    def close(self) -> None:
        self._reader.close()

    def look(self) -> None:
        self._goals += [(entry.arrival_ns, entry.goals) for entry in self._reader.drain() if entry.arm == "robot"]

    def forget(self) -> None:
        self._goals.clear()

    def hold_ms(self, death_ns: int) -> float | None:
        """From a death to the last goal that differs from the one before. None if the arm did not move."""
        changes = [at for (_, before), (at, goals) in itertools.pairwise(self._goals) if goals != before]
        last = [at for at, _ in self._goals if at <= death_ns][-_MOVING:]
        if len(last) < _MOVING or len(set(last).intersection(changes)) < _MOVING // 2:
            return None
        return max(0, max(changes) - death_ns) / 1e6


class Rounds:
    """folder: for everything; it lies on a file system that knows hard links."""

    def __init__(self, folder: Path, bench: Bench, sleeper: Sleeper, chance: random.Random) -> None:
        self._folder, self._bench, self._sleeper, self._chance = folder, bench, sleeper, chance
        self._asleep = False
        script = folder / "operator.yaml"
        script.write_text(_SCRIPT)
        self._plan = Plan(episodes=_EPISODES, script=str(script), interpolation=2, seconds=0.02, sway=15.0, cameras=CAMERAS)
        self._policy = write_policy(self._plan, folder / "policy")
        self._wire = Wire(bench.folder)
        self._disks, self._outputs = itertools.count(), itertools.count()
        self._disk = Disk(folder / f"disk-{next(self._disks)}")
        self._unseen: list[tuple[Struck | None, Session]] = []
        self.story = Story()

    def close(self) -> None:
        self._wire.close()
        end(family(self._disk.noted))

    def fight(self, kills: int) -> Story:
        deck = blows(self._chance)
        while (done := len(self.story.struck)) < kills:
            blow = next(deck)
            with console.status(f"kill {done + 1} of {kills}: {blow}"):
                self._round(blow)
                done = len(self.story.struck)
                full = done % KILLS_ON_A_DATASET == 0
                if full or done == kills or self._chance.random() > AGAIN:
                    self._take_stock()
            if full:
                self._change_disk()
        self._add_noise()
        return self.story

    def _start_control(self, members: Mapping[str, int]) -> None:
        """With the scheduler that a rig has got."""
        if "rig" in members and not self._asleep:
            rig, self._asleep = members["rig"], True
            self._sleeper.begin(os.sched_getscheduler(rig), os.sched_getparam(rig).sched_priority, self._plan.period_ns)

    def _add_noise(self) -> None:
        woken = self._sleeper.end() if self._asleep else []
        for struck in self.story.struck:
            near = [woke - due for due, woke in woken if woke >= struck.at_ns and due <= struck.at_ns + _NOISE_NS]
            struck.noise_ms = max(near, default=0) / 1e6

    def _change_disk(self) -> None:
        end(family(self._disk.noted))
        shutil.rmtree(self._disk.noted)
        self._disk = Disk(self._folder / f"disk-{next(self._disks)}")

    @property
    def _root(self) -> Path:
        return self._disk.root / "dataset"

    def launch(self) -> Victim:
        """A session on the present disk; it is for the caller to end."""
        self._wire.forget()
        line = [*command(self._plan, self._bench, self._policy, self._root), "--dataset.resume=true"]
        output = self._folder / f"output-{next(self._outputs)}"
        return Victim(line, {**environment(SYNCED, HOOKED), **self._disk.environment}, output)

    def _round(self, blow: Blow) -> None:
        victim = self.launch()
        struck = None
        try:
            if self._reach(victim, blow):
                struck = self._strike(victim, blow)
            self._let_end(victim, struck)
            self._unseen.append((struck, self._session(victim, struck)))
        finally:
            victim.close()
        if struck is not None:
            self.story.struck.append(struck)

    def _take_stock(self) -> None:
        """A start that only recovers; then everything is compared with what was promised."""
        victim = self.launch()
        try:
            self._come_up(victim, lambda: Phase.READY in victim.promises.phases)
            self._start_control(victim.members())
            self._let_end(victim, None)
            self._unseen.append((None, self._session(victim, None)))
        finally:
            victim.close()
        found = episodes(self._root, [session for _, session in self._unseen])
        for struck, session in self._unseen:
            of_session = [each for each in found if each.session == session.name]
            if struck is None:
                self.story.missing += [each for each in of_session if each.problem]
            else:
                struck.episodes = of_session
        blows = ", then ".join(str(struck.blow) for struck, _ in self._unseen if struck is not None)
        self.story.wrong += [f"after {blows}: {what}" for what in wrong(self._root)]
        self._unseen.clear()

    def _reach(self, victim: Victim, blow: Blow) -> bool:
        """Wait for the moment. False if the session was over before."""
        promises, number = victim.promises, blow.episode
        moments = {
            "starting": lambda: blow.process in (SESSION, ALL) or blow.process in victim.members(),
            "running": lambda: promises.phases.count(Phase.AUTONOMOUS) > number,
            "saving": lambda: len(promises.ended) > number,
            "compacting": lambda: len(promises.saved) > number,
            "ending": lambda: Phase.ENDED in promises.phases,
        }
        if not self._come_up(victim, moments[blow.moment]):
            return False
        due = time.monotonic() + blow.delay_s
        return victim.wait(lambda: time.monotonic() >= due, _START_S, self._wire.look) and not victim.over

    def _come_up(self, victim: Victim, true: Callable[[], bool]) -> bool:
        if victim.wait(true, _START_S, self._wire.look):
            return True
        phase, said = victim.promises.phases[-1:], victim.output.read_text()[-_TAIL:]
        self.story.refused.append(f"exit {victim.process.poll()}, last phase {phase}:\n{said}")
        if len(self.story.refused) > _REFUSALS:
            raise RuntimeError("\n\n".join(["hilt collect does not start:", *self.story.refused]))
        return False

    def _strike(self, victim: Victim, blow: Blow) -> Struck | None:
        """None if there was nothing to hit any more."""
        members = victim.members()
        if blow.process != ALL and blow.process not in members:
            if not members:
                return None
            blow = evolve(blow, process=self._chance.choice(sorted(members)))
        victim.name = self._name_of(victim)
        self._start_control(members)
        pids = family(self._disk.noted) if blow.process == ALL else [members[blow.process]]
        at_ns = time.monotonic_ns()
        strike(pids, signal.SIGSTOP if blow.how == "stop" else signal.SIGKILL)
        victim.freeze(at_ns)
        struck = Struck(blow, at_ns)
        if blow.how == "stop":
            self._watch(victim, blow.stopped_s)
            strike(pids, signal.SIGKILL)
        elif blow.how == "power cut":
            self._go_dark(victim, struck)
        return struck

    def _go_dark(self, victim: Victim, struck: Struck) -> None:
        victim.process.wait()
        end(family(self._disk.noted))
        victim.look()
        if victim.run_folder is not None:
            shutil.rmtree(victim.run_folder, ignore_errors=True)
        struck.lost = self._disk.cut(self._chance)

    def _watch(self, victim: Victim, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            victim.look()
            self._wire.look()
            time.sleep(POLL_S)

    def _let_end(self, victim: Victim, struck: Struck | None) -> None:
        """Whoever lives goes on for a moment, then Ctrl-C; in the end nobody but a rig that holds is left."""
        if struck is not None and struck.blow.process == SESSION:
            self._watch(victim, _HOLD_S)
            if victim.promises.phases[-1:] == [Phase.AUTONOMOUS]:
                struck.hold_ms = self._wire.hold_ms(struck.at_ns)
        elif struck is not None:
            self._watch(victim, self._chance.uniform(0.0, _GO_ON_S))
        if not victim.over:
            strike([victim.pid], signal.SIGINT)
            victim.wait(lambda: victim.over, _END_S, self._wire.look)
        victim.look()
        stuck = [] if victim.over else [SESSION]
        end([] if victim.over else [victim.pid])
        victim.process.wait()
        left: dict[int, str] = {}
        until = time.monotonic() + _LEAVE_S
        while (left := left_over(self._disk.noted)) and time.monotonic() < until:
            time.sleep(POLL_S)
        end(list(left))
        bury()
        if struck is not None:
            struck.stuck = [*stuck, *left.values()]

    def _session(self, victim: Victim, struck: Struck | None) -> Session:
        return Session(victim.name or self._name_of(victim), victim.promises, None if struck is None else struck.at_ns)

    def _name_of(self, victim: Victim) -> str:
        """Of the folder of its logs; "" while there is none."""
        folders = sorted((self._root / "hilt" / "logs").glob(f"*-{victim.pid}"))
        return folders[-1].name if folders else ""
