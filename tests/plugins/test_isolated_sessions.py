"""Real sessions on the bench, with plugins that raise, hang and talk nonsense in the middle of an episode."""

from pathlib import Path

import numpy as np
import pytest
from e2e_commands import collect, record, scripted, teleoperate
from isolation_runs import BROKEN, MOVE, Ran, hilt, told

from hilt.ipc.messages import Source, Tick
from hilt.log import EpisodeLog
from hilt_recorder_lerobot.reader import Dataset
from hilt_robot_emulated.bench import Bench

FILTERS = ("fixture-filter-raises", "fixture-filter-hangs", "fixture-filter-garbage")
RAISES = "filter fixture-filter-raises (hilt-fixture-filter-raises) raised"
GARBAGE = "filter fixture-filter-garbage (hilt-fixture-filter-garbage) gave"
DEMONSTRATE = """
episode:
  - hand: align
  - press: start
  - wait: human
  - hand: home
  - press: success
reset:
  - press: next
"""
INTERVENE = """
episode:
  - hand: align
  - press: start
  - wait: autonomous
  - sleep: 1.0
  - hand: hold
  - press: takeover
  - wait: human
  - press: resume
  - wait: autonomous
  - sleep: 0.5
  - press: success
reset:
  - press: next
"""


@pytest.fixture
def script(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    path = tmp_path / "operator.yaml"
    path.write_text(request.param)
    return str(path)


def run(command: list[str], diary: Path, *, without: tuple[str, ...] = ()) -> Ran:
    ran = hilt(command, HILT_FIXTURE_DIARY=str(diary), HILT_DISABLE=",".join(without))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert told(ran.stderr) == list(BROKEN)
    assert "Traceback" not in ran.stdout + ran.stderr
    return ran


def check_hooks_are_named(ran: Ran, *, recorded: bool = True) -> None:
    """Each that raised, once; the one that hangs; and not those that only take their time."""
    said = ran.stdout.splitlines()
    clumsy = [line.partition(": ")[2] for line in said if line.startswith("fixture-clumsy (hilt-fixture-clumsy): ")]
    assert [line.split(":")[0] for line in clumsy] == [
        "hilt_session_started raised KeyError",
        "hilt_phase_changed raised ValueError",
        *(["hilt_episode_saved raised SystemExit"] if recorded else []),
    ]
    assert any(line.startswith("fixture-hanging (hilt-fixture-hanging): hilt_phase_changed has ") for line in said)
    assert not any("fixture-lagging" in line for line in said)


def the_episode(root: Path) -> tuple[Dataset, list[Tick]]:
    """The one that was recorded. All of it: a row for each frame, a frame for each number."""
    (log,) = root.glob("hilt/logs/*/*.mcap")
    dataset, ticks = Dataset(root), list(EpisodeLog(log).ticks())
    assert len(dataset.episodes) == 1
    assert dataset.check() == []
    frames = [tick.frame for tick in ticks if tick.frame >= 0]
    assert frames == list(range(len(dataset)))
    assert len(frames) > 30
    return dataset, ticks


def ptp(ticks: list[Tick], what: str) -> float:
    return float(np.ptp(np.array([getattr(tick, what) for tick in ticks]), axis=0).max())


@pytest.mark.parametrize("script", [DEMONSTRATE], indirect=True)
def test_recording_with_all_of_them(bench: Bench, tmp_path: Path, script: str) -> None:
    """One filter raises, the other gives garbage as soon as it is asked, so the arm stays; everything else takes its course."""
    root, diary = tmp_path / "dataset", tmp_path / "diary"
    command = [*record(bench, root, *scripted(bench, script)), "--dataset.num_episodes=1"]
    ran = run(command, diary, without=("fixture-filter-hangs",))
    dataset, ticks = the_episode(root)
    dataset.close()
    asked = [tick for tick in ticks if tick.refused]
    refused = {tick.refused for tick in asked}
    assert f"holding: {RAISES} ZeroDivisionError: in a filter" in refused
    assert any(text.startswith(f"holding: {GARBAGE}") and text.endswith(", not a Vector") for text in refused)
    assert {tick.source for tick in asked} == {Source.HOLD}
    assert ptp(asked, "leader") > 10
    assert ptp(asked, "sent") < 1
    assert f"{RAISES} ZeroDivisionError" in ran.stdout
    assert GARBAGE in ran.stdout
    assert "fixture-raising (hilt-fixture-raising): hilt_alarm raised ZeroDivisionError: holding: filter " in ran.stdout
    check_hooks_are_named(ran)
    wrote = diary.read_text().splitlines()
    assert (wrote[0], wrote[-1]) == ("session started", "session ended")
    assert wrote[1:-1] == ["phase human", "phase saved", "phase ended", "saved 0"]


@pytest.mark.parametrize("script", [INTERVENE], indirect=True)
def test_collecting_without_the_filters(cameras: Bench, policy: Path, tmp_path: Path, script: str) -> None:
    """Nothing is in the way of the arm: what hooks do is no matter to it."""
    root, diary = tmp_path / "dataset", tmp_path / "diary"
    words = [*collect(cameras, root, policy, *scripted(cameras, script)), "--dataset.num_episodes=1"]
    ran = run(words, diary, without=(*FILTERS, "fixture-ok"))
    dataset, ticks = the_episode(root)
    dataset.close()
    assert not any(tick.refused for tick in ticks)
    assert ptp(ticks, "sent") > 5
    check_hooks_are_named(ran)
    wrote = diary.read_text().splitlines()
    assert [line for line in wrote if line in ("phase autonomous", "phase human")] == [
        "phase autonomous",
        "phase human",
        "phase autonomous",
    ]


@pytest.mark.parametrize("script", [MOVE], indirect=True)
def test_teleoperating_with_a_filter_that_hangs(bench: Bench, tmp_path: Path, script: str) -> None:
    diary = tmp_path / "diary"
    ran = run(
        teleoperate(bench, *scripted(bench, script)),
        diary,
        without=("fixture-filter-raises", "fixture-filter-garbage", "fixture-ok"),
    )
    assert "filter fixture-filter-hangs (hilt-fixture-filter-hangs) hung; it is being started again" in ran.stdout
    assert diary.read_text().splitlines()[-1] == "session ended"
