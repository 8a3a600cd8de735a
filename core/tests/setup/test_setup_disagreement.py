"""Arms that were found to disagree, as long as they are calibrated as they were then."""

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from hilt.setup import disagreement
from hilt_hooks import Calibration, ConfigError
from hilt_hooks.bimanual import Pair

FOUND = ["pan.pos (20.0 deg): its zero was taken in another pose"]


class CalibratedArm:
    calibrated = True

    def __init__(self, path: Path) -> None:
        self.calibration_path = path
        path.write_text(f"the calibration of {path.stem}")

    def calibration(self) -> AbstractContextManager[Calibration]:
        raise NotImplementedError


@pytest.fixture
def arms(tmp_path: Path) -> dict[str, CalibratedArm]:
    return {name: CalibratedArm(tmp_path / f"{name}.json") for name in ("blue", "red", "black", "white")}


def refused(leader: object, robot: object) -> bool:
    try:
        disagreement.refuse(leader, robot)
    except ConfigError as error:
        return FOUND[0] in error.problems
    return False


def test_what_was_never_compared_is_not_refused(arms: dict[str, CalibratedArm]) -> None:
    assert not refused(arms["blue"], arms["black"])
    assert not refused(object(), arms["black"])


def test_what_disagrees_is_refused_until_it_agrees(arms: dict[str, CalibratedArm]) -> None:
    blue, black = arms["blue"], arms["black"]
    disagreement.note(blue, black, FOUND)
    assert refused(blue, black)
    with pytest.raises(ConfigError, match=r"must not lead the other \(kept in .*blue\.json\.disagrees\)"):
        disagreement.refuse(blue, black)
    disagreement.note(blue, black, [])
    assert not refused(blue, black)
    assert not list(blue.calibration_path.parent.glob("*.disagrees*"))


@pytest.mark.parametrize("name", ["blue", "black"])
@pytest.mark.parametrize("how", ["anew", "lost"])
def test_an_arm_that_is_calibrated_otherwise_was_not_compared(arms: dict[str, CalibratedArm], name: str, how: str) -> None:
    disagreement.note(arms["blue"], arms["black"], FOUND)
    path = arms[name].calibration_path
    path.unlink() if how == "lost" else path.write_text("another calibration")
    assert not refused(arms["blue"], arms["black"])


def test_a_leader_that_agrees_with_one_robot_goes_on_disagreeing_with_another(arms: dict[str, CalibratedArm]) -> None:
    disagreement.note(arms["blue"], arms["black"], FOUND)
    disagreement.note(arms["blue"], arms["white"], FOUND)
    disagreement.note(arms["blue"], arms["white"], [])
    assert refused(arms["blue"], arms["black"])
    assert not refused(arms["blue"], arms["white"])


def test_a_pair_in_which_two_arms_disagree_is_refused(arms: dict[str, CalibratedArm]) -> None:
    """Whichever side they are on; a comparison of the pairs is one of its arms as well."""
    leaders, robots = Pair(arms["blue"], arms["red"]), Pair(arms["black"], arms["white"])
    disagreement.note(arms["red"], arms["white"], FOUND)
    assert refused(leaders, robots)
    disagreement.note(leaders, robots, FOUND)
    assert refused(leaders, robots)
    disagreement.note(leaders, robots, [])
    assert not refused(leaders, robots)
    assert not refused(arms["red"], arms["white"])


@pytest.mark.parametrize("text", ["{", "[1]", '{"files": {}, "found": []}', '[{"files": {}}]'])
def test_a_file_that_is_something_else_is_named(arms: dict[str, CalibratedArm], text: str) -> None:
    place = arms["blue"].calibration_path.with_name("blue.json.disagrees")
    place.write_text(text)
    with pytest.raises(ConfigError, match=r"blue\.json\.disagrees: not what hilt calibrate wrote there .* delete it"):
        disagreement.refuse(arms["blue"], arms["black"])


def test_where_nothing_can_be_kept_that_is_said(arms: dict[str, CalibratedArm]) -> None:
    arms["blue"].calibration_path = Path("/proc/blue.json")
    with pytest.raises(ConfigError, match=r"/proc/blue\.json\.disagrees: what the comparison has found cannot be kept there"):
        disagreement.note(arms["blue"], arms["black"], FOUND)
