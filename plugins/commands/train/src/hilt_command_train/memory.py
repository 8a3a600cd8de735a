"""Whether the frames of a dataset fit into memory."""

import os

from hilt_hooks import ConfigError

_SHARE = 0.7
"""Of the machine's memory that the frames may take."""


def check_fits(needed: int) -> None:
    """Raises ConfigError if `needed` bytes are more than a machine of this size should hold."""
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > _SHARE * there:
        raise ConfigError(
            f"the dataset's frames take {needed / 2**30:.1f} GiB of memory, and this machine has {there / 2**30:.1f} GiB; "
            "use smaller images (--policy.resize=[120,160]) or fewer episodes (--dataset.episodes=[0,1,2])"
        )
