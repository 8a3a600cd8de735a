from pathlib import Path

import pytest
from attrs import frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hilt.config import CollectConfig, RecordConfig, TeleoperateConfig, dump, parse, structure, write
from hilt.config.text import parse_value
from hilt.kernel import Registry
from hilt_hooks import ConfigError, ViewerDescriptor, option


def refused(cls: type, argv: list[str], registry: Registry) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(cls, argv, registry)
    return str(caught.value)


@frozen(kw_only=True)
class Watches:
    save: str | None = option(None, help="File")


def with_viewers(registry: Registry) -> Registry:
    kinds = ("robot", "teleoperator", "camera", "input", "recorder")
    viewers = [ViewerDescriptor(name=name, summary="", config=Watches, factory="x:y") for name in ("rerun", "other")]
    return Registry.of(*(each for kind in kinds for each in registry.all(kind)), *viewers)


def test_the_documented_command_line(argv: list[str], registry: Registry):
    config = parse(CollectConfig, argv, registry)
    assert config.robot.type == "so101_follower"
    assert config.robot.config.cameras["front"].config.index_or_path == "/dev/video0"
    assert config.teleop is not None
    assert config.teleop.config.port == "/dev/ttyACM1"
    assert config.dataset.type == "lerobot"
    assert (config.episodes.fps, config.episodes.episode_time_s, config.episodes.num_episodes) == (30, 60.0, 3)
    assert config.episodes.single_task == "Push the cube"
    assert [each.type for each in config.inputs] == ["keyboard"]
    assert config.policy.device == "cpu"
    assert not config.rtc.enabled


def test_value_after_a_space_and_bare_booleans(argv: list[str], registry: Registry):
    more = ["--robot.gain", "-0", "--dataset.push_to_hub", "--rtc.enabled=true", "--dataset.single_task", "Pick - place"]
    config = parse(CollectConfig, [word for word in argv if "single_task" not in word] + more, registry)
    assert config.robot.config.gain == 0
    assert config.dataset.config.push_to_hub is True
    assert config.rtc.enabled is True
    assert config.episodes.single_task == "Pick - place"


@pytest.mark.parametrize("text", ["30", "yes", "null", "a: b", "[x", "1e-3", "#1", "'quoted'", "- dash", ""])
def test_text_from_a_flag_stays_as_typed(argv: list[str], registry: Registry, text: str):
    flags = [word for word in argv if "single_task" not in word]
    assert parse(CollectConfig, [*flags, f"--dataset.single_task={text}"], registry).episodes.single_task == text


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--robot.gain=1e-3", 0.001),
        ("--robot.gain=7", 7.0),
        ("--robot.reach=5", 5.0),
        ("--robot.reach={a.pos: 5, b.pos: 1.5}", {"a.pos": 5.0, "b.pos": 1.5}),
        ("--robot.reach=null", None),
        ("--robot.id=30", "30"),
        ("--robot.id=null", None),
        ("--robot.mode=stiff", "stiff"),
        ("--robot.home=[1, 2.5]", (1.0, 2.5)),
        ("--robot.folder=/tmp/x", Path("/tmp/x")),
        ("--robot.extra={a: [1, {b: c}]}", {"a": [1, {"b": "c"}]}),
        ("--robot.extra.a.b=3", {"a": {"b": 3}}),
    ],
)
def test_flags_by_the_type_of_their_field(argv: list[str], registry: Registry, flag: str, value: object):
    config = parse(CollectConfig, [*argv, flag], registry).robot.config
    assert getattr(config, flag.partition("=")[0].split(".")[1]) == value


@pytest.mark.parametrize(("flag", "value"), [("0", 0), ("/dev/video0", "/dev/video0"), ("cam.mp4", "cam.mp4")])
def test_whole_number_or_text(registry: Registry, flag: str, value: object):
    argv = [
        "--robot.type=so101_follower",
        "--robot.port=x",
        "--robot.cameras.a.type=opencv",
        f"--robot.cameras.a.index_or_path={flag}",
    ]
    argv += ["--teleop.type=so101_leader", "--teleop.port=y"]
    assert parse(TeleoperateConfig, argv, registry).robot.config.cameras["a"].config.index_or_path == value


