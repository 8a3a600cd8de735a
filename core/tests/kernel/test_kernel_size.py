"""The kernel is to be read in ten minutes."""

import ast
from pathlib import Path

import hilt.kernel

FILES = sorted(Path(hilt.kernel.__file__).parent.glob("*.py"))


def test_at_most_600_lines():
    assert sum(len(file.read_text().splitlines()) for file in FILES) <= 600


def test_no_function_above_40_lines():
    functions = [node for file in FILES for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)]
    assert functions
    assert {node.name for node in functions if (node.end_lineno or 0) - node.lineno >= 40} == set()
