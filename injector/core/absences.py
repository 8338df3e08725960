"""What stands for what is not there: a field of the pod may be absent, but a name without a value may not be used."""

from __future__ import annotations

from typing import Any, NoReturn

import jinja2

from injector.core.errors import RenderError


class Absent(jinja2.ChainableUndefined):
    """A field that is not there: false, empty, chainable, and an error when printed."""

    __slots__ = ()

    def _refuse(self, *_: Any) -> NoReturn:
        name = self._undefined_name
        raise RenderError(
            f"{name!r} is absent here: give it a value with | default('…') or test for it with {{% if %}}"
        )

    def _call(self, *_args: Any, **_kwargs: Any) -> Absent:
        """Stand for what a method of something absent returns."""
        return self

    __str__ = __html__ = __format__ = _refuse
    __call__ = _call  # type: ignore[assignment]


class Unset(jinja2.StrictUndefined):
    """A name that has no value where it is used, although it has one elsewhere: an error even in a test."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        return self._undefined_hint or (
            f"{self._undefined_name!r} has no value here: what is set in a loop or macro ends with it,"
            " so give it one before"
        )
