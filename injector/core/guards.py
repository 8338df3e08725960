"""
What a template may be made of: an allow-list of syntax, with the spending of steps built into what is allowed.

The filters that do so have names that only this module can write. What they do stands in ``environments``.
"""

from __future__ import annotations

from typing import Any, NoReturn

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from injector.core import limits
from injector.core.bound import RESERVED
from injector.core.errors import LimitExceeded, Place, TemplateError

MAPPING_METHODS = frozenset({"get", "items", "keys", "values"})
"""Methods of mappings that templates may call; elsewhere these are names of fields like any other."""

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


def guard(tree: nodes.Template, key: str) -> nodes.Template:
    """Return the syntax tree with budgets built in; raises TemplateError for what is not allowed."""
    count = _size(tree)
    if count > limits.SYNTAX_NODES:
        raise LimitExceeded(
            f"the text has {count} nodes of syntax, more than {limits.SYNTAX_NODES}: split the template", Place(key=key)
        )
    guarded: nodes.Template = _Guard(key).visit(tree)
    return guarded


class _Guard(NodeTransformer):
    """Refuse what is not on the list; wrap what costs. Nodes change in place, from the leaves up."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.depth = 0

    def generic_visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> nodes.Node:
        if not isinstance(node, _ALLOWED):
            what = _NAMES.get(type(node).__name__, type(node).__name__.lower())
            self._refuse(f"{what!r} is not available in templates", node)
        return super().generic_visit(node, *args, **kwargs)

    def visit_Name(self, node: nodes.Name) -> nodes.Node:  # noqa: N802 - the visitor's names are Jinja's
        self._check_name(node.name, node)
        return node

    def visit_Filter(self, node: nodes.Filter) -> nodes.Node:  # noqa: N802
        self._check_name(node.name, node)
        return self.generic_visit(node)

    def visit_Test(self, node: nodes.Test) -> nodes.Node:  # noqa: N802
        self._check_name(node.name, node)
        return self.generic_visit(node)

    def visit_Const(self, node: nodes.Const) -> nodes.Node:  # noqa: N802
        if isinstance(node.value, str) and RESERVED.search(node.value):
            self._refuse("a text holds a character that is reserved for bound values", node)
        return node

    def visit_Output(self, node: nodes.Output) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.nodes = [_wrap(item, "_own") if _is_punctuation(item) else item for item in node.nodes]
        return node

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802
        if node.recursive:
            self._refuse("recursive loops are not available", node)
        self.depth += 1
        if self.depth > limits.LOOP_DEPTH:
            self._refuse(f"loops stand more than {limits.LOOP_DEPTH} deep in each other", node)
        cost = nodes.Const(_cost(node))
        self.generic_visit(node)
        self.depth -= 1
        node.iter = _wrap(node.iter, "_walk", cost)
        return node

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:  # noqa: N802
        cost = nodes.Const(_cost(node))
        depth, self.depth = self.depth, 0
        self.generic_visit(node)
        self.depth = depth
        spent = _wrap(nodes.Const("", lineno=node.lineno), "_spend", cost)
        node.body = [nodes.Output([spent], lineno=node.lineno), *node.body]
        return node

    def visit_AssignBlock(self, node: nodes.AssignBlock) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.filter = _innermost(node.filter, node.lineno)
        return node

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        method = node.node
        if isinstance(method, nodes.Getattr) and method.attr in MAPPING_METHODS:
            node.node = _wrap(method.node, "_method", nodes.Const(method.attr))
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.expr = _weighed(node.expr)
        for operand in node.ops:
            operand.expr = _weighed(operand.expr)
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _wrap(node, "_weigh") if isinstance(node.arg, nodes.Slice) else node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _wrap(nodes.List(node.nodes, lineno=node.lineno), "_concat")

    def visit_List(self, node: nodes.List) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _wrap(node, "_weigh") if node.items else node

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _wrap(node, "_weigh") if node.items else node

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _wrap(node, "_weigh") if node.ctx == "load" else node

    def _check_name(self, name: str, node: nodes.Node) -> None:
        if name.startswith("_"):
            self._refuse(f"the name {name!r} starts with _", node)

    def _refuse(self, problem: str, node: nodes.Node) -> NoReturn:
        raise TemplateError(problem, Place(key=self.key, line=node.lineno))


def _size(node: nodes.Node) -> int:
    return sum(1 for _ in node.find_all(nodes.Node))


def _cost(node: nodes.Node) -> int:
    """Return the steps of one turn: a step per few nodes and per 64 characters of text."""
    characters = sum(len(text.data) for text in node.find_all(nodes.TemplateData))
    return max(_size(node) // 4, 1) + characters // 64


def _weighed(node: nodes.Expr) -> nodes.Expr:
    is_short = isinstance(node, nodes.Const) and not (isinstance(node.value, str) and len(node.value) > 64)
    return node if is_short else _wrap(node, "_weigh")


def _wrap(node: nodes.Node, name: str, *args: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(node, name, list(args), [], None, None, lineno=node.lineno)


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


def _is_punctuation(node: nodes.Expr) -> bool:
    """Whether an expression yields only signs: the template's own text, such as ``', ' if not loop.last``."""
    match node:
        case nodes.Const(value=str() as text):
            return not any(character.isalnum() for character in text)
        case nodes.CondExpr(expr1=first, expr2=second):
            return _is_punctuation(first) and (second is None or _is_punctuation(second))
        case _:
            return False
