"""Taking hold of the leader is a takeover, where the operator wants that."""

from pathlib import Path

from e2e_driven import driving

from hilt_robot_emulated.bench import Bench
from hilt_robot_emulated.waypoint import Waypoint

FAR, SLOWLY = 15.0, 20.0
"""Degrees, and degrees per second."""


def test_a_hand_that_moves_the_leader_takes_over(bench: Bench, policy: Path, tmp_path: Path) -> None:
    with driving(bench, policy, tmp_path / "dataset", f"--handover.touch={FAR:g}") as session:
        session.records()
        assert "HUMAN" not in session.terminal.text
        pose = bench.state()["leader"]
        away = {**pose, "shoulder_pan.pos": pose["shoulder_pan.pos"] + 4 * FAR}
        bench.hand.move([Waypoint(away, SLOWLY)])
        session.terminal.phase("human")
        assert "(takeover, leader)" in session.terminal.text
        session.moves()
        bench.hand.release()
        session.saves()
