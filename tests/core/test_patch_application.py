"""Our own application of patches against the library ``jsonpatch``, for patches that fit and patches that do not."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch
from hypothesis import given
from hypothesis import strategies as st

from injector.core import patches
from injector.core.model import Operation

KEYS = st.sampled_from(["a", "b", "a/b", "m~n", "0", "-", "~1", ""])
LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["x", "1"])
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=10
)
PARTS = st.sampled_from(["a", "b", "a~1b", "m~0n", "0", "1", "2", "3", "-", "01", "~01", "", "x", "+1", "1_0", "٣"])
OPERATIONS = st.fixed_dictionaries(
    {
        "op": st.sampled_from(["add", "replace"]),
        "path": st.lists(PARTS, min_size=1, max_size=3).map(lambda parts: "".join(f"/{part}" for part in parts)),
        "value": DOCUMENTS,
    }
)
SEEN = {"fits": 0, "does not fit": 0}


def by_the_library(document: Any, operations: list[dict[str, Any]]) -> Any:
    """Return what the library makes of the document; None if the patch does not fit."""
    try:
        return {"result": jsonpatch.apply_patch(document, operations)}
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError):
        return None


def by_ourselves(document: Any, operations: list[dict[str, Any]]) -> Any:
    """Return what we make of the document; None if the patch does not fit."""
    before = copy.deepcopy(document)
    try:
        result = patches.apply(document, [Operation(**operation) for operation in copy.deepcopy(operations)])
    except (LookupError, TypeError, ValueError):
        result = None
    assert patches.is_same(before, document), "the document itself was changed"
    return None if result is None else {"result": result}


@given(st.dictionaries(KEYS, DOCUMENTS, max_size=4), st.lists(OPERATIONS, min_size=1, max_size=3))
def test_a_patch_is_applied_as_the_library_applies_it(document: Any, operations: list[dict[str, Any]]) -> None:
    expected, found = by_the_library(document, operations), by_ourselves(document, operations)

    SEEN["does not fit" if expected is None else "fits"] += 1
    assert (expected is None) == (found is None)
    assert expected is None or patches.is_same(expected, found)


def test_both_kinds_of_patches_were_seen() -> None:
    total = sum(SEEN.values())

    assert total == 0 or min(SEEN.values()) / total > 0.1, SEEN
