"""The session's own process: hears the operator, steps the phase machine, tells the others. It drives nothing itself."""

import json
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any

from hilt.cameras import CamerasSetup
from hilt.cameras import run as run_cameras
from hilt.inference.process import PolicySetup, create_chunks
from hilt.inference.process import run as run_policy
from hilt.ipc import messages, rundir
from hilt.ipc.alarms import Alarms
from hilt.ipc.lease import RENEW_S, LeaseHolder
from hilt.ipc.messages import (
    Acknowledge,
    BeginEpisode,
    DiscardLast,
    EndEpisode,
    EventSeen,
    Phase,
    ReleaseTorque,
    SetMode,
    Status,
    Stop,
    Tick,
)
from hilt.ipc.process import ask_for_real_time, leave_real_time
from hilt.ipc.ring import RingReader, RingWriter
from hilt.observers import ObserversSetup
from hilt.observers import run as run_observers
from hilt.recording.process import run as run_recorder
from hilt.recording.setup import RecorderSetup
from hilt.rig.process import RigSetup
from hilt.rig.process import run as run_rig
from hilt.session.console import SAVING, EpisodeLine, Screen
from hilt.session.crew import Crew, relieve_orphans
from hilt.session.operator import POLL_S, Operator
from hilt.session.phases import RUNNING, Event, State, step
from hilt.session.plan import Plan
from hilt_hooks import HiltError, SafetyStop

RT_PRIORITY = 5
"""Of this process, where the system allows it: below the rig, above everything that computes."""

FAULT_AGAIN_S = 0.2
"""After an acknowledgement, how long faults that are still on their way do not count."""


TOUCH_TICKS = 3
"""For how many ticks a mirroring leader must be away from its target to count as taken hold of."""


KEEPS = frozenset({Event.SUCCESS, Event.FAILURE, Event.SAVE})


