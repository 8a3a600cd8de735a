from hilt.config import CollectConfig, RecordConfig, TeleoperateConfig, describe, gather, json_schema
from hilt.kernel import Registry


def test_every_field_has_help(registry: Registry):
    for cls in (CollectConfig, RecordConfig, TeleoperateConfig):
        assert [row.path for row in describe(cls, registry) if not row.option.help] == []


def test_fields_of_devices_once_the_type_is_known(argv: list[str], registry: Registry):
    before = {row.path for row in describe(CollectConfig, registry)}
    assert "robot.type" in before
    assert "dataset.repo_id" in before, "the recorder has a default type"
    assert "robot.port" not in before
    after = {row.path: row for row in describe(CollectConfig, registry, gather(CollectConfig, argv, registry).data)}
    assert after["robot.port"].required
    assert after["robot.cameras.front.fps"].default == 30
    assert after["inputs"].default == [{"type": "keyboard"}]
    assert after["robot.type"].choices == ("pair", "so101_follower")


def test_json_schema_says_what_structure_checks(registry: Registry):
    schema = json_schema(CollectConfig, registry)
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == {"robot", "policy", "dataset"}
    assert schema["properties"]["interpolation_multiplier"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 10,
        "description": "Commands per dataset frame, interpolated",
    }
    assert schema["properties"]["inputs"]["items"] == {"$ref": "#/$defs/input"}
    arms = {each["properties"]["type"]["enum"][0]: each for each in schema["$defs"]["robot"]["oneOf"]}
    assert arms["so101_follower"]["properties"]["type"]["enum"] == ["so101_follower", "arm_alias"]
    assert arms["so101_follower"]["required"] == ["type", "port"]
    assert arms["pair"]["properties"]["left"]["$ref"] == "#/$defs/robot"
    assert arms["so101_follower"]["properties"]["mode"]["enum"] == ["soft", "stiff"]
    (store, _) = sorted(schema["$defs"]["recorder"]["oneOf"], key=lambda each: each["properties"]["type"]["enum"], reverse=True)
    assert store["required"] == ["repo_id"]
