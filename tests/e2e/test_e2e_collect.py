"""`hilt collect`: the policy drives, a hand takes over, corrects, and hands back, twice."""

import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from attrs import frozen
from e2e_commands import collect, scripted
from e2e_session import run
from e2e_wire import Goals, Wire, step_of
from numpy.typing import NDArray

from hilt.checkpoint import open_checkpoint
from hilt.ipc.messages import Source, Tick
from hilt.log import EpisodeLog
from hilt_hooks import Floats
from hilt_recorder_lerobot.reader import Dataset
from hilt_robot_emulated.bench import Bench
from hilt_robot_emulated.calibration import CHANNELS, ENCODERS
from hilt_robot_so.plugin import LIMITS

FPS, INTERPOLATION = 30, 2
PERIOD_S = 1 / (FPS * INTERPOLATION)
JOINTS = range(6)
LONGEST_S = 200.0
"""A whole session, on a machine that runs other tests as well."""
SLOWED, SPEED = 1, 45.0
"""The joint whose limit is set below what the hand does, and to how many degrees per second."""
MOST = np.array([LIMITS["*"].velocity] * 5 + [LIMITS["gripper.pos"].velocity]) * PERIOD_S
"""How far each channel may go in one command."""
MOST[SLOWED] = SPEED * PERIOD_S

pytestmark = pytest.mark.timeout(1.2 * LONGEST_S)


@frozen
class Collected:
    ran: "subprocess.CompletedProcess[str]"
    dataset: Dataset
    ticks: tuple[list[Tick], ...]
    goals: Goals
    policy_id: str

    def numbers(self, column: str, episode: int) -> "NDArray[np.int64]":
        return self.dataset.episode(episode)[column][:, 0]

    def means(self, column: str, *names: str) -> set[int]:
        return {self.dataset.meaning[column][name] for name in names}


@pytest.fixture(scope="module")
def collected(bench: Bench, policy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collected]:
    root = tmp_path_factory.mktemp("collect") / "dataset"
    slow = f"--limits={{{CHANNELS[SLOWED]}: {{velocity: {SPEED}}}}}"
    command = collect(bench, root, policy, *scripted(bench, "intervene"), "--dataset.num_episodes=2", slow)
    with Wire(bench) as wire:
        ran = run(command, timeout_s=LONGEST_S)
        goals = wire.goals()
        assert wire.lost == 0
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    ticks = tuple(list(EpisodeLog(log).ticks()) for log in sorted(root.glob("hilt/logs/*/*.mcap")))
    dataset = Dataset(root)
    yield Collected(ran, dataset, ticks, goals, open_checkpoint(policy).policy_id)
    dataset.close()


@pytest.fixture(params=[0, 1])
def episode(request: pytest.FixtureRequest) -> int:
    number: int = request.param
    return number


def sent(ticks: list[Tick]) -> Floats:
    return np.array([tick.sent for tick in ticks])


def test_both_episodes_are_kept(collected: Collected) -> None:
    assert len(collected.dataset.episodes) == 2
    assert collected.dataset.check() == []


def test_every_source_and_segment_is_there(collected: Collected, episode: int) -> None:
    assert set(collected.numbers("hilt.source", episode)) >= collected.means("hilt.source", "policy", "human", "hold")
    assert set(collected.numbers("hilt.segment", episode)) == set(collected.dataset.meaning["hilt.segment"].values())


def test_recovery_comes_before_correction(collected: Collected, episode: int) -> None:
    segments = collected.numbers("hilt.segment", episode)
    order = segments[np.flatnonzero(np.diff(segments, prepend=-1))]
    names = {number: name for name, number in collected.dataset.meaning["hilt.segment"].items()}
    assert [names[number] for number in order] == ["autonomous", "recovery", "correction", "autonomous"]


def test_intervention_is_what_the_human_drove(collected: Collected, episode: int) -> None:
    human = np.isin(collected.numbers("hilt.source", episode), list(collected.means("hilt.source", "human")))
    assert (collected.numbers("intervention", episode) == human).all()


def test_rows_are_the_ticks_that_start_a_frame(collected: Collected, episode: int) -> None:
    """The action is what was requested, before interpolation and governor; the state is what was measured."""
    framed = [tick for tick in collected.ticks[episode] if tick.frame >= 0]
    columns = collected.dataset.episode(episode)
    assert len(framed) == len(columns["action"])
    for column, values in (
        ("action", [tick.requested for tick in framed]),
        ("hilt.sent", [tick.sent for tick in framed]),
        ("observation.state", [tick.measured for tick in framed]),
    ):
        np.testing.assert_allclose(columns[column], np.array(values), atol=1e-4)


def test_what_the_policy_proposed_is_kept(collected: Collected, episode: int) -> None:
    columns = collected.dataset.episode(episode)
    by_policy = np.isin(columns["hilt.source"][:, 0], list(collected.means("hilt.source", "policy")))
    np.testing.assert_array_equal(columns["hilt.proposed"][by_policy], columns["action"][by_policy])
    assert np.isnan(columns["hilt.proposed"][columns["intervention"][:, 0]]).all()
    assert set(columns["hilt.policy"][by_policy, 0]) == {collected.dataset.meaning["hilt.policy"][collected.policy_id]}


