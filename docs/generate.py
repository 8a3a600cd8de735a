"""Writes what the pages say about the code from the code itself: `python docs/generate.py`.

A page has regions, from `<!-- generated: NAME -->` to `<!-- end -->`. What is between the two lines is replaced by what the
function `NAME` of `REGIONS` gives; everything else is written by hand.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

from hilt.cameras.follower import SILENT_S
from hilt.cli.failures import explain
from hilt.config import CollectConfig, parse
from hilt.config import lerobot as names
from hilt.ipc.lease import EXPIRES_S, RENEW_S
from hilt.ipc.messages import CameraColumn, Column, Header, Phase, Tick
from hilt.kernel import Registry
from hilt.log.schemas import VIDEO_SCHEMA, camera_topic, json_schemas
from hilt.recording.columns import columns
from hilt.rig.engine import LOST_S, STALE_S
from hilt.rig.filters import DEADLINE_S, HUNG_S
from hilt.rig.governor import BLOCKED_S
from hilt.rig.process import ABANDONED_S, READ_SHARE
from hilt.session.console import WHAT
from hilt.session.crew import STUCK
from hilt.session.duties import PATIENCE_S, RIG_PATIENCE_S, THINKS_S
from hilt.session.operator import HELD_S
from hilt.session.phases import OPERATOR_EVENTS, TABLE, Event, To
from hilt.session.watch import STARVES_S
from hilt_hooks import CAPABILITIES, POLICY_CAPABILITIES, ConfigError, Lifecycle, Registration, Safety
from hilt_hooks.testing.checks import Rule
from hilt_hooks.testing.tables import RULES
from hilt_input_keyboard.config import BINDINGS
from hilt_input_keyboard.plugin import hilt_inputs
from hilt_recorder_lerobot.plugin import hilt_recorders
from hilt_robot_so.plugin import hilt_robots
from hilt_teleop_so.plugin import hilt_teleoperators

ROOT = Path(__file__).parents[1]

EVERYWHERE = (Event.STOP, Event.DEVICE_LOST, Event.LEASE_LOST)
"""Events that would draw a line from nearly every phase; the table has them."""

_REGION = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def pages() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def updated(text: str) -> str:
    """A page with its regions as they should be. Raises KeyError for a region that nobody generates."""
    return _REGION.sub(lambda match: f"{match[1]}\n{REGIONS[match[2]]().strip()}\n\n{match[3]}", text)


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *([str(cell).replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)


def code(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def controls() -> str:
    keys: dict[Event, list[str]] = {}
    for key, bound in BINDINGS.items():
        for event in {bound} if isinstance(bound, str) else set(bound.values()):
            phases = [] if isinstance(bound, str) else [phase for phase, each in bound.items() if each == event]
            keys.setdefault(Event(event), []).append(f"`{key}`" + (f" ({', '.join(phases)})" if phases else ""))
    return table(
        ["event", "what it does", "keyboard"],
        [[f"`{event}`", what, ", ".join(keys.get(event, ["-"]))] for event, what in WHAT.items()],
    )


def phase_diagram() -> str:
    arrows: dict[tuple[str, str], list[str]] = {}
    for phase, row in TABLE.items():
        for event, ways in row.items():
            for to in ways if event not in EVERYWHERE else ():
                arrows.setdefault((phase.name, to.phase.name), []).append(event.value)
    drawn = [f"    {old} --> {new}: {', '.join(events)}" for (old, new), events in arrows.items() if old != new]
    return "\n".join(["```mermaid", "stateDiagram-v2", "    [*] --> READY", *drawn, "```"])


def phase_table() -> str:
    merged: dict[tuple[str, str], list[str]] = {}
    for phase, row in TABLE.items():
        for event, ways in row.items():
            merged.setdefault((phase.name, ", else ".join(_leads_to(phase, to) for to in ways)), []).append(event)
    return table(["in", "event", "leads to"], [[f"**{old}**", code(events), to] for (old, to), events in merged.items()])


def _leads_to(phase: Phase, to: To) -> str:
    about = {
        "the leader drives": to.leads,
        "the arm holds": to.phase == phase == Phase.RESET and not (to.leads or to.takes_back),
        "the last saved episode is taken back": to.takes_back,
        str(to.segment): to.phase == Phase.HUMAN,
        "while held": to.held,
        "success": to.success is True,
        "failure": to.success is False,
    }
    details = ", ".join(text for text, applies in about.items() if applies)
    return f"{to.phase.name}{f' ({details})' if details else ''} {to.when.told}".strip()


def events() -> str:
    return table(
        ["event", "who gives it", "what it means"],
        [[f"`{event}`", _giver(event), WHAT[event] if event in WHAT else _OWN_EVENTS[event]] for event in Event],
    )


def _giver(event: Event) -> str:
    return "an input" if event in OPERATOR_EVENTS else "the session"


_OWN_EVENTS = {
    Event.INTERVENE_END: "the control of `intervene` was let go",
    Event.TIMEOUT: "`episode_time_s` of recorded time are over",
    Event.INPUT_LOST: "no input is left by which the operator can stop",
    Event.DEVICE_LOST: "robot or leader does not answer",
    Event.LEASE_LOST: "the session did not answer the rig in time",
    Event.RECORDER_LOST: "the recorder has ended: what it had of the episode is kept",
    Event.EMPTY: "an episode was to end of which there is no frame yet",
    Event.CLOSED: "the recorder was told to close the episode",
}


def hooks() -> str:
    groups = (
        ("What a plugin provides", Registration),
        ("What happens in a session", Lifecycle),
        ("What is in the path of a command", Safety),
    )
    return "\n\n".join(f"### {title}\n\n{inspect.getdoc(group)}\n\n{_hooks_of(group)}" for title, group in groups)


def _hooks_of(group: type[Any]) -> str:
    return "\n\n".join(
        filter(None, (part for hook in _functions(group) for part in (f"#### `{heading(hook)}`", inspect.getdoc(hook))))
    )


def _functions(group: type[Any]) -> Iterator[Callable[..., Any]]:
    return (each for name, each in vars(group).items() if name.startswith("hilt_"))


def heading(hook: Callable[..., Any]) -> str:
    """A hook with its exact arguments: `hilt_alarm(message: str) -> None`."""
    signature = inspect.signature(hook)
    given = signature.replace(parameters=list(signature.parameters.values())[1:])
    return hook.__name__ + re.sub(r"[\w.]+\.(\w+)", r"\1", str(given)).replace("'", "")


def capabilities() -> str:
    rows = [[f"`{name}`", f"`{protocol.__name__}`", _methods(protocol)] for name, protocol in CAPABILITIES.items()]
    return table(["capability", "Protocol", "what it has"], rows)


def policy_capabilities() -> str:
    rows = [[f"`{name}`", f"`{protocol.__name__}`", _methods(protocol)] for name, protocol in POLICY_CAPABILITIES.items()]
    return table(["capability", "Protocol", "what it has"], rows)


def _methods(protocol: type) -> str:
    return code(name for name in vars(protocol) if not name.startswith("_"))


def conformance() -> str:
    rules: dict[str, Rule[Any]] = {}
    kinds: dict[str, list[str]] = {}
    for kind, of_kind in RULES.items():
        for rule in of_kind:
            rules.setdefault(rule.id, rule)
            kinds.setdefault(rule.id, []).append(kind)
    return table(["id", "rule", "for"], [[rule.id, rule.title, _applies(rule, kinds[rule.id])] for rule in rules.values()])


def _applies(rule: Rule[Any], kinds: Sequence[str]) -> str:
    named = "every kind" if len(kinds) == len(RULES) else ", ".join(kinds)
    return f"{named} with {code(sorted(rule.capabilities))}" if rule.capabilities else named


def lerobot_moved() -> str:
    rows = [[f"`--{old}`", f"`--{new}`"] for old, new in names.COLLECT.moved.items()]
    rows += [
        [
            f"`--{field}={value}`",
            code(f"--{name}={_plain(meant)}" for name, meant in meaning.items()) or "what `hilt collect` does",
        ]
        for field, meanings in names.COLLECT.meanings.items()
        for value, meaning in meanings.items()
    ]
    rows += [
        [f"`--{field}=true`", f"`--{kind}.type={name}`, if `hilt-{kind}-{name}` is installed"]
        for field, (kind, name) in names.COLLECT.devices.items()
    ]
    return table(["LeRobot", "here"], rows)


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def lerobot_unused() -> str:
    commands = {"collect": names.COLLECT, "record": names.RECORD, "teleoperate": names.TELEOPERATE}
    found: dict[str, list[str]] = {}
    for command, compatibility in commands.items():
        for field in compatibility.unused:
            found.setdefault(field, []).append(command)
    reasons = {field: why for each in commands.values() for field, why in each.unused.items()}
    return table(
        ["flag", "of", "why it changes nothing"], [[f"`--{field}`", ", ".join(of), reasons[field]] for field, of in found.items()]
    )


MISTAKEN = (
    "--robot.type=so101_folower",
    "--policy.device=cpu",
    "--dataset.repo_id=me/hil",
    "--dataset.fps=thirty",
    "--dataset.num_epsodes=3",
)


def error_example() -> str:
    """What `hilt collect` says to a command line with four mistakes."""
    registry = Registry.of(*hilt_robots(), *hilt_teleoperators(), *hilt_recorders(), *hilt_inputs())
    said = StringIO()
    with redirect_stderr(said):
        try:
            parse(CollectConfig, MISTAKEN, registry)
        except ConfigError as error:
            explain(error, verbose=False)
    return "\n".join(["```console", "$ hilt collect " + " ".join(MISTAKEN), said.getvalue().rstrip(), "```"])


STATE, ACTION = ("a.pos", "b.pos", "c.pos"), ("a.pos", "b.pos")
CAMERA = CameraColumn(name="<camera>", height=2, width=2, channels=3)

MEANINGS: Mapping[str, str] = {
    "observation.state": "what the robot measured in this tick, after the command went out",
    "action": "what the source requested from here on, before interpolation and governor; of a held arm, what is sent next",
    "intervention": "a person drives, and a policy drove before; a demonstration is none",
    "hilt.proposed": "what the policy proposed; NaN while it does not drive, until it has answered, and for what is not finite",
    "hilt.sent": "what was sent at this tick: the bytes on the bus, decided one tick earlier",
    "hilt.measured_age_ms": "how old each measured value was when the reading was complete, ms",
    "hilt.source": "who commanded",
    "hilt.segment": "what the frame is, for training",
    "hilt.boundary": "frames are missing before this one: first after a pause or a gap",
    "hilt.time_ns": "tick since the begin of the episode, ns",
    "hilt.success": "how the episode ended, the same in all its frames",
    "hilt.policy": "which policy proposed; its name is in `info.json`",
    "hilt.inference_ms": "how long the newest chunk took to compute, ms; NaN while no policy drives",
    "hilt.<camera>.age_ms": "from the capture of the image to the reading, ms; NaN before the first image",
    "hilt.<camera>.repeated": "the image of the row before once more: the camera, or the encoder, had no newer one",
}


def data_columns() -> str:
    rows = [[f"`{each.name}`", _kind(each), MEANINGS[each.name]] for each in columns(STATE, ACTION, [CAMERA])]
    return table(["column", "type", "meaning"], rows)


def _kind(column: Column) -> str:
    each = {1: "", len(STATE): ", one for each state channel", len(ACTION): ", one for each action channel"}
    return column.dtype + each[column.shape[0]]


def enumerations() -> str:
    declared = columns(STATE, ACTION, [], policy="<policy>")
    rows = [
        [f"`{each.name}`", ", ".join(f"{number} = `{name}`" for name, number in each.meaning.items())]
        for each in declared
        if each.meaning
    ]
    return table(["column", "numbers"], rows)


def log_channels() -> str:
    header = Header(
        session="",
        robot_type="",
        fps=30,
        interpolation=1,
        state_names=[],
        action_names=[],
        leader_names=[],
        columns=[],
        cameras=[],
        config={},
    )
    rows = [[f"`{topic}`", f"`{name}`", "JSON", _CHANNELS[topic]] for topic, (name, _) in json_schemas(header).items()]
    camera = [f"`{camera_topic('<camera>')}`", f"`{VIDEO_SCHEMA}`", "protobuf", "one H.264 access unit a row, Annex B"]
    return table(["channel", "schema", "encoding", "what it holds"], [*rows, camera])


_CHANNELS = {
    "/tick": "everything that the rig saw and did in a tick, its inputs included: every tick of the episode, pauses too",
    "/event": "every step of the phase machine, with the input that gave it",
    "/row": "one dataset frame: a value for every column but the images",
    "/note": "what else happened: alarms, gaps, overload",
}


def timings() -> str:
    rows = [
        ["the session renews its lease", f"every {RENEW_S * 1e3:g} ms", "ipc/lease.py"],
        ["the rig holds, until acknowledged, without a renewal for", f"{EXPIRES_S * 1e3:g} ms", "ipc/lease.py"],
        ["a reading that has not come by then is missing", f"{READ_SHARE:.0%} of a tick", "rig/process.py"],
        ["robot or leader silent: hold, go on when it speaks again", f"after {STALE_S:g} s, or two ticks", "rig/engine.py"],
        ["robot or leader silent: fault, until acknowledged", f"after {LOST_S:g} s", "rig/engine.py"],
        ["a joint that cannot follow is an alarm", f"after {BLOCKED_S:g} s", "rig/governor.py"],
        ["all safety filters together have", f"{DEADLINE_S * 1e3:g} ms", "rig/filters.py"],
        ["a filter that is silent is replaced", f"after {HUNG_S:g} s", "rig/filters.py"],
        ["a camera without a frame is lost", f"after {SILENT_S:g} s, or three periods", "cameras/follower.py"],
        ["recorder or cameras do not look at their messages: missed", f"after {PATIENCE_S:g} s", "session/duties.py"],
        ["the policy does not", f"after {THINKS_S:g} s", "session/duties.py"],
        ["the rig does not: fault", f"after {RIG_PATIENCE_S:g} s", "session/duties.py"],
        ["a process that stays silent is ended and replaced", f"after {STUCK} times that", "session/crew.py"],
        ["the policy gives no actions: the session pauses", f"after {STARVES_S:g} s", "session/watch.py"],
        ["a key that repeats counts as held, where releases are not reported, for", f"{HELD_S:g} s", "session/operator.py"],
        ["a rig without session and without robot ends", f"after {ABANDONED_S:g} s", "rig/process.py"],
    ]
    return table(["what", "when", "in core/src/hilt/"], [[what, when, f"`{where}`"] for what, when, where in rows])


def tick_fields() -> str:
    return code(Tick.__struct_fields__)


REGIONS: Mapping[str, Callable[[], str]] = {
    each.__name__: each
    for each in (
        capabilities,
        conformance,
        controls,
        data_columns,
        enumerations,
        error_example,
        events,
        hooks,
        lerobot_moved,
        lerobot_unused,
        log_channels,
        phase_diagram,
        phase_table,
        policy_capabilities,
        tick_fields,
        timings,
    )
}


def main() -> None:
    for page in pages():
        text = page.read_text()
        if (new := updated(text)) != text:
            page.write_text(new)


if __name__ == "__main__":
    main()
