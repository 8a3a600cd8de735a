"""A recording in place of a policy: which actions the rig gets, in which order, whatever the operator does meanwhile."""

from itertools import count

import numpy as np
import pytest
from tick_samples import idle_tick

from hilt.ipc.lease import EXPIRES_S
from hilt.ipc.messages import CHUNK_BYTES, Acknowledge, ChunkMessage, Phase, Segment, SetMode, Source, Tick, encode
from hilt.replay.following import Following
from hilt.replay.player import SETTLE_S, Player
from hilt.replay.recording import Recording, resampled, way_to_start
from hilt.rig.engine import Decision, Engine, Inputs, Layout, Sensed
from hilt.rig.governor import Envelope, Governor
from hilt_hooks import Limits, RecordedEpisode, Signal

FRAME_NS = 33_333_333
LIMITS = {"*": Limits(-1e3, 1e3, velocity=1e5, acceleration=1e7)}
LATE_S = 2 * EXPIRES_S


class Rig:
    """What a rig decides and publishes, one tick a frame, with an arm that follows at once."""

    def __init__(self, player: Player) -> None:
        period_s = FRAME_NS / 1e9
        envelope = Envelope.of([Signal("a.pos", "deg")], LIMITS, 1e3)
        self.player = player
        self.engine = Engine(Layout(1, period_s), Governor(envelope, period_s), None, np.zeros(1))
        self.at = np.zeros(1)
        self.epoch = self.episode = 0
        self.played: list[float] = []
        self.finished = 0
        self._k = count()
        self._heard: list[SetMode | Acknowledge | ChunkMessage] = []

    def drive(self, frames: int) -> None:
        """Enter AUTONOMOUS, as after `start` or `resume`, and stay there."""
        self.epoch += 1
        self._enter(Phase.AUTONOMOUS)
        self.run(frames)

    def pause(self, frames: int = 3) -> None:
        self._enter(Phase.PAUSED)
        self.run(frames)

    def fault(self) -> None:
        """The session falls silent for some ticks, then has the operator look at it."""
        self.run(3, lease_s=LATE_S)
        self._enter(Phase.FAULT)
        self.run(3)
        self._heard.append(Acknowledge())
        self.pause()

    def run(self, frames: int, *, lease_s: float = 0.0) -> None:
        for _ in range(frames):
            heard, self._heard, used = self._heard, [], self.engine.queue.consumed
            inputs = Inputs(next(self._k), Sensed(self.at), None, heard, lease_s)
            decision = self.engine.decide(inputs)
            self.at = decision.robot.sent
            if self.engine.queue.consumed > used:
                self.played.append(float(decision.requested[0]))
            tick = self._tick(inputs, decision)
            if chunk := self.player.follow(tick):
                self._heard.append(chunk)
            self.finished += self.player.arrived(tick)

    def _enter(self, phase: Phase) -> None:
        drives = phase == Phase.AUTONOMOUS
        source = Source.REPLAY if drives else Source.HOLD
        mode = SetMode(
            phase=phase, source=source, segment=Segment.AUTONOMOUS, episode=self.episode, epoch=self.epoch, recorded=drives
        )
        self._heard.append(mode)

    def _tick(self, inputs: Inputs, decision: Decision) -> Tick:
        mode, queue = self.engine.mode, self.engine.queue
        return idle_tick(
            k=inputs.k,
            time_ns=inputs.k * FRAME_NS,
            phase=mode.phase,
            source=decision.source,
            episode=mode.episode,
            epoch=mode.epoch,
            frame=decision.frame,
            queue=len(queue),
            consumed=queue.consumed,
            chunk=queue.chunk,
            fault=decision.fault,
        )


@pytest.mark.parametrize("length", [1, 59, 60, 61, 500])
def test_all_actions_are_played_once_in_order(length: int) -> None:
    rig = Rig(Player(np.arange(length, dtype=float)[:, None]))
    rig.run(5)
    rig.drive(length + 30)
    assert rig.played == list(range(length))
    assert rig.finished == 1