def test_a_detail_may_refine_a_mapping(argv: list[str], registry: Registry):
    config = parse(CollectConfig, ["--robot.cameras.front.fps=15", *argv], registry)
    assert config.robot.config.cameras["front"].config.fps == 15
    assert config.robot.config.cameras["front"].config.width == 640


def test_the_same_flag_twice_is_refused(argv: list[str], registry: Registry):
    assert "dataset.fps: given twice ('30', then '15'); keep one" in refused(CollectConfig, [*argv, "--dataset.fps=15"], registry)


def test_an_alias_of_a_type(argv: list[str], registry: Registry):
    argv[0] = "--robot.type=arm_alias"
    assert parse(CollectConfig, argv, registry).robot.type == "so101_follower"


def test_inputs_as_a_list_and_as_one(argv: list[str], registry: Registry):
    listed = parse(CollectConfig, [*argv, "--inputs=[{type: pedal}, {type: keyboard}]"], registry)
    assert [each.type for each in listed.inputs] == ["pedal", "keyboard"]
    one = parse(CollectConfig, [*argv, "--input.type=keyboard", "--input.layout=azerty"], registry)
    assert [each.config.layout for each in one.inputs] == ["azerty"]
    both = refused(CollectConfig, [*argv, "--input.type=pedal", "--inputs=[]", "--policy.threads=0"], registry)
    assert "input: give either input (one device) or inputs (a list), not both" in both
    assert "policy.threads: 0 is below the minimum, 1" in both


def test_devices_inside_devices(argv: list[str], registry: Registry):
    argv = [word for word in argv if not word.startswith("--robot")] + ["--robot.type=pair", "--robot.left.type=so101_follower"]
    argv += ["--robot.left.port=a", "--robot.right={type: so101_follower, port: b}"]
    config = parse(CollectConfig, argv, registry)
    assert (config.robot.config.left.config.port, config.robot.config.right.config.port) == ("a", "b")


def test_flags_of_other_programs_without_effect_are_noted(argv: list[str], registry: Registry):
    notes: list[str] = []
    parse(CollectConfig, [*argv, "--display_data=true", "--play_sounds", "false", "--rtc.debug=true"], registry, notes.append)
    assert [note.split()[0] for note in notes] == ["--display_data", "--play_sounds", "--rtc.debug"]


def test_flags_that_are_elsewhere_here(argv: list[str], registry: Registry):
    argv = [word for word in argv if "dataset.fps" not in word]
    argv += [
        "--fps=15",
        "--strategy.type=dagger",
        "--inference.type=rtc",
        "--inference.rtc.execution_horizon=20",
        "--resume=true",
    ]
    config = parse(CollectConfig, argv, registry)
    assert config.episodes.fps == 15
    assert config.rtc.enabled
    assert config.rtc.execution_horizon == 20
    assert config.dataset.config.resume is True
    assert "strategy.type: 'sentry' has no counterpart here; known: dagger" in refused(
        CollectConfig, [*[word for word in argv if "strategy" not in word], "--strategy.type=sentry"], registry
    )
    assert "fps: is dataset.fps here, which is given, too" in refused(CollectConfig, [*argv, "--dataset.fps=30"], registry)


def test_a_recorder_must_have_what_episodes_need(argv: list[str], registry: Registry):
    argv = [word for word in argv if not word.startswith("--dataset")] + ["--dataset.type=bare"]
    assert refused(CollectConfig, argv, registry) == (
        "dataset: recorder 'bare' cannot run episodes: it lacks fps, single_task, episode_time_s, reset_time_s, "
        "num_episodes, folder"
    )


def test_who_drives_is_required(registry: Registry):
    for cls, missing in ((CollectConfig, "policy.path"), (RecordConfig, "teleop.type"), (TeleoperateConfig, "teleop.type")):
        assert f"{missing}: is required" in refused(cls, ["--robot.type=so101_follower", "--robot.port=x"], registry)


words = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters="\x85\ufeff\ufffe\uffff")
)
numbers = st.floats(allow_nan=False)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | words, lambda inner: st.lists(inner) | st.dictionaries(words, inner)
)


