"""
What a template may do: an allow-list of syntax when it is loaded, and a budget of work when it runs.

Jinja's sandbox keeps templates away from Python's insides but bounds neither time nor memory. So each operation
whose cost a template controls spends from a budget, in steps and by the size of what it touches; nothing watches the
clock but ``expired``, which the caller passes in. Text and values themselves are no business of this module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from injector.core.bound import RESERVED, VALUE_CHARACTERS, VALUE_NODES
from injector.core.errors import Expired, LimitExceeded, Place, TemplateError

NODE_LIMIT = 2_000
"""Nodes of the syntax tree of one template text."""
LOOP_DEPTH = 3
STEP_LIMIT = 200_000
"""Steps of one template on one pod; a loop's turn costs the nodes of its body, a text a step per 64 characters."""
TEXT_LIMIT = 65_536
"""Characters of one text that a template computes."""
BIT_LIMIT = 256
"""Bits of one integer that a template computes."""
RANGE_LIMIT = 1_000
_CHECK_EVERY = 256

_ALLOWED = tuple(
    getattr(nodes, name)
    for name in (
        "Template Output TemplateData Name Const List Dict Pair Tuple Getattr Getitem Slice Filter Test Call Keyword"
        " Compare Operand And Or Not Add Sub Mul Div FloorDiv Mod Pow Neg Pos Concat CondExpr For If Assign AssignBlock"
        " Macro With"
    ).split()
)
_NAMES = {
    "Include": "include", "Import": "import", "FromImport": "from … import", "Extends": "extends", "Block": "block",
    "CallBlock": "call", "FilterBlock": "filter", "NSRef": "a name with a dot in set",
}  # fmt: skip


