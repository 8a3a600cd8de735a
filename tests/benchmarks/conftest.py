"""`benchmarks` is no distribution; tests find it beside them, and what helps them in their own folder."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]
