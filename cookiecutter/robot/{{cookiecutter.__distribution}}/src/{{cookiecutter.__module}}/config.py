"""What can be configured. A field is a flag: `port` is `--robot.port=`."""

from attrs import frozen

from hilt_hooks import Cameras, cameras, option


@frozen(kw_only=True)
class {{ cookiecutter.__class }}Config:
    port: str = option(help="Where the arm is connected; as long as `link.py` leads to an arm in memory, any name")
    cameras: Cameras = cameras()
