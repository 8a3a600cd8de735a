"""The tables of rules, one a kind of what plugins provide.

D: several kinds. R: robots. T: teleoperators. C: cameras. I: inputs. P: policies. X: processors. L: recorders. V: viewers.
An id keeps its meaning for ever; a rule that goes leaves a gap.
"""

from collections.abc import Mapping
from typing import Any

from hilt_hooks.testing import camera_rules as camera
from hilt_hooks.testing import capability_rules as able
from hilt_hooks.testing import device_rules as device
from hilt_hooks.testing import input_rules as inputs
from hilt_hooks.testing import lifecycle_rules as life
from hilt_hooks.testing import motion_rules as motion
from hilt_hooks.testing import policy_rules as policy
from hilt_hooks.testing import processor_rules as processor
from hilt_hooks.testing import recorder_rules as recorder
from hilt_hooks.testing import static_rules as static
from hilt_hooks.testing import viewer_rules as viewer
from hilt_hooks.testing.bench import DeviceCase
from hilt_hooks.testing.camera_rig import CameraCase
from hilt_hooks.testing.checks import CaseT, Rule
from hilt_hooks.testing.input_rig import InputCase
from hilt_hooks.testing.policy_rig import PolicyCase
from hilt_hooks.testing.processor_rig import ProcessorCase
from hilt_hooks.testing.recorder_rig import RecorderCase
from hilt_hooks.testing.rigs import Case
from hilt_hooks.testing.viewer_rig import ViewerCase

_TORQUE = frozenset({"torque"})
_MIRROR = frozenset({"mirror", "torque"})


def _one(capability: str) -> frozenset[str]:
    return frozenset({capability})


DESCRIPTOR_RULES: tuple[Rule[static.Installed], ...] = (
    Rule("D01", "importing the descriptor is light", static.imports_light),
    Rule("D02", "the factory can be imported", static.factory_imports),
    Rule("D03", "every config field has help", static.config_declares),
)
"""For every kind; they need no rig."""

STATIC_RULES: tuple[Rule[static.Described], ...] = (
    *DESCRIPTOR_RULES,
    Rule("D04", "the config round-trips", static.config_round_trips),
)
"""For every kind."""

QUIET: Rule[static.Buildable] = Rule("D05", "building does no I/O", static.building_is_quiet)

PLAIN_RULES: tuple[Rule[static.Buildable], ...] = (
    *STATIC_RULES,
    QUIET,
    Rule("D06", "capabilities are as declared", static.has_no_capabilities),
)
"""For every kind that knows no capabilities."""

CONNECTED_RULES: tuple[Rule[DeviceCase[Any, Any]], ...] = (
    Rule("D06", "capabilities are as declared", static.capabilities_hold),
    Rule("D14", "connect works twice", life.connects_twice),
    Rule("D15", "disconnect works in every state", life.disconnects_always),
    Rule("D16", "a failed connect is clean", life.failed_connect_is_clean),
    Rule("D17", "nothing is left after disconnect", life.nothing_is_left),
    Rule("D18", "a connect error names the device", life.connect_error_names),
    Rule("D23", "it identifies itself", able.identifies, _one("identify")),
)
"""For everything that is connected."""

TRAVELS: Rule[static.Described] = Rule("D19", "the config travels to another process", static.config_travels)

_ARM_RULES: tuple[Rule[Case], ...] = (
    Rule("D07", "signals are known before connect", device.signals_are_known),
    Rule("D08", "limits are real", device.limits_are_real),
    Rule("D09", "readings match the signals", device.readings_match),
    Rule("D10", "times are capture times", device.times_are_captures),
    Rule("D11", "silence is stale and in time", device.silence_is_stale),
    Rule("D12", "loss is seen and in time", device.loss_is_seen),
    Rule("D13", "loss raises only DeviceLost", device.lost_while_used),
    Rule("D20", "torque switches and reads back", able.torque_switches, _TORQUE),
    Rule("D21", "torque on does not move the arm", able.torque_on_is_smooth, _TORQUE),
    Rule("D22", "torque outlives the connection", able.torque_outlives_connection, _TORQUE),
    Rule("D24", "currents match the actions", able.measures_current, _one("current")),
    Rule("D25", "diagnose gives rows of text", able.diagnoses, _one("diagnose")),
    Rule("D26", "events come without waiting", able.events_do_not_wait, _one("events")),
    Rule("D27", "it says whether it is calibrated", able.says_whether_calibrated, _one("calibrate")),
    Rule("D28", "the park target fits the actions", able.park_target_fits, _one("park")),
    Rule("D29", "the kinematic chain fits the actions", able.chain_fits, _one("kinematics")),
    Rule("D31", "a calibration is kept and read back", able.calibration_is_kept, _one("calibrate")),
    Rule("D32", "motors that are set up are recognised", able.set_up_motors_are_recognised, _one("setup_motors")),
    Rule("D33", "warnings are lines, without asking the device", able.warnings_are_lines, _one("warn")),
    Rule("D30", "every declared capability has a check", able.all_are_checked),
)


