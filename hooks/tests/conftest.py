import sys
from pathlib import Path

# The devices in memory are imported by name, as a factory is.
sys.path.insert(0, str(Path(__file__).parent / "support"))
