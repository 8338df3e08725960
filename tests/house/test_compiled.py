"""The core as the image has it: the modules under test are those that were meant."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _load_script():
    spec = importlib.util.spec_from_file_location("compile_core", ROOT / "scripts/compile_core.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


MODULES = _load_script().MODULES


@pytest.mark.parametrize("name", MODULES)
def test_tests_run_on_what_they_were_told_to_run_on(name):
    suffix = {"": ".py", "compiled": ".so"}[os.environ.get("CORE", "")]

    assert suffix == Path(importlib.import_module(f"injector.core.{name}").__file__).suffix


@pytest.mark.parametrize("name", MODULES)
def test_a_compiled_module_imports_nothing_for_types_alone(name):
    tree = ast.parse((ROOT / f"injector/core/{name}.py").read_text())

    assert [] == [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "TYPE_CHECKING"]
