"""
From a template's text and a pod to YAML text with tokens: Jinja in a guarded sandbox.

What an expression yields is never pasted: it becomes a token, and ``binding`` puts the value in. Nothing of YAML is
known here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import jinja2
from jinja2 import nodes
from jinja2.runtime import Context
from jinja2.visitor import NodeTransformer

from injector.core import faults, filters, guards, inputs, limits, names, sources
from injector.core.bound import COMMENT_CLOSE, COMMENT_OPEN, HOLDERS, Values
from injector.core.budgets import Budget
from injector.core.environments import Parameters, environment_of
from injector.core.errors import LimitExceeded, PillionError, Place, TemplateError

if TYPE_CHECKING:
    from injector.core.model import JSON, Object

DELIMITERS = ("{{", "}}")

_TREES = frozenset(HOLDERS)

_MARKS = re.compile(f"(?:{COMMENT_OPEN}([0-9]+){COMMENT_CLOSE})+")


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """One data key of a template, compiled; ``constant`` is its text if it holds no Jinja at all."""

    key: str
    source: str
    delimiters: tuple[str, str]
    template: jinja2.Template
    constant: str | None
    inputs: frozenset[inputs.Path] = frozenset()
    """What of its scope the text reads; nothing else can change what it renders."""


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """One condition, compiled."""

    program: Program


class Scope(NamedTuple):
    """What one template sees of one pod."""

    variables: dict[str, Any]
    budget: Budget


class Rendered(NamedTuple):
    """YAML text with tokens, the values that they stand for, and where each came from, should an error need it."""

    text: str
    values: tuple[JSON, ...]
    program: Program
    scope: Scope | None = None
    has_trees: bool = False
    """Whether a mapping or list is among the values."""


def compile_program(
    source: str, *, key: str, delimiters: tuple[str, str] = DELIMITERS, parameters: Collection[str] | None = None
) -> Program:
    """Compile one data key; raises TemplateError with the place. *parameters* are the declared names, if known."""
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    environment = environment_of(delimiters)
    try:
        tree = environment.parse(sources.prepare(source, delimiters, key))
        names.check(tree, key, filters.FUNCTIONS, parameters)
        names.check_calls(tree, environment.filters, environment.tests)
        constant, reads = _constant(tree), inputs.find(tree, names.FIELDS)
        template = environment.from_string(guards.guard(tree, key))
    except TemplateError as error:
        raise faults.shown(error, source) from error
    except jinja2.TemplateSyntaxError as error:
        raise faults.shown(faults.of_syntax(error, key, environment), source) from error
    except (RecursionError, MemoryError) as error:
        raise LimitExceeded("expressions or tags are nested too deep", Place(key=key)) from error
    except (SyntaxError, ValueError, OverflowError) as error:
        raise TemplateError(f"the text cannot be compiled: {error}", Place(key=key)) from error
    return Program(key, source, delimiters, template, constant, reads)


def compile_expression(source: str, *, key: str, parameters: Collection[str] | None = None) -> Expression:
    """Compile a condition; raises TemplateError with the place."""
    if "%}" in source or "{%" in source or "{{" in source:
        problem = 'expected an expression without {{ }} or {% %}, such as "not pod.spec.hostNetwork"'
        raise faults.shown(TemplateError(problem, Place(key=key, line=1)), source)
    try:
        program = compile_program(f"{{% if {source} %}}1{{% endif %}}", key=key, parameters=parameters)
    except TemplateError as error:
        bare = TemplateError(error.problem, Place(key=key, line=error.place.line))
        raise faults.shown(bare, source) from error
    return Expression(replace(program, source=source, constant=None))


def build_scope(
    *,
    params: Mapping[str, JSON],
    pod: Object,
    namespace: Mapping[str, Any],
    request: Mapping[str, Any],
    template: Mapping[str, Any],
    expired: Callable[[], bool],
) -> Scope:
    """Return what a template sees; its programs share one budget."""
    return Scope({
        "params": Parameters(params),
        "pod": pod,
        "namespace": namespace,
        "request": request,
        "template": template,
    }, Budget(expired))  # fmt: skip


def render(program: Program, scope: Scope) -> Rendered:
    """Return the rendered text; raises RenderError, LimitExceeded, Refused, Expired."""
    if program.constant is not None:
        return Rendered(program.constant, (), program)
    values = Values()
    try:
        text = _run(program.template, scope, values)
    except TemplateError as error:
        raise faults.placed(error, program.key, program.source, program.template) from error.__cause__
    return Rendered(text, tuple(values), program, scope, has_trees=not _TREES.isdisjoint(map(type, values)))


def evaluate(expression: Expression, scope: Scope) -> bool:
    """Return whether a condition holds; raises as ``render``."""
    return bool(render(expression.program, scope).text)


def source_line(rendered: Rendered, line: int) -> int:
    """
    Return the line of the template that a line of its rendered text came from; 0 if that cannot be told.

    The template is rendered once more with its lines marked, which only errors pay for.
    """
    program, scope = rendered.program, rendered.scope
    if scope is None:
        return line
    environment = environment_of(program.delimiters)
    tree = environment.parse(sources.prepare(program.source, program.delimiters, program.key))
    marked = environment.from_string(_Marker().visit(guards.guard(tree, program.key)))
    again = Scope(scope.variables, scope.budget.renewed())
    try:
        text = "".join(_pieces(marked, again, Values()))
    except Exception:  # noqa: BLE001 - with the marks it is too long, or time is up: then the line is not known
        return 0
    marks = [_MARKS.match(text) for text in text.split("\n")[:line]]
    return next((int(found[1]) for found in reversed(marks) if found), 0)


class _Marker(NodeTransformer):
    """Put the number of each line of the source in front of what it yields."""

    def visit_TemplateData(self, node: nodes.TemplateData) -> nodes.Node:  # noqa: N802 - Jinja's name
        lines = enumerate(node.data.split("\n"), start=node.lineno)
        marked = (f"{COMMENT_OPEN}{number}{COMMENT_CLOSE}{text}" for number, text in lines)
        return nodes.TemplateData("\n".join(marked), lineno=node.lineno)


def _run(template: jinja2.Template, scope: Scope, values: Values) -> str:
    try:
        text = "".join(_pieces(template, scope, values))
        values.check_size(text)
    except PillionError:
        raise
    except Exception as error:
        raise faults.of_python(error) from error
    if len(text) > limits.OUTPUT:
        raise LimitExceeded(f"the rendered text has more than {limits.OUTPUT} characters")
    return text


def _pieces(template: jinja2.Template, scope: Scope, values: Values) -> Iterator[str]:
    """Yield what the template yields; a context made here costs a tenth of one that the template makes."""
    variables = {**filters.FUNCTIONS, **scope.variables, "_budget": scope.budget, "_values": values}
    context = Context(template.environment, variables, template.name, template.blocks)
    return template.root_render_func(context)


def _constant(tree: nodes.Template) -> str | None:
    """Return the text of a template without Jinja."""
    items = [item for output in tree.body for item in (output.nodes if isinstance(output, nodes.Output) else [None])]
    texts = [item.data for item in items if isinstance(item, nodes.TemplateData)]
    return "".join(texts) if len(texts) == len(items) else None
