"""A configuration as a file that gives it again, with where each value came from and what it means."""

from typing import Any

from hilt.config import versions
from hilt.config.commented import leaf_paths, without, write_commented
from hilt.config.given import DEFAULT
from hilt.config.parse import Reading, dump
from hilt.config.rows import describe
from hilt.config.text import PathKey
from hilt.kernel import Registry


def show(reading: Reading[Any], registry: Registry, *, explain: bool = False, defaults: bool = True) -> str:
    """YAML. explain: with the help of each field above it.

    defaults: whether what was not given is there, too, and for each value where it comes from.
    """
    data = dump(reading.config)
    options = {row.at: row.option for row in describe(type(reading.config), registry, data)}
    origins = {path: reading.sources.origin_of(path) for path in leaf_paths(data)}

    def beside(path: PathKey) -> str:
        unit = options[path].unit if path in options else ""
        return ", ".join(filter(None, (unit, origins.get(path) if defaults else "")))

    def above(path: PathKey) -> str:
        return options[path].help if explain and path in options else ""

    if not defaults:
        data = without(data, lambda path: origins[path] == DEFAULT)
    return write_commented({versions.KEY: versions.VERSION, **data}, beside, above)
