"""
From a template's text and a pod to YAML text with tokens: Jinja in a guarded sandbox.

What an expression yields is never pasted: it becomes a token and ``binding`` puts the value in. An absent field of
the pod is false in a test and empty in a loop; printing it is an error. Nothing of YAML is known here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from injector.core import documents, filters, guards, sources
from injector.core.bound import Text, Values
from injector.core.errors import LimitExceeded, PillionError, Place, RenderError, TemplateError
from injector.core.guards import Budget

if TYPE_CHECKING:
    from types import TracebackType

    from jinja2.runtime import Context

    from injector.core.model import JSON, Object

NAMES = ("params", "pod", "namespace", "request", "template")
"""What templates see."""

OUTPUT_LIMIT = 262_144
"""Characters of one rendered text."""

STRING_METHODS = frozenset(
    "lower upper strip lstrip rstrip startswith endswith split rsplit splitlines partition rpartition removeprefix"
    " removesuffix title capitalize find count isdigit isalpha isalnum islower isupper".split()
)
MAPPING_METHODS = frozenset({"get", "items", "keys", "values"})
LOOP_ATTRIBUTES = frozenset(
    {
        "index",
        "index0",
        "revindex",
        "revindex0",
        "first",
        "last",
        "length",
        "depth",
        "depth0",
        "previtem",
        "nextitem",
        "cycle",
    }
)

_FILE = "<template>"
_MARK = re.compile(f"{sources.COMMENT_OPEN}([0-9]+){sources.COMMENT_CLOSE}")


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """One data key of a template, compiled; ``constant`` is its text if it holds no Jinja at all."""

    key: str
    source: str
    delimiters: tuple[str, str]
    template: jinja2.Template
    constant: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """One condition, compiled."""

    program: Program
    source: str
    """As it was written."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What one template sees of one pod."""

    variables: dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    """YAML text with tokens, the values that they stand for, and where each came from, should an error need it."""

    text: str
    values: tuple[JSON, ...]
    program: Program
    scope: Scope | None = None


class Parameters(dict[str, Any]):
    """The parameters of a template, all of them: another name is an error even in a test."""

    __slots__ = ()


class Absent(jinja2.ChainableUndefined):
    """A field that is not there: false, empty, chainable, and an error when printed."""

    __slots__ = ()

    def __str__(self) -> str:
        name = self._undefined_name
        raise RenderError(
            f"{name!r} is absent here: give it a value with | default('…') or test for it with {{% if %}}"
        )

    def __call__(self, *_args: Any, **_kwargs: Any) -> Absent:
        """Stand for what a method of something absent returns: ``labels.items()`` is empty in a loop."""
        return self

    __html__ = __format__ = __str__  # type: ignore[assignment]


def compile_program(
    source: str, *, key: str, delimiters: tuple[str, str] = ("{{", "}}"), parameters: Collection[str] | None = None
) -> Program:
    """Compile one data key; raises TemplateError with the place. *parameters* are the declared names, if known."""
    prepared = sources.prepare(source, delimiters, key)
    environment = _environment(delimiters)
    try:
        tree = environment.parse(prepared)
        _check_names(tree, source, key, parameters)
        guarded = guards.guard(tree, key)
        template = environment.from_string(guarded)
    except TemplateError as error:
        raise _shown(error, source) from error
    except jinja2.TemplateSyntaxError as error:
        raise _syntax_error(error, source, key, environment) from error
    except (RecursionError, MemoryError) as error:
        raise LimitExceeded("expressions or tags are nested too deep", Place(key=key)) from error
    except (SyntaxError, ValueError) as error:
        raise TemplateError(f"the text cannot be compiled: {error}", Place(key=key)) from error
    return Program(key, source, delimiters, template, _constant(tree))


def compile_expression(source: str, *, key: str, parameters: Collection[str] | None = None) -> Expression:
    """Compile a condition; raises TemplateError with the place."""
    if "%}" in source or "{%" in source or "{{" in source:
        raise TemplateError(
            'expected an expression without {{ }} or {% %}, such as "not pod.spec.hostNetwork"', Place(key=key)
        )
    try:
        program = compile_program(f"{{% if {source} %}}1{{% endif %}}", key=key, parameters=parameters)
    except TemplateError as error:
        error.place = Place(key=key, line=error.place.line and 1, column=_column(source, error.problem), source=source)
        raise
    return Expression(program, source)


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
        "namespace": {name: dict(item) if isinstance(item, Mapping) else item for name, item in namespace.items()},
        "request": request,
        "template": template,
        "_budget": Budget(expired),
    })  # fmt: skip


