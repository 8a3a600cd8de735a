"""What `hilt config show` prints: a file that gives the same configuration, and where its values are from."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hilt.config import CollectConfig, Station, TeleoperateConfig, parse, read, show
from hilt.config.commented import write_commented
from hilt.config.text import parse_value
from hilt.kernel import Registry

words = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters="\ufeff\ufffe\uffff")
)
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)))
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
trees = st.dictionaries(words, st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(words, inner)))
RELAXED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)


@given(data=trees, beside=words, above=words)
def test_comments_change_nothing(data: Mapping[str, object], beside: str, above: str):
    assert parse_value(write_commented(data, lambda _: beside, lambda _: above)) == data


@RELAXED
@given(
    port=texts,
    gain=st.floats(0, 254),
    home=st.tuples(st.floats(allow_nan=False), st.floats(allow_nan=False)),
    tags=st.lists(texts),
    limits=st.dictionaries(words, st.floats(0, 1000)),
    inputs=st.lists(st.sampled_from([{"type": "pedal"}, {"type": "keyboard", "layout": "azerty"}, {"type": "keyboard"}])),
    explain=st.booleans(),
    defaults=st.booleans(),
)
def test_show_then_file_then_the_same(
    tmp_path: Path, argv: list[str], registry: Registry, explain: bool, defaults: bool, **values: object
):
    argv = [word for word in argv if "robot.port" not in word]
    flags = {
        "robot.port": values["port"],
        "robot.gain": values["gain"],
        "robot.home": list(values["home"]),  # type: ignore[call-overload]
        "dataset.tags": values["tags"],
        "limits": {name: {"velocity": number} for name, number in values["limits"].items()},  # type: ignore[attr-defined]
        "inputs": values["inputs"],
    }
    source = tmp_path / "given.yaml"
    source.write_text(write_commented(nested(flags), lambda _: "", lambda _: ""), encoding="utf-8")
    reading = read(CollectConfig, [*argv, f"--config={source}"], registry)
    shown = tmp_path / "shown.yaml"
    shown.write_text(show(reading, registry, explain=explain, defaults=defaults), encoding="utf-8")
    for flag in ("config", "station"):
        assert parse(CollectConfig, [f"--{flag}={shown}"], registry) == reading.config


def nested(flags: Mapping[str, object]) -> dict[str, object]:
    data: dict[str, dict[str, object]] = {}
    for name, value in flags.items():
        part, _, field = name.partition(".")
        if field:
            data.setdefault(part, {})[field] = value
        else:
            data[part] = value  # type: ignore[assignment]
    return dict(data)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "stations" / "bench3.yaml"
    file.parent.mkdir()
    file.write_text(
        "robot:\n  type: so101_follower\n  port: a\n  cameras:\n    front: {type: opencv, index_or_path: 0}\n"
        "input: {type: keyboard, layout: azerty}\n"
    )
    return file


def test_every_value_says_where_it_is_from(bench: Path, registry: Registry):
    argv = ["--station=bench3", "--robot.gain=3", "--teleop={type: so101_leader, port: b}", "--fps", "30"]
    reading = read(TeleoperateConfig, argv, registry)
    expected = {
        ("robot", "port"): "stations/bench3.yaml:3",
        ("robot", "gain"): "flag",
        ("robot", "mode"): "default",
        ("robot", "cameras", "front", "index_or_path"): "stations/bench3.yaml:5",
        ("robot", "cameras", "front", "fps"): "default",
        ("teleop", "port"): "flag",
        ("inputs", 0, "layout"): "stations/bench3.yaml:6",
        ("fps",): "flag",
        ("handover", "touch"): "default",
    }
    assert {path: reading.sources.origin_of(path) for path in expected} == expected
    lines = show(reading, registry).splitlines()
    columns = {line.index("#") for line in lines if "#" in line}
    assert len(columns) == 1, "comments stand below each other"
    assert [line.partition("#")[2].strip() for line in lines if line.startswith("fps:")] == ["Hz, flag"]
    assert any(line.split() == ["layout:", "azerty", "#", "stations/bench3.yaml:6"] for line in lines)


def test_of_a_station_only_what_was_given(bench: Path, registry: Registry):
    reading = read(Station, ["--station=bench3", "--max_tracking_error=5", "--robot.gain=16"], registry)
    assert show(reading, registry, defaults=False) == (
        "version: 1\n"
        "robot:\n"
        "  type: so101_follower\n"
        "  port: a\n"
        "  cameras:\n"
        "    front:\n"
        "      type: opencv\n"
        "      index_or_path: 0\n"
        "  gain: 16.0\n"
        "inputs:\n"
        "- type: keyboard\n"
        "  layout: azerty\n"
        "max_tracking_error: 5.0  # deg\n"
    )


def test_explained(bench: Path, registry: Registry):
    shown = show(read(Station, ["--station=bench3"], registry), registry, explain=True)
    assert "\n  # Gain\n  gain: 16.0 " in shown
    assert "\n  # Layout\n  layout: azerty " in shown
    assert max(len(line) for line in shown.splitlines() if line.lstrip().startswith("#")) <= 80
