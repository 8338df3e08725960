"""
Everything that can go wrong in the core, as a small tree.

    PillionError
    ├── ReviewError            the request is no usable AdmissionReview: HTTP 400, for the API server
    ├── WorkloadError          an object of a file has no usable pod template: exit 2 of the command line
    ├── TemplateError          the template is at fault, with the place: skipped unless ``on-error: deny``
    │   ├── RenderError        it failed on this pod
    │   ├── LimitExceeded      it asked for more steps, text or depth than a template may have
    │   ├── ForbiddenField     what it rendered is not allowed, not a field of Kubernetes or of a wrong type
    │   └── UnstableTemplate   it changes with what it injects
    ├── AuthorError            the pod's author is at fault: denied if the template was asked for by name
    │   ├── UnknownTemplate
    │   ├── BadParameter
    │   ├── Conflict           the result would be no valid pod
    │   └── Refused            the template itself refused the pod with ``fail('…')``
    └── OurFault               HTTP 503, so that the webhook's ``failurePolicy`` decides
        ├── Expired            the deadline of the request is over
        └── UnprovenPatch      the patch does not give the pod that was meant: a bug

A message says what was found (``!r``), where, and what to do about it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self


class PillionError(Exception):
    """The base of all errors that are raised on purpose."""


class ReviewError(PillionError):
    """The request is no usable AdmissionReview."""


class WorkloadError(PillionError):
    """An object has no pod template where its kind has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in a template ConfigMap something stands; lines and columns count from 1, 0 means unknown."""

    template: str = ""
    """``namespace/name`` of the ConfigMap."""
    key: str = ""
    """The data key, or ``metadata.annotations[…]``."""
    line: int = 0
    column: int = 0
    source: str = ""
    """The text of that line, for the caret."""

    def __str__(self) -> str:
        parts = (
            self.template and f"ConfigMap {self.template}",
            self.key and f"key {self.key}",
            self.line and f"line {self.line}",
            self.column and f"column {self.column}",
        )
        return ", ".join(part for part in parts if part)


class TemplateError(PillionError):
    """A template is at fault. ``str()`` is one sentence, ``with_caret()`` shows the line as well."""

    def __init__(self, problem: str, place: Place | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.place = place or Place()

    def __str__(self) -> str:
        where = str(self.place)
        return f"{where}: {self.problem}" if where else self.problem

    def within(self, *, template: str = "", key: str = "") -> Self:
        """Name the ConfigMap and key where they are still unknown."""
        self.place = replace(self.place, template=self.place.template or template, key=self.place.key or key)
        return self

    def with_caret(self) -> str:
        """Return the sentence and, where the line is known, the line with a caret under the column."""
        if not self.place.source:
            return str(self)
        pad = " " * max(self.place.column - 1, 0)
        return f"{self}\n  | {self.place.source}\n  | {pad}^"


class RenderError(TemplateError):
    """A template failed on this pod."""


class LimitExceeded(TemplateError):
    """A template asked for more steps, text or depth than it may have."""


class ForbiddenField(TemplateError):
    """What a template rendered is not allowed, not a field of Kubernetes, or of a wrong type."""


class UnstableTemplate(TemplateError):
    """A template changes with what it injects."""


class AuthorError(PillionError):
    """The author of the pod asked for something that cannot be."""


class UnknownTemplate(AuthorError):
    """A template was asked for that does not exist."""


class BadParameter(AuthorError):
    """A parameter does not exist or has a value that its schema refuses."""


class Conflict(AuthorError):
    """The pod and what should be injected cannot stand together."""


class Refused(AuthorError):
    """The template refused the pod with ``fail('…')``; the message is the template's own sentence."""


class OurFault(PillionError):
    """Neither the pod nor the template is to blame."""


class Expired(OurFault):
    """The deadline of the request is over."""


class UnprovenPatch(OurFault):
    """A patch does not give the pod that was meant."""
