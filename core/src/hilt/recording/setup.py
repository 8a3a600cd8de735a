"""What the recorder process is started with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from hilt.ipc.messages import Header, Outcome


@frozen(kw_only=True)
class RecorderSetup:
    """Data only: it travels to a spawned process.

    run_dir: where the session's rings are. logs: the folder of this session's logs, `<dataset>/hilt/logs/<session>`.
    recorder_factory: "module:attribute", called with recorder_config, gives the Recorder; None: logs only.
    after, told: for the successor of a recorder that died, how many of the session's messages that one had been sent, and
    how those episodes ended of which it did not say that they are durable.
    """

    run_dir: Path
    header: Header
    logs: Path
    recorder_factory: str | None = None
    recorder_config: Any = None
    after: int = 0
    told: Mapping[int, Outcome] = {}