def render(program: Program, scope: Scope) -> Rendered:
    """Return the rendered text; raises RenderError, LimitExceeded, Refused, Expired."""
    if program.constant is not None:
        return Rendered(program.constant, (), program)
    values = Values()
    text = _run(program, {**scope.variables, "_values": values})
    if len(text) > OUTPUT_LIMIT:
        raise LimitExceeded(f"the rendered text has more than {OUTPUT_LIMIT} characters", Place(key=program.key))
    return Rendered(text, tuple(values), program, scope)


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
        scope = Scope({"_budget": Budget(lambda: False)})
    tree = _environment(program.delimiters).parse(sources.prepare(program.source, program.delimiters, program.key))
    marked = _environment(program.delimiters).from_string(_Marker().visit(guards.guard(tree, program.key)))
    try:
        text = "".join(marked.root_render_func(marked.new_context({**scope.variables, "_values": Values()})))
    except Exception:  # noqa: BLE001 - it has failed before in another way: then the line is not known
        return 0
    lines = text.split("\n")
    found = _MARK.search(lines[line - 1]) if 1 <= line <= len(lines) else None
    return int(found[1]) if found else 0


class _Marker(NodeTransformer):
    """Put the number of each line of the source in front of what it yields."""

    def visit_TemplateData(self, node: nodes.TemplateData) -> nodes.Node:  # noqa: N802 - Jinja's name
        lines = node.data.split("\n")
        marked = (
            f"{sources.COMMENT_OPEN}{node.lineno + number}{sources.COMMENT_CLOSE}{text}"
            for number, text in enumerate(lines)
        )
        return nodes.TemplateData("\n".join(marked), lineno=node.lineno)


def _run(program: Program, variables: dict[str, Any]) -> str:
    template = program.template
    try:
        return "".join(template.root_render_func(template.new_context(variables)))
    except TemplateError as error:
        raise _placed(error, program) from error.__cause__
    except PillionError:
        raise
    except RecursionError as error:
        raise LimitExceeded("macros call each other too deep", Place(key=program.key)) from error
    except Exception as error:  # what a template makes Python raise: TypeError, ZeroDivisionError, …
        raise _placed(RenderError(_problem(error)), program, error.__traceback__) from error


def _problem(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, jinja2.TemplateError) and text else f"{type(error).__name__}: {text[:200]}"


def _placed(error: TemplateError, program: Program, traceback: TracebackType | None = None) -> TemplateError:
    """Add the line of the template to *error*."""
    if not error.place.line:
        line = _line_of(traceback or error.__traceback__, program.template)
        error.place = Place(key=program.key, line=line)
    return _shown(error.within(key=program.key), program.source)


def _line_of(traceback: TracebackType | None, template: jinja2.Template) -> int:
    line = 0
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == _FILE:
            line = template.get_corresponding_lineno(traceback.tb_lineno)
        traceback = traceback.tb_next
    return line


def _shown(error: TemplateError, source: str) -> TemplateError:
    """Add the text of the line, and the column of what the sentence quotes."""
    lines = source.split("\n")
    place = error.place
    if place.source or not 1 <= place.line <= len(lines):
        return error
    text = lines[place.line - 1]
    error.place = Place(
        template=place.template, key=place.key, line=place.line, column=_column(text, error.problem), source=text
    )
    return error


def _column(line: str, problem: str) -> int:
    """Return where the first thing that *problem* quotes stands in *line*; else where the line's first tag does."""
    for quoted in re.findall(r"'([^']+)'", problem):
        found = re.search(rf"(?<!\w){re.escape(quoted)}(?!\w)", line) or re.search(re.escape(quoted), line)
        if found:
            return found.start() + 1
    tag = re.search(r"\{[{%#]|\[[\[%#]|\S", line)
    return tag.start() + 1 if tag else 1


