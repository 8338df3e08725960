"""What the examples of ``docs/templates.md`` say, run through the engine."""

from __future__ import annotations

from injector.core import binding, documents, rendering
from injector.core.model import JSON

PARAMETERS = {
    "port": 8080,
    "tag": "1.10",
    "on": True,
    "size": {"cpu": "10m", "memory": "32Mi"},
    "hosts": ["a", "b"],
    "evil": "a:1\nprivileged: true",
}
"""As the page introduces them."""


def render(text: str) -> JSON:
    """Render one text as the key ``container``, where no field means more than its name says."""
    program = rendering.compile_program(text, key="container", parameters=PARAMETERS)
    scope = rendering.build_scope(
        params=PARAMETERS,
        pod={"metadata": {}, "spec": {}},
        namespace={"name": "shop", "labels": {}, "annotations": {}},
        request={"operation": "CREATE", "user": "someone"},
        template={"name": "example", "version": "1", "revision": "0"},
        expired=lambda: False,
    )
    return binding.bind(rendering.render(program, scope), key="container")


def evaluate(expression: str) -> JSON:
    """The value of one expression."""
    return render(f"x: {{{{ {expression} }}}}")["x"]


def parse(text: str) -> JSON:
    return documents.parse_plain(text, key="container")
