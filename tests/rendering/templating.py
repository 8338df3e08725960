"""A template text with parameters and a pod in, what it becomes out: the two stages of the engine in one call."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from injector.core import binding, rendering

PARAMETERS = {
    "port": 8080,
    "tag": "1.10",
    "yes": "yes",
    "level": "debug",
    "flag": True,
    "nul": None,
    "cfg": {"a": {"b": 1, "c": "x"}},
    "res": {"limits": {"cpu": "1"}},
    "script": "set -e\necho hi\n",
    "lst": ["a", "b"],
    "m": {"A": "1", "B": "2"},
    "key": "app.kubernetes.io/name",
    "mem": 256,
    "ratio": 0.5,
    "empty": "",
    "n2": "x: y",
}
POD = {
    "metadata": {"name": "w", "labels": {"app": "web", "items": "three"}},
    "spec": {"containers": [{"name": "c1"}, {"name": "c2"}], "hostNetwork": False, "volumes": None},
}
CASES = Path(__file__).parent / "cases"


def never() -> bool:
    return False


def scope(params=PARAMETERS, pod=POD, expired=never):
    return rendering.build_scope(
        params=params,
        pod=pod,
        namespace={"name": "shop", "labels": {"team": "red"}, "annotations": {}},
        request={"operation": "CREATE", "user": "alice"},
        template={"name": "t", "version": "3", "revision": "abc"},
        expired=expired,
    )


def become(text, *, key="pod", params=PARAMETERS, pod=POD, delimiters=("{{", "}}")):
    """Return what a template text becomes; raises PillionError."""
    program = rendering.compile_program(text, key=key, delimiters=delimiters, parameters=params)
    return binding.bind(rendering.render(program, scope(params, pod)), key=key)


def holds(condition, *, pod=POD, params=PARAMETERS):
    """Return whether a condition is true."""
    return rendering.evaluate(
        rendering.compile_expression(condition, key="when", parameters=params), scope(params, pod)
    )


def strictly(value):
    """Return a text that tells 1 from true and 1.0, and one order of keys from another."""
    return json.dumps(value, ensure_ascii=False, indent=1)


def cases():
    """Yield every case of every file: file, sentence, case."""
    for path in sorted(CASES.glob("*.yaml")):
        for case in yaml.safe_load(path.read_text()):
            yield path.stem, case["name"], case
