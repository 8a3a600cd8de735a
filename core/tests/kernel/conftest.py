from collections.abc import Callable
from pathlib import Path

import pytest

from hilt.kernel import Registry

PLUGINS = Path(__file__).parents[3] / "tests" / "fixtures" / "plugins"

Discover = Callable[..., Registry]


@pytest.fixture
def discover(monkeypatch: pytest.MonkeyPatch) -> Discover:
    """A registry of the named fixture distributions and nothing else."""
    monkeypatch.delenv("HILT_DISABLE", raising=False)

    def call(*names: str, enabled: bool = True) -> Registry:
        path = [str(PLUGINS / name) for name in names]
        for folder in path:
            monkeypatch.syspath_prepend(folder)
        return Registry.discover(enabled=enabled, path=path)

    return call
