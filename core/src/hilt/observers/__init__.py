"""The process that follows a session for labs: it reads copies, calls their hooks, and delays or stops nothing."""

from hilt.observers.process import ObserversSetup, run

__all__ = ["ObserversSetup", "run"]
