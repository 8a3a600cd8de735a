"""What can be configured about a leader. The names are LeRobot's, but for `mirror_torque`."""

from pathlib import Path

from attrs import frozen

from hilt_hooks import option


@frozen(kw_only=True)
class SoLeaderConfig:
    port: str = option(help="Serial port of the leader, or serial:<number>, that of its USB adapter; `hilt find-port` tells")
    id: str | None = option(None, help="Name of this leader; its calibration file is called so")
    calibration_dir: Path | None = option(None, help="Folder with the calibration file, instead of LeRobot's")
    use_degrees: bool = option(True, help="Body joints in degrees from mid range; otherwise -100 to 100 over the range")
    num_read_retries: int = option(2, help="How often a position read is repeated within its deadline", minimum=0, maximum=10)
    mirror_torque: float = option(
        30.0, help="Torque with which the leader follows the robot; a hand must win easily", unit="%", minimum=1, maximum=100
    )
