"""An episode's data and videos, written beside the dataset and not yet in it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import av
from attrs import frozen

from hilt.log import EpisodeLog
from hilt_recorder_lerobot import layout, stats, video
from hilt_recorder_lerobot.episode import EpisodeRefused, default_columns, name_of, read_content
from hilt_recorder_lerobot.features import DEFAULTS, IMAGE_PREFIX, Feature
from hilt_recorder_lerobot.files import delete, part_of, writing
from hilt_recorder_lerobot.plugin import DatasetConfig
from hilt_recorder_lerobot.store import State
from hilt_recorder_lerobot.tables import Episode, VideoSpan, data_table, write_parquet

_DEFAULT_NAMES = {feature.name for feature in DEFAULTS}


@frozen(eq=False)
class Draft:
    """An episode ready for `Store.add`. tasks: the dataset's, with the new one. video_info: feature -> `info` block."""

    episode: Episode
    tasks: Sequence[str]
    video_info: Mapping[str, Mapping[str, Any]]


@frozen(eq=False)
class _Video:
    span: VideoSpan
    stats: stats.Stats
    info: Mapping[str, Any]


def write_draft(root: Path, state: State, log: EpisodeLog, config: DatasetConfig) -> Draft:
    """Write the parts of the log's data and videos. Raises EpisodeRefused or VideoProblem, and then leaves none."""
    index, start, fps = len(state.episodes), state.frames, int(state.info["fps"])
    task = log.task or config.single_task
    if not task:
        raise EpisodeRefused(f"{log.path}: no task; give one with --dataset.single_task")
    tasks = list(state.tasks) if task in state.tasks else [*state.tasks, task]
    own = [feature for feature in state.features if feature.is_numeric and feature.name not in _DEFAULT_NAMES]
    content = read_content(log, own, state.meaning)
    columns = content.columns | default_columns(content.length, fps, index, start, tasks.index(task))
    data = state.next_data()
    with _parts() as parts:
        videos = {
            feature.name: _write_video(root, state, feature, log, config, content.length, parts)
            for feature in state.features
            if feature.is_video
        }
        parts.append(root / layout.data_path(state.info, data))
        with writing(parts[-1]) as stream:
            write_parquet(stream, data_table(state.features, columns))
    of_columns = {name: stats.of_column(values) for name, values in columns.items()}
    of_videos = {name: each.stats for name, each in videos.items()}
    episode = Episode(
        index=index,
        tasks=(task,),
        length=content.length,
        start=start,
        data=data,
        meta=state.next_meta(),
        videos={name: each.span for name, each in videos.items()},
        stats={feature.name: (of_videos if feature.is_video else of_columns)[feature.name] for feature in state.features},
        log=name_of(log),
        meaning=content.meaning,
    )
    return Draft(episode, tasks, {name: each.info for name, each in videos.items()})


@contextmanager
def _parts() -> Iterator[list[Path]]:
    """Files whose parts are deleted should writing one of them fail."""
    paths: list[Path] = []
    try:
        yield paths
    except BaseException:
        delete(part_of(path) for path in paths)
        raise


def _write_video(
    root: Path, state: State, feature: Feature, log: EpisodeLog, config: DatasetConfig, rows: int, parts: list[Path]
) -> _Video:
    fps, camera = int(state.info["fps"]), feature.name.removeprefix(IMAGE_PREFIX)
    file = state.next_video(feature.name)
    path = root / layout.video_path(state.info, feature.name, file)
    parts.append(path)
    try:
        with writing(path) as stream:
            written = _put_video(stream, log, camera, fps, config)
        found, pix_fmt = video.examine(part_of(path), fps, rows, feature.shape, stats.sampled_frames(rows))
    except (video.VideoProblem, av.FFmpegError) as error:
        raise video.VideoProblem(f"{log.path}: camera {camera}: {error}") from error
    info = video.video_info(feature.shape, fps, video.CODEC_NAMES[config.codec], pix_fmt, _encoder(config, written))
    return _Video(VideoSpan(file, 0.0, rows / fps), found.result(rows), info)


def _put_video(stream: BinaryIO, log: EpisodeLog, camera: str, fps: int, config: DatasetConfig) -> video.Written:
    if config.codec == "h264":
        return video.remux(log.packets(camera), stream, fps)
    return video.encode(log.images(camera), stream, fps, config.codec, config.rgb_encoder, config.encoder_threads)


def _encoder(config: DatasetConfig, written: video.Written) -> dict[str, Any]:
    """What is known of the encoder. Of the log's own only the key frame distance is, from the packets."""
    if config.codec == "h264":
        return {"g": written.key_distance, "crf": None, "preset": None, "fast_decode": 0, "extra_options": {}}
    encoder = config.rgb_encoder
    preset = encoder.preset if config.codec == "libsvtav1" else None
    return {
        "g": written.key_distance,
        "crf": encoder.crf,
        "preset": preset,
        "fast_decode": encoder.fast_decode,
        "extra_options": encoder.extra_options,
    }
