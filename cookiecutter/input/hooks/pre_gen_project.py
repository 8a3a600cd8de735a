"""Refuse a name from which no good distribution, module and type would come."""

import re
import sys
from itertools import dropwhile

NAME = {{ cookiecutter.name | tojson }}
KIND = "{{ cookiecutter._kind }}"


def problem(name: str) -> str | None:
    """What is wrong with a name, and what to write instead; None if nothing is."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*([ _-][A-Za-z0-9]+)*", name):
        return "start with a letter, then letters and digits; one space, '-' or '_' between words, as in 'Acme Arm 2'"
    words = re.split("[ _-]", name)
    own = [*dropwhile(lambda word: word.lower() in ("hilt", KIND), words)]
    if own == words:
        return None
    return f"'hilt-{KIND}-' is put in front anyway; " + (f"give {' '.join(own)!r}" if own else "give the name of the thing itself")


if found := problem(NAME):
    sys.exit(f"name: {NAME!r} will not do: {found}")
