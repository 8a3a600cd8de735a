"""A recording in place of a policy: which actions the rig gets, in which order, whatever the operator does meanwhile."""

from itertools import count

import numpy as np
import pytest

from hilt.ipc.messages import ChunkMessage, Phase, Segment, Source, Tick
from hilt.replay.following import Following
from hilt.replay.player import SETTLE_S, Player
from hilt.replay.recording import Recording, resampled, way_to_start
from hilt.rig.queue import ActionQueue
from hilt_hooks import RecordedEpisode, Signal

FRAME_NS = 33_333_333


class Rig:
    """The queue of a rig, and ticks as it publishes them: one a frame."""

    def __init__(self, player: Player) -> None:
        self.player, self.queue = player, ActionQueue(1)
        self.queue.begin(0)
        self.phase, self.epoch, self.episode = Phase.READY, 0, 0
        self.played: list[float] = []
        self.finished = 0
        self._k = count()

    def drive(self, frames: int) -> None:
        """Enter AUTONOMOUS, as after `start` or `resume`, and stay there."""
        self.phase, self.epoch = Phase.AUTONOMOUS, self.epoch + 1
        self.queue.begin(self.epoch)
        self.run(frames)

    def pause(self, frames: int = 3) -> None:
        self.phase = Phase.PAUSED
        self.queue.begin(self.epoch)
        self.run(frames)

    def run(self, frames: int) -> None:
        for _ in range(frames):
            action = self.queue.pop() if self.phase == Phase.AUTONOMOUS else None
            self.played += [] if action is None else [float(action[0])]
            tick = self.tick(Source.HOLD if action is None else Source.REPLAY)
            if chunk := self.player.follow(tick):
                assert isinstance(chunk, ChunkMessage)
                self.queue.put(chunk)
            self.finished += self.player.arrived(tick)

    def tick(self, source: Source) -> Tick:
        k = next(self._k)
        return Tick(
            k=k,
            time_ns=k * FRAME_NS,
            wrote_ns=0,
            read_ns=0,
            phase=self.phase,
            source=source,
            segment=Segment.AUTONOMOUS,
            episode=self.episode,
            epoch=self.epoch,
            frame=k,
            boundary=False,
            sent=[0.0],
            measured=[0.0],
            fresh=[True],
            ages_ns=[0],
            requested=[0.0],
            proposed=None,
            leader=None,
            leader_fresh=False,
            leader_sent=None,
            queue=len(self.queue),
            consumed=self.queue.consumed,
            chunk=self.queue.chunk,
            lease_age_ns=0,
            limited=[],
            alarm="",
            inputs=[],
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
    rig = Rig(Player(np.zeros((1, 1))))
    for source, asked in ((Source.RAMP, [90.0, 90.0]), (Source.REPLAY, [3.0, 0.0]), (Source.REPLAY, [1.0, 7.0])):
        tick = rig.tick(source)
        tick.requested[:], tick.measured[:] = asked, [2.0, 100.0, 0.0]
        following.see(tick)
    a, b = following.result(recording_of("a", "b"))
    assert (a.name, a.most, a.at_s, a.mean, a.recorded) == ("a", 3.0, 0.0, 2.0, 2.0)
    assert (b.name, b.most, b.at_s, b.mean, b.recorded) == ("b", 5.0, 0.1, 3.5, 2.0)


def recording_of(*names: str) -> Recording:
    actions = np.zeros((2, len(names)))
    source = RecordedEpisode("data", "arm", "task", 10.0, names, actions, names, actions + 2.0)
    return Recording(0, source, tuple(Signal(name, "deg") for name in names), actions)
