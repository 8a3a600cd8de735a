"""Command lines as LeRobot's documentation writes them, for the bench."""

from pathlib import Path

from hilt_robot_emulated.bench import BenchClient

TASK = "Push the cube to the goal"


def record(bench: BenchClient, root: Path, *more: str) -> list[str]:
    return ["record", *bench.flags, *_dataset(root), *more]


def collect(bench: BenchClient, root: Path, policy: Path, *more: str) -> list[str]:
    return ["collect", *bench.flags, f"--policy.path={policy}", *_dataset(root), "--interpolation_multiplier=2", *more]


def teleoperate(bench: BenchClient, *more: str) -> list[str]:
    return ["teleoperate", *bench.flags, *more]


def scripted(bench: BenchClient, script: str) -> list[str]:
    return ["--input.type=scripted", f"--input.bench={bench.folder}", f"--input.script={script}"]


def without(command: list[str], *flags: str) -> list[str]:
    return [word for word in command if not word.startswith(tuple(f"--{flag}=" for flag in flags))]


def instead(command: list[str], flag: str, value: object) -> list[str]:
    return [*without(command, flag), f"--{flag}={value}"]


def _dataset(root: Path) -> list[str]:
    return ["--dataset.repo_id=bench/push", f"--dataset.root={root}", f"--dataset.single_task={TASK}"]
