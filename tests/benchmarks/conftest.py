"""`benchmarks` is no distribution; tests find it beside them, and what helps them here and in e2e."""

import sys
from pathlib import Path

_HERE = Path(__file__).parent
sys.path[:0] = [str(_HERE.parents[1]), str(_HERE), str(_HERE.with_name("e2e"))]