def test_sent_is_what_was_on_the_wire(collected: Collected, episode: int) -> None:
    """Tick by tick, one packet each, from the first of the episode to the last."""
    wanted, wire = sent(collected.ticks[episode]), collected.goals.values
    rounding = np.array([step_of(joint) for joint in JOINTS]) * 0.51
    starts = range(len(wire) - len(wanted) + 1)
    assert any((np.abs(wire[start : start + len(wanted)] - wanted) <= rounding).all() for start in starts)


def test_no_command_goes_too_far(collected: Collected) -> None:
    """Over the whole session, with takeover, return and reset, as the servos got it; steps are rounded."""
    moved = np.abs(np.diff(collected.goals.values, axis=0))
    assert (moved <= MOST + [step_of(joint) for joint in JOINTS]).all()
    assert moved[:, SLOWED].max() > MOST[SLOWED] * 0.9, "nothing went fast enough to show it"


def test_commands_stay_in_the_calibrated_range(collected: Collected) -> None:
    for encoder, steps in zip(ENCODERS["robot"], collected.goals.steps.T, strict=True):
        assert encoder.range_min <= steps.min()
        assert steps.max() <= encoder.range_max


def test_takeover_is_no_step(collected: Collected, episode: int) -> None:
    """In the tick of the takeover and the two after it, though the hand is moving by then."""
    ticks = collected.ticks[episode]
    taken = next(i for i, (a, b) in enumerate(pairwise(ticks)) if b.source == Source.HUMAN != a.source)
    assert np.abs(np.diff(sent(ticks[taken : taken + 4]), axis=0)).max() <= 1.0


def test_return_is_no_step(collected: Collected, episode: int) -> None:
    ticks = collected.ticks[episode]
    given = next(i for i, (a, b) in enumerate(pairwise(ticks)) if a.source == Source.HUMAN != b.source)
    assert np.abs(np.diff(sent(ticks[given : given + 3]), axis=0)).max() <= 1.0


def test_the_leader_was_where_the_robot_was(collected: Collected, episode: int) -> None:
    """It mirrors while the policy drives: that is why a takeover needs no alignment."""
    ticks = collected.ticks[episode]
    taken = next(i for i, tick in enumerate(ticks) if tick.source == Source.HUMAN)
    leader = ticks[taken - 1].leader
    assert leader is not None
    assert np.abs(np.subtract(leader, ticks[taken - 1].measured)).max() < 3


def test_the_pause_is_a_boundary(collected: Collected, episode: int) -> None:
    """Half a second is missing before the first row that the human drove."""
    times, human = collected.numbers("hilt.time_ns", episode), collected.numbers("intervention", episode)
    taken = np.flatnonzero(human)[0]
    assert collected.numbers("hilt.boundary", episode)[taken]
    assert times[taken] - times[taken - 1] > 0.4e9


def test_frames_keep_to_the_grid(collected: Collected, episode: int) -> None:
    """From one boundary to the next: a frame starts when it is due, or a command later when that one had to be skipped."""
    times, boundary = collected.numbers("hilt.time_ns", episode) / 1e9, collected.numbers("hilt.boundary", episode)
    sections = np.split(times, np.flatnonzero(boundary))
    late = [section - section[0] - np.arange(len(section)) / FPS for section in sections if len(section)]
    on_grid = np.concatenate([each - each.min() for each in late])
    assert on_grid.max() < PERIOD_S + 1e-6
    assert np.median(on_grid) < 1e-6


def test_timestamps_are_those_of_the_video(collected: Collected, episode: int) -> None:
    columns = collected.dataset.episode(episode)
    np.testing.assert_allclose(columns["timestamp"][:, 0], columns["frame_index"][:, 0] / FPS, atol=1e-4)


def test_images_are_fresh(collected: Collected, episode: int) -> None:
    """As the camera gives them: not older than a few of its own periods, however fast this machine renders."""
    columns = collected.dataset.episode(episode)
    times_ms = columns["hilt.time_ns"][:, 0] / 1e6
    for camera in ("front", "wrist"):
        ages, new = columns[f"hilt.{camera}.age_ms"], ~columns[f"hilt.{camera}.repeated"]
        assert (ages >= 0).all()
        assert np.median(ages) < 3 * np.ptp(times_ms) / np.count_nonzero(new)


def test_the_operator_reads_how_it_goes(collected: Collected) -> None:
    said = collected.ran.stdout
    for line in (
        "episode 1: the policy drives  (start, scripted)",
        "episode 1: the arm holds  (pause, scripted)",
        "episode 1: you drive (recovery)  (takeover, scripted)",
        "episode 1: you drive (correction)  (correct, scripted)",
        "episode 1: the policy drives  (resume, scripted)",
        "2 of 2 done; the arm holds",
    ):
        assert line in said
