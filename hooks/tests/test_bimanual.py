"""Two arms as one: the kit passes pairs, every call reaches both arms, and nothing half-right is sent."""

import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pkgutil import resolve_name
from typing import Any

import attrs
import pytest
from attrs import evolve, frozen
from memory_devices import CAPABILITIES, NAMES, WORLDS, ArmConfig, World, leader, robot

from hilt_hooks import (
    Cameras,
    ConfigError,
    ConnectError,
    DeviceLost,
    Limits,
    RobotDescriptor,
    TeleoperatorDescriptor,
    Typed,
    Vector,
    cameras,
    option,
)
from hilt_hooks.bimanual import bimanual
from hilt_hooks.testing import Check, Motion, Rig, check_robot, check_teleoperator, conformance

MOTION = Motion(settle_s=2.0, watch_s=0.15)
ROBOTS: RobotDescriptor = bimanual(robot(), name="bi_memory", aliases=("bi_memory_robot",), summary="Two robots in memory")
LEADERS: TeleoperatorDescriptor = bimanual(leader(), name="bi_leader", summary="Two leaders in memory")
BOTH = tuple(f"{side}_{name}" for side in ("left", "right") for name in NAMES)
FAR = 1 << 62


def worlds() -> dict[str, World]:
    fresh = {"left": World(), "right": World()}
    WORLDS.update(fresh)
    return fresh


def pair_config(descriptor: RobotDescriptor | TeleoperatorDescriptor, **given: Any) -> Any:
    return descriptor.config(left_arm_config=ArmConfig(port="left"), right_arm_config=ArmConfig(port="right"), **given)


def rig(descriptor: RobotDescriptor | TeleoperatorDescriptor, unplugged: str) -> Any:
    """A rig whose handles act on one side: the other one goes on."""

    @contextmanager
    def make() -> Iterator[Rig]:
        both = worlds()

        def pose() -> Mapping[str, float]:
            return {f"{side}_{name}": at for side, world in both.items() for name, at in world.where().items()}

        def mute() -> None:
            for world in both.values():
                world.mute()

        yield Rig(config=pair_config(descriptor), unplug=both[unplugged].unplug, mute=mute, pose=pose)

    return make


@conformance(check_robot(ROBOTS, rig(ROBOTS, "right"), motion=MOTION))
def test_pair_of_robots(check: Check) -> None:
    check.run()


@conformance(check_teleoperator(LEADERS, rig(LEADERS, "left"), motion=MOTION, robot_actions=BOTH))
def test_pair_of_leaders(check: Check) -> None:
    check.run()


@pytest.fixture
def both() -> dict[str, World]:
    return worlds()


@pytest.fixture
def pair(both: dict[str, World]) -> Iterator[Any]:
    device = resolve_name(ROBOTS.factory)(pair_config(ROBOTS))
    device.connect()
    yield device
    device.disconnect()


def test_descriptor_of_a_pair() -> None:
    assert (ROBOTS.name, ROBOTS.aliases, ROBOTS.kind, LEADERS.kind) == (
        "bi_memory",
        ("bi_memory_robot",),
        "robot",
        "teleoperator",
    )
    assert ROBOTS.capabilities == CAPABILITIES - {"calibrate", "kinematics"}
    assert LEADERS.capabilities == {"torque", "mirror", "identify"}
    assert ROBOTS.emulator is None


def test_limits_get_the_prefix_and_the_star_stays() -> None:
    elbow, rest = Limits(velocity=90, reason="a weak elbow"), Limits(velocity=180, reason="motors")
    pair = bimanual(evolve(robot(), limits={"elbow.pos": elbow, "*": rest}), name="pair", summary="a pair")
    assert pair.limits == {"left_elbow.pos": elbow, "right_elbow.pos": elbow, "*": rest}


def test_config_has_the_fields_of_a_pair() -> None:
    assert list(attrs.fields_dict(ROBOTS.config)) == ["id", "left_arm_config", "right_arm_config", "cameras"]
    assert list(attrs.fields_dict(LEADERS.config)) == ["id", "left_arm_config", "right_arm_config"]
    assert attrs.fields(ROBOTS.config).left_arm_config.type is ArmConfig


def test_configs_of_different_pairs_differ() -> None:
    assert ROBOTS.config is not LEADERS.config
    assert bimanual(robot(), name="another", summary="the same arms").config is ROBOTS.config


def test_config_survives_pickle() -> None:
    config = pair_config(ROBOTS, id="black")
    again = pickle.loads(pickle.dumps(config))
    assert again == config
    assert type(again) is type(config)


