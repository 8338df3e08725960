"""Where a template is at fault: Jinja's and Python's errors as ours, with line, column and the near miss."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import jinja2

from injector.core.errors import LimitExceeded, Place, RenderError, TemplateError
from injector.core.names import near

if TYPE_CHECKING:
    from types import TracebackType

FILE = "<template>"
"""What Jinja calls a template without a name, in tracebacks."""

_MESSAGE = 200
_TAG = re.compile(r"\{[{%#]|\[[\[%#]")
_VISIBLE = re.compile(r"\S")

AnyTemplateError = TypeVar("AnyTemplateError", bound=TemplateError)


def of_syntax(error: jinja2.TemplateSyntaxError, key: str, environment: jinja2.Environment) -> TemplateError:
    """Return Jinja's complaint as ours."""
    problem = (error.message or "the text is no valid Jinja").rstrip(".")
    if missing := re.match(r"No (filter|test) named '(.*)'", problem):
        kind, name = missing.groups()
        known = environment.filters if kind == "filter" else environment.tests
        public = [item for item in known if not item.startswith("_")]
        problem = f"there is no {kind} {name!r}{near(name, public)}"
    return TemplateError(problem, Place(key=key, line=error.lineno))


def of_python(error: Exception) -> TemplateError:
    """Return what a template made Python raise as ours: TypeError, ZeroDivisionError and the like."""
    if isinstance(error, RecursionError):
        return LimitExceeded("macros call each other, or values are nested, too deep")
    text = " ".join(str(error).split())[:_MESSAGE]
    return RenderError(text if isinstance(error, jinja2.TemplateError) and text else f"{type(error).__name__}: {text}")


def placed(error: TemplateError, key: str, source: str, template: jinja2.Template) -> TemplateError:
    """Add the line of the template to what was raised while it ran."""
    if not error.place.line:
        causes = (error, error.__cause__)
        lines = (_line_of(cause.__traceback__, template) for cause in causes if cause is not None)
        error.place = Place(key=key, line=next(filter(None, lines), 0))
    return shown(error.within(key=key), source)


def shown(error: AnyTemplateError, source: str) -> AnyTemplateError:
    """Add the text of the line, and the column of what the sentence quotes."""
    lines = source.split("\n")
    place = error.place
    if not place.source and 1 <= place.line <= len(lines):
        text = lines[place.line - 1]
        error.place = replace(place, column=_column(text, error.problem), source=text)
    return error


def _line_of(traceback: TracebackType | None, template: jinja2.Template) -> int:
    line = 0
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == FILE:
            line = template.get_corresponding_lineno(traceback.tb_lineno)
        traceback = traceback.tb_next
    return line


def _column(line: str, problem: str) -> int:
    """Return where the first thing that *problem* quotes stands in *line*, from its first tag on; else that tag."""
    tag = _TAG.search(line) or _VISIBLE.search(line)
    start = tag.start() if tag else 0
    for quoted in re.findall(r"'([^']+)'", problem):
        before, after = (r"(?<!\w)" if quoted[0].isalnum() else ""), (r"(?!\w)" if quoted[-1].isalnum() else "")
        if found := re.compile(f"{before}{re.escape(quoted)}{after}").search(line, start):
            return found.start() + 1
    return start + 1
