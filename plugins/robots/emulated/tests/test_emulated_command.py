"""`hilt emulate` as a user runs it, and what importing the plugin costs."""

import signal
import subprocess
import sys

from hilt_robot_emulated.folder import is_emulated_port

HEAVY = ("mujoco", "cv2", "torch", "serial", "av")


def test_emulate_prints_what_to_use_and_ends_with_ctrl_c() -> None:
    source = (
        "from hilt_robot_emulated.command import app; app(['so101', '--cameras', 'front', '--width', '64', '--height', '48'])"
    )
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as command:
        lines = []
        while not any("Ctrl-C" in line for line in lines):
            lines.append(command.stdout.readline())
            assert lines[-1], command.stderr.read()
        text = "".join(lines)
        port = next(line.split()[-1] for line in lines if line.startswith("follower"))
        assert is_emulated_port(port)
        assert f"--robot.port={port}" in text
        assert '"name": "front"' in text
        command.send_signal(signal.SIGINT)
        _, errors = command.communicate(timeout=30)
        assert (command.returncode, errors) == (0, "")
    assert not is_emulated_port(port)


def test_importing_plugin_and_command_is_light() -> None:
    source = (
        f"import sys, hilt_robot_emulated.plugin, hilt_robot_emulated.command; print([m for m in {HEAVY} if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True).stdout.strip() == "[]"
