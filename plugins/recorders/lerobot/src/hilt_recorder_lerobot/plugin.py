"""What this distribution provides, without importing pyarrow or av."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from hilt_hooks import RecorderDescriptor, hookimpl, option

CODECS = ("h264", "libsvtav1", "hevc")
_UNUSED = "Accepted, without effect: "


def lerobot_home() -> Path:
    """Where LeRobot keeps its datasets: $HF_LEROBOT_HOME, $HF_HOME/lerobot, or ~/.cache/huggingface/lerobot."""
    if home := os.environ.get("HF_LEROBOT_HOME"):
        return Path(home).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(os.environ.get("HF_HOME", f"{cache}/huggingface")).expanduser() / "lerobot"


@frozen(kw_only=True)
class EncoderConfig:
    """How images are encoded where the log's own H.264 is not taken over. The defaults are LeRobot's."""

    vcodec: str | None = option(None, help="As dataset.vcodec, and wins over it", choices=(None, *CODECS))
    pix_fmt: str = option("yuv420p", help="Pixel format of the video", choices=("yuv420p",))
    g: int = option(2, help="Distance of key frames when encoding again", unit="frames", minimum=1)
    crf: int = option(30, help="Constant rate factor when encoding again", minimum=0, maximum=63)
    preset: int | None = option(12, help="Preset of libsvtav1 when encoding again", minimum=0, maximum=13)
    fast_decode: int = option(0, help="libsvtav1: tune for fast decoding", minimum=0, maximum=2)
    video_backend: str = option("pyav", help=_UNUSED + "videos are written with PyAV")
    extra_options: Mapping[str, str] = option({}, help="More options for the encoder, as FFmpeg names them")


@frozen(kw_only=True)
class DatasetConfig:
    """The dataset that a session records into, under LeRobot's names."""

    repo_id: str = option(help="Name of the dataset, usually <owner>/<name>")
    single_task: str = option("", help="What the robot does in every episode, in words: 'Pick the cube'")
    root: str | None = option(None, help="Folder of the dataset [default: $HF_LEROBOT_HOME/<repo_id>]")
    fps: int = option(30, help="Frames per second", unit="Hz", minimum=1, maximum=1000)
    episode_time_s: float = option(60.0, help="Longest recorded time of an episode", unit="s", minimum=0)
    reset_time_s: float = option(60.0, help="Longest time for the reset between two episodes", unit="s", minimum=0)
    num_episodes: int = option(50, help="How many episodes to record", minimum=1)
    resume: bool = option(False, help="Append to the dataset if it exists; without it an existing one is refused")
    vcodec: str = option(
        "h264", help="h264 takes the log's video over as it is; the others encode it again after each episode", choices=CODECS
    )
    rgb_encoder: EncoderConfig = option(EncoderConfig(), help="Encoder settings for libsvtav1 and hevc")
    encoder_threads: int | None = option(
        None, help="Threads of an encoder that encodes again [default: its own choice]", minimum=1
    )
    push_to_hub: bool = option(
        False, help="Nothing is uploaded from a session; the summary names the upload command [LeRobot: True]"
    )
    private: bool | None = option(None, help="Whether that upload command makes the dataset private")
    video: bool = option(True, help="Images are always stored as video", choices=(True,))
    tags: tuple[str, ...] | None = option(None, help=_UNUSED + "tags belong to the upload")
    num_image_writer_processes: int = option(0, help=_UNUSED + "no image files are written")
    num_image_writer_threads_per_camera: int = option(4, help=_UNUSED + "no image files are written")
    video_encoding_batch_size: int = option(1, help=_UNUSED + "every episode is complete when it is saved")
    streaming_encoding: bool = option(True, help=_UNUSED + "the log is always encoded while it is recorded")
    encoder_queue_maxsize: int = option(30, help=_UNUSED + "rows and images are written together, none is dropped")
    depth_encoder: Mapping[str, Any] = option({}, help=_UNUSED + "depth images are not recorded")
    rename_map: Mapping[str, str] = option({}, help=_UNUSED + "columns keep the names under which they are recorded")
    no_stamp: bool = option(True, help=_UNUSED + "no time stamp is put behind the name")

    @property
    def folder(self) -> Path:
        """Where the dataset lies, or will."""
        return Path(self.root).expanduser() if self.root else lerobot_home() / self.repo_id

    @property
    def codec(self) -> str:
        return self.rgb_encoder.vcodec or self.vcodec


@hookimpl
def hilt_recorders() -> list[RecorderDescriptor]:
    return [
        RecorderDescriptor(
            name="lerobot",
            aliases=("lerobot_v3",),
            summary="LeRobotDataset v3.0, one file of each kind an episode",
            config=DatasetConfig,
            factory="hilt_recorder_lerobot.recorder:build",
            requires=("pyarrow", "av"),
        )
    ]
