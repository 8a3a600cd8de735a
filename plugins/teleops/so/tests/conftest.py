import sys
from pathlib import Path

# The followers' tests have the emulated pair, `so_emulated`.
sys.path.insert(0, str(Path(__file__).parents[3] / "robots" / "so" / "tests"))