@given(value=anything)
def test_yaml_round_trip(value: object):
    assert parse_value(write(value)) == value


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(
    port=words,
    id=st.none() | words,
    gain=st.floats(0, 254),
    reach=st.none() | numbers | st.dictionaries(words, numbers),
    home=st.tuples(numbers, numbers),
    tags=st.lists(words),
    extra=st.dictionaries(words, anything),
    camera=st.integers(0, 99) | words,
)
def test_dump_round_trip(argv: list[str], registry: Registry, **values: object):
    """dump -> structure, dump -> YAML -> structure, and dump -> flags -> parse give the same configuration."""
    plain = dump(parse(CollectConfig, argv, registry))
    tags, camera = values.pop("tags"), values.pop("camera")
    plain["robot"] |= {**values, "home": list(values["home"])}  # type: ignore[call-overload]
    plain["robot"]["cameras"] = {"front": {"type": "opencv", "index_or_path": camera}}
    plain["dataset"]["tags"] = tags
    config = structure(CollectConfig, plain, registry)
    assert structure(CollectConfig, dump(config), registry) == config
    assert structure(CollectConfig, parse_value(write(dump(config))), registry) == config
    flags = [f"--{name}={write(value).removesuffix('...' + chr(10))}" for name, value in dump(config).items()]
    assert parse(CollectConfig, flags, registry) == config


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(port=words, gain=st.floats(0, 254), home=st.tuples(numbers, numbers), count=st.integers())
def test_single_flags_round_trip(
    argv: list[str], registry: Registry, port: str, gain: float, home: tuple[float, float], count: int
):
    argv = [word for word in argv if "robot.port" not in word and "num_episodes" not in word]
    flags = [f"--robot.port={port}", "--robot.gain", str(gain), f"--robot.home={list(home)}".replace("inf", ".inf")]
    config = parse(CollectConfig, [*argv, *flags, "--dataset.num_episodes", str(count)], registry)
    assert config.robot.config.port == port
    assert config.robot.config.gain == gain
    assert config.robot.config.home == home
    assert config.episodes.num_episodes == count


def test_viewers_as_a_list_and_as_one(argv: list[str], registry: Registry):
    assert parse(CollectConfig, argv, registry).viewers == ()
    both = with_viewers(registry)
    listed = parse(CollectConfig, [*argv, "--viewers=[{type: rerun, save: a.rrd}, {type: other}]"], both)
    assert [each.type for each in listed.viewers] == ["rerun", "other"]
    one = parse(CollectConfig, [*argv, "--viewer.type=rerun", "--viewer.save=a.rrd"], both)
    assert [each.config.save for each in one.viewers] == ["a.rrd"]


@pytest.mark.parametrize(
    ("flags", "types"),
    [
        (["--display_data=true"], ["rerun"]),
        (["--display_data"], ["rerun"]),
        (["--display_data=false"], []),
        (["--display_data=true", "--viewer.save=a.rrd"], ["rerun"]),
        (["--display_data=true", "--viewer={save: a.rrd}"], ["rerun"]),
        (["--display_data=true", "--viewer.type=other"], ["other"]),
        (["--display_data=true", "--viewer={type: other}"], ["other"]),
        (["--display_data=true", "--viewers=[]"], []),
    ],
)
def test_lerobot_s_display_asks_for_a_viewer(argv: list[str], registry: Registry, flags: list[str], types: list[str]):
    notes: list[str] = []
    config = parse(CollectConfig, [*argv, *flags], with_viewers(registry), notes.append)
    assert [each.type for each in config.viewers] == types
    assert notes == []


def test_lerobot_s_display_without_its_viewer_is_noted(argv: list[str], registry: Registry):
    notes: list[str] = []
    assert parse(CollectConfig, [*argv, "--display_data=true"], registry, notes.append).viewers == ()
    assert notes == [
        "--display_data is accepted and has no effect: no viewer 'rerun' is installed; pip install hilt-viewer-rerun"
    ]
    assert "display_data: expected true or false, got 3" in refused(CollectConfig, [*argv, "--display_data=3"], registry)
