"""What can be configured about a follower. The names are LeRobot's."""

from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from hilt_hooks import Cameras, cameras, option


@frozen(kw_only=True)
class SoFollowerConfig:
    port: str = option(help="Serial port of the arm, or serial:<number>, that of its USB adapter; `hilt find-port` tells")
    id: str | None = option(None, help="Name of this arm; its calibration file is called so")
    calibration_dir: Path | None = option(None, help="Folder with the calibration file, instead of LeRobot's")
    disable_torque_on_disconnect: bool = option(
        True, help="Taken so that LeRobot's commands run; disconnecting never releases torque here, the session asks first"
    )
    max_relative_target: float | Mapping[str, float] | None = option(
        None, help="How far a target may be from the last measured position: one number, or one for each joint", unit="deg or %"
    )
    cameras: Cameras = cameras()
    use_degrees: bool = option(True, help="Body joints in degrees from mid range; otherwise -100 to 100 over the range")
    position_p_coefficient: int = option(16, help="P gain of the position loop in the servos", minimum=0, maximum=254)
    position_i_coefficient: int = option(0, help="I gain of the position loop in the servos", minimum=0, maximum=254)
    position_d_coefficient: int = option(32, help="D gain of the position loop in the servos", minimum=0, maximum=254)
    num_read_retries: int = option(2, help="How often a position read is repeated within its deadline", minimum=0, maximum=10)
