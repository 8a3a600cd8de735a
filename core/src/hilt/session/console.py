"""What the operator reads while the session runs."""

import signal
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from hilt.ipc.messages import Phase, Segment, Source, Status, StatusState
from hilt.recording.status import DATASET, RECORDER
from hilt.replay.following import Behind
from hilt.session.episodes import EMPTY, EpisodeLine
from hilt.session.operator import Connected, meaning_of
from hilt.session.phases import Event, State
from hilt.terminal import forget_typed

WHAT = {
    Event.START: "start the episode",
    Event.PAUSE: "pause: the arm holds",
    Event.TAKEOVER: "take over with the leader",
    Event.INTERVENE: "take over, for as long as it is pressed",
    Event.CORRECT: "the recovery is done, the correction begins",
    Event.RESUME: "go on, hand control back",
    Event.SUCCESS: "end: success",
    Event.FAILURE: "end: failure",
    Event.SAVE: "end and save",
    Event.RERECORD: "end and discard",
    Event.DISCARD_LAST: "take back the last saved episode",
    Event.NEXT: "the scene is reset: next episode",
    Event.ACKNOWLEDGE: "I have looked: go on after a fault",
    Event.STOP: "stop: keep what is recorded, the arm holds",
}

STYLE = {
    Phase.READY: "bold cyan",
    Phase.AUTONOMOUS: "bold blue",
    Phase.PAUSED: "bold yellow",
    Phase.HUMAN: "bold magenta",
    Phase.SAVED: "bold green",
    Phase.DISCARDED: "bold yellow",
    Phase.RESET: "bold cyan",
    Phase.FAULT: "bold white on red",
    Phase.ENDED: "bold",
}

HINTS = {
    Phase.READY: (Event.START,),
    Phase.AUTONOMOUS: (Event.PAUSE, Event.TAKEOVER),
    Phase.HUMAN: (Event.PAUSE, Event.RESUME),
    Phase.PAUSED: (Event.TAKEOVER, Event.RESUME),
    Phase.RESET: (Event.NEXT, Event.TAKEOVER),
    Phase.FAULT: (Event.ACKNOWLEDGE, Event.STOP),
}
"""What is shown, with its keys, when a phase begins."""


WITH_A_LEADER = frozenset({Event.TAKEOVER, Event.INTERVENE, Event.CORRECT})

BYSTANDERS = frozenset({"observers", "viewers"})
"""Processes that an episode does not need."""

CONSEQUENCES = {
    ("policy", StatusState.DIED): "; it is started again. Until it is back, take over with the leader, or wait",
    ("policy", StatusState.FAILED): "; it is tried again. Until it is back, take over with the leader, or wait",
    ("policy", StatusState.SILENT): "; it is given some more time, and then started again",
    ("cameras", StatusState.DIED): "; it is started again. Until it is back the arm holds, or you drive",
    ("cameras", StatusState.SILENT): ": there are no images. It is started again unless it comes back",
    ("camera", StatusState.LOST): "; it is tried again. Until it is back the arm holds, or you drive",
    ("recorder", StatusState.DIED): "; it is started again",
    ("recorder", StatusState.FAILED): "; it is tried again",
    ("recorder", StatusState.SILENT): ": nothing is recorded. It is started again unless it comes back",
    ("replay", StatusState.DIED): "; the arm holds. End the episode, and start again",
    ("rig", StatusState.SILENT): "; motors keep what they were last told. If the arm must not stay so, cut its power",
    ("robot", StatusState.LOST): "; check its power and its cable. When it is back, look at the arm, then acknowledge",
    ("robot", StatusState.REFUSED): ". When that is put right, acknowledge",
    ("leader", StatusState.LOST): "; check its power and its cable. Until it is back nobody can take over",
    ("leader", StatusState.REFUSED): ". It stays limp and does not follow the robot; it is asked again every second",
    ("observers", StatusState.DIED): "; the session goes on without it",
    ("viewers", StatusState.DIED): "; the session goes on without it",
}
"""What follows when a process, an arm or a camera ends, hangs or refuses, and what to do."""

