"""Which rig holds which arm."""

import os

from hilt.ipc import rundir


def test_arms_are_told_by_what_they_open() -> None:
    robot = {"type": "pair", "left_arm_config": {"port": "/dev/a", "retries": 2}, "right_arm_config": {"port": "/dev/b"}}
    assert rundir.addresses({"robot": robot, "teleop": {"port": "/dev/c"}}) == {"/dev/a", "/dev/b", "/dev/c"}
    without = {"robot": {"type": "x", "ip": "10.0.0.1"}, "teleop": None}
    assert rundir.addresses(without) == rundir.addresses(dict(reversed(without.items())))


def test_a_rig_whose_session_is_gone_is_found_by_any_of_its_ports(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(rundir, "base", lambda: tmp_path)
    mine, gone = tmp_path / f"{os.getpid()}-a", tmp_path / "4194999-b"
    for folder in (mine, gone):
        folder.mkdir()
        rundir.note_rig(folder, {"/dev/a", "/dev/b"})
    assert [note.pid for note in rundir.orphans({"/dev/b", "/dev/z"})] == [os.getpid()]
    assert list(rundir.orphans({"/dev/z"})) == []