class Session:
    def __init__(self, plan: Plan, screen: Screen) -> None:
        self._plan, self._screen = plan, screen
        self.run_dir = rundir.create()
        self._lease = LeaseHolder(self.run_dir / rundir.LEASE)
        self._ring = RingWriter(self.run_dir / rundir.SESSION, slot_bytes=4096, slots=512)
        self._crew = Crew(self.run_dir, self._tend)
        self._operator = Operator(plan.inputs)
        self._state = State(policy=plan.policy is not None, wanted=plan.episodes)
        self._ticks: RingReader | None = None
        self._frames = 0
        self._began_s = self._entered_s = 0.0
        self._reminded = False
        self._acknowledged_s = 0.0
        self._warned = False
        self._away = 0
        self._alarms = Alarms()
        self._interrupted = self._closing = self._lost = False
        self._missing: dict[str, str] = {}
        self.lines: list[EpisodeLine] = []
        self.facts: dict[str, str] = {}

    def run(self) -> State:
        """From the first process to the last. Whatever happens, the arm holds and what is recorded is kept."""
        before = {number: signal.signal(number, self._interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            self._start()
            self._loop()
        finally:
            self._close()
            for number, handler in before.items():
                signal.signal(number, handler)
        return self._state

    def _interrupt(self, *_: object) -> None:
        self._interrupted = True

    def _tend(self) -> None:
        """While others are waited for. Raises KeyboardInterrupt for one that came before anything could move."""
        self._lease.renew()
        if self._interrupted and not self._closing:
            raise KeyboardInterrupt

    def _start(self) -> None:
        """Everything that can fail without moving the arm comes first; the rig is last."""
        plan, crew = self._plan, self._crew
        self._operator.connect()
        if plan.logs is not None:
            factory, config = plan.recorder or (None, None)
            setup = RecorderSetup(
                run_dir=self.run_dir, header=plan.header, logs=plan.logs, recorder_factory=factory, recorder_config=config
            )
            crew.start("recorder", run_recorder, setup)
        if plan.cameras:
            crew.start("cameras", run_cameras, CamerasSetup(run_dir=self.run_dir, cameras=plan.cameras))
        if plan.policy is not None:
            crew.start("policy", run_policy, self._policy_setup())
        else:
            create_chunks(self.run_dir).close()
        self._screen.say(f"starting {', '.join(crew.members)} ...", "dim")
        for name, member in list(crew.members.items()):
            crew.wait_ready(member, frozenset(plan.cameras) if name == "cameras" else None)
        if plan.observed:
            observed = ObserversSetup(run_dir=self.run_dir, session=plan.name, recorded=plan.logs is not None)
            crew.start("observers", run_observers, observed)
        for pid in relieve_orphans(rundir.addresses({name: plan.station[name] for name in ("robot", "teleop")})):
            self._screen.say(f"took the arm over from process {pid}, whose session is gone", "yellow")
        self._start_rig()

    def _start_rig(self) -> None:
        plan = self._plan
        setup = RigSetup(
            run_dir=self.run_dir,
            station=plan.station,
            fps=plan.header.fps,
            interpolation=plan.interpolation,
            handover=plan.handover,
        )
        statuses = self._crew.wait_ready(self._crew.start("rig", run_rig, setup))
        self._ticks = RingReader(self.run_dir / rundir.TICK)
        if plan.leader_mirrors:
            self._screen.say("The leader now comes to where the robot is, slowly and softly, and then follows it.", "dim")
        ask_for_real_time(RT_PRIORITY)
        if not any(status.detail == "real-time" for status in statuses):
            self._screen.say("note: no real-time priority (it needs CAP_SYS_NICE); commands may be some ms late", "dim")

    def _policy_setup(self) -> PolicySetup:
        plan, policy = self._plan, self._plan.policy
        if policy is None:
            raise ValueError("a session without a policy needs no policy process")
        return PolicySetup(
            run_dir=self.run_dir,
            type=policy.type,
            config=policy.runtime,
            path=policy.path,
            threshold=policy.threshold,
            state=tuple(plan.header.state_names),
            actions=tuple(plan.header.action_names),
            cameras=tuple(plan.cameras),
            task=plan.task,
        )

    def _loop(self) -> None:
        self._screen.controls(self._plan.inputs)
        self._enter(self._state, Event.NEXT, "")
        while self._state.phase != Phase.ENDED:
            self._lease.renew()
            self._operator.wait(min(POLL_S, RENEW_S / 2))
            for event, device in self._operator.events(lambda: self._state.phase):
                self._happen(event, device)
            self._watch_inputs()
            self._watch_ticks()
            self._watch_crew()
            if self._state.phase in (Phase.SAVED, Phase.DISCARDED):
                self._happen(Event.CLOSED)
            if self._interrupted:
                self._happen(Event.STOP, "signal")

    def _happen(self, event: Event, device: str = "") -> None:
        if event in KEEPS and self._state.open and self._plan.logs is not None and not self._frames:
            self._screen.say("nothing was recorded yet; the episode is discarded", "yellow")
            event = Event.RERECORD
        before, after = self._state, step(self._state, event)
        if self._missing and (event == Event.START or Phase.AUTONOMOUS == after.phase != before.phase):
            self._screen.alarm(f"not now: {'; '.join(self._missing.values())}")
            after = step(before, Event.PAUSE)  # where a held key was let go, nobody would drive
        if after is before:
            return
        if event == Event.ACKNOWLEDGE:
            self._acknowledged_s = time.monotonic()
            self._tell(Acknowledge())
        self._state = after
        if after.open and not before.open:
            self._frames, self._warned, self._began_s = 0, False, time.monotonic()
            self.lines.append(EpisodeLine(after.episode, "running", 0, 0, None))
            self._tell(BeginEpisode(episode=after.episode, task=self._plan.task))
        self._enter(before, event, device)
        if before.open and not after.open:
            self._end_episode(after)
        if event == Event.DISCARD_LAST and before.last_saved is not None:
            self._take_back(before.last_saved)

    def _enter(self, before: State, event: Event, device: str) -> None:
        state = self._state
        if state.phase != before.phase:
            self._entered_s, self._reminded = time.monotonic(), False
        seen = EventSeen(time_ns=time.monotonic_ns(), event=event.value, device=device, old=before.phase, new=state.phase)
        self._tell(seen)
        self._tell(
            SetMode(
                phase=state.phase,
                source=state.source,
                segment=state.segment,
                episode=state.episode,
                epoch=state.epoch,
                recorded=state.recorded and self._plan.logs is not None,
            )
        )
        if state.phase == Phase.HUMAN and before.phase != Phase.HUMAN and self.lines and state.policy:
            self.lines[-1].interventions += 1
        self._operator.show(state.phase, state.episode)
        self._screen.phase(state, event, device, self._plan.inputs)

    def _end_episode(self, state: State) -> None:
        saved = state.phase != Phase.DISCARDED
        self._tell(EndEpisode(episode=self.lines[-1].episode, saved=saved, success=state.success))
        line = self.lines[-1]
        line.outcome, line.success = (SAVING if saved else "discarded"), state.success

    def _take_back(self, episode: int) -> None:
        self._tell(DiscardLast(episode=episode))
        for line in self.lines:
            if line.episode == episode:
                line.outcome = "taken back"

    def _tell(self, message: messages.AnyMessage) -> None:
        self._ring.write(messages.encode(message))

    def _watch_inputs(self) -> None:
        while self._operator.news:
            self._screen.alarm(self._operator.news.pop(0))
        waiting = self._state.phase == Phase.RESET and time.monotonic() - self._entered_s > self._plan.reset_time_s
        if waiting and not self._reminded:
            self._reminded = True
            self._screen.alarm("the time for the reset is over; the next episode waits until you say that the scene is ready")

    def _watch_ticks(self) -> None:
        if self._ticks is None:
            return
        for packed in self._ticks.drain():
            tick = messages.decode(packed)
            if isinstance(tick, Tick):
                self._heed(tick)

    def _heed(self, tick: Tick) -> None:
        if tick.frame >= 0:
            self._count(tick)
        for text in self._alarms.new(tick):
            self._screen.alarm(text)
        if self._touched(tick):
            self._happen(Event.TAKEOVER, "leader")
        if tick.fault and self._state.phase != Phase.FAULT and time.monotonic() - self._acknowledged_s > FAULT_AGAIN_S:
            self._happen(Event.LEASE_LOST if "session" in tick.fault else Event.DEVICE_LOST, "rig")
        if self._state.phase in RUNNING and self._elapsed_s() >= self._plan.episode_time_s:
            self._time_is_up()

    def _touched(self, tick: Tick) -> bool:
        """Whether a hand has moved the mirroring leader away from where it was told to be, for some ticks."""
        limit = self._plan.config.handover.touch
        told = tick.leader_sent if tick.leader_fresh and self._state.phase == Phase.AUTONOMOUS else None
        if limit is None or tick.leader is None or told is None:
            self._away = 0
            return False
        apart = max(abs(at - wanted) for at, wanted in zip(tick.leader, told, strict=True))
        self._away = self._away + 1 if apart > limit else 0
        return self._away >= TOUCH_TICKS

    def _count(self, tick: Tick) -> None:
        for line in self.lines:
            if line.episode == tick.episode:
                line.frames = tick.frame + 1
        if tick.episode == self._state.episode and self._state.open:
            self._frames = tick.frame + 1

    def _elapsed_s(self) -> float:
        """Recorded time of the episode; where nothing is recorded, time since it began."""
        if self._plan.logs is None:
            return time.monotonic() - self._began_s
        return self._frames / self._plan.header.fps

    def _time_is_up(self) -> None:
        if self._state.phase == Phase.HUMAN and self._state.policy and not self._warned:
            self._warned = True
            self._screen.alarm("the episode's time is up; it ends when you hand back or end it")
        self._happen(Event.TIMEOUT)

    def _watch_crew(self) -> None:
        for name, status in self._crew.statuses():
            self._hear(name, status)

    def _hear(self, name: str, status: Status) -> None:
        """Show what a process says, and do what follows from it."""
        if status.state == "done":
            self.facts.update(_facts(json.loads(status.detail or "{}")))
            return
        self._screen.status(status, important=name != "observers")
        if name == "recorder":
            self._settle(status)
        elif name == "rig" and status.device == "robot":
            self._lost = status.state == "lost"
        if status.state == "lost" and name == "cameras":
            self._miss(status.device, f"{status.device} is lost")
        elif status.state == "back":
            self._missing.pop(status.device, None)
        elif status.state == "died" and name == "rig":
            raise SafetyStop("the rig ended; motors keep what they were last told. Start again to take the arm over.")
        elif status.state == "died" and name == "recorder":
            raise HiltError("the recorder ended; what it had written is kept, and recovered when the next session starts")
        elif status.state == "died" and name != "observers":
            self._miss(name, f"{status.detail}; end the episode and start again")

    def _miss(self, device: str, what: str) -> None:
        """Without it, the policy does not drive and no episode starts."""
        self._missing[device] = what
        self._happen(Event.PAUSE, device)

    def _asks(self) -> bool:
        """Whether there is somebody who can say that the arm may fall limp, and an arm that would hear it."""
        person = sys.stdin.isatty() and not self._interrupted and any(not each.scripted for each in self._plan.inputs)
        return person and self._state.phase == Phase.ENDED and self._crew.has("rig") and not self._lost

    def _settle(self, status: Status) -> None:
        """What the recorder says of an episode is what the summary says."""
        for line in self.lines:
            if line.episode == status.episode and line.outcome == SAVING:
                line.outcome = {"saved": "saved", "discarded": "empty"}.get(status.state, SAVING)

    def _close(self) -> None:
        """Stop everybody; wait for the dataset; leave the arm holding unless the operator lets it go."""
        self._closing = True
        if self._state.open:
            self._happen(Event.STOP)
        asks = self._asks()
        if not asks:
            self._tell(Stop())
        self._operator.disconnect()
        if asks and self._screen.ask("Release the torque? The arm will drop. [y/N] "):
            self._tell(ReleaseTorque())
        elif self._lost:
            self._screen.alarm("the robot does not answer: what it does is unknown; if in doubt, cut its power")
        elif self._ticks is not None and not asks:
            self._screen.say("torque stays on; a session that is ended in a terminal asks whether to release it", "dim")
        if asks:
            self._tell(Stop())
        leave_real_time()
        if self._crew.has("recorder") and self._ticks is not None:
            self._screen.say("writing the dataset ...", "dim")
            self._crew.join("recorder", timeout_s=600)
        self._crew.end()
        for name, status in self._crew.statuses():
            if status.state != "died":
                self._hear(name, status)
        shutil.rmtree(self.run_dir, ignore_errors=True)


def _facts(summary: Mapping[str, Any]) -> dict[str, str]:
    """What a recorder says of its dataset, as lines; what is empty is left out."""
    words = {
        key: ", ".join(map(str, value)) if isinstance(value, list) else str(value) for key, value in summary.items() if value
    }
    return {key.replace("_", " "): text for key, text in words.items()}