def _constant(tree: nodes.Template) -> str | None:
    """Return the text of a template without Jinja."""
    outputs = [item for output in tree.body for item in getattr(output, "nodes", [None])]
    if all(isinstance(item, nodes.TemplateData) for item in outputs):
        return "".join(item.data for item in outputs if isinstance(item, nodes.TemplateData))
    return None


def _check_names(tree: nodes.Template, source: str, key: str, parameters: Collection[str] | None) -> None:
    """Refuse names that nobody defines and parameters that nobody declares, when the template is loaded."""
    assigned = {name.name for name in tree.find_all(nodes.Name) if name.ctx != "load"}
    assigned |= {macro.name for macro in tree.find_all(nodes.Macro)}
    known = {*NAMES, *filters.FUNCTIONS, *assigned, "loop"}
    for name in tree.find_all(nodes.Name):
        if name.name not in known and not name.name.startswith("_"):
            raise TemplateError(
                f"{name.name!r} is undefined{_near(name.name, known)}", Place(key=key, line=name.lineno)
            )
    for read, line in _parameters_read(tree):
        if parameters is not None and read not in parameters and read not in MAPPING_METHODS:
            problem = f"'params.{read}' is no declared parameter{_near(read, parameters, 'params.')}"
            raise TemplateError(problem, Place(key=key, line=line))


def _parameters_read(tree: nodes.Template) -> Iterator[tuple[str, int]]:
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        match node:
            case nodes.Getattr(node=nodes.Name(name="params"), attr=name):
                yield name, node.lineno
            case nodes.Getitem(node=nodes.Name(name="params"), arg=nodes.Const(value=str() as name)):
                yield name, node.lineno


def _near(name: str, known: Collection[str], prefix: str = "") -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; did you mean '{prefix}{near[0]}'?" if near else ""


def _syntax_error(
    error: jinja2.TemplateSyntaxError, source: str, key: str, environment: jinja2.Environment
) -> TemplateError:
    problem = (error.message or "the text is no valid Jinja").rstrip(".")
    if missing := re.match(r"No (filter|test) named '(.*)'", problem):
        kind, name = missing.groups()
        known = environment.filters if kind == "filter" else environment.tests
        public = [item for item in known if not item.startswith("_")]
        problem = f"there is no {kind} {name!r}{_near(name, public)}"
    return _shown(TemplateError(problem, Place(key=key, line=error.lineno)), source)


@jinja2.pass_context
def _emit(context: Context, value: Any) -> str:
    """Turn what an expression yields into a token; that the context is asked for also stops folding at load."""
    if isinstance(value, jinja2.Undefined):
        return str(value)
    variables = context.parent
    variables["_budget"].spend(1)
    return str(variables["_values"].emit(value))


@jinja2.pass_context
def _capture(context: Context, text: str) -> Text:
    """Return the text of a macro or set block, which prints as it is and is a resolved string otherwise."""
    variables = context.parent
    variables["_budget"].weigh(text)
    return Text(variables["_values"].resolve(text), text)


@jinja2.pass_context
def _weigh(context: Context, value: Any) -> Any:
    return context.parent["_budget"].weigh(value)


@jinja2.pass_context
def _walk(context: Context, items: Any, steps: int) -> Iterator[Any]:
    budget: Budget = context.parent["_budget"]
    return budget.walk(items, steps)


@jinja2.pass_context
def _spend(context: Context, text: str, steps: int) -> Text:
    context.parent["_budget"].spend(steps)
    return Text(text, text)


def _own(text: Any) -> Text:
    """Return punctuation of the template's own; nothing for ``', ' if false``."""
    return Text(text, text) if isinstance(text, str) else Text("", "")


