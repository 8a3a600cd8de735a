"""The process that plays a recording: chunks of actions into the rig's queue, from where the arm has got to."""

import time
from pathlib import Path

from attrs import frozen

from hilt.inference.process import create_chunks
from hilt.ipc import messages
from hilt.ipc.messages import ChunkMessage, Phase, Source, StatusState, Stop, Tick
from hilt.ipc.process import Mailbox, ignore_interrupts, lower_priority
from hilt.ipc.ring import RingReader
from hilt.ipc.rundir import TICK
from hilt_hooks import Floats

POLL_S = 0.005
CHUNK = 60
"""Actions in a chunk; the next is sent when half of them are left."""
SETTLE_S = 0.5
"""After the last action, until the arm counts as arrived."""


@frozen(eq=False)
class PlayerSetup:
    """actions: (T, A), one a frame, in the order of the robot's channels."""

    run_dir: Path
    actions: Floats


def run(setup: PlayerSetup) -> None:
    ignore_interrupts()
    lower_priority(2)
    mailbox = Mailbox(setup.run_dir, "replay")
    player = Player(setup.actions)
    chunks = create_chunks(setup.run_dir)
    ticks: RingReader | None = None
    mailbox.tell(StatusState.READY)
    while not mailbox.orphaned:
        if any(isinstance(message, Stop) for message in mailbox.receive()):
            return
        if ticks is None and (setup.run_dir / TICK).exists():
            ticks = RingReader(setup.run_dir / TICK)
        for packed in ticks.drain() if ticks is not None else ():
            tick = messages.decode(packed)
            if not isinstance(tick, Tick):
                continue
            if chunk := player.follow(tick):
                chunks.write(messages.encode(chunk))
            if player.arrived(tick):
                mailbox.tell(StatusState.FINISHED)
        time.sleep(POLL_S)


class Player:
    """Follows the ticks of the rig, all of them in order. An episode starts at the first action; a pause or fault loses none."""

    def __init__(self, actions: Floats) -> None:
        self._actions = actions
        self._episode = self._epoch = -1
        self._from = self._at = 0
        self._sent = -1
        self._ended_ns: int | None = None
        self._told = False

    def follow(self, tick: Tick) -> ChunkMessage | None:
        """The chunk that the rig needs now, if it needs one."""
        if not _drives(tick):
            return None
        if tick.episode != self._episode:
            self._episode, self._at = tick.episode, 0
        is_new = tick.epoch != self._epoch
        if is_new:
            self._epoch, self._from = tick.epoch, self._at
            self._ended_ns, self._told = None, False
        self._at = self._from + tick.consumed
        has_answer = tick.chunk == self._sent
        wants = is_new or (has_answer and tick.queue <= CHUNK // 2 and self._at + tick.queue < len(self._actions))
        return self._chunk(tick) if wants and self._at < len(self._actions) else None

    def arrived(self, tick: Tick) -> bool:
        """Whether the last action was carried out, and the arm has had time to get there. True once an epoch."""
        over = _drives(tick) and self._at >= len(self._actions) and tick.source == Source.HOLD
        if not over:
            self._ended_ns = None
            return False
        self._ended_ns = self._ended_ns or tick.time_ns
        if self._told or tick.time_ns - self._ended_ns < SETTLE_S * 1e9:
            return False
        self._told = True
        return True

    def _chunk(self, tick: Tick) -> ChunkMessage:
        self._sent += 1
        now = time.monotonic_ns()
        actions = self._actions[self._at : self._at + CHUNK].tolist()
        return ChunkMessage(
            epoch=tick.epoch,
            id=self._sent,
            observed_ns=tick.read_ns,
            consumed=tick.consumed,
            started_ns=now,
            finished_ns=now,
            actions=actions,
            model=[],
        )


def _drives(tick: Tick) -> bool:
    """Whether the arm follows the recording. After a fault it does so in another epoch; the rig counts anew from the fault on."""
    return tick.phase == Phase.AUTONOMOUS and not tick.fault
