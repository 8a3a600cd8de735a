"""The commands that make an arm ready for use. What they do is in `hilt.setup`."""

from hilt.cli.configured import config_command

setup_motors = config_command(
    "setup-motors",
    "hilt.setup.config:SetupMotorsConfig",
    "hilt.setup.motors:setup_motors",
    summary="Give the motors of a new arm their ids, one after the other. Run again, it goes on where it was left.",
)
calibrate = config_command(
    "calibrate",
    "hilt.setup.config:CalibrateConfig",
    "hilt.setup.calibrate:calibrate",
    summary="Move an arm through its whole range, and keep that as its calibration. With a robot and a leader, see whether "
    "the two agree.",
)
