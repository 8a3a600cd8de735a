"""The cameras' process: keeps the newest frames of all cameras in rings, and brings lost cameras back."""

from hilt.cameras.process import run
from hilt.cameras.setup import CamerasSetup, build_camera, camera_columns

__all__ = ["CamerasSetup", "build_camera", "camera_columns", "run"]
