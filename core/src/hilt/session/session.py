"""The session's own process: hears the operator, steps the phase machine, tells the others. It drives nothing itself."""

import json
import shutil
import signal
import time
from collections.abc import Collection, Mapping
from typing import Any

from msgspec import structs

from hilt.inference.process import create_chunks
from hilt.ipc import messages, rundir
from hilt.ipc.alarms import Alarms
from hilt.ipc.lease import RENEW_S, LeaseHolder
from hilt.ipc.messages import (
    SESSION_SILENT,
    Acknowledge,
    BeginEpisode,
    DiscardLast,
    EndEpisode,
    EventSeen,
    Outcome,
    Phase,
    ReleaseTorque,
    SetMode,
    Source,
    Status,
    StatusState,
    Stop,
    Tick,
)
from hilt.ipc.process import ask_for_real_time, leave_real_time
from hilt.ipc.ring import RingReader, RingWriter
from hilt.recording.status import RECORDER
from hilt.replay.following import Following
from hilt.replay.recording import Recording, way_to_start
from hilt.session import duties
from hilt.session.console import UNRECORDED, Screen
from hilt.session.crew import Crew, relieve_orphans
from hilt.session.episodes import EMPTY, Episodes
from hilt.session.missing import BACK, GONE, Missing
from hilt.session.operator import POLL_S, Operator
from hilt.session.phases import RUNNING, Event, State, step, uncounted
from hilt.session.plan import Plan
from hilt.session.watch import STARVES_S, Starvation, Touch
from hilt.terminal import has_somebody
from hilt_hooks import SafetyStop

RT_PRIORITY = 5
"""Of this process, where the system allows it: below the rig, above everything that computes."""

RELEASED_S = 3.0
"""For how long the rig may take to release the torque."""

DATASET_S = 600.0
"""For how long the dataset is waited for at the end."""

HELD = "the torque stays on. To release it: start a session with this arm, end it with the key for stop, and say y"

KEEPS = frozenset({Event.SUCCESS, Event.FAILURE, Event.SAVE, Event.TIMEOUT, Event.RECORDER_LOST, Event.STOP})
"""What ends an episode that is kept, if there is anything of it."""

NEEDED = frozenset({RECORDER, "cameras", "policy", "replay"})
"""Processes without which the policy does not drive and no episode starts."""


