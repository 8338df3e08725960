"""
What a template's text reads of what it is shown, found in its syntax: nothing else can change what it renders.

So two pods that agree on these parts get the same fragment, and the second one for the price of comparing them. A
loop over a list reads how many items there are and what its body reads of each. The parts are compared as JSON,
strictly by type.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson
from jinja2 import nodes

from injector.core.model import JSON

EACH = None
"""Stands in a path for every item of a list; at its end for how many there are."""

Path: TypeAlias = tuple[str | None, ...]
"""A name in scope and the keys below it: ``("pod", "spec", "containers", EACH, "name")``."""


@dataclass(frozen=True, slots=True)
class Items:
    """A list of which each item is read alike."""

    item: Reading | Items


Reading: TypeAlias = tuple[tuple[str, "Reading | Items | None"], ...]
"""The keys of a mapping and what is read below each; None: all of it."""

_COUNTING = frozenset({"count", "length"})
"""Filters to which a list is the number of its items."""

_PLACES = frozenset("cycle depth depth0 first index index0 last length revindex revindex0".split())
"""What ``loop`` tells without showing an item."""


def find(tree: nodes.Template, names: Iterable[str]) -> frozenset[Path]:
    """Return the paths below *names* that a text reads; where it computes a key or calls a method, what holds it."""
    return frozenset(_paths(tree, {name: (name,) for name in names}))


def plan(paths: Iterable[Path]) -> Reading:
    """Return how all *paths* are read at once, each part a single time."""
    return _fields(sorted(set(paths), key=repr))


def read(reading: Reading, shown: Mapping[str, Any]) -> bytes | None:
    """Return what is read, encoded for comparison; None if JSON cannot hold it."""
    try:
        return orjson.dumps(_of_mapping(reading, shown))
    except TypeError:
        return None


def _paths(node: nodes.Node, known: Mapping[str, Path]) -> Iterator[Path]:
    """Yield what is read below *node*; *known* are the names that stand for a path."""
    if path := _path(node, known):
        yield _whole(path)
    elif isinstance(node, nodes.For):
        yield from _paths_of_loop(node, known)
    elif isinstance(node, nodes.Filter) and (counted := _counted(node, known)):
        yield (*counted, EACH)
    else:
        for part in _parts(node):
            yield from _paths(part, known)


def _parts(node: nodes.Node) -> Iterator[nodes.Node]:
    """Yield what *node* is made of; for a method that it calls, what that is a method of."""
    called = node.node if isinstance(node, nodes.Call) else None
    for child in node.iter_child_nodes():
        if child is called and isinstance(child, nodes.Getattr | nodes.Getitem):
            yield from child.iter_child_nodes()
        else:
            yield child


def _paths_of_loop(loop: nodes.For, known: Mapping[str, Path]) -> Iterator[Path]:
    """Yield what a loop reads: of each item, where that has a name, what is read below this name."""
    over = _path(loop.iter, known)
    if not over or not isinstance(loop.target, nodes.Name) or _sees_neighbours(loop):
        yield from _paths(loop.iter, known)
        inside = known
    else:
        yield (*over, EACH)
        inside = {**known, loop.target.name: (*over, EACH)}
    for part in (*loop.body, loop.test):
        yield from _paths(part, inside) if part else ()
    for part in loop.else_:
        yield from _paths(part, known)


def _counted(node: nodes.Filter, known: Mapping[str, Path]) -> Path:
    """Return the path of what a filter counts; empty if it does anything else."""
    is_count = node.name in _COUNTING and not (node.args or node.kwargs or node.dyn_args or node.dyn_kwargs)
    return _path(node.node, known) if is_count and node.node is not None else ()


def _sees_neighbours(loop: nodes.For) -> bool:
    """Whether ``loop`` is used for more than to tell where it is: ``loop.previtem`` is another item."""
    telling = {id(use.node) for use in loop.find_all(nodes.Getattr) if use.attr in _PLACES}
    return any(name.name == "loop" and id(name) not in telling for name in loop.find_all(nodes.Name))


def _path(node: nodes.Node, known: Mapping[str, Path]) -> Path:
    """Return the path that a chain of names spells; empty if *node* is no such chain."""
    match node:
        case nodes.Name(name=name, ctx="load"):
            return known.get(name, ())
        case nodes.Getattr(node=holder, attr=key) | nodes.Getitem(node=holder, arg=nodes.Const(value=str() as key)):
            path = _path(holder, known)
            return (*path, key) if path else ()
        case _:
            return ()


def _whole(path: Path) -> Path:
    """Return the path of a value that is read as a whole: with every item, the list."""
    while path[-1] is EACH:
        path = path[:-1]
    return path


def _below(paths: list[Path]) -> Reading | Items | None:
    """Return how what stands at one place is read by *paths*, which start there; a mapping that is counted, whole."""
    if () in paths:
        return None
    items = [path[1:] for path in paths if path[0] is EACH]
    if not items:
        return _fields(paths)
    item = _below([path for path in items if path]) if any(items) else ()
    return Items(item) if len(items) == len(paths) and item is not None else None


def _fields(paths: Iterable[Path]) -> Reading:
    below: dict[str, list[Path]] = {}
    for path in paths:
        below.setdefault(str(path[0]), []).append(path[1:])
    return tuple((key, _below(rest)) for key, rest in below.items())


def _of_mapping(reading: Reading, value: Any) -> JSON:
    """Return what is read of a mapping in the order of *reading*: 0 for what is not there; else what blocks the way."""
    if not isinstance(value, dict):
        return {"": value}
    found: list[JSON] = []
    for key, below in reading:
        if key not in value:
            found.append(0)
        elif below is None:
            found.append([value[key]])
        elif isinstance(below, Items):
            found.append(_of_list(below, value[key]))
        else:
            found.append(_of_mapping(below, value[key]))
    return found


def _of_list(reading: Items, value: Any) -> JSON:
    if not isinstance(value, list):
        return {"": value}
    item = reading.item
    if isinstance(item, Items):
        return [_of_list(item, each) for each in value]
    return [_of_mapping(item, each) for each in value]
