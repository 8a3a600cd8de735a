"""The commands that find and check devices. What they do is in `hilt.tools`."""

from hilt.cli.configured import config_command

find_port = config_command(
    "find-port",
    "hilt.tools.config:FindPortConfig",
    "hilt.tools.ports:find_port",
    summary="List the serial ports with names that stay the same over a replug, and the motors that answer there. "
    "Ports are opened for that, which restarts some other boards; --scan=false leaves them alone.",
)
find_cameras = config_command(
    "find-cameras",
    "hilt.tools.config:FindCamerasConfig",
    "hilt.tools.cameras:find_cameras",
    summary="Take a picture with every camera, and say by which names that stay the same it is configured.",
)
doctor = config_command(
    "doctor",
    "hilt.tools.config:DoctorConfig",
    "hilt.tools.doctor:doctor",
    summary="Check arms, cameras, inputs and this computer, and say what to do about what is wrong. Moves nothing, "
    "switches no torque. The exit code is 1 if something is wrong.",
)