class Session:
    def __init__(self, plan: Plan, screen: Screen) -> None:
        self._plan, self._screen = plan, screen
        self.run_dir = rundir.create()
        self._lease = LeaseHolder(self.run_dir / rundir.LEASE)
        self._ring = RingWriter(self.run_dir / rundir.SESSION, slot_bytes=4096, slots=512)
        self._crew = Crew(self.run_dir, self._lease.renew, self._tend)
        self._operator = Operator(plan.inputs)
        self._state = State(
            policy=plan.policy is not None or plan.replay is not None,
            wanted=plan.wanted.episodes,
            drives=Source.POLICY if plan.replay is None else Source.REPLAY,
        )
        self._ticks: RingReader | None = None
        self._began_s = self._entered_s = 0.0
        self._reminded = False
        self._warned = False
        self._starvation, self._touch = Starvation(), Touch(plan.config.handover.touch)
        self._alarms = Alarms()
        self._interrupted = self._closing = False
        self._missing = Missing()
        self._done = self._released = False
        if not plan.header.leader_names:
            self._missing.without_leader()
        self._measured: list[float] = []
        self.following = Following(plan.header.action_names, plan.header.state_names, plan.header.fps)
        self.episodes = Episodes()
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
        """While others are waited for. Raises KeyboardInterrupt for somebody who does not want to wait."""
        self._lease.renew()
        if not self._closing:
            self._hear_early()
        if self._interrupted:
            raise KeyboardInterrupt

    def _hear_early(self) -> None:
        """Before the session is ready only a stop counts: whoever presses a key sees what it does to the arm."""
        for event, device in self._operator.events(lambda: Phase.READY):
            if event in (Event.STOP, Event.INPUT_LOST):
                self._interrupted = True
            else:
                self._screen.say(f"not yet: {event.value} ({device}) counts once the session is ready", "yellow")
        self._tell_news()

    def _start(self) -> None:
        """Everything that can fail without moving the arm comes first; the rig is last."""
        plan, crew = self._plan, self._crew
        self._operator.connect()
        create_chunks(self.run_dir).close()
        first = duties.before_the_rig(plan, self.run_dir, self._succession)
        for name, duty in first.items():
            crew.start(name, duty)
        if first:
            self._screen.say(f"starting {', '.join(first)} ...", "dim")
        self._await({name: plan.cameras if name == "cameras" else () for name in first})
        if plan.observed:
            crew.start("observers", duties.observers(plan, self.run_dir))
        if plan.viewers:
            crew.start("viewers", duties.viewers(plan, self.run_dir))
        for pid in relieve_orphans(rundir.addresses({name: plan.station[name] for name in ("robot", "teleop")})):
            self._screen.say(f"took the arm over from process {pid}, whose session is gone", "yellow")
        self._start_rig()

    def _start_rig(self) -> None:
        self._crew.start("rig", duties.rig(self._plan, self.run_dir))
        statuses = self._await({"rig": ()})
        self._ticks = RingReader(self.run_dir / rundir.TICK)
        if self._plan.leader_mirrors:
            self._screen.say("The leader now comes to where the robot is, slowly and softly, and then follows it.", "dim")
        ask_for_real_time(RT_PRIORITY)
        if not any(status.detail == "real-time" for status in statuses):
            self._screen.say("note: no real-time priority (it needs CAP_SYS_NICE); commands may be some ms late", "dim")

    def _await(self, devices: dict[str, Collection[str]]) -> list[Status]:
        """Until these are ready. What was ready first may be lost again before the last one is: that counts, too."""
        said = self._crew.wait_ready(devices)
        for name, status in said:
            self._hear(name, status)
        return [status for _, status in said]

    def _succession(self) -> tuple[int, Mapping[int, Outcome]]:
        return self._ring.written, self.episodes.unsettled()

    def _loop(self) -> None:
        self._screen.controls(self._plan.inputs)
        self._tend()
        self._enter(self._state, Event.NEXT, "")
        self._show(self._state, Event.NEXT, "")
        while self._state.phase != Phase.ENDED:
            self._lease.renew()
            self._operator.wait(min(POLL_S, RENEW_S / 2))
            self._watch_ticks()
            for event, device in self._operator.events(lambda: self._state.phase):
                self._tell_news()
                self._happen(event, device)
            self._tell_news()
            if self._interrupted or self._screen.unread:
                self._happen(Event.STOP, "signal" if self._interrupted else "nobody reads this")
            self._watch_reset()
            self._watch_crew()
            if self._state.phase in (Phase.SAVED, Phase.DISCARDED):
                self._happen(Event.CLOSED)

    def _happen(self, event: Event, device: str = "") -> None:
        if event in KEEPS and self._is_empty():
            self._screen.say("nothing was recorded yet; the episode is discarded", "yellow")
            self._step(Event.EMPTY, "")
        self._step(event, device)

    def _is_empty(self) -> bool:
        """Whether an episode is open of which there is no frame, although it is recorded."""
        return self._state.open and self._plan.wanted.logs is not None and not self.episodes.frames

    def _step(self, event: Event, device: str) -> None:
        before, after = self._state, self._permitted(event)
        if after is before:
            return
        self._state = after
        if event == Event.ACKNOWLEDGE:
            self._tell(Acknowledge())
        if after.open and not before.open:
            self._begin_episode()
        self._enter(before, event, device)
        if before.open and not after.open:
            self._end_episode()
        if event == Event.DISCARD_LAST and before.last_saved is not None:
            self._take_back(before.last_saved)
        self._show(before, event, device)

    def _permitted(self, event: Event) -> State:
        """The state after an event, unless it has to wait; then the one after a pause."""
        after = step(self._state, event)
        if after is self._state or not (why := self._missing.refusal(event, self._state, after)):
            return after
        self._screen.alarm(f"not now: {why}")
        return step(self._state, Event.PAUSE)  # where a held key was let go, nobody would drive

    def _begin_episode(self) -> None:
        self._warned, self._began_s = False, time.monotonic()
        self.episodes.begin(self._state.episode)
        self._tell(BeginEpisode(episode=self._state.episode, task=self._plan.wanted.task))

    def _end_episode(self) -> None:
        outcome = Outcome(saved=self._state.phase != Phase.DISCARDED, success=self._state.success)
        self._tell(EndEpisode(episode=self.episodes.end(outcome), saved=outcome.saved, success=outcome.success))

    def _take_back(self, episode: int) -> None:
        self.episodes.take_back(episode)
        self._tell(DiscardLast(episode=episode))

    def _enter(self, before: State, event: Event, device: str) -> None:
        state = self._state
        if state.phase != before.phase:
            self._entered_s, self._reminded = time.monotonic(), False
            self._starvation.feed(time.monotonic_ns())
        seen = EventSeen(time_ns=time.monotonic_ns(), event=event.value, device=device, old=before.phase, new=state.phase)
        self._tell(seen)
        self._tell(
            SetMode(
                phase=state.phase,
                source=state.source,
                segment=state.segment,
                episode=state.episode,
                epoch=state.epoch,
                recorded=state.recorded and (self._plan.wanted.logs is not None or self._plan.replay is not None),
            )
        )
        if state.phase == Phase.HUMAN != before.phase and state.policy:
            self.episodes.intervened()

    def _show(self, before: State, event: Event, device: str) -> None:
        """What the operator sees and reads of a step, once it is done."""
        state = self._state
        if state.phase == Phase.READY and self._plan.replay is not None:
            self._tell_way(self._plan.replay)
        self._operator.show(state.phase, state.episode)
        self._screen.phase(state, event, device, self._plan.inputs)
        if state.phase == Phase.HUMAN != before.phase and self._plan.wanted.logs is not None:
            self._tell_unrecorded()

    def _tell_unrecorded(self) -> None:
        """A person may always drive; what the dataset then lacks is told."""
        for process, why in self._missing.of(UNRECORDED):
            self._screen.alarm(f"{UNRECORDED[process]} ({why}). Pause, and go on when it is back")

    def _tell(self, message: messages.AnyMessage) -> None:
        self._ring.write(messages.encode(message))

    def _tell_news(self) -> None:
        while self._operator.news:
            self._screen.alarm(self._operator.news.pop(0))

    def _watch_reset(self) -> None:
        waiting = self._state.phase == Phase.RESET and time.monotonic() - self._entered_s > self._plan.wanted.reset_time_s
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
            self.episodes.count(tick)
        for text in self._alarms.new(tick):
            self._screen.alarm(text)
        self._measured = tick.measured
        self.following.see(tick)
        if self._touch.felt(tick, self._state.phase):
            self._happen(Event.TAKEOVER, "leader")
        if self._starvation.seen(tick, self._state.phase):
            self._screen.alarm(f"the policy has given nothing for {STARVES_S:g} s: paused, so that it does not go on unasked")
            self._happen(Event.PAUSE, "policy")
        if tick.fault and Phase.FAULT not in (self._state.phase, tick.phase):  # in the tick: not acknowledged there yet
            self._happen(Event.LEASE_LOST if tick.fault == SESSION_SILENT else Event.DEVICE_LOST, "rig")
        if self._state.phase in RUNNING and self._elapsed_s() >= self._plan.wanted.episode_time_s:
            self._time_is_up()

    def _tell_way(self, replay: Recording) -> None:
        """Say how far it is to the start before the operator can let the arm go there."""
        while not self._measured and self._crew.has("rig"):
            self._tend()
            time.sleep(POLL_S)
            self._watch_ticks()
        if self._measured:
            at = dict(zip(self._plan.header.state_names, self._measured, strict=True))
            for line in (*replay.remarks, way_to_start(replay, at)):
                self._screen.say(line, "yellow")

    def _elapsed_s(self) -> float:
        """Recorded time of the episode; where nothing is recorded, time since it began."""
        if self._plan.wanted.logs is None:
            return time.monotonic() - self._began_s
        return self.episodes.frames / self._plan.header.fps

    def _time_is_up(self) -> None:
        if self._state.phase == Phase.HUMAN and self._state.policy and not self._warned:
            self._warned = True
            self._screen.alarm("the episode's time is up; it ends when you hand back or end it")
        self._happen(Event.TIMEOUT)

    def _watch_crew(self) -> None:
        for name, status in self._crew.statuses():
            self._hear(name, status)
        for name, status in self._crew.replace():
            self._hear(name, status)

    def _hear(self, name: str, status: Status) -> None:
        """Show what a process says, and do what follows from it."""
        if status.state == StatusState.DONE:
            self._done = True
            self.facts.update(_facts(json.loads(status.detail or "{}")))
            return
        if not self._missing.knows(status):
            self._screen.status(name, status, ends_episode=self._state.open)
        if name == "rig":
            self._hear_rig(status)
        elif name == status.device == RECORDER:
            self._hear_recorder(status)
        elif name == "replay" and status.state == StatusState.FINISHED and self._state.phase == Phase.AUTONOMOUS:
            self._happen(Event.SAVE, name)
        if name in NEEDED and (name != RECORDER or status.device == RECORDER):
            self._hear_needed(name, status)

    def _hear_rig(self, status: Status) -> None:
        if status.state == StatusState.DIED and not self._closing:
            raise SafetyStop("the rig ended; motors keep what they were last told. Start again to take the arm over.")
        self._released |= status.state == StatusState.RELEASED
        if status.state in GONE:
            self._missing.gone("rig", status)
        elif status.state in BACK:
            self._found("rig", status.device)
        if status.state == StatusState.SILENT:
            self._happen(Event.DEVICE_LOST, "rig")

    def _hear_recorder(self, status: Status) -> None:
        if (line := self.episodes.settle(status)) is not None:
            self._screen.settled(line, self._plan.header.fps)
            if line.outcome == EMPTY:
                self._state = uncounted(self._state, line.episode)
        if status.state in (StatusState.FAILED, StatusState.DIED):
            self._happen(Event.RECORDER_LOST, status.device)

    def _hear_needed(self, name: str, status: Status) -> None:
        if name == "cameras" and status.state == StatusState.DIED:
            self._missing.back(name, name)
            for camera in self._plan.cameras:
                self._miss(name, structs.replace(status, device=camera))
        elif status.state in GONE:
            self._miss(name, status)
        elif status.state in BACK:
            self._found(name, status.device)

    def _miss(self, name: str, status: Status) -> None:
        self._missing.gone(name, status)
        if name != "policy" or self._state.phase != Phase.HUMAN:
            self._happen(Event.PAUSE, status.device)

    def _found(self, name: str, device: str) -> None:
        if self._missing.back(name, device):
            self._screen.say(f"{device} is back", "green")

    def _asks(self) -> bool:
        """Whether there is somebody who can say that the arm may fall limp, and an arm that would hear it."""
        person = has_somebody() and not self._interrupted and any(not each.scripted for each in self._plan.inputs)
        return person and self._state.phase == Phase.ENDED and self._crew.has("rig") and not self._missing.out_of_reach

    def _let_go_or_hold(self) -> None:
        """Say `Stop`, having asked first whether the arm may fall limp, if there is somebody to ask."""
        asks, away = self._asks(), self._missing.out_of_reach
        if not asks:
            self._tell(Stop())
        self._operator.disconnect()
        if asks:
            self._ask_to_let_go()
            self._tell(Stop())
        elif away:
            self._screen.alarm(f"the {away} does not answer: what the arm does is unknown; if in doubt, cut its power")
        elif self._ticks is not None and self._crew.has("rig"):
            self._screen.say(HELD, "dim")

    def _ask_to_let_go(self) -> None:
        if not self._screen.ask("Release the torque? The arm will drop. [y/N] "):
            self._screen.say(HELD, "dim")
            return
        self._tell(ReleaseTorque())
        until = time.monotonic() + RELEASED_S
        while not self._released and self._crew.has("rig") and time.monotonic() < until:
            self._lease.renew()
            self._watch_crew()
            time.sleep(0.01)
        if not self._released:
            self._screen.alarm("the rig did not confirm that the torque is off: take the arm as stiff")

    def _close(self) -> None:
        """Stop everybody; wait for the dataset; leave the arm holding unless the operator lets it go."""
        self._closing = True
        if self._state.open:
            self._happen(Event.STOP)
        self._let_go_or_hold()
        self._interrupted = False
        leave_real_time()
        if self._ticks is not None and self._plan.wanted.logs is not None:
            self._finish_dataset()
        self._interrupted = False
        self._crew.end()
        self._hear_all()
        shutil.rmtree(self.run_dir, ignore_errors=True)

    def _finish_dataset(self) -> None:
        """Wait for the recorder's last word. One that ends without it gets a successor, once."""
        self._screen.say("writing the dataset ... (Ctrl-C leaves it to the next session)", "dim")
        for _ in range(2):
            try:
                if not self._crew.has(RECORDER):
                    self._crew.start_again(RECORDER)
                    self._tell(Stop())
                self._crew.join(RECORDER, DATASET_S)
            except (KeyboardInterrupt, OSError):
                break
            self._hear_all()
            if self._done:
                return
        self._screen.alarm("the dataset is not complete; the logs are, and the next session with this dataset adds them")

    def _hear_all(self) -> None:
        """At the end, that somebody is gone is news only of a recorder that has not said its last word."""
        for name, status in self._crew.statuses():
            is_gone = status.state in (StatusState.DIED, StatusState.SILENT)
            if not is_gone or (name == RECORDER and not self._done):
                self._hear(name, status)


def _facts(summary: Mapping[str, Any]) -> dict[str, str]:
    """What a recorder says of its dataset, as lines; what is empty is left out."""
    words = {
        key: ", ".join(map(str, value)) if isinstance(value, list) else str(value) for key, value in summary.items() if value
    }
    return {key.replace("_", " "): text for key, text in words.items()}
