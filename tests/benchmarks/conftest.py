"""`benchmarks` is no distribution; tests find it beside them, and what helps them here, in e2e and in core."""

import sys
from pathlib import Path

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]
sys.path[:0] = [str(_ROOT), str(_HERE), str(_HERE.with_name("e2e")), str(_ROOT / "core" / "tests")]
