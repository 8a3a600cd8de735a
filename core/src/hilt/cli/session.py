"""The commands that run a session. What they do is in `hilt.session`."""

from hilt.cli.configured import config_command

CHECK = "hilt.cli.preview:preview"

collect = config_command(
    "collect",
    "hilt.config:CollectConfig",
    "hilt.session.commands:collect",
    summary="A policy drives; you watch, pause, take over, correct, hand back. Every frame is kept, with who commanded it.",
    check=CHECK,
)
record = config_command(
    "record",
    "hilt.config:RecordConfig",
    "hilt.session.commands:record",
    summary="Record demonstrations: you move the robot, every frame is kept.",
    check=CHECK,
)
teleoperate = config_command(
    "teleoperate",
    "hilt.config:TeleoperateConfig",
    "hilt.session.commands:teleoperate",
    summary="Move the robot by hand. Nothing is recorded.",
    check=CHECK,
)
replay = config_command(
    "replay",
    "hilt.config:ReplayConfig",
    "hilt.session.commands:replay",
    summary="Replay a recorded episode: the robot does again what was asked of it, under the same limits as ever.",
    check=CHECK,
)
