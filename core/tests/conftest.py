import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

Install = Callable[[str, str], Path]
"""(name, source of its module) -> the folder that `pip install --target` would leave behind."""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a plugin for this test and for the processes that it spawns."""

    def call(name: str, source: str) -> Path:
        folder, module = tmp_path / "plugins" / name, f"hilt_test_{name}"
        info = folder / f"{module}-1.0.dist-info"
        info.mkdir(parents=True)
        (folder / f"{module}.py").write_text(source)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: hilt-test-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[hilt]\n{name} = {module}\n")
        monkeypatch.syspath_prepend(folder)
        return folder

    return call