class Budget:
    """The work that one template may still do on one pod."""

    __slots__ = ("_checked", "_expired", "_left")

    def __init__(self, expired: Callable[[], bool]) -> None:
        self._left = STEP_LIMIT
        self._checked = STEP_LIMIT
        self._expired = expired

    def spend(self, steps: int) -> None:
        """Take *steps*; raises LimitExceeded when there are none left and Expired when time is up."""
        self._left -= steps
        if self._left < 0:
            raise LimitExceeded(f"the template takes more than {STEP_LIMIT} steps: loop over less")
        if self._checked - self._left >= _CHECK_EVERY:
            self._checked = self._left
            if self._expired():
                raise Expired("the deadline of the request is over")

    def weigh(self, value: Any) -> Any:
        """Return *value* after spending for its size; raises LimitExceeded if it is too large for any use."""
        if isinstance(value, str):
            if len(value) > TEXT_LIMIT:
                refuse(f"a text grows beyond {TEXT_LIMIT} characters")
            self.spend(1 + len(value) // 64)
        elif isinstance(value, dict | list | tuple):
            self.spend(1 + _weight(value) // 8)
        elif isinstance(value, int) and value.bit_length() > BIT_LIMIT:
            refuse(f"a number grows beyond {BIT_LIMIT} bits")
        else:
            self.spend(1)
        return value

    def walk(self, items: Iterable[Any], steps: int) -> Iterator[Any]:
        """Yield *items*, each for *steps*."""
        for item in items:
            self.spend(steps)
            yield item


def refuse(problem: str) -> NoReturn:
    """Raise LimitExceeded."""
    raise LimitExceeded(problem)


def _weight(value: Any) -> int:
    """Count the items of a tree as ``==`` or ``str`` would walk it: shared branches count each time."""
    todo, count, characters = [value], 0, 0
    while todo:
        item = todo.pop()
        count += 1
        if isinstance(item, str):
            characters += len(item)
        elif isinstance(item, dict):
            todo.extend(item.keys())
            todo.extend(item.values())
        elif isinstance(item, list | tuple):
            todo.extend(item)
        if count + len(todo) > VALUE_NODES or characters > VALUE_CHARACTERS:
            refuse(f"a value grows beyond {VALUE_NODES} items or {VALUE_CHARACTERS} characters")
    return count + characters // 64


def guard(tree: nodes.Template, key: str) -> nodes.Template:
    """Return the syntax tree with budgets built in; raises TemplateError for what is not allowed."""
    count = sum(1 for _ in tree.find_all(nodes.Node))
    if count > NODE_LIMIT:
        raise LimitExceeded(
            f"the text has {count} nodes of syntax, more than {NODE_LIMIT}: split the template", Place(key=key)
        )
    guarded: nodes.Template = _Guard(key).visit(tree)
    return guarded


class _Guard(NodeTransformer):
    """Refuse what is not on the list; wrap what costs in filters that only the guard can name."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.depth = 0

    def generic_visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> nodes.Node:
        if not isinstance(node, _ALLOWED):
            what = _NAMES.get(type(node).__name__, type(node).__name__.lower())
            self._refuse(f"{what!r} is not available in templates", node)
        return super().generic_visit(node, *args, **kwargs)

    def visit_Name(self, node: nodes.Name) -> nodes.Node:  # noqa: N802 - the visitor's names are Jinja's
        if node.name.startswith("_"):
            self._refuse(f"the name {node.name!r} starts with _", node)
        return node

    def visit_Const(self, node: nodes.Const) -> nodes.Node:  # noqa: N802
        if isinstance(node.value, str) and RESERVED.search(node.value):
            self._refuse("a text holds a character that is reserved for bound values", node)
        return node

    def visit_Output(self, node: nodes.Output) -> nodes.Node:  # noqa: N802
        visited = self.generic_visit(node)
        assert isinstance(visited, nodes.Output)
        visited.nodes = [_wrap(item, "_own") if _is_punctuation(item) else item for item in visited.nodes]
        return visited

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802
        if node.recursive:
            self._refuse("recursive loops are not available", node)
        self.depth += 1
        if self.depth > LOOP_DEPTH:
            self._refuse(f"loops stand more than {LOOP_DEPTH} deep in each other", node)
        size = sum(1 for _ in node.find_all(nodes.Node))
        visited = self.generic_visit(node)
        assert isinstance(visited, nodes.For)
        self.depth -= 1
        visited.iter = _wrap(visited.iter, "_walk", nodes.Const(max(size // 4, 1)))
        return visited

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:  # noqa: N802
        size = sum(1 for _ in node.find_all(nodes.Node))
        depth, self.depth = self.depth, 0
        visited = self.generic_visit(node)
        assert isinstance(visited, nodes.Macro)
        self.depth = depth
        spent = _wrap(nodes.Const(""), "_spend", nodes.Const(size))
        visited.body = [nodes.Output([spent], lineno=node.lineno), *visited.body]
        return visited

    def visit_AssignBlock(self, node: nodes.AssignBlock) -> nodes.Node:  # noqa: N802
        visited = self.generic_visit(node)
        assert isinstance(visited, nodes.AssignBlock)
        visited.filter = _innermost(visited.filter, lineno=node.lineno)
        return visited

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802
        visited = self.generic_visit(node)
        assert isinstance(visited, nodes.Compare)
        visited.expr = _weighed(visited.expr)
        for operand in visited.ops:
            operand.expr = _weighed(operand.expr)
        return visited

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802
        visited = self.generic_visit(node)
        assert isinstance(visited, nodes.Getitem)
        return _weighed(visited) if isinstance(visited.arg, nodes.Slice) else visited

    def _weigh_literal(self, node: nodes.Expr) -> nodes.Node:
        visited = self.generic_visit(node)
        assert isinstance(visited, nodes.Expr)
        is_target = getattr(visited, "ctx", "load") != "load"
        return visited if is_target or not getattr(visited, "items", True) else _weighed(visited)

    visit_List = visit_Tuple = visit_Dict = visit_Concat = _weigh_literal  # noqa: N815

    def _refuse(self, problem: str, node: nodes.Node) -> NoReturn:
        raise TemplateError(problem, Place(key=self.key, line=node.lineno))


def _wrap(node: nodes.Expr | None, name: str, *args: nodes.Expr) -> nodes.Filter:
    lineno = node.lineno if node is not None and node.lineno else 1
    return nodes.Filter(node, name, list(args), [], None, None, lineno=lineno)


def _weighed(node: nodes.Expr) -> nodes.Expr:
    return node if isinstance(node, nodes.Const) else _wrap(node, "_weigh")


def _innermost(chain: nodes.Filter | None, lineno: int) -> nodes.Filter:
    """Capture the text of a set block before any of its own filters see it."""
    capture = nodes.Filter(None, "_capture", [], [], None, None, lineno=lineno)
    if chain is None:
        return capture
    last = chain
    while isinstance(last.node, nodes.Filter):
        last = last.node
    last.node = capture
    return chain


def _is_punctuation(node: nodes.Node) -> bool:
    """Whether an expression yields only signs: the template's own text, such as ``', ' if not loop.last``."""
    match node:
        case nodes.Const(value=str() as text):
            return not any(character.isalnum() for character in text)
        case nodes.CondExpr(expr1=first, expr2=second):
            return _is_punctuation(first) and (second is None or _is_punctuation(second))
        case _:
            return False
