"""
What a template's text reads of what it is shown, found in its syntax: nothing else can change what it renders.

So two pods that agree on these parts get the same fragment, and the second one for the price of comparing them. The
parts are compared as JSON, strictly by type.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import orjson
from jinja2 import nodes

from injector.core.model import JSON

Path: TypeAlias = tuple[str, ...]
"""A name in scope and the keys below it: ``("pod", "metadata", "labels", "app")``."""


def find(tree: nodes.Template, names: Iterable[str]) -> frozenset[Path]:
    """Return the paths below *names* that a text reads; where it computes a key or calls a method, what holds it."""
    roots = frozenset(names)
    return frozenset(_paths(tree, roots))


def read(paths: Iterable[Path], shown: Mapping[str, Any]) -> bytes | None:
    """Return what stands at *paths*, encoded for comparison; None if JSON cannot hold it."""
    try:
        return orjson.dumps([_at(path, shown) for path in paths])
    except TypeError:
        return None


def _paths(node: nodes.Node, roots: frozenset[str]) -> Iterator[Path]:
    path = _path(node, roots)
    if path:
        yield path
        return
    called = node.node if isinstance(node, nodes.Call) else None
    for child in node.iter_child_nodes():
        if child is called and isinstance(child, nodes.Getattr | nodes.Getitem):
            yield from _paths(child.node, roots)
            yield from _paths(child.arg, roots) if isinstance(child, nodes.Getitem) else ()
        else:
            yield from _paths(child, roots)


def _path(node: nodes.Node, roots: frozenset[str]) -> Path:
    """Return the path that a chain of names spells; empty if *node* is no such chain."""
    match node:
        case nodes.Name(name=name, ctx="load") if name in roots:
            return (name,)
        case nodes.Getattr(node=holder, attr=key) | nodes.Getitem(node=holder, arg=nodes.Const(value=str() as key)):
            path = _path(holder, roots)
            return (*path, key) if path else ()
        case _:
            return ()


def _at(path: Path, shown: Mapping[str, Any]) -> JSON:
    """Return what stands at a path, in a list that tells null from nothing and a value from what blocks the way."""
    value: Any = shown
    for depth, key in enumerate(path):
        if type(value) is not dict and not isinstance(value, Mapping):  # asking an abstract class is dear
            return [depth, value]
        if key not in value:
            return depth
        value = value[key]
    return [value]
