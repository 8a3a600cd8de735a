"""Helpers that tests import are in train_datasets.py, which this file puts on the path."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
