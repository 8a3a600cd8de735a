"""What a plugin says of one type, for `hilt plugins -v`."""

import math
from collections.abc import Iterator, Mapping

from rich.text import Text

from hilt.cli.help import entry, flag_with_default
from hilt.cli.layout import labelled
from hilt.config import describe as fields_of
from hilt.kernel import PluginRow, Registry
from hilt.kernel.discovery import unmet
from hilt_hooks import Descriptor, Limits


def describe(descriptor: Descriptor, row: PluginRow, registry: Registry, width: int) -> Text:
    """Everything about a type, each line within `width` columns."""
    head = Text(f"\n{descriptor.kind} {descriptor.name}", "bold")
    lines = [labelled(label, text, width) for label, text in _facts(descriptor, row) if text]
    for label, text in _limits(getattr(descriptor, "limits", {})):
        lines.append(labelled(label, text, width))
    return Text("\n").join([head, *lines, *(Text(line) for line in _fields(descriptor, registry, width))])


def _facts(descriptor: Descriptor, row: PluginRow) -> Iterator[tuple[str, str]]:
    yield "", descriptor.summary
    yield "from", f"{row.source}; " + (f"made for {row.made_for}" if row.made_for else "does not say for which hilt-hooks")
    yield "aliases", ", ".join(descriptor.aliases)
    yield "capabilities", ", ".join(sorted(descriptor.capabilities))
    yield "requires", ", ".join(f"{each} (not installed)" if unmet([each]) else each for each in descriptor.requires)
    yield "emulator", "yes" if descriptor.emulator else ""


def _limits(limits: Mapping[str, Limits]) -> Iterator[tuple[str, str]]:
    """One line for each; their units are those of the channels, per second and per second squared."""
    label = "limits"
    for channel, each in limits.items():
        who = "all others" if channel == "*" and len(limits) > 1 else "all channels" if channel == "*" else channel
        yield label, f"{who}: {limit_words(each)}{f' ({each.reason})' if each.reason else ''}"
        label = " "


def limit_words(each: Limits) -> str:
    """`-90 to 90, velocity 90, acceleration 450`."""
    parts = []
    if math.isfinite(each.lower) or math.isfinite(each.upper):
        parts.append(f"{each.lower:g} to {each.upper:g}")
    names = ("velocity", "acceleration", "tracking")
    parts += [f"{name} {getattr(each, name):g}" for name in names if math.isfinite(getattr(each, name))]
    return ", ".join(parts) or "no bounds"


def _fields(descriptor: Descriptor, registry: Registry, width: int) -> Iterator[str]:
    try:
        rows = fields_of(descriptor.config, registry)
    except Exception as error:  # a default of a plugin that raises
        yield f"  its fields cannot be shown: {type(error).__name__}: {error}"
        return
    if rows:
        yield "  fields (* is required)"
    for row in rows:
        yield from entry(f"  {'*' if row.required else ' '} {flag_with_default(row)}", row.option.help, width)
