"""
Parameters as a template declares them: a JSON Schema each.

Nothing is fetched: ``$ref`` is refused. Patterns run in an engine of linear time (RE2) on at most 4 kB.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2
from jsonschema import Draft202012Validator, ValidationError, validators
from jsonschema.exceptions import SchemaError

from injector.core import documents
from injector.core.errors import BadParameter, TemplateError
from injector.core.model import JSON

PATTERN_LIMIT = 4096
"""Characters of a text that a pattern may be matched against."""

KEYWORDS = frozenset(
    "type default description title examples deprecated enum const minimum maximum exclusiveMinimum exclusiveMaximum"
    " multipleOf minLength maxLength pattern format items prefixItems minItems maxItems uniqueItems contains"
    " minContains maxContains properties required additionalProperties propertyNames minProperties maxProperties"
    " anyOf allOf oneOf not if then else $comment".split()
)
"""Keywords of JSON Schema 2020-12 that need neither a reference nor Python's regular expressions."""

_SCHEMA_KEYWORDS = ("items", "contains", "additionalProperties", "propertyNames", "not", "if", "then", "else")
_LIST_KEYWORDS = ("prefixItems", "anyOf", "allOf", "oneOf")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}\Z")
_NUMBER = re.compile(r"[+-]?([0-9]{1,18})(\.[0-9]{0,18})?([eE][+-]?[0-9]{1,2})?\Z")
_UNREADABLE = object()
_NO_SCHEMA = "expected a JSON Schema such as {type: string}"
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parameter:
    """One declared parameter; ``default`` is None with ``has_default`` false where the schema names none."""

    name: str
    schema: Mapping[str, Any]
    validator: Any
    default: JSON = None
    has_default: bool = False


def declare(name: str, schema: JSON) -> Parameter:
    """Check one declaration; raises TemplateError."""
    if not name.isidentifier() or not name.isascii():
        raise TemplateError(f"parameter {name!r} is no identifier: use letters, digits and _")
    schema = {} if schema is None else schema
    if isinstance(schema, bool):
        raise TemplateError(f"parameter {name!r}: {_NO_SCHEMA}, got {schema!r}")
    _check_keywords(name, schema)
    try:
        _Validator.check_schema(schema)
    except SchemaError as error:
        where = "".join(f".{part}" for part in error.absolute_path)
        raise TemplateError(f"parameter {name!r}: schema{where} is wrong: {error.message}") from error
    parameter = Parameter(
        name=name,
        schema=schema,
        validator=_Validator(schema),
        default=schema.get("default"),
        has_default="default" in schema,
    )
    problem = problem_of(parameter, parameter.default) if parameter.has_default else ""
    if problem:
        raise TemplateError(f"parameter {name!r}: the default does not fit its own schema: {problem}")
    return parameter


def problem_of(parameter: Parameter, value: JSON) -> str:
    """Return what the schema has against *value*, all of it in one sentence; empty: nothing."""
    return "; ".join(_sentences(parameter.validator.iter_errors(value)))


@lru_cache(maxsize=4096)
def read(parameter: Parameter, text: str) -> JSON:
    """
    Read the text of an annotation as the declared type and validate it.

    Raises BadParameter with the reason alone: the caller knows which annotation it was.
    """
    if _CONTROL.search(text):
        raise BadParameter(f"{_shortened(text)} has a control character")
    types = _types(parameter)
    value = next((value for kind in types if (value := _READERS[kind](text)) is not _UNREADABLE), _UNREADABLE)
    if value is _UNREADABLE:
        raise BadParameter(f"{_shortened(text)} is no {' or '.join(types)}")
    if problem := problem_of(parameter, value):
        raise BadParameter(problem)
    return value


def _types(parameter: Parameter) -> tuple[str, ...]:
    """Return the declared types, the greediest reader (string) last; none declared: whatever YAML says."""
    declared = parameter.schema.get("type", "any")
    kinds = (declared,) if isinstance(declared, str) else tuple(declared)
    return tuple(sorted(kinds, key=lambda kind: kind in ("string", "any")))


