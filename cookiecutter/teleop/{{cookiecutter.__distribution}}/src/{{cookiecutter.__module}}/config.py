"""What can be configured. A field is a flag: `port` is `--teleop.port=`."""

from attrs import frozen

from hilt_hooks import option


@frozen(kw_only=True)
class {{ cookiecutter.__class }}Config:
    port: str = option(help="Where the leader is connected; as long as `link.py` leads to a leader in memory, any name")
    mirror_torque: float = option(
        30.0, help="Torque with which the leader follows the robot; a hand must win easily", unit="%", minimum=1, maximum=100
    )
