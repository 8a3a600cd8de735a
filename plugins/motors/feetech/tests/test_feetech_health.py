"""What servos say of themselves, in words."""

import pytest

from hilt_motor_feetech.health import COOL_C, OVERHEATED, OVERLOAD, TROUBLES, WARM_C, Health, troubles

SECOND_NS = 1_000_000_000


@pytest.mark.parametrize(
    ("bits", "names"),
    [
        (0x00, []),
        (0x01, ["voltage"]),
        (0x02, ["angle sensor"]),
        (0x04, ["overheated"]),
        (0x08, ["overcurrent"]),
        (0x20, ["overload"]),
        (0x21, ["voltage", "overload"]),
        (0x50, ["error 0x50"]),
    ],
)
def test_error_bits_in_words(bits: int, names: list[str]) -> None:
    assert [trouble.name for trouble in troubles(bits)] == names


def test_every_trouble_comes_with_advice() -> None:
    assert all(trouble.advice for trouble in TROUBLES.values())


def test_warnings_name_the_motor_and_stay_for_a_while() -> None:
    health = Health()
    health.note_errors({"pan": 0, "lift": OVERLOAD}, 0)
    (line,) = health.warnings(("pan", "lift"), SECOND_NS)
    assert line.startswith("lift: overload (")
    assert health.warnings(("pan", "lift"), 3 * SECOND_NS) == ()


def test_heat_is_told_until_it_is_clearly_less() -> None:
    health = Health()
    health.note_temperatures({"lift": WARM_C - 1, "pan": None})
    assert health.warnings(("pan", "lift"), 0) == ()
    health.note_temperatures({"lift": WARM_C})
    assert "lift: hot" in health.warnings(("pan", "lift"), 0)[0]
    health.note_temperatures({"lift": COOL_C})
    assert health.is_warm("lift")
    health.note_temperatures({"lift": COOL_C - 1})
    assert health.warnings(("pan", "lift"), 0) == ()


def test_a_motor_that_says_overheated_is_not_called_hot_as_well() -> None:
    health = Health()
    health.note_temperatures({"lift": 72})
    health.note_errors({"lift": OVERHEATED}, 0)
    (line,) = health.warnings(("lift",), 0)
    assert "overheated" in line
    assert "hot," not in line
