"""What `hilt collect`, `hilt record`, `hilt teleoperate` and `hilt replay` do: check everything, run the session, sum it up."""

from pathlib import Path

from rich.console import Console

from hilt.config import CollectConfig, RecordConfig, ReplayConfig, TeleoperateConfig
from hilt.config.filters import doubts
from hilt.kernel import Registry
from hilt.session.console import Screen
from hilt.session.plan import Config, make_plan
from hilt.session.session import Session

REPORT = "report.html"


def collect(config: CollectConfig, registry: Registry, console: Console) -> int:
    return _run(config, registry, console)


def record(config: RecordConfig, registry: Registry, console: Console) -> int:
    return _run(config, registry, console)


def teleoperate(config: TeleoperateConfig, registry: Registry, console: Console) -> int:
    return _run(config, registry, console)


def replay(config: ReplayConfig, registry: Registry, console: Console) -> int:
    return _run(config, registry, console)


def _run(config: Config, registry: Registry, console: Console) -> int:
    plan = make_plan(config, registry)
    screen = Screen(console, plan.wanted.episodes if plan.wanted.logs else 0, leader=bool(plan.header.leader_names))
    for doubt in doubts(config.filters, registry):
        screen.say(doubt, "yellow")
    session = Session(plan, screen)
    session.run()
    if plan.replay is not None:
        screen.followed(list(session.following.result(plan.replay)))
    if plan.wanted.logs is None:
        return 0
    screen.summary(session.episodes.lines, plan.header.fps, {**session.facts, "logs": str(plan.wanted.logs)})
    if unfinished := session.episodes.unfinished:
        screen.alarm("an episode could not be finished; its log is kept, and the next start with this dataset recovers it")
    if page := _report(plan.wanted.logs):
        screen.facts({"report": str(page)})
    return int(unfinished)


def _report(logs: Path) -> Path | None:
    """The page about this session, if it recorded anything."""
    from hilt.report import session_report

    episodes = sorted(logs.glob("*.mcap"))
    return session_report(episodes, logs / REPORT) if episodes else None
