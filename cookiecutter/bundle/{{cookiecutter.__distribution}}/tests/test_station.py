"""The station, as the commands read it."""

from pathlib import Path

import pytest

from hilt.config import TeleoperateConfig, parse
from hilt.kernel import Registry, build
from hilt_hooks import BundleDescriptor, Robot, RobotDescriptor, Teleoperator


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """All that is installed; no station of this machine's user gets in front of the bundle's."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("HILT_STATIONS", raising=False)
    return Registry.discover()


@pytest.fixture
def config(registry: Registry) -> TeleoperateConfig:
    return parse(TeleoperateConfig, ["--station={{ cookiecutter.__type }}"], registry)


def test_it_is_installed(registry: Registry) -> None:
    assert registry.find(BundleDescriptor, "{{ cookiecutter.__type }}").summary


def test_flags_win_over_the_station(registry: Registry) -> None:
    changed = parse(TeleoperateConfig, ["--station={{ cookiecutter.__type }}", "--robot.port=/dev/ttyACM0"], registry)
    assert changed.robot.config.port == "/dev/ttyACM0"


def test_robot_and_leader_have_the_same_channels(config: TeleoperateConfig, registry: Registry) -> None:
    robot: Robot = build(registry.find("robot", config.robot.type), config.robot.config)
    leader: Teleoperator = build(registry.find("teleoperator", config.teleop.type), config.teleop.config)
    assert {signal.name for signal in robot.action_signals} == {signal.name for signal in leader.action_signals}


def test_every_limit_is_of_a_channel_and_stricter_than_the_robots_own(config: TeleoperateConfig, registry: Registry) -> None:
    descriptor = registry.find(RobotDescriptor, config.robot.type)
    robot: Robot = build(descriptor, config.robot.config)
    assert set(config.limits) <= {signal.name for signal in robot.action_signals}
    for name, limit in config.limits.items():
        own = descriptor.limits.get(name, descriptor.limits["*"])
        assert limit.velocity is None or limit.velocity <= own.velocity
        assert limit.lower is None or limit.upper is None or limit.lower < limit.upper
