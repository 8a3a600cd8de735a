"""What a dataset is on disk."""

import hashlib
from pathlib import Path


def tree(root: Path) -> dict[str, str]:
    """Relative path -> hash of the content, of every file."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
