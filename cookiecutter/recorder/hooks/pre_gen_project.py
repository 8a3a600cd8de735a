"""Refuse a name from which no good distribution, module and type would come."""

import re
import sys

NAME = {{ cookiecutter.name | tojson }}
KIND = "{{ cookiecutter._kind }}"
PREFIXES = ("hilt", KIND, {"teleop": "teleoperator"}.get(KIND, KIND))


def problem(name: str) -> str | None:
    """What is wrong with a name, and what to write instead; None if nothing is."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*([ _-][A-Za-z0-9]+)*", name):
        return "start with a letter; then letters and digits, words separated by one space, '-' or '_', for instance 'Acme Arm 2'"
    words = re.split(r"[ _-]", name)
    while words and words[0].lower() in PREFIXES:
        words.pop(0)
    own = " ".join(words)
    if own != " ".join(re.split(r"[ _-]", name)):
        advice = f"; give {own!r}" if own else "; give the name of the thing itself"
        return f"'hilt-{KIND}-' is put in front by the template{advice}"
    return None


if found := problem(NAME):
    sys.exit(f"name: {NAME!r} will not do: {found}")
