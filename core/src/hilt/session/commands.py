"""What `hilt collect`, `hilt record`, `hilt teleoperate` and `hilt replay` do: check everything, run the session, sum it up."""

from pathlib import Path

from rich.console import Console

from hilt.config import CollectConfig, RecordConfig, ReplayConfig, TeleoperateConfig
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
    session = Session(plan, screen)
    session.run()
    if plan.replay is not None:
        screen.followed(list(session.following.result(plan.replay)))
    facts = dict(session.facts)
    if plan.wanted.logs is not None:
        facts["logs"] = str(plan.wanted.logs)
        if page := _report(plan.wanted.logs):
            facts["report"] = str(page)
        screen.summary(session.episodes.lines, plan.header.fps, facts)
        if session.episodes.unfinished:
            screen.alarm("an episode could not be finished; its log is kept, and the next start with this dataset recovers it")
            return 1
    return 0


def _report(logs: Path) -> Path | None:
    """The page about this session, if it recorded anything."""
    from hilt.report import session_report

    episodes = sorted(logs.glob("*.mcap"))
    return session_report(episodes, logs / REPORT) if episodes else None
