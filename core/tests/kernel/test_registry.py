import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from hilt.kernel import Registry, State
from hilt_hooks import ConfigError, PluginMissing, RobotDescriptor, Vector

Discover = Callable[..., Registry]


def only_row(registry: Registry):
    (row,) = registry.rows()
    return row


def test_finds_by_name_and_by_alias(discover: Discover):
    registry = discover("ok")
    assert registry.find("robot", "fixture_arm").summary == "An arm that is not there"
    assert registry.find("robot", "fixture_arm_alias") is registry.find(RobotDescriptor, "fixture_arm")
    assert [each.name for each in registry.all("robot")] == ["fixture_arm", "fixture_arm_undriven"]


def test_descriptors_do_not_import_factories(discover: Discover):
    sys.modules.pop("hilt_fixture_ok.arm", None)
    discover("ok").find("robot", "fixture_arm")
    assert "hilt_fixture_ok.arm" not in sys.modules


def test_missing_names_nearest_installed_and_broken(discover: Discover):
    with pytest.raises(PluginMissing) as caught:
        discover("ok", "importerror").find("robot", "fixture_amr")
    message = str(caught.value)
    assert "did you mean 'fixture_arm'?" in message
    assert "installed: fixture_arm, fixture_arm_undriven" in message
    assert "hilt-fixture-importerror 0.3 might have it but is broken" in message
    assert "pip install a-driver-that-nobody-has" in message


def test_missing_says_if_the_name_is_of_another_kind(discover: Discover):
    with pytest.raises(PluginMissing, match="'fixture_keys' is of the kind input"):
        discover("ok").find("robot", "fixture_keys")


def test_import_error_is_a_row_with_the_line_to_run(discover: Discover):
    row = only_row(discover("importerror"))
    assert (row.name, row.distribution, row.version) == ("fixture-importerror", "hilt-fixture-importerror", "0.3")
    assert row.state is State.FAILED
    assert row.reason == "ModuleNotFoundError: No module named 'a_driver_that_nobody_has'"
    assert row.fix == "pip install a-driver-that-nobody-has"
    assert isinstance(row.error, ModuleNotFoundError)


def test_a_plugin_that_exits_is_a_row_and_what_it_prints_is_kept(discover: Discover, capsys: pytest.CaptureFixture[str]):
    row = only_row(discover("exits"))
    assert row.state is State.FAILED
    assert row.reason == "SystemExit: 5"
    assert row.printed == "a plugin that talks\n"
    assert capsys.readouterr() == ("", "")


def test_wrong_hooks_say_exactly_what_does_not_fit(discover: Discover):
    row = only_row(discover("signature"))
    assert row.state is State.FAILED
    assert "there is no hook hilt_alarms; did you mean hilt_alarm?" in row.reason
    assert (
        "hilt_phase_changed(episode, phase) does not fit the hook hilt_phase_changed(episode, old, new, event): "
        "surplus phase; missing old, new, event"
    ) in row.reason


def test_a_registration_hook_that_raises_is_a_row(discover: Discover):
    registry = discover("lister", "ok")
    assert {row.name: row.state for row in registry.rows()}["fixture-lister"] is State.FAILED
    assert registry.has("robot", "fixture_arm")


def test_another_contract_is_listed_and_not_imported(discover: Discover):
    row = only_row(discover("contract"))
    assert row.reason == f"it is made for hilt-hooks>=9,<10 ({version('hilt-hooks')} is installed)"
    assert row.fix == "pip install -U hilt-fixture-contract hilt hilt-hooks"
    assert "hilt_fixture_contract" not in sys.modules


def requiring(folder: Path, *requirements: str) -> list[str]:
    """A plugin whose distribution has these requirements."""
    info = folder / "wants-1.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[hilt]\nwants = attrs\n")
    lines = ["Metadata-Version: 2.1", "Name: wants", "Version: 1", *(f"Requires-Dist: {each}" for each in requirements)]
    (info / "METADATA").write_text("\n".join(lines))
    return [str(folder)]


@pytest.mark.parametrize(
    ("requirement", "state"),
    [
        ("hilt-hooks>=0.1,<0.2", State.OK),
        ("hilt_hooks >=0.1", State.OK),
        ("hilt-hooks", State.OK),
        ("hilt-hooks>=7; python_version < '3'", State.OK),
        ("hilt-hooks>=7; extra == 'test'", State.OK),
        ("attrs>=999", State.OK),
        ("Hilt.Hooks<0.1", State.FAILED),
        ("hilt>=7", State.FAILED),
        ("hilt-hooks=0.1", State.FAILED),
    ],
)
def test_what_a_distribution_requires_of_the_contracts_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, requirement: str, state: State
):
    monkeypatch.delenv("HILT_DISABLE", raising=False)
    row = only_row(Registry.discover(path=requiring(tmp_path, requirement)))
    assert row.state is state, row.reason


def test_a_development_version_counts_as_the_release_that_it_leads_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("hilt.kernel.discovery.metadata.version", lambda _: "0.3.dev7+g1234")
    folder = requiring(tmp_path, "hilt-hooks>=0.3,<0.4")
    assert only_row(Registry.discover(path=folder)).state is State.OK


