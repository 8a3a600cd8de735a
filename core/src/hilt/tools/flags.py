"""Devices as flags, ready to copy."""

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

from attrs import fields

from hilt.config import dump
from hilt_hooks import Typed

_NEEDS_QUOTES = re.compile(r"[:{}\[\],#]\s|[{}\[\],]|^\s*$")


def given(typed: Typed) -> dict[str, Any]:
    """The fields of a device that are not as they are by default, as plain data."""
    defaults = {each.name: each.default for each in fields(type(typed.config))}
    data = dump(typed.config)
    return {key: value for key, value in data.items() if getattr(typed.config, key) != defaults[key]}


def flags(role: str, typed: Typed) -> str:
    """`--robot.type=... --robot.port=...`: what names an arm on a command line; without its cameras."""
    named = {"type": typed.type, **given(typed)}
    return " ".join(shlex.quote(f"--{role}.{key}={flow(value)}") for key, value in named.items() if key != "cameras")


def flow(value: Any) -> str:
    """YAML on one line, as a flag takes it."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, float):
        return f"{value:g}"
    is_plain = isinstance(value, str) and not _NEEDS_QUOTES.search(f"{value} ")
    return str(value) if is_plain else json.dumps(value)
