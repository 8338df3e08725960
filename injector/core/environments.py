"""
The Jinja in which templates run: a sandbox with our names, our filters, and a budget that every operation spends from.

A printed value becomes a token; a captured text remembers both its tokens and what they stand for. Which syntax is
allowed, and where the filters with ``_`` stand, is decided by ``guards``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import jinja2
from jinja2.runtime import LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment

from injector.core import filters, limits, list_filters, sources, text_filters
from injector.core.absences import Absent, Unset
from injector.core.bound import COMMENT_CLOSE, COMMENT_OPEN, HOLDERS, PLACED, TEXTS, Text, Values, inline
from injector.core.budgets import Budget, refuse
from injector.core.errors import RenderError
from injector.core.names import near

if TYPE_CHECKING:
    from jinja2.runtime import Context

STRING_METHODS = frozenset(
    "lower upper strip lstrip rstrip startswith endswith split rsplit splitlines partition rpartition removeprefix"
    " removesuffix title capitalize find count isdigit isalpha isalnum islower isupper".split()
)
LOOP_ATTRIBUTES = frozenset(
    "index index0 revindex revindex0 first last length depth depth0 previtem nextitem cycle".split()
)

_INDEXED = (list, tuple, str, dict)
_WITH_METHODS = (str, dict)

_SURROUNDINGS = ("_loop_vars", "_block_vars")
"""What Jinja passes along for functions that want their surroundings; none of ours does."""

_PARSING = 32
"""What reading YAML costs more than reading text."""

_PATTERN = 100
"""Steps of a regular expression that may have to be compiled."""

_MATCHING = (
    filters.TESTS["match"], filters.TESTS["search"], text_filters.regex_replace, list_filters.mapped,
    list_filters.select, list_filters.reject, list_filters.selectattr, list_filters.rejectattr,
)  # fmt: skip


class Parameters(dict[str, Any]):
    """The parameters of a template, all of them: another name is an error even in a test."""

    __slots__ = ()


class Environment(ImmutableSandboxedEnvironment):
    """Jinja with our names, our filters and nothing else."""

    intercepted_binops = frozenset(["+", "-", "*", "/", "//", "%", "**"])

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return a field of a mapping, or one of the few methods that templates may call."""
        if isinstance(obj, dict):
            if attribute in obj:
                return obj[attribute]
            if isinstance(obj, Parameters):
                raise RenderError(f"'params.{attribute}' is no declared parameter{near(attribute, obj, 'params.')}")
            return Absent(name=attribute)
        return self._part(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return an item; what is not there is absent."""
        if isinstance(argument, str):
            return self.getattr(obj, argument)
        try:
            return obj[argument] if isinstance(obj, _INDEXED) else self._part(obj, str(argument))
        except LookupError:
            return Absent(name=str(argument))

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call a macro, a function or a method, and spend for what goes in and what comes out."""
        budget: Budget = context.parent["_budget"]
        for name in _SURROUNDINGS:
            kwargs.pop(name, None)
        receiver = getattr(obj, "__self__", None)
        for item in (receiver if isinstance(receiver, str) else "", *args, *kwargs.values()):
            budget.weigh(item)
        if isinstance(receiver, _WITH_METHODS):  # a method that ``_part`` or ``_method`` has let through
            if args and obj.__name__.endswith("strip"):
                text_filters.check_stripped(args[0])
            return budget.weigh(obj(*args, **kwargs))
        if isinstance(obj, Absent):
            return obj
        result = super().call(context, obj, *args, **kwargs)
        return _capture(context, result) if isinstance(obj, Macro) else budget.weigh(result)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Compute within the budget: text and lists cannot be multiplied, powers are small."""
        left, right = _settled(left), _settled(right)
        if not _are_numbers(left, right):
            _check_sum(operator, left, right)
        elif operator == "**":
            _check_power(left, right)
        return context.parent["_budget"].weigh(super().call_binop(context, operator, left, right))

    def _part(self, obj: Any, name: str) -> Any:
        if obj is None or isinstance(obj, Absent):
            return Absent(name=name)
        if isinstance(obj, LoopContext) and name in LOOP_ATTRIBUTES:
            part = getattr(obj, name)
            return Absent(name=name) if isinstance(part, jinja2.Undefined) else part
        if isinstance(obj, TEXTS) and name in STRING_METHODS:
            return getattr(str(obj), name)
        kind = type(text_filters.present(obj)).__name__
        hint = f": use the filter {name!r}" if name in self.filters and not name.startswith("_") else ""
        raise RenderError(f"a value of type {kind} has no part {name!r}{hint}")


@lru_cache(maxsize=64)
def environment_of(delimiters: tuple[str, str]) -> Environment:
    """Return the environment for templates with these marks around expressions."""
    tags = sources.marks(delimiters)
    environment = Environment(
        variable_start_string=tags.expression[0],
        variable_end_string=tags.expression[1],
        block_start_string=tags.block[0],
        block_end_string=tags.block[1],
        comment_start_string=COMMENT_OPEN,
        comment_end_string=COMMENT_CLOSE,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        optimized=False,
        undefined=Unset,
        finalize=_emit,
        cache_size=0,
        autoescape=False,
    )
    jinja_tests: dict[str, Any] = {name: environment.tests[name] for name in filters.JINJA_TESTS}
    environment.filters = {**{name: _costed(item) for name, item in filters.FILTERS.items()}, **_GUARDED}
    environment.tests = {name: _costed(item) for name, item in {**jinja_tests, **filters.TESTS}.items()}
    environment.globals = dict(filters.FUNCTIONS)
    return environment


@jinja2.pass_context
def _emit(context: Context, value: Any) -> str:
    """Turn what an expression yields into a token; that the context is asked for also stops folding at load."""
    variables = context.parent
    if type(value) is not str and isinstance(value, jinja2.Undefined):
        return str(value)
    variables["_budget"].weigh_printed(value)
    values: Values = variables["_values"]
    return values.emit(value)


@jinja2.pass_context
def _capture(context: Context, text: str) -> Text:
    """Return the text of a macro or set block, which prints as it is and is a resolved string otherwise."""
    variables = context.parent
    budget, values = variables["_budget"], variables["_values"]
    captured: Text = values.capture(budget.weigh(text), budget.weigh)
    return captured


@jinja2.pass_context
def _weigh(context: Context, value: Any) -> Any:
    return context.parent["_budget"].weigh(str(value) if isinstance(value, PLACED) else value)


@jinja2.pass_context
def _walk(context: Context, items: Any, steps: int) -> Iterator[Any]:
    budget: Budget = context.parent["_budget"]
    return budget.walk(items, steps)


@jinja2.pass_context
def _spend(context: Context, text: str, steps: int) -> Text:
    context.parent["_budget"].spend(steps)
    return Text(text, text)


@jinja2.pass_context
def _concat(context: Context, parts: Sequence[Any]) -> str:
    """Join what stands around ``~``, each as it would stand inside a longer text."""
    budget: Budget = context.parent["_budget"]
    text = "".join(inline(budget.weigh(text_filters.present(part))) for part in parts)
    return str(budget.weigh(text))


@jinja2.pass_environment
def _method(environment: Environment, obj: Any, name: str) -> Any:
    """Return a method of a mapping, whatever fields it has; what is absent is an empty one."""
    if obj is None or isinstance(obj, Absent):
        obj = {}
    return getattr(obj, name) if isinstance(obj, dict) else environment.getattr(obj, name)


def _own(text: Any) -> Text:
    """Return punctuation of the template's own; nothing for ``', ' if false``."""
    return Text(text, text) if isinstance(text, str) else Text("", "")


_GUARDED: dict[str, Callable[..., Any]] = {
    "_capture": _capture,
    "_concat": _concat,
    "_method": _method,
    "_own": _own,
    "_spend": _spend,
    "_walk": _walk,
    "_weigh": _weigh,
}
"""Filters that only ``guards`` can name."""


def _costed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter or test that spends for what it takes and what it gives."""
    if function is list_filters.length:
        return _length
    price = _PATTERN if function in _MATCHING else 0
    is_parser = function is filters.from_yaml

    @jinja2.pass_context
    def costed(context: Context, *args: Any, **kwargs: Any) -> Any:
        budget: Budget = context.parent["_budget"]
        for item in (*args, *kwargs.values()):
            budget.weigh(item)
        budget.spend(_PARSING * len(args[0]) // 64 if is_parser and isinstance(args[0], str) else price)
        return budget.weigh(function(*args, **kwargs))

    return costed


@jinja2.pass_context
def _length(context: Context, value: Any) -> int:
    """Count for one step, however much there is in what is counted; a text costs by its length as everywhere."""
    budget: Budget = context.parent["_budget"]
    if isinstance(value, HOLDERS):
        budget.spend(1)
    else:
        budget.weigh(value)
    return list_filters.length(value)


def _settled(operand: Any) -> Any:
    return str(operand) if isinstance(operand, PLACED) else text_filters.present(operand)


def _are_numbers(left: Any, right: Any) -> bool:
    return isinstance(left, int | float) and isinstance(right, int | float)


def _check_sum(operator: str, left: Any, right: Any) -> None:
    """Let texts and lists be added and nothing else."""
    both = (left, right)
    if operator != "+" or not any(all(isinstance(side, kind) for side in both) for kind in (str, list)):
        kinds = f"{type(left).__name__} and {type(right).__name__}"
        hint = "; join texts with ~" if operator == "+" else ""
        raise RenderError(f"{operator!r} takes two numbers, got {kinds}{hint}")
    if isinstance(left, str) and len(left) + len(right) > limits.TEXT:
        refuse(f"a text grows beyond {limits.TEXT} characters")


def _check_power(base: float, exponent: float) -> None:
    bits = base.bit_length() if isinstance(base, int) else 1
    if bits * max(abs(exponent), 1) > limits.INTEGER_BITS:
        refuse(f"a power grows beyond {limits.INTEGER_BITS} bits")
