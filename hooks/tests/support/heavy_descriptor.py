"""A descriptor module that drags a library in."""

import sys
from types import ModuleType

# Stands for the real import, which not every machine has.
sys.modules["serial"] = ModuleType("serial")
