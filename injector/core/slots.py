"""What a place in a pod means for the scalars that stand there: in labels, env values and the like all are strings."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from injector.core.scalars import as_text

if TYPE_CHECKING:
    from injector.core.model import JSON


class Slot(Enum):
    """What a place in the tree means for scalars."""

    ANY = "any"
    TEXT = "text"
    """A scalar here is a string, written as it is in the source."""
    TEXTS = "texts"
    """A mapping or list whose scalars are such strings."""
    VARIABLES = "variables"
    """A list of environment variables."""
    VARIABLE = "variable"


_SLOTS = {
    **dict.fromkeys(("labels", "annotations", "nodeSelector", "matchLabels", "args", "command"), Slot.TEXTS),
    "env": Slot.VARIABLES,
}


def slot_of(key: str) -> Slot:
    """Return what the place under a key means, wherever it stands."""
    return _SLOTS.get(key, Slot.ANY)


def below(slot: Slot, key: str) -> Slot:
    """Return what the place under *key* of a mapping means that stands at *slot*."""
    if slot is Slot.TEXTS or (slot is Slot.VARIABLE and key == "value"):
        return Slot.TEXT
    return slot_of(key)


def item_of(slot: Slot) -> Slot:
    """Return what an item of a list means that stands at *slot*."""
    match slot:
        case Slot.TEXTS:
            return Slot.TEXT
        case Slot.VARIABLES:
            return Slot.VARIABLE
        case _:
            return Slot.ANY


def settle(value: JSON, slot: Slot) -> JSON:
    """Return a bound value with its scalars as strings where strings belong."""
    if type(value) is str:
        return value
    match value:
        case dict():
            return {key: settle(item, below(slot, key)) for key, item in value.items()}
        case list():
            return [settle(item, item_of(slot)) for item in value]
        case None:
            return value
        case _:
            return as_text(value) if slot is Slot.TEXT else value