UNRECORDED = {
    "recorder": "what you do now is not recorded",
    "cameras": "what you do now is recorded without new images",
}
"""What a person who drives all the same has to know, by what is missing."""


class Screen:
    """recorded: how many episodes are wanted; 0 where nothing is recorded. leader: whether there is one to take over with.

    unread: whether what is shown no longer reaches anybody (a closed pipe or terminal). That is for the session to act upon; it
    never keeps it from what it is doing.
    """

    def __init__(self, console: Console, recorded: int, *, leader: bool = True) -> None:
        self._console, self._recorded = console, recorded
        self.unread = False
        self._idle = frozenset() if leader else WITH_A_LEADER
        self._start = time.monotonic()

    def controls(self, inputs: Sequence[Connected]) -> None:
        """The controls, as they are bound in this session."""
        table = Table(title="Controls", title_justify="left", box=None, padding=(0, 2), show_header=False)
        for each in inputs:
            for event, what in WHAT.items():
                if event not in self._idle and (keys := _keys(each, event)):
                    table.add_row(Text(", ".join(keys), "bold"), what, Text(each.name, "dim"))
        self._print(table)

    def phase(self, state: State, event: Event, device: str, hints: Sequence[Connected]) -> None:
        line = Text(f"{time.monotonic() - self._start:7.1f} s  ", "dim")
        line.append(f"{state.phase.value.upper():<11}", STYLE[state.phase])
        line.append(describe(state, self._recorded))
        line.append(f"  ({event.value}{', ' + device if device else ''})", "dim")
        self._print(line)
        if hint := _hint(state, hints, self._idle):
            self._print(Text(f"{'':23}{hint}", "dim"), soft_wrap=True)

    def _print(self, *shown: RenderableType, soft_wrap: bool = False) -> None:
        with self._where_it_is_read():
            self._console.print(*shown, soft_wrap=soft_wrap)

    @contextmanager
    def _where_it_is_read(self) -> Iterator[None]:
        try:
            yield
        except (OSError, SystemExit):  # the latter is what rich makes of a closed pipe
            self.unread = self._console.quiet = True

    def say(self, text: str, style: str = "") -> None:
        self._print(Text(text, style))

    def ask(self, question: str) -> bool:
        """What was typed before is no answer. Ctrl-C, Ctrl-D, a polite kill and a closed terminal are a no."""
        before = {each: signal.signal(each, signal.default_int_handler) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            forget_typed()
            return self._console.input(question, markup=False).strip().lower() in ("y", "yes")
        except (KeyboardInterrupt, EOFError, OSError):
            self._print()
            return False
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def status(self, process: str, status: Status, *, ends_episode: bool = False) -> None:
        """What a process says of itself or of one of its devices; what is ordinary is not shown."""
        text = _told(process, status)
        if ends_episode and status.device == process == "recorder" and status.state in (StatusState.DIED, StatusState.FAILED):
            text += ". The episode ends here; what was recorded of it is kept"
        if text:
            self.say(text, "yellow") if process in BYSTANDERS or status.state == StatusState.RECOVERED else self.alarm(text)

    def settled(self, line: EpisodeLine, fps: float) -> None:
        """What has become of an episode that was to be kept. Only now it survives whatever happens."""
        if line.outcome == EMPTY:
            self.say(f"nothing of episode {line.episode} was recorded: it does not count", "yellow")
        else:
            self.say(f"episode {line.episode} is saved: {line.frames} frames, {line.frames / fps:.1f} s", "green")

    def alarm(self, text: str) -> None:
        with self._where_it_is_read():
            self._console.bell()
        self.say(text, "bold red")

    def followed(self, lines: Sequence[Behind]) -> None:
        """How far the arm was behind a recording, joint by joint."""
        if not lines:
            return
        table = Table(title="How far the arm was behind the recording", title_justify="left", box=None, padding=(0, 2, 0, 0))
        for name in ("joint", "at most", "after", "on average", "in the recording itself"):
            table.add_column(name, justify="left" if name == "joint" else "right")
        for each in lines:
            most, mean, recorded = (_number(value, each.unit) for value in (each.most, each.mean, each.recorded))
            table.add_row(*map(Text, (each.name, most, f"{each.at_s:.1f} s", mean, recorded)))
        self._print(table)

    def summary(self, lines: Sequence[EpisodeLine], fps: float, facts: Mapping[str, str]) -> None:
        table = Table(title="Episodes", title_justify="left")
        for name in ("episode", "outcome", "success", "frames", "seconds", "interventions"):
            table.add_column(name, justify="right" if name not in ("outcome", "success") else "left")
        for line in lines:
            success = {True: "yes", False: "no", None: "-"}[line.told.success if line.told else None]
            table.add_row(
                str(line.episode), line.outcome, success, str(line.frames), f"{line.frames / fps:.1f}", str(line.interventions)
            )
        self._print(table)
        self.facts(facts)

    def facts(self, facts: Mapping[str, str]) -> None:
        for name, value in facts.items():
            self._print(Text(f"{name}: ", "bold").append(value, ""), soft_wrap=True)


def _number(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:.1f} {unit}"


def _told(process: str, status: Status) -> str:
    """What there is to say, with what happens now."""
    consequence = CONSEQUENCES.get((_whose(process, status.device), status.state), "")
    match status.state:
        case StatusState.RECOVERED:
            return status.detail
        case StatusState.LOST if (process, status.device) == (RECORDER, DATASET):
            return f"the dataset is not brought up to date for now: {status.detail}"
        case StatusState.LOST:
            return f"{status.device} is lost: {status.detail}{consequence}"
        case StatusState.REFUSED | StatusState.FAILED | StatusState.WARNS:
            return f"{status.device}: {status.detail}{consequence}"
        case StatusState.DIED | StatusState.SILENT:
            return f"{status.detail}{consequence}"
    return ""


def _whose(process: str, device: str) -> str:
    """Whose consequences: those of the process itself, of an arm, of any camera, or of nobody who is listed."""
    if device == process:
        return process
    return {"rig": device, "cameras": "camera"}.get(process, "")


def describe(state: State, recorded: int) -> str:
    number = f"episode {state.episode}: " if recorded else ""
    kept = f"{state.saved} of {recorded} done" if recorded else "nothing is recorded"
    return {
        Phase.READY: f"{number}{kept}",
        Phase.AUTONOMOUS: f"{number}the {'recording' if state.drives == Source.REPLAY else 'policy'} drives",
        Phase.PAUSED: f"{number}the arm holds",
        Phase.HUMAN: f"{number}you drive{_segment(state)}",
        Phase.SAVED: f"{number}ended" if recorded else "done",
        Phase.DISCARDED: f"{number}discarded" if recorded else "done",
        Phase.RESET: "the leader moves the robot" if state.leads else "put the scene back",
        Phase.FAULT: "look at the arm; it is driven only after that",
        Phase.ENDED: f"{kept}; the arm holds",
    }[state.phase]


def _segment(state: State) -> str:
    if not state.policy:
        return ""
    return " (recovery)" if state.segment == Segment.RECOVERY else " (correction)"


def _keys(each: Connected, event: Event) -> list[str]:
    """The controls with this meaning, each with the phases in which it has it where it has others too."""
    found = []
    for control, bound in each.bindings.items():
        if isinstance(bound, Mapping):
            phases = [phase for phase, name in bound.items() if name == event]
            if phases:
                found.append(f"{control} ({', '.join(phases)})")
        elif bound == event:
            found.append(control)
    return found


def _hint(state: State, inputs: Sequence[Connected], idle: Collection[Event]) -> str:
    """What goes on from here, where the session waits for the operator."""
    parts = []
    for event in HINTS.get(state.phase, ()):
        keys = [key for each in inputs for key in each.bindings if meaning_of(each.bindings, key, state.phase) == event]
        if keys and event not in idle and not (event == Event.TAKEOVER and state.leads):
            parts.append(f"{' or '.join(keys)}: {WHAT[event]}")
    return "   ".join(parts)
