"""
The names that a template uses, checked when it is loaded: all are defined somewhere, all parameters are declared.

What an unknown name was probably meant to be is part of the message.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator

from jinja2 import TemplateAssertionError, nodes

from injector.core.errors import Place, TemplateError
from injector.core.guards import MAPPING_METHODS

FIELDS = {
    "params": (),
    "pod": (),
    "namespace": ("name", "labels", "annotations"),
    "request": ("operation", "user"),
    "template": ("name", "version", "revision"),
}
"""What templates see, and the fields that each has; of a pod any, of the parameters the declared ones."""


def near(name: str, known: Collection[str], prefix: str = "") -> str:
    """Return the question that ends a message about an unknown *name*; nothing if no known name is near."""
    found = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; did you mean '{prefix}{found[0]}'?" if found else ""


def check(tree: nodes.Template, key: str, functions: Collection[str], parameters: Collection[str] | None) -> None:
    """Raise TemplateError for a name that nobody defines, and for a parameter or field that nobody declares."""
    known = {*FIELDS, *functions, *_assigned(tree), "loop"}
    for name in tree.find_all(nodes.Name):
        if name.name not in known and not name.name.startswith("_"):
            raise TemplateError(f"{name.name!r} is undefined{near(name.name, known)}", Place(key=key, line=name.lineno))
    declared = FIELDS if parameters is None else {**FIELDS, "params": tuple(parameters)}
    for owner, field, line in _fields(tree):
        fields = declared[owner]
        if (fields or (owner == "params" and parameters is not None)) and field not in fields:
            what = "no declared parameter" if owner == "params" else "no field that templates see"
            problem = f"'{owner}.{field}' is {what}{near(field, fields, f'{owner}.')}"
            raise TemplateError(problem, Place(key=key, line=line))


def check_calls(tree: nodes.Template, filters: Collection[str], tests: Collection[str]) -> None:
    """Raise what Jinja raises for an unknown filter or test; under ``{% if %}`` it would wait until a pod comes."""
    for node in tree.find_all((nodes.Filter, nodes.Test)):
        kind, known = ("filter", filters) if isinstance(node, nodes.Filter) else ("test", tests)
        if node.name not in known:
            raise TemplateAssertionError(f"No {kind} named {node.name!r}.", node.lineno)


def _assigned(tree: nodes.Template) -> Iterator[str]:
    yield from (name.name for name in tree.find_all(nodes.Name) if name.ctx != "load")
    yield from (macro.name for macro in tree.find_all(nodes.Macro))


def _fields(tree: nodes.Template) -> Iterator[tuple[str, str, int]]:
    """Yield the fields that are read of what templates see: owner, field, line."""
    shadowed = set(_assigned(tree))
    called = {id(call.node) for call in tree.find_all(nodes.Call)}
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        match node:
            case nodes.Getattr(attr=field) if id(node) in called and field in MAPPING_METHODS:
                continue
            case nodes.Getattr(node=nodes.Name(name=owner), attr=field):
                pass
            case nodes.Getitem(node=nodes.Name(name=owner), arg=nodes.Const(value=str() as field)):
                pass
            case _:
                continue
        if owner in FIELDS and owner not in shadowed:
            yield owner, field, node.lineno
