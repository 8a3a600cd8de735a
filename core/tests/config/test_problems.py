from pathlib import Path

import pytest

from hilt.config import CollectConfig, TeleoperateConfig, gather, parse, structure
from hilt.kernel import Registry
from hilt_hooks import ConfigError, Typed


def problems(cls: type, argv: list[str], registry: Registry) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(cls, argv, registry)
    return list(caught.value.problems)


def test_everything_that_is_wrong_is_said_at_once(argv: list[str], registry: Registry):
    wrong = [
        "--robot.prot=x",
        "--robot.gain=300",
        "--robot.mode=stif",
        "--robot.home=[1, x]",
        "--robot.reach={a: b}",
        "--dataset.num_episode=3",
        "--dataset.push_to_hub=1",
        "--policy.threads=2.5",
        "--interpolation_multipler=3",
        "--single_task=x",
        "--inputs=[{type: keyboard, layout: qwertz}, 3]",
        "--limits={shoulder.pos: {velocity: -1}}",
        "stray",
    ]
    assert problems(CollectConfig, [*argv, *wrong], registry) == [
        "'stray' is not a flag; write --field=value",
        "robot.gain: 300.0 is above the maximum, 254",
        "robot.reach: expected a number or a mapping, got '{a: b}'",
        "robot.mode: 'stif' is not one of soft, stiff; did you mean stiff?",
        "robot.home[1]: expected a number, got 'x'",
        "robot.prot: no such field; did you mean port? (fields: port, id, cameras, gain, reach, mode, home, folder, extra)",
        "inputs[0].layout: 'qwertz' is not one of qwerty, azerty; did you mean qwerty?",
        "inputs[1]: expected {type: ..., ...} (input), got 3",
        "limits['shoulder.pos'].velocity: -1.0 is below the minimum, 0",
        "dataset.push_to_hub: expected true or false, got 1",
        "dataset.num_episode: no such field; did you mean num_episodes? "
        "(fields: repo_id, single_task, fps, episode_time_s, reset_time_s, num_episodes, push_to_hub, tags, resume)",
        "policy.threads: expected a whole number, got 2.5",
        "interpolation_multipler: no such field; did you mean interpolation_multiplier? (fields: robot, teleop, inputs, viewers, "
        "limits, max_tracking_error, filters, dataset, policy, interpolation_multiplier, rtc, handover)",
        "single_task: no such field; did you mean dataset.single_task? (fields: robot, teleop, inputs, viewers, "
        "limits, max_tracking_error, filters, dataset, policy, interpolation_multiplier, rtc, handover)",
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"robot": {"type": "so101_follower", "port": 3}}, "robot.port: expected text, got 3; write it in quotes"),
        ({"robot": {"type": "so101_follower", "port": "x", "gain": "30"}}, "robot.gain: expected a number, got '30'"),
        ({"robot": {"type": "so101_follower", "port": "x", "gain": True}}, "robot.gain: expected a number, got true"),
        ({"robot": {"type": "so101_follower", "port": "x", "gain": float("nan")}}, "robot.gain: expected a number, got nan"),
        ({"robot": {"type": "so101_follower", "port": "x", "cameras": []}}, "robot.cameras: expected a mapping"),
        ({"robot": {"type": "so101_follower", "port": "x", "home": [1]}}, "robot.home: expected 2 values, got 1"),
        ({"robot": "so101_follower"}, "robot: expected {type: ..., ...} (robot), got 'so101_follower'"),
        ({"robot": {"type": None}}, "robot.type: is required; installed robot types: pair, so101_follower"),
        ({"robot": {"type": "so101_folower"}}, "robot: no installed plugin provides the robot 'so101_folower'; did you mean"),
        ({"robot": {"type": "pair"}}, "robot.left.type: is required"),
        ({"inputs": "keyboard"}, "inputs: expected a list, [value, ...], got 'keyboard'"),
        ({"handover": 3}, "handover: expected fields (offset_bleed, passive_leader, align_speed, touch), got 3"),
        ({"fps": 0}, "fps: 0 is below the minimum, 1 Hz"),
    ],
)
def test_plain_data(registry: Registry, data: dict[str, object], expected: str):
    with pytest.raises(ConfigError) as caught:
        structure(TeleoperateConfig, data, registry)
    assert any(line.startswith(expected) for line in caught.value.problems), caught.value.problems