def _check_keywords(name: str, schema: JSON) -> None:
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        raise TemplateError(f"parameter {name!r}: {_NO_SCHEMA}, got {schema!r}")
    for keyword in schema:
        if keyword not in KEYWORDS:
            raise TemplateError(f"parameter {name!r}: {_unknown(keyword)}")
    if isinstance(schema.get("pattern"), str):
        _check_pattern(name, schema["pattern"])
    _check_type(name, schema.get("type", "string"))
    for inner in _subschemas(schema):
        _check_keywords(name, inner)


def _subschemas(schema: Mapping[str, Any]) -> Iterator[JSON]:
    yield from (schema[keyword] for keyword in _SCHEMA_KEYWORDS if keyword in schema)
    for keyword in _LIST_KEYWORDS:
        yield from schema.get(keyword) or ()
    properties = schema.get("properties")
    yield from properties.values() if isinstance(properties, dict) else ()


def _unknown(keyword: object) -> str:
    if keyword in ("$ref", "$dynamicRef"):
        return f"{keyword} is not available: nothing is fetched, write the schema out"
    if keyword == "patternProperties":
        return "patternProperties is not available: use propertyNames with a pattern"
    near = difflib.get_close_matches(str(keyword), sorted(KEYWORDS), n=1)
    return f"{keyword!r} is no keyword of a schema here" + (f"; did you mean {near[0]!r}?" if near else "")


def _check_type(name: str, declared: JSON) -> None:
    known = sorted(set(_READERS) - {"any"})
    for kind in declared if isinstance(declared, list) else [declared]:
        if kind not in known:
            near = difflib.get_close_matches(str(kind), known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
            raise TemplateError(f"parameter {name!r}: {kind!r} is no type; {hint}")


def _check_pattern(name: str, pattern: str) -> None:
    try:
        re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else error
        raise TemplateError(
            f"parameter {name!r}: pattern {pattern!r} is no regular expression of RE2: {reason}"
        ) from error


def _pattern(_validator: Any, pattern: str, instance: JSON, _schema: Any) -> Iterator[ValidationError]:
    if not isinstance(instance, str):
        return
    if len(instance) > PATTERN_LIMIT:
        yield ValidationError(f"is longer than {PATTERN_LIMIT} characters, the most that a pattern is matched against")
    elif not re2.compile(pattern, _OPTIONS).search(instance):
        yield ValidationError(f"{_shortened(instance)} does not match {pattern!r}")


_Validator: Any = validators.extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]


def _sentences(errors: Iterator[ValidationError]) -> Iterator[str]:
    for error in errors:
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
        message = error.message if len(error.message) <= 200 else error.message[:197] + "…"
        yield f"{where.removeprefix('.')}: {message}" if where else message


def _shortened(text: str) -> str:
    return repr(text if len(text) <= 100 else text[:97] + "…")


def _read_integer(text: str) -> JSON:
    return int(text) if _INTEGER.match(text.strip()) else _UNREADABLE


def _read_number(text: str) -> JSON:
    if not _NUMBER.match(text.strip()):
        return _UNREADABLE
    return int(text) if _INTEGER.match(text.strip()) else float(text)


def _read_yaml(text: str, *kinds: type) -> JSON:
    try:
        value = documents.parse_plain(text, key="parameters")
    except TemplateError:
        return _UNREADABLE
    return value if not kinds or isinstance(value, kinds) else _UNREADABLE


_READERS: dict[str, Callable[[str], JSON]] = {
    "string": str,
    "integer": _read_integer,
    "number": _read_number,
    "boolean": lambda text: {"true": True, "false": False}.get(text.strip(), _UNREADABLE),
    "null": lambda text: None if text.strip() in ("", "null", "~") else _UNREADABLE,
    "array": lambda text: _read_yaml(text, list),
    "object": lambda text: _read_yaml(text, dict),
    "any": _read_yaml,
}
