"""The tables of rules, one a kind of device, and the checks that they give.

D: every device. R: robots. T: teleoperators. An id keeps its meaning for ever; a rule that goes leaves a gap.
"""

from collections.abc import Iterator, Sequence

from hilt_hooks.descriptors import RobotDescriptor, TeleoperatorDescriptor
from hilt_hooks.testing import capability_rules as able
from hilt_hooks.testing import device_rules as device
from hilt_hooks.testing import motion_rules as motion
from hilt_hooks.testing import static_rules as static
from hilt_hooks.testing.checks import Check, Rule, checks
from hilt_hooks.testing.rigs import Case, MakeRig, Motion

_TORQUE = frozenset({"torque"})
_MIRROR = frozenset({"mirror", "torque"})


def _one(capability: str) -> frozenset[str]:
    return frozenset({capability})


DEVICE_RULES: tuple[Rule[Case], ...] = (
    Rule("D01", "importing the descriptor is light", static.imports_light),
    Rule("D02", "the factory can be imported", static.factory_imports),
    Rule("D03", "every config field has help", static.config_declares),
    Rule("D04", "the config round-trips", static.config_round_trips),
    Rule("D05", "building does no I/O", static.building_is_quiet),
    Rule("D06", "capabilities are as declared", static.capabilities_hold),
    Rule("D07", "signals are known before connect", device.signals_are_known),
    Rule("D08", "limits are real", device.limits_are_real),
    Rule("D09", "readings match the signals", device.readings_match),
    Rule("D10", "times are capture times", device.times_are_captures),
    Rule("D11", "silence is stale and in time", device.silence_is_stale),
    Rule("D12", "loss is seen and in time", device.loss_is_seen),
    Rule("D13", "loss raises only DeviceLost", device.lost_while_used),
    Rule("D14", "connect works twice", device.connects_twice),
    Rule("D15", "disconnect works in every state", device.disconnects_always),
    Rule("D16", "a failed connect is clean", device.failed_connect_is_clean),
    Rule("D17", "nothing is left after disconnect", device.nothing_is_left),
    Rule("D20", "torque switches and reads back", able.torque_switches, _TORQUE),
    Rule("D21", "torque on does not move the arm", able.torque_on_is_smooth, _TORQUE),
    Rule("D22", "torque outlives the connection", able.torque_outlives_connection, _TORQUE),
    Rule("D23", "it identifies itself", able.identifies, _one("identify")),
    Rule("D24", "currents match the actions", able.measures_current, _one("current")),
    Rule("D25", "diagnose gives rows of text", able.diagnoses, _one("diagnose")),
    Rule("D26", "events come without waiting", able.events_do_not_wait, _one("events")),
    Rule("D27", "it says whether it is calibrated", able.says_whether_calibrated, _one("calibrate")),
    Rule("D28", "the park target fits the actions", able.park_target_fits, _one("park")),
    Rule("D29", "the kinematic chain fits the actions", able.chain_fits, _one("kinematics")),
    Rule("D30", "every declared capability has a check", able.all_are_checked),
)

ROBOT_RULES: tuple[Rule[Case], ...] = (
    Rule("R01", "write reaches its target by name", motion.write_reaches),
    Rule("R02", "write refuses wrong names", motion.write_refuses_wrong_names),
    Rule("R03", "write refuses numbers that are not finite", motion.write_refuses_wrong_numbers),
    Rule("R04", "hold stops the arm where it is", motion.hold_stops),
    Rule("R05", "hold makes a limp arm stiff without a step", able.hold_from_limp, _TORQUE),
)

TELEOPERATOR_RULES: tuple[Rule[Case], ...] = (
    Rule("T01", "the actions are those of the robot", motion.names_fit_robot),
    Rule("T02", "mirror tracks its target by name", motion.mirror_tracks, _MIRROR),
    Rule("T03", "mirror yields when torque is released", motion.mirror_yields, _MIRROR),
    Rule("T04", "mirror refuses what write refuses", motion.mirror_refuses, _MIRROR),
)


def check_robot(
    descriptor: RobotDescriptor, make: MakeRig, *, module: str | None = None, motion: Motion | None = None
) -> Iterator[Check]:
    """The checks of a robot.

    make: a context manager that gives a Rig on a fresh emulator; entered at least once a check.
    module: what the plugin's entry point names, default the module of the config class.
    motion: how far and how long, where the defaults do not suit the arm.
    """
    case = Case(
        descriptor=descriptor,
        make=make,
        module=module or descriptor.config.__module__,
        motion=motion or Motion(),
    )
    return checks(DEVICE_RULES + ROBOT_RULES, case, descriptor.capabilities)


def check_teleoperator(
    descriptor: TeleoperatorDescriptor,
    make: MakeRig,
    *,
    robot_actions: Sequence[str] | None = None,
    module: str | None = None,
    motion: Motion | None = None,
) -> Iterator[Check]:
    """The checks of a teleoperator. robot_actions: channels of a robot that it is made for. The rest as `check_robot`."""
    case = Case(
        descriptor=descriptor,
        make=make,
        module=module or descriptor.config.__module__,
        motion=motion or Motion(),
        robot_actions=None if robot_actions is None else tuple(robot_actions),
    )
    return checks(DEVICE_RULES + TELEOPERATOR_RULES, case, descriptor.capabilities)