@pytest.mark.parametrize("before", [1, 2, 31, 59, 60, 61, 199, 200])
def test_a_pause_loses_and_repeats_nothing(before: int) -> None:
    rig = Rig(Player(np.arange(200, dtype=float)[:, None]))
    rig.drive(before)
    assert rig.finished == 0
    rig.pause()
    rig.drive(300)
    assert rig.played == list(range(200))
    assert rig.finished == 1


@pytest.mark.parametrize("before", [1, 2, 31, 59, 60, 61, 199, 200])
def test_a_fault_loses_and_repeats_nothing(before: int) -> None:
    rig = Rig(Player(np.arange(200, dtype=float)[:, None]))
    rig.drive(before)
    rig.fault()
    assert rig.finished == 0
    rig.drive(300)
    assert rig.played == list(range(200))
    assert rig.finished == 1


def test_no_end_is_told_during_a_fault() -> None:
    rig = Rig(Player(np.zeros((10, 1))))
    rig.drive(1 + 10)
    rig.run(int(2 * SETTLE_S * 1e9 / FRAME_NS), lease_s=LATE_S)
    assert rig.finished == 0


def test_a_chunk_for_many_joints_fits() -> None:
    player = Player(np.full((500, 160), 0.1))
    tick = idle_tick(phase=Phase.AUTONOMOUS, source=Source.HOLD, epoch=1)
    chunk = player.follow(tick)
    assert chunk is not None
    assert len(encode(chunk)) <= CHUNK_BYTES


def test_the_end_is_told_when_the_arm_has_had_time_to_arrive() -> None:
    rig = Rig(Player(np.zeros((10, 1))))
    rig.drive(1 + 10)
    frames_after = 0
    while not rig.finished and frames_after < 100:
        rig.run(1)
        frames_after += 1
    assert (frames_after - 1) * FRAME_NS >= SETTLE_S * 1e9 > (frames_after - 3) * FRAME_NS


def test_another_episode_begins_at_the_beginning() -> None:
    rig = Rig(Player(np.arange(100, dtype=float)[:, None]))
    rig.drive(50)
    rig.pause()
    rig.episode = 1
    rig.drive(150)
    assert rig.played == [*range(49), *range(100)]


@pytest.mark.parametrize(("speed", "expected"), [(1, [0, 1, 4]), (0.5, [0, 0.5, 1, 2.5, 4]), (2, [0, 4]), (1.5, [0, 2.5, 4])])
def test_speed_changes_the_number_of_frames_not_the_way(speed: float, expected: list[float]) -> None:
    assert resampled(np.array([[0.0], [1.0], [4.0]]), speed)[:, 0].tolist() == expected


def recording(*first: float) -> Recording:
    names = tuple(f"joint_{i}" for i in range(len(first)))
    actions = np.array([first, first])
    states = actions - 2.0
    source = RecordedEpisode("data", "arm", "task", 30.0, names, actions, names, states)
    return Recording(0, source, tuple(Signal(name, "deg") for name in names), actions)


def test_the_way_to_the_start_names_what_is_furthest() -> None:
    measured = {"joint_1": -30.0, "joint_0": 1.0}
    far = way_to_start(recording(0.0, 10.0), measured)
    assert "joint_1 40.0 deg, joint_0 1.0 deg away" in far
    assert "is where the recording starts" in way_to_start(recording(0.0, -29.0), measured)


def test_only_what_the_recording_drives_is_compared_by_name() -> None:
    following = Following(["a", "b"], ["b", "x", "a"], fps=10.0)
    for source, asked in ((Source.RAMP, [90.0, 90.0]), (Source.REPLAY, [3.0, 0.0]), (Source.REPLAY, [1.0, 7.0])):
        following.see(idle_tick(source=source, frame=0, requested=asked, measured=[2.0, 100.0, 0.0]))
    a, b = following.result(recording_of("a", "b"))
    assert (a.name, a.most, a.at_s, a.mean, a.recorded) == ("a", 3.0, 0.0, 2.0, 2.0)
    assert (b.name, b.most, b.at_s, b.mean, b.recorded) == ("b", 5.0, 0.1, 3.5, 2.0)


def recording_of(*names: str) -> Recording:
    actions = np.zeros((2, len(names)))
    source = RecordedEpisode("data", "arm", "task", 10.0, names, actions, names, actions + 2.0)
    return Recording(0, source, tuple(Signal(name, "deg") for name in names), actions)
