"""Label selectors, as kubectl reads them."""

from __future__ import annotations

import pytest

from injector.core import selectors

LABELS = {"app": "web", "tier": "front", "example.com/team": "shop", "empty": ""}


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("", True),
        ("app", True),
        ("db", False),
        ("!db", True),
        ("! db", True),
        ("!app", False),
        ("app=web", True),
        ("app==web", True),
        ("app = web", True),
        ("app=", False),
        ("app=api", False),
        ("db=x", False),
        ("app!=api", True),
        ("app!=web", False),
        ("db!=x", True),
        ("empty=", True),
        ("empty!=", False),
        ("app in (web,api)", True),
        ("app in ( api , web )", True),
        ("app in (api)", False),
        ("db in (x)", False),
        ("app notin (api)", True),
        ("app notin (web)", False),
        ("db notin (x)", True),
        ("example.com/team=shop", True),
        ("app=web,tier=front", True),
        ("app=web,tier=back", False),
        ("app=web , tier in (front, back) , !db", True),
        ("in=x", False),
    ],
)
def test_a_selector_matches_labels_as_kubectl_matches_them(selector, matches):
    assert matches == selectors.parse(selector).matches(LABELS)


@pytest.mark.parametrize(
    ("selector", "rest"),
    [
        ("=web", "=web"),
        ("app=web tier=front", "app=web tier=front"),
        ("app=web,", "app=web,"),
        ("app=web,,tier", "app=web,,tier"),
        ("tier,app in web", "app in web"),
        ("app in (web", "app in (web"),
        ("app > 3", "app > 3"),
        ("tier=front, app=we$b", " app=we$b"),
        ("-app", "-app"),
    ],
)
def test_a_wrong_selector_is_refused_with_the_part_that_cannot_be_read(selector, rest):
    with pytest.raises(ValueError, match="label selector") as caught:
        selectors.parse(selector)

    hint = "is no label selector: write them like 'app=web,tier!=db,env in (a,b),!canary'"
    assert f"{rest!r} {hint}" == str(caught.value)
