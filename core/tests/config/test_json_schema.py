"""The JSON schema accepts the files that a command accepts, and refuses what it refuses."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from attrs import evolve, frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from hilt.config import (
    CollectConfig,
    RecordConfig,
    Station,
    TeleoperateConfig,
    device_schema,
    dump,
    json_schema,
    parse,
    structure,
)
from hilt.kernel import Registry
from hilt_hooks import ConfigError, option


@frozen(kw_only=True)
class Nested:
    """Values with limits, in all that may be around them."""

    several: list[float] = option([], help="Any number of them", minimum=0, maximum=9)
    two: tuple[float, float] = option((0, 0), help="Two of them", minimum=0, maximum=9)
    named: Mapping[str, float | None] = option({}, help="By name", minimum=0, maximum=9)
    chosen: str | None = option(None, help="A word", choices=("a", "b"))


WRONG: dict[str, Any] = {
    "robot.gain": 300,
    "robot.mode": "stif",
    "robot.home": [1.0, 2.0, 3.0],
    "robot.port": 3,
    "robot.prot": "x",
    "robot.type": "so101_folower",
    "robot.reach": "far",
    "robot.cameras.front.fps": 0,
    "inputs": [{"type": "keyboard", "layout": "qwertz"}],
    "limits": {"a.pos": {"velocity": -1}},
    "policy.threads": 2.5,
    "interpolation_multiplier": 11,
    "rtc.prefix_attention_schedule": "linear",
    "version": 2,
}


def put(data: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    *parts, last = path.split(".")
    inner = data
    for part in parts:
        inner = inner[part]
    inner[last] = value
    return data


@pytest.fixture(scope="module")
def collect(registry: Registry) -> Draft202012Validator:
    return Draft202012Validator(json_schema(CollectConfig, registry))


@pytest.mark.parametrize("cls", [CollectConfig, RecordConfig, TeleoperateConfig, Station])
def test_schemas_are_of_the_dialect(cls: type, registry: Registry):
    Draft202012Validator.check_schema(json_schema(cls, registry))


def test_a_file_is_accepted(argv: list[str], registry: Registry, collect: Draft202012Validator):
    data = dump(parse(CollectConfig, argv, registry))
    collect.validate(data)
    collect.validate(data | {"version": 1})
    del data["inputs"]
    collect.validate(data | {"input": {"type": "pedal"}})


@pytest.mark.parametrize("path", WRONG)
def test_what_a_command_refuses(argv: list[str], registry: Registry, collect: Draft202012Validator, path: str):
    data = put(dump(parse(CollectConfig, argv, registry)), path, WRONG[path])
    assert not collect.is_valid(data)
    if path != "version":
        with pytest.raises(ConfigError):
            structure(CollectConfig, data, registry)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    path=st.sampled_from(["robot.gain", "robot.reach", "robot.home", "robot.id", "robot.mode", "policy.threads", "teleop"]),
    value=st.recursive(
        st.none() | st.booleans() | st.integers(-500, 500) | st.floats(-500, 500) | st.sampled_from(["soft", "x", ""]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner),
    ),
)
def test_schema_and_command_agree(argv: list[str], registry: Registry, collect: Draft202012Validator, path: str, value: Any):
    data = json.loads(json.dumps(put(dump(parse(CollectConfig, argv, registry)), path, value)))
    try:
        structure(CollectConfig, data, registry)
    except ConfigError:
        taken = False
    else:
        taken = True
    whole = isinstance(value, float) and value.is_integer() and path == "policy.threads"  # 2.0 is an integer to JSON schema
    assert whole or collect.is_valid(data) == taken


@pytest.mark.parametrize(
    ("field", "right", "wrong"),
    [
        ("several", [[], [0, 9]], [[3, -1], [10]]),
        ("two", [[0, 9]], [[3, -1], [10, 3]]),
        ("named", [{}, {"x": 9, "y": None}], [{"x": 3, "y": -1}, {"x": 10}]),
        ("chosen", [None, "a"], ["c"]),
    ],
)
def test_limits_hold_for_each_value_inside(registry: Registry, field: str, right: list[Any], wrong: list[Any]):
    schema = Draft202012Validator(json_schema(Nested, registry))
    for value in right:
        structure(Nested, {field: value}, registry)
        schema.validate({field: value})
    for value in wrong:
        assert not schema.is_valid({field: value})
        with pytest.raises(ConfigError):
            structure(Nested, {field: value}, registry)


def test_a_name_that_two_plugins_claim_names_neither(argv: list[str], registry: Registry):
    """As for a command, which cannot tell which of them is meant."""
    robot = registry.find("robot", "so101_follower")
    second = evolve(robot, name="second", aliases=("arm_alias",))
    kinds = ("robot", "teleoperator", "camera", "input", "recorder")
    twice = Registry.of(*(each for kind in kinds for each in registry.all(kind)), robot, second)
    of_robots = json_schema(CollectConfig, twice)["$defs"]["robot"]["oneOf"]
    assert [each["properties"]["type"]["enum"] for each in of_robots] == [["pair"], ["second"]]
    data = dump(parse(CollectConfig, argv, registry))
    schema = Draft202012Validator(json_schema(CollectConfig, twice))
    for name, taken in (("so101_follower", False), ("arm_alias", False), ("second", True)):
        assert schema.is_valid(put(data, "robot.type", name)) == taken


def test_the_schema_of_one_device(registry: Registry):
    schema = Draft202012Validator(device_schema(registry.find("robot", "pair"), registry))
    arm = {"type": "so101_follower", "port": "x"}
    schema.validate({"type": "pair", "left": arm, "right": arm | {"type": "arm_alias"}})
    assert not schema.is_valid({"type": "pair", "left": arm})
    assert not schema.is_valid({"left": arm, "right": arm})
