"""The processes that follow a session: they read copies, call plugins' hooks, show what goes on, and delay or stop nothing."""

from hilt.observers.process import ObserversSetup, run
from hilt.observers.viewers import ViewersSetup, chosen_viewers
from hilt.observers.viewers import run as run_viewers

__all__ = ["ObserversSetup", "ViewersSetup", "chosen_viewers", "run", "run_viewers"]