def _by_id(*rules: Rule[CaseT]) -> tuple[Rule[CaseT], ...]:
    return tuple(sorted(rules, key=lambda rule: rule.id))


DEVICE_RULES: tuple[Rule[Case], ...] = _by_id(*STATIC_RULES, QUIET, *CONNECTED_RULES, TRAVELS, *_ARM_RULES)
"""For robots and teleoperators."""

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

CAMERA_RULES: tuple[Rule[CameraCase], ...] = (
    *_by_id(*STATIC_RULES, QUIET, *CONNECTED_RULES, TRAVELS),
    Rule("C01", "streams are known before connect", camera.streams_are_known),
    Rule("C02", "frames are as declared", camera.frames_match),
    Rule("C03", "frames come in order", camera.frames_are_in_order),
    Rule("C04", "times are monotonic", camera.times_are_monotonic),
    Rule("C05", "a slow reader gets the newest frame", camera.slow_reader_gets_the_newest),
    Rule("C06", "a lost frame is a gap in the sequence", camera.lost_frames_are_gaps),
    Rule("C07", "times are when the image was captured", camera.times_are_captures),
    Rule("C08", "a frame is not overwritten", camera.frames_are_not_overwritten),
    Rule("C09", "a read that is too short times out", camera.reads_keep_their_timeout),
    Rule("C10", "silence is a TimeoutError in time", camera.silence_is_a_timeout),
    Rule("C11", "loss is DeviceLost", life.loss_is_said),
    Rule("C12", "a connection starts with new frames", camera.connection_starts_with_new_frames),
    Rule("C13", "a lost camera comes back", life.comes_back),
    Rule("C14", "it works in a thread of its own", camera.has_a_thread_to_itself),
    Rule("C15", "an absent camera is told from those that are there", life.absent_is_told_from_present),
)

INPUT_RULES: tuple[Rule[InputCase], ...] = (
    *_by_id(*STATIC_RULES, QUIET, *CONNECTED_RULES),
    Rule("I01", "bindings are those of the descriptor", inputs.bindings_are_known),
    Rule("I02", "an event has its control, edge and time", inputs.events_are_complete),
    Rule("I03", "releases come as reports_releases says", inputs.releases_are_as_said),
    Rule("I04", "each press comes once and in order", inputs.presses_come_once),
    Rule("I05", "read never waits", inputs.reading_never_waits),
    Rule("I06", "fileno wakes for an event and only then", inputs.descriptor_wakes),
    Rule("I07", "what was pressed before connect does not count", inputs.the_past_does_not_count),
    Rule("I08", "loss is DeviceLost", life.loss_is_said),
    Rule("I09", "a lost input comes back", life.comes_back),
    Rule("I10", "show_phase neither waits nor fails", inputs.phases_do_not_wait),
    Rule("I11", "a script says that it is one", inputs.scripts_say_so),
    Rule("I12", "an absent input is told from those that are there", life.absent_is_told_from_present),
)

VIEWER_RULES: tuple[Rule[ViewerCase], ...] = (
    *PLAIN_RULES,
    TRAVELS,
    Rule("V01", "it shows every view and changes none", viewer.shows_every_view),
    Rule("V02", "it needs no camera, leader or task", viewer.shows_bare_sessions),
    Rule("V03", "close works in every state", viewer.closes_always),
    Rule("V04", "nothing is left after close", viewer.nothing_is_left),
    Rule("V05", "nowhere to show is a ConnectError", viewer.nowhere_is_said),
    Rule("V06", "it says when nobody looks any more", viewer.leaving_is_said),
    Rule("V07", "what was shown is there after close", viewer.what_was_shown_stays),
)

