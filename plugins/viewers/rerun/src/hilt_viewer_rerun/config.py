"""Where Rerun shows a session, and how."""

from pathlib import Path

from attrs import frozen

from hilt_hooks import option


@frozen(kw_only=True)
class RerunConfig:
    connect: str | None = option(
        None, help="A Rerun viewer that runs already, such as rerun+http://HOST:9876/proxy; null: a window is opened here"
    )
    save: Path | None = option(None, help="File to write instead, such as session.rrd; `rerun FILE` shows it")
    compress_images: bool = option(True, help="Send color images as JPEG: a tenth of the data, and some CPU time")
    memory_limit: str = option("2GB", help="How much the window may keep; beyond it the oldest is dropped")