def test_damaged_metadata_concerns_nobody_else(discover: Discover):
    rows = {row.name: row for row in discover("damaged", "halfgone", "ok").rows()}
    assert rows["hilt-fixture-damaged"].state is State.FAILED
    assert rows["hilt-fixture-damaged"].reason.startswith("its entry_points.txt cannot be read")
    assert rows["hilt-fixture-damaged"].fix == "pip install --force-reinstall hilt-fixture-damaged"
    assert "fixture-ok" in rows
    assert "fixture-halfgone" not in rows


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("returns", "hilt_robots returned ['my_arm'], not a sequence of RobotDescriptor"),
        ("fields", "aliases is 'my_arm', not a tuple of str; requires is 'pyserial', not a tuple of str"),
        ("annotation", "robot 'untyped': the types of Config's fields: name 'Prot' is not defined"),
    ],
)
def test_what_is_wrong_with_a_registration_is_said(discover: Discover, name: str, reason: str):
    row = only_row(discover(name))
    assert row.state is State.FAILED
    assert reason in row.reason


def test_what_an_author_should_know_is_no_failure(discover: Discover):
    rows = {row.name: row for row in discover("slow", "prints").rows()}
    assert {row.state for row in rows.values()} == {State.OK}
    assert rows["fixture-slow"].notes[0].endswith("s to load; its module should import attrs, numpy and hilt_hooks only")
    assert rows["fixture-prints"].notes == ("printed something while it was loaded",)
    assert rows["fixture-prints"].printed.endswith("without end of lineand again\n")


def test_an_interrupt_while_a_plugin_is_loaded_names_it(discover: Discover, monkeypatch: pytest.MonkeyPatch):
    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupted)
    sys.modules.pop("hilt_fixture_slow", None)
    with pytest.raises(KeyboardInterrupt) as caught:
        discover("slow")
    assert caught.value.__notes__ == ["plugin fixture-slow was being loaded; HILT_DISABLE=fixture-slow leaves it out"]


def test_two_claims_to_a_name_name_both_distributions(discover: Discover):
    registry = discover("ok", "taken")
    with pytest.raises(ConfigError) as caught:
        registry.find("robot", "fixture_arm")
    assert "hilt-fixture-ok 1.2" in str(caught.value)
    assert "hilt-fixture-taken 2.0" in str(caught.value)
    assert {row.state for row in registry.rows()} == {State.CLASH}
    assert registry.find("robot", "fixture_arm_undriven").name == "fixture_arm_undriven"


@pytest.mark.parametrize("name", ["fixture-taken", "hilt-fixture-taken", "Hilt_Fixture.Taken", " x , fixture-taken"])
def test_disable_by_plugin_or_distribution(discover: Discover, monkeypatch: pytest.MonkeyPatch, name: str):
    call = discover
    monkeypatch.setenv("HILT_DISABLE", name)
    registry = call("ok", "taken")
    assert {row.name: row.state for row in registry.rows()}["fixture-taken"] is State.DISABLED
    assert registry.find("robot", "fixture_arm").summary == "An arm that is not there"


def test_without_plugins_they_are_listed_and_not_imported(discover: Discover):
    sys.modules.pop("hilt_fixture_importerror", None)
    registry = discover("ok", "importerror", enabled=False)
    assert [row.state for row in registry.rows()] == [State.DISABLED, State.DISABLED]
    assert registry.broken() == []
    with pytest.raises(PluginMissing, match="disabled: fixture-importerror, fixture-ok"):
        registry.find("robot", "fixture_arm")


def test_a_missing_driver_is_a_need(discover: Discover):
    row = only_row(discover("ok"))
    assert row.state is State.NEEDS
    assert row.fix == "pip install a-driver-that-nobody-has"
    assert "robot fixture_arm" in row.provides


def test_a_lifecycle_hook_that_raises_stops_no_other(discover: Discover):
    registry = discover("raising", "ok")
    import hilt_fixture_ok

    hilt_fixture_ok.SEEN.clear()
    reports: list[tuple[str, str, str]] = []
    lifecycle = registry.lifecycle(lambda plugin, hook, error: reports.append((plugin, hook, repr(error))))
    lifecycle.hilt_alarm("hot")
    lifecycle.hilt_phase_changed(episode=3, old="ready", new="human", event="takeover")
    assert hilt_fixture_ok.SEEN == ["hot", "3 human"]
    assert reports == [("fixture-raising (hilt-fixture-raising)", "hilt_alarm", "ZeroDivisionError('hot')")]


def test_filters_get_the_arguments_they_ask_for(discover: Discover):
    (filter_,) = discover("ok").filters()
    assert filter_.plugin == "fixture-ok (hilt-fixture-ok)"
    target = Vector(("a.pos",), [4.0])
    assert filter_.function("policy", target, target).values.tolist() == [2.0]


def test_a_distribution_on_the_path_twice_counts_once(discover: Discover):
    assert len(discover("ok", "ok").rows()) == 1


def test_typed_hooks_let_mypy_see_a_wrong_call(tmp_path: Path):
    pytest.importorskip("mypy")
    code = "from hilt.kernel import Registry\nRegistry().lifecycle(print).hilt_alarm(massage='hot')\n"
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "-c", code]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert 'Unexpected keyword argument "massage"' in ran.stdout