def test_whole_number_where_a_number_is_expected(argv: list[str], registry: Registry):
    assert isinstance(parse(CollectConfig, argv, registry).episodes.episode_time_s, float)


def test_a_built_part_is_taken_as_it_is(argv: list[str], registry: Registry):
    leader = Typed("so101_leader", object())
    data = gather(CollectConfig, argv, registry).data | {"teleop": leader}
    assert structure(CollectConfig, data, registry).teleop is leader


def test_files_are_named_with_the_line(tmp_path: Path, argv: list[str], registry: Registry):
    file = tmp_path / "bench.yaml"
    file.write_text("robot:\n  gain: -1\n  cameras:\n    side:\n      type: opencv\n      fps: '30'\nteleop:\n  prot: x\n")
    found = problems(CollectConfig, [*argv, f"--config={file}"], registry)
    assert f"robot.gain: -1.0 is below the minimum, 0 ({file}:2)" in found
    assert not any("side" in line for line in found), "the flag --robot.cameras replaces what the file says"
    assert f"teleop.prot: no such field; did you mean port? (fields: port) ({file}:8)" in found


def test_a_flag_takes_the_blame_from_the_file(tmp_path: Path, argv: list[str], registry: Registry):
    file = tmp_path / "bench.yaml"
    file.write_text("robot:\n  gain: 5\n")
    assert problems(CollectConfig, [*argv, f"--config={file}", "--robot.gain=999"], registry) == [
        "robot.gain: 999.0 is above the maximum, 254"
    ]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.yaml", "robot: [\n", "a.yaml:2: expected the node content"),
        ("a.yaml", "robot:\n  port: a\n  port: b\n", "a.yaml:3: 'port' is given twice"),
        ("a.yaml", "- 1\n", "a.yaml: holds list, not a mapping of fields"),
        ("a.json", '{"fps": 3,\n}', "a.json:2: "),
        ("a.json", '{"fps": 3, "fps": 4}', "a.json: given twice: fps"),
        ("a.json", '{\n\t"fps": "x"\n}', "fps: expected a whole number, got 'x' ({folder}/a.json:2)"),
    ],
)
def test_malformed_files(tmp_path: Path, registry: Registry, name: str, text: str, expected: str):
    (tmp_path / name).write_text(text)
    found = problems(TeleoperateConfig, [f"--config={tmp_path / name}"], registry)
    assert any(line.removeprefix(f"{tmp_path}/").startswith(expected.format(folder=tmp_path)) for line in found), found


def test_a_file_that_is_not_there(registry: Registry):
    assert any(
        "/no/such.yaml: cannot be read" in line for line in problems(TeleoperateConfig, ["--config=/no/such.yaml"], registry)
    )


def test_what_an_unread_file_may_hold_is_not_called_missing(registry: Registry):
    assert problems(TeleoperateConfig, ["--config=/no/such.yaml", "--fps=x"], registry) == [
        "/no/such.yaml: cannot be read: No such file or directory",
        "fps: expected a whole number, got 'x'",
    ]


def test_a_value_that_is_elsewhere_here_keeps_its_line(tmp_path: Path, argv: list[str], registry: Registry):
    file = tmp_path / "bench.yaml"
    file.write_text("display_data: false\nfps: many\n")
    found = problems(CollectConfig, [*(word for word in argv if "dataset.fps" not in word), f"--config={file}"], registry)
    assert found == [f"dataset.fps: expected a whole number, got 'many' ({file}:2)"]


def test_long_lists_of_fields_are_left_out_where_one_comes_near(registry: Registry):
    from attrs import make_class

    many = make_class("Many", [f"field_{letter}" for letter in "abcdefghijklmn"])
    near, far = (problems(many, [flag], registry) for flag in ("--field_z=1", "--xyz=1"))
    assert any(line == "field_z: no such field; did you mean field_n?" for line in near), near
    assert any(line.startswith("xyz: no such field (fields: field_a, field_b, ") for line in far), far


def test_a_missing_space_after_a_colon(argv: list[str], registry: Registry):
    argv[2] = "--robot.cameras={front: {type: opencv, index_or_path:0}}"
    found = problems(CollectConfig, argv, registry)
    assert any(
        line.startswith("robot.cameras.front.index_or_path:0: no such field; write a space after the colon") for line in found
    )
