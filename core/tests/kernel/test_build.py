from collections.abc import Callable

import pytest
from attrs import evolve

from hilt.kernel import Registry, build, load
from hilt_hooks import DriverMissing, HiltError

Discover = Callable[..., Registry]


def test_builds_from_the_factory(discover: Discover):
    descriptor = discover("ok").find("robot", "fixture_arm")
    config = descriptor.config(port="/dev/null")
    assert build(descriptor, config).config is config


def test_a_missing_package_is_named_with_the_line_to_run(discover: Discover):
    descriptor = discover("ok").find("robot", "fixture_arm_undriven")
    with pytest.raises(
        DriverMissing, match=r"robot 'fixture_arm_undriven' needs a-driver.*pip install a-driver-that-nobody-has$"
    ):
        build(descriptor, None)


def test_an_undeclared_package_is_named_by_its_module(discover: Discover):
    descriptor = evolve(discover("ok").find("robot", "fixture_arm_undriven"), requires=())
    with pytest.raises(DriverMissing, match="pip install a_driver_that_nobody_has"):
        build(descriptor, None)


@pytest.mark.parametrize("factory", ["hilt_fixture_ok.arm:NoSuchArm", "hilt_fixture_ok.no_such_module:Arm"])
def test_a_broken_plugin_is_not_taken_for_a_missing_driver(discover: Discover, factory: str):
    descriptor = evolve(discover("ok").find("robot", "fixture_arm"), factory=factory)
    with pytest.raises(HiltError, match=f"robot 'fixture_arm' cannot be imported from '{factory}'") as caught:
        build(descriptor, None)
    assert not isinstance(caught.value, DriverMissing)


def test_no_emulator(discover: Discover):
    with pytest.raises(HiltError, match="has no emulator"):
        build(discover("ok").find("robot", "fixture_arm"), None, emulator=True)


def test_load_any_reference(discover: Discover):
    descriptor = discover("ok").find("robot", "fixture_arm")
    assert load(descriptor, "hilt_fixture_ok:ArmConfig") is descriptor.config