def _costed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter that spends for what it takes and what it gives."""

    @jinja2.pass_context
    def costed(context: Context, value: Any, *args: Any, **kwargs: Any) -> Any:
        budget: Budget = context.parent["_budget"]
        budget.weigh(value)
        return budget.weigh(function(value, *args, **kwargs))

    return costed


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja with our names, our filters and nothing else."""

    intercepted_binops = frozenset(["+", "-", "*", "/", "//", "%", "**"])

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return a field of a mapping, or one of the few methods that templates may call."""
        return self._get(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return an item; what is not there is absent."""
        if isinstance(argument, str):
            return self._get(obj, argument)
        if isinstance(obj, list | tuple | str):
            try:
                return obj[argument]
            except IndexError:
                return Absent(name=str(argument))
        return Absent(name=str(argument))

    def _get(self, obj: Any, name: str) -> Any:
        if isinstance(obj, dict):
            if name in obj:
                return obj[name]
            if name in MAPPING_METHODS:
                return getattr(obj, name)
            if isinstance(obj, Parameters):
                raise RenderError(f"'params.{name}' is no declared parameter{_near(name, obj, 'params.')}")
            return Absent(name=name)
        if isinstance(obj, str) and name in STRING_METHODS:
            return getattr(obj, name)
        if isinstance(obj, jinja2.Undefined):
            return Absent(name=name)
        if type(obj).__name__ == "LoopContext" and name in LOOP_ATTRIBUTES:
            return getattr(obj, name)
        return Absent(name=name) if obj is None else _no_attribute(obj, name)

    def call(self, context: Context, obj: Any, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        """Call a macro, a function or a method, and spend for the result."""
        budget: Budget = context.parent["_budget"]
        for argument in args:
            budget.weigh(argument)
        result = obj(*args, **kwargs) if isinstance(obj, Absent) else super().call(context, obj, *args, **kwargs)
        if type(obj).__name__ == "Macro":
            return _capture(context, result)
        return budget.weigh(result)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Compute within the budget: text and lists cannot be multiplied, powers are small."""
        budget: Budget = context.parent["_budget"]
        _check_operands(operator, left, right)
        return budget.weigh(super().call_binop(context, operator, left, right))


def _no_attribute(obj: Any, name: str) -> NoReturn:
    raise RenderError(f"{name!r}: a value of type {type(obj).__name__} has no such part")


def _check_operands(operator: str, left: Any, right: Any) -> None:
    for operand in (left, right):
        filters.present(operand)
    if operator == "*" and not (isinstance(left, int | float) and isinstance(right, int | float)):
        raise RenderError("only numbers can be multiplied")
    if operator == "%" and isinstance(left, str):
        raise RenderError("texts cannot be formatted with %: write {{ … }} where the value belongs")
    if operator == "**":
        is_small = isinstance(left, int | float) and isinstance(right, int | float) and abs(right) <= guards.BIT_LIMIT
        if not is_small or (isinstance(left, int) and left.bit_length() * max(abs(int(right)), 1) > guards.BIT_LIMIT):
            guards.refuse(f"a power grows beyond {guards.BIT_LIMIT} bits")
    if operator == "+":
        for side in (left, right):
            if isinstance(side, str) and len(side) > guards.TEXT_LIMIT // 2:
                guards.refuse(f"a text grows beyond {guards.TEXT_LIMIT} characters")


@lru_cache(maxsize=64)
def _environment(delimiters: tuple[str, str]) -> _Environment:
    tags = sources.marks(delimiters)
    environment = _Environment(
        variable_start_string=tags.expression[0],
        variable_end_string=tags.expression[1],
        block_start_string=tags.block[0],
        block_end_string=tags.block[1],
        comment_start_string=sources.COMMENT_OPEN,
        comment_end_string=sources.COMMENT_CLOSE,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        optimized=False,
        undefined=Absent,
        finalize=_emit,
        cache_size=0,
        autoescape=False,
    )
    guarded = {"_capture": _capture, "_weigh": _weigh, "_walk": _walk, "_spend": _spend, "_own": _own}
    environment.filters = {**{name: _costed(item) for name, item in _filters().items()}, **guarded}
    jinja_tests = {name: environment.tests[name] for name in filters.JINJA_TESTS}
    environment.tests = {name: _costed(item) for name, item in (jinja_tests | filters.TESTS).items()}
    environment.globals = dict(filters.FUNCTIONS)
    return environment


def _filters() -> dict[str, Callable[..., Any]]:
    read = partial(documents.parse_plain, key="from_yaml")
    return {
        **filters.FILTERS,
        **dict.fromkeys(("from_yaml", "fromYaml"), lambda value: read(str(filters.present(value)))),
    }
