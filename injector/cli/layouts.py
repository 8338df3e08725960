"""
A pod as YAML that is short enough to be read: small mappings and lists on one line. For the eye only.

What is put into labels and annotations stays a line each, so that a difference never shows a line as changed to which
something was added.
"""

from __future__ import annotations

import yaml

from injector.core.model import Object

_SPREAD = ("labels", "annotations")
_VALUE_LIMIT = 60


def lay_out(item: Object, width: int) -> str:
    """Return *item* in lines of at most *width* columns; longer ones are cut."""
    dumper = yaml.SafeDumper(None, default_flow_style=None, sort_keys=False)  # type: ignore[arg-type] # only represents
    dumper.ignore_aliases = lambda data: True  # type: ignore[method-assign] # noqa: ARG005
    node = dumper.represent_data(item)
    _spread(node)
    text: str = yaml.serialize(node, Dumper=yaml.SafeDumper, width=width * 3 // 4, allow_unicode=True)
    return "\n".join(line if len(line) <= width else f"{line[: width - 1]}…" for line in text.splitlines())


def _spread(node: yaml.Node) -> None:
    """Give every label and annotation its line, and cut long ones."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _spread(item)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value in _SPREAD and isinstance(value, yaml.MappingNode):
                value.flow_style = False
                for _, text in value.value:
                    text.value = text.value if len(text.value) <= _VALUE_LIMIT else f"{text.value[:_VALUE_LIMIT]}…"
            _spread(value)