POLICY_RULES: tuple[Rule[PolicyCase], ...] = (
    *STATIC_RULES,
    Rule("D06", "capabilities are as declared", policy.capabilities_hold),
    Rule("D30", "every declared capability has a check", policy.all_are_checked),
    Rule("P01", "building reads only the configuration", policy.building_reads_configuration),
    Rule("P02", "the spec is known without the weights", policy.spec_needs_no_weights),
    Rule("P03", "building imports no network library", policy.building_imports_no_network),
    Rule("P04", "the spec is complete", policy.spec_is_complete),
    Rule("P05", "load only reads, and needs no network", policy.load_only_reads),
    Rule("P06", "load reads everything", policy.load_reads_everything),
    Rule("P07", "a damaged checkpoint is refused", policy.damage_is_refused),
    Rule("P08", "predicting before load says so", policy.unloaded_says_so),
    Rule("P09", "predictions fit the spec", policy.predictions_fit_spec),
    Rule("P10", "loaded twice it acts the same", policy.repeats_itself),
    Rule("P11", "reset forgets the episode", policy.reset_forgets),
    Rule("P12", "the state is matched by name", policy.state_goes_by_name),
    Rule("P13", "other channels are refused by name", policy.others_are_refused),
    Rule("P14", "observations are not changed", policy.observations_stay),
    Rule("P15", "predictions belong to the caller", policy.predictions_stay),
    Rule("P20", "a chunk continues the one before", policy.chunks_continue, _one("continue")),
    Rule("P21", "a score is a probability", policy.scores_are_probabilities, _one("score")),
)

PROCESSOR_RULES: tuple[Rule[ProcessorCase], ...] = (
    *PLAIN_RULES,
    Rule("X01", "results are transitions", processor.results_are_transitions),
    Rule("X02", "it writes what it declares", processor.writes_as_declared),
    Rule("X03", "it reads what it declares", processor.reads_as_declared),
    Rule("X04", "unknown keys pass unchanged", processor.unknown_passes),
    Rule("X05", "the transition given is not changed", processor.input_stays),
    Rule("X06", "results belong to the caller", processor.results_stay),
    Rule("X07", "built twice it does the same", processor.repeats_itself),
    Rule("X08", "reset forgets the episode", processor.reset_forgets),
    Rule("X09", "keys go by name and not by order", processor.keys_go_by_name),
    Rule("X10", "what is missing is said", processor.missing_is_said),
    Rule("X11", "single precision stays single", processor.precision_stays),
    Rule("X12", "finite numbers stay finite", processor.numbers_stay_finite),
    Rule("X13", "its state makes the same processor", processor.state_makes_the_same),
)

RECORDER_RULES: tuple[Rule[RecorderCase], ...] = (
    *PLAIN_RULES,
    TRAVELS,
    Rule("L01", "validate accepts what the logs hold, and only reads", recorder.validate_accepts),
    Rule("L02", "validate refuses by name what does not fit", recorder.validate_refuses),
    Rule("L03", "there is a row for every frame", recorder.rows_are_frames),
    Rule("L04", "an episode is added once", recorder.adds_once),
    Rule("L05", "a later recorder goes on", recorder.goes_on),
    Rule("L06", "a log is known wherever it lies", recorder.knows_moved_logs),
    Rule("L07", "killed while adding and called again it ends in the same", recorder.survives_kills),
    Rule("L08", "finish completes the dataset on disk", recorder.finish_completes),
    Rule("L09", "the last episode can be taken back", recorder.takes_back),
    Rule("L10", "an episode can be taken back without its log", recorder.takes_back_without_log),
    Rule("L11", "what is taken back leaves nothing", recorder.taking_back_leaves_nothing),
    Rule("L12", "the logs are only read", recorder.logs_stay),
    Rule("L13", "a log that cannot be read changes nothing", recorder.unreadable_changes_nothing),
    Rule("L14", "an episode that was not saved stays out", recorder.unsaved_stays_out),
    Rule("L15", "the summary says what there is", recorder.summary_says_what_there_is),
)

RULES: Mapping[str, tuple[Rule[Any], ...]] = {
    "robot": DEVICE_RULES + ROBOT_RULES,
    "teleoperator": DEVICE_RULES + TELEOPERATOR_RULES,
    "camera": CAMERA_RULES,
    "input": INPUT_RULES,
    "policy": POLICY_RULES,
    "processor": PROCESSOR_RULES,
    "recorder": RECORDER_RULES,
    "viewer": VIEWER_RULES,
}
"""Kind -> its rules."""