@pytest.mark.parametrize(
    ("pair_id", "own", "expected"),
    [("black", None, "black_left"), ("black", "old", "old"), (None, None, None), (None, "old", "old")],
)
def test_arms_get_their_id_from_the_pair(pair_id: str | None, own: str | None, expected: str | None) -> None:
    config = ROBOTS.config(
        id=pair_id, left_arm_config=ArmConfig(port="left", id=own), right_arm_config=ArmConfig(port="right", id="kept")
    )
    device = resolve_name(ROBOTS.factory)(config)
    assert [arm.config.id for arm in device.arms] == [expected, "kept"]


@frozen(kw_only=True)
class WithCameras:
    port: str = option(help="Which arm in memory")
    cameras: Cameras = cameras()


def test_cameras_of_the_arms_are_cameras_of_the_pair() -> None:
    wrist, front = Typed("still", 1), Typed("still", 2)
    descriptor = bimanual(evolve(robot(), config=WithCameras), name="pair", summary="a pair")
    left = WithCameras(port="left", cameras={"wrist": wrist})
    config = descriptor.config(left_arm_config=left, right_arm_config=WithCameras(port="right"), cameras={"front": front})
    assert config.cameras == {"front": front, "left_wrist": wrist}
    assert evolve(config) == config
    with pytest.raises(ConfigError, match=r"cameras\.left_wrist"):
        evolve(config, cameras={"left_wrist": front})


def test_signals_and_readings_are_prefixed(pair: Any) -> None:
    assert tuple(signal.name for signal in pair.action_signals) == BOTH
    assert tuple(signal.name for signal in pair.observation_signals) == BOTH
    assert pair.read(FAR).names == BOTH
    assert pair.current(FAR).names == BOTH
    assert pair.park_target().names == BOTH
    assert pair.identify() == {"left_port": "left", "right_port": "right"}
    assert pair.diagnose()[0] == {"arm": "left", "motor": "base.pos", "last error": "none"}


def test_both_failures_of_connect_are_told(both: dict[str, World]) -> None:
    for world in both.values():
        world.unplug()
    with pytest.raises(ConnectError) as caught:
        resolve_name(ROBOTS.factory)(pair_config(ROBOTS)).connect()
    assert str(caught.value).splitlines() == [
        "the pair of arms could not be opened",
        "- left arm",
        "  - nothing is plugged into left",
        "- right arm",
        "  - nothing is plugged into right",
    ]


def test_an_arm_that_could_be_opened_is_closed_again(both: dict[str, World]) -> None:
    both["right"].unplug()
    device = resolve_name(ROBOTS.factory)(pair_config(ROBOTS))
    with pytest.raises(ConnectError, match="plugged into right"):
        device.connect()
    with pytest.raises(DeviceLost, match="left arm"):
        device.read(FAR)


def test_disconnect_reaches_the_right_arm_when_the_left_one_fails(pair: Any) -> None:
    class Stuck(type(pair.arms[0])):  # type: ignore[misc]
        def disconnect(self) -> None:
            raise DeviceLost("stuck")

    stuck = type(pair)(Stuck(ArmConfig(port="left")), pair.arms[1])
    with pytest.raises(DeviceLost, match="stuck"):
        stuck.disconnect()
    with pytest.raises(DeviceLost):
        pair.arms[1].read(FAR)


@pytest.mark.parametrize(("lost", "other"), [("left", "right"), ("right", "left")])
def test_hold_reaches_the_arm_that_is_left(pair: Any, both: dict[str, World], lost: str, other: str) -> None:
    both[lost].unplug()
    with pytest.raises(DeviceLost, match=f"{lost} arm") as caught:
        pair.hold()
    assert f"{other} arm" not in str(caught.value)
    assert both[other].torque


def test_a_bad_right_half_moves_neither_arm(pair: Any, both: dict[str, World]) -> None:
    command = dict.fromkeys(BOTH, 10.0) | {"right_elbow.pos": float("nan")}
    with pytest.raises(ConfigError, match=r"right_elbow\.pos is nan"):
        pair.write(Vector.of(command))
    assert not any(world.goal.any() for world in both.values())


def test_the_left_arm_leaves_time_for_the_right_one(pair: Any) -> None:
    given = []
    for arm in pair.arms:
        whole = arm.read(FAR)
        arm.read = lambda deadline_ns, whole=whole: given.append(deadline_ns) or whole
    pair.read(FAR)
    assert given[0] < FAR * 3 // 4 < given[1] == FAR


def test_motors_are_set_up_one_by_one(pair: Any) -> None:
    assert pair.motors_to_set_up() == list(BOTH)
    pair.set_up_motor("right_elbow.pos")
    with pytest.raises(ConfigError, match=r"'elbow\.pos' is no motor of this pair"):
        pair.set_up_motor("elbow.pos")


def test_a_pair_of_which_one_arm_is_limp_is_neither_stiff_nor_limp(pair: Any, both: dict[str, World]) -> None:
    both["right"].switch(True)
    assert pair.torque() is None
    pair.set_torque(True)
    assert pair.torque() is True
    pair.set_torque(False)
    assert pair.torque() is False
