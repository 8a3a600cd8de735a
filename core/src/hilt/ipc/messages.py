"""The messages between the processes of a session, and in its log.

Between processes they travel as msgpack, in the log as JSON (there a value that is not finite is null).
Vectors are lists in the order of the names that the session's `Header` gives.
"""

from enum import StrEnum
from typing import Any

import msgspec


class Phase(StrEnum):
    READY = "ready"
    AUTONOMOUS = "autonomous"
    PAUSED = "paused"
    HUMAN = "human"
    SAVED = "saved"
    DISCARDED = "discarded"
    RESET = "reset"
    FAULT = "fault"
    ENDED = "ended"


class Source(StrEnum):
    """Who commands."""

    HOLD = "hold"
    POLICY = "policy"
    HUMAN = "human"
    RAMP = "ramp"
    REPLAY = "replay"


class Segment(StrEnum):
    """What the frames of an episode are, for training."""

    AUTONOMOUS = "autonomous"
    RECOVERY = "recovery"
    CORRECTION = "correction"


class Message(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    pass


class SetMode(Message, frozen=True, kw_only=True):
    """Session -> rig. What the phase machine wants from the arm, from the next tick on.

    epoch: counts up at every hand-over to the policy; chunks of another epoch are dropped.
    recorded: whether the frames of this phase belong to the dataset.
    """

    phase: Phase
    source: Source
    segment: Segment
    episode: int
    epoch: int
    recorded: bool


class Acknowledge(Message, frozen=True, kw_only=True):
    """Session -> rig. The operator has looked at a fault; hold from where the arm is."""


class ReleaseTorque(Message, frozen=True, kw_only=True):
    """Session -> rig. The operator confirmed that nothing will fall."""


class Stop(Message, frozen=True, kw_only=True):
    """Session -> rig, policy, cameras, recorder. Hold, close, exit."""


class BeginEpisode(Message, frozen=True, kw_only=True):
    """Session -> recorder. Open the log of an episode."""

    episode: int
    task: str


class EndEpisode(Message, frozen=True, kw_only=True):
    """Session -> recorder. Close the log of the episode. success: None if nobody said."""

    episode: int
    saved: bool
    success: bool | None = None


class DiscardLast(Message, frozen=True, kw_only=True):
    """Session -> recorder. Take back the last saved episode."""

    episode: int


class EventSeen(Message, frozen=True, kw_only=True):
    """Session -> recorder. One step of the phase machine, in the order in which it happened."""

    time_ns: int
    event: str
    device: str
    old: Phase
    new: Phase


class ChunkMessage(Message, frozen=True, kw_only=True):
    """Policy -> rig. consumed: how many actions of its epoch the rig had consumed at the observation."""

    epoch: int
    id: int
    observed_ns: int
    consumed: int
    started_ns: int
    finished_ns: int
    actions: list[list[float]]
    model: list[list[float]]


class StatusState(StrEnum):
    """What a process says of itself, of one of its devices, or of an episode; or what the session says of a process."""

    READY = "ready"
    LOST = "lost"
    """A device does not answer; it is tried again until it is `back`."""
    BACK = "back"
    REFUSED = "refused"
    """A device answers, and did not do what it was asked."""
    WARNS = "warns"
    """A device works, and says of itself what the operator should know."""
    FAILED = "failed"
    """Of a process: its last word. Of a device: it cannot be used."""
    RELEASED = "released"
    """Torque is off, as the operator confirmed."""
    SAVED = "saved"
    """An episode is durable."""
    DISCARDED = "discarded"
    """An episode is not kept, or is taken back."""
    RECOVERED = "recovered"
    """An episode of an earlier session that was cut off has been made whole."""
    WORKING = "working"
    DONE = "done"
    """The recorder's last word after `Stop`; detail is its summary as JSON."""
    FINISHED = "finished"
    """A recording has been replayed to its end."""
    DIED = "died"
    SILENT = "silent"
    ANSWERS = "answers"
    """The session's own: a process has ended, does not look at its messages, or does so again."""


class Status(Message, frozen=True, kw_only=True):
    """Any process -> session. device: who is spoken of. detail: for a person, `DONE` apart. episode: -1 if it is about none.

    frames: how many a saved episode has; -1 where nothing is said of that.
    """

    device: str
    state: StatusState
    detail: str = ""
    episode: int = -1
    frames: int = -1


SESSION_SILENT = "holding: the session did not answer"
"""The fault of a rig whose session has not renewed its lease."""


class Tick(Message, frozen=True, kw_only=True):
    """Rig -> everyone, once a tick.

    time_ns: where the tick is on the grid t0 + k dt. wrote_ns: when the command was on its way. read_ns: when the
    measurement was complete. frame: index of the dataset frame that starts here, or -1. boundary: it follows a gap.
    proposed, requested: what the policy, and what the source in force, wants from here on; requested is finite: where the arm
    is held, it is what is sent next. sent: what went out at this tick. measured, ages_ns: the robot, read after `sent`, and
    how old each value was at read_ns. queue: how many actions are left; consumed: how many of this epoch were used, counted
    anew from a fault on; chunk: id of the newest chunk taken in, -1 if none. limited: channels that got less than was asked.
    filtered: what the safety filters made of the source's target, or None, and `refused` why they did not; neither if no
    filter was asked. fault: why the arm holds until the operator acknowledges it.
    """

    k: int
    time_ns: int
    wrote_ns: int
    read_ns: int
    phase: Phase
    source: Source
    segment: Segment
    episode: int
    epoch: int
    frame: int
    boundary: bool
    sent: list[float]
    measured: list[float]
    fresh: list[bool]
    ages_ns: list[int]
    requested: list[float]
    proposed: list[float] | None
    leader: list[float] | None
    leader_fresh: bool
    leader_silent_ns: int = 0
    leader_stiff: bool = False
    robot_stiff: bool = True
    problem: str = ""
    leader_sent: list[float] | None
    queue: int
    consumed: int
    chunk: int
    lease_age_ns: int
    limited: list[str]
    alarm: str
    fault: str = ""
    filtered: list[float] | None = None
    refused: str = ""
    inputs: list["SetMode | Acknowledge | ReleaseTorque | Stop | ChunkMessage"]


TICK_BYTES = 1 << 17
CHUNK_BYTES = TICK_BYTES - (1 << 15)
"""The largest `Tick` and `ChunkMessage`, encoded. A tick carries one chunk at most; the difference is for all else in it."""


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column of the dataset. names: of its components. meaning: of the numbers of an enumeration."""

    name: str
    dtype: str
    shape: list[int]
    names: list[str] | None = None
    meaning: dict[str, int] | None = None


class CameraColumn(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    height: int
    width: int
    channels: int
    dtype: str = "uint8"


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What one needs to read a log. config: the whole configuration of the session, as it was given."""

    session: str
    robot_type: str
    fps: int
    interpolation: int
    state_names: list[str]
    action_names: list[str]
    leader_names: list[str]
    columns: list[Column]
    cameras: list[CameraColumn]
    config: dict[str, Any]
    policy: str = ""
    version: int = 1


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One dataset frame: a value for every declared column but the images, which follow in their own channels."""

    frame: int
    time_ns: int
    values: dict[str, Any]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How an episode ended. recovered: it was cut off, and what was durable of it has been kept."""

    saved: bool
    success: bool | None = None
    recovered: bool = False


ToRig = SetMode | Acknowledge | ReleaseTorque | Stop
ToRecorder = BeginEpisode | EndEpisode | DiscardLast | EventSeen | Stop
AnyMessage = ToRig | ToRecorder | ChunkMessage | Status | Tick

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(AnyMessage)

encode = _encoder.encode
decode = _decoder.decode
