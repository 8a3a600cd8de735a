"""The kit passes a recorder that keeps the rules, and finds each fault of those that do not, and nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from attrs import evolve, frozen
from conformance_results import by_id, failing
from memory_recorders import HEADER, JsonConfig, lengths, recorder, write_log

from hilt_hooks import RecorderDescriptor
from hilt_hooks.testing import Check, NotConforming, NotExercised, RecorderRig, check_recorder, conformance
from hilt_hooks.testing.killing import Changes
from hilt_hooks.testing.tables import RECORDER_RULES

SLOW = {"D01", "L07", "L08"}
"""Rules that start a process of their own."""

OTHER = {**HEADER, "columns": [{"name": "action"}, {"name": "torque"}]}


@contextmanager
def rig() -> Iterator[RecorderRig]:
    with TemporaryDirectory() as place:
        root, logs = Path(place) / "dataset", Path(place) / "logs"
        frames = [5, 3]
        yield RecorderRig(
            config=JsonConfig(root=root),
            folder=root,
            header=HEADER,
            logs={write_log(logs, n, frames=count, task=f"Task {n}"): count for n, count in enumerate(frames)},
            lengths=lambda: lengths(root),
            refused={"torque": OTHER},
            unsaved=write_log(logs, 2, frames=3, task="Task 2", saved=False),
        )


@contextmanager
def bare_rig() -> Iterator[RecorderRig]:
    with rig() as full:
        yield evolve(full, refused={}, unsaved=None)


def checks(descriptor: RecorderDescriptor, make: Any = rig) -> dict[str, Check]:
    return by_id(check_recorder(descriptor, make))


@conformance(check_recorder(recorder(), rig))
def test_correct_recorder(check: Check) -> None:
    check.run()


WRONG = [
    ("D05", "MakesFolderInInit"),
    ("D06", "OtherArgument"),
    ("L01", "ValidateMakesFolder"),
    ("L01", "ValidateRefusesWhatIsThere"),
    ("L02", "AcceptsAnything"),
    ("L02", "RefusesWithoutName"),
    ("L02", "AssertsColumns"),
    ("L02", "RefusesInOneProblem"),
    ("L03", "DropsLastRow"),
    ("L04", "CountsAdds"),
    ("L05", "ForgetsOthers"),
    ("L06", "KnowsByPlace"),
    ("L09", "RemovesOnce"),
    ("L10", "RemovesByLog"),
    ("L11", "KeepsFirstTask"),
    ("L12", "MarksLogs"),
    ("L13", "SkipsDamaged"),
    ("L13", "ListsBeforeReading"),
    ("L14", "AddsUnsaved"),
    ("L14", "ValueErrorForUnsaved"),
    ("L15", "SaysWhere"),
    ("L15", "CountsOwnEpisodes"),
]


@pytest.mark.parametrize(("id", "fault"), WRONG)
def test_wrong_recorder_fails_this_rule_and_no_other(id: str, fault: str) -> None:
    found = failing(checks(recorder(f"wrong_recorders:{fault}")), without=SLOW)
    assert found.keys() == {id}, found


WRONG_ELSEWHERE = [("L07", "WritesInPlace"), ("L07", "NeverDoneTwice"), ("L07", "WritesNatively")]


@pytest.mark.parametrize(("id", "fault"), WRONG_ELSEWHERE)
def test_what_only_a_kill_shows_fails_this_rule_and_no_other(id: str, fault: str) -> None:
    found = failing(checks(recorder(f"wrong_recorders:{fault}")), without={"D01"})
    assert found.keys() == {id}, found


WRONG_IN_MORE = [("L08", "WritesAtExit"), ("L12", "SpendsLogs")]


@pytest.mark.parametrize(("id", "fault"), WRONG_IN_MORE)
def test_what_breaks_other_rules_too_is_said_by_its_own(id: str, fault: str) -> None:
    with pytest.raises(NotConforming):
        checks(recorder(f"wrong_recorders:{fault}"))[id].run()


@pytest.mark.parametrize(
    ("id", "change"),
    [("D02", {"factory": "wrong_recorders:NoSuchClass"}), ("D06", {"capabilities": frozenset({"torque"})})],
)
def test_wrong_descriptor_is_found(id: str, change: dict[str, Any]) -> None:
    with pytest.raises(NotConforming):
        checks(evolve(recorder(), **change))[id].run()


def test_config_that_cannot_travel_is_found() -> None:
    @frozen(kw_only=True)
    class Local(JsonConfig):
        """Another process cannot import what is defined in a function."""

    @contextmanager
    def local_rig() -> Iterator[RecorderRig]:
        with rig() as usual:
            yield evolve(usual, config=Local(root=usual.folder))

    found = checks(evolve(recorder(), config=Local), local_rig)
    assert failing(found, without={"D01"}).keys() == {"D19"}
    with pytest.raises(NotExercised, match="another process"):
        found["L07"].run()


@pytest.mark.parametrize(("id", "missing"), [("L02", "refused"), ("L14", "unsaved")])
def test_what_the_rig_cannot_do_is_not_exercised(id: str, missing: str) -> None:
    with pytest.raises(NotExercised, match=missing):
        checks(recorder(), bare_rig)[id].run()


def test_every_rule_has_a_wrong_recorder() -> None:
    ids = [rule.id for rule in RECORDER_RULES]
    assert len(ids) == len(set(ids))
    seeded = {id for id, _ in [*WRONG, *WRONG_ELSEWHERE, *WRONG_IN_MORE]} | {"D02", "D19"}
    assert set(ids) - {"D01", "D03", "D04"} == seeded


@pytest.mark.parametrize("event", ["os.rename", "os.link", "os.symlink"])
def test_what_comes_into_the_folder_from_elsewhere_is_a_change(tmp_path: Path, event: str) -> None:
    """A file that is written elsewhere and then put in its place: there, too, a process can be killed."""
    changes = Changes(str(tmp_path / "dataset"), None)
    changes(event, (str(tmp_path / "elsewhere"), str(tmp_path / "dataset" / "file"), -1, -1))
    assert changes.made == [event]
