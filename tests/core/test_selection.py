"""Who gets injected and with what: the truth table, exclusions, requests by name, order."""

from __future__ import annotations

import itertools

import pytest

from injector.core import selection, templates
from injector.core.model import Namespace, Policy, Review
from tests.core.builders import POLICY, catalog, configmap, pod, send, template

DEFAULT = template("base", default="true")
BY_NAME = template("extra", {"labels": "extra: yes\n"})

NAMESPACE_LABELS = (None, "enabled", "disabled", "true", "")
POD_LABELS = (None, "true", "false", "other", "")
PLACES = ("shop", "kube-system", "kube-node-lease", "kube-public", "pillion-system")


def expected(place: str, namespace_label: str | None, pod_label: str | None) -> str | None:
    """The table of the design, as a sentence: why a pod gets nothing; None: it gets the templates."""
    if place != "shop":
        return "excluded-namespace"
    if pod_label == "false":
        return "opted-out"
    return None if pod_label == "true" or namespace_label == "enabled" else "not-requested"


@pytest.mark.parametrize(
    ("place", "namespace_label", "pod_label"), list(itertools.product(PLACES, NAMESPACE_LABELS, POD_LABELS))
)
def test_labels_and_place_decide_whether_a_pod_is_injected(place, namespace_label, pod_label):
    labels = {} if pod_label is None else {"pillion.dev/inject": pod_label}
    sent = pod(labels=labels)
    namespace = Namespace(
        name=place, labels={} if namespace_label is None else {"pillion.dev/injection": namespace_label}
    )

    reply = send(sent, DEFAULT, namespace=namespace)

    assert (expected(place, namespace_label, pod_label) or "injected") == reply.verdict.reason
    assert bool(reply.patch) == (expected(place, namespace_label, pod_label) is None)


def test_namespaces_can_be_excluded_by_the_operator():
    policy = Policy(excluded_namespaces=frozenset({"shop"}))

    assert "excluded-namespace" == send(pod(), DEFAULT, policy=policy).verdict.reason


def test_an_excluded_namespace_is_no_matter_of_the_pods_own_label():
    review = Review(uid="1", api_version="", object=pod(labels={"pillion.dev/inject": "true"}))

    assert "excluded-namespace" == selection.exclude(review, Namespace(name="kube-system"), POLICY)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (pod(annotations={"kubernetes.io/config.mirror": "0"}), "mirror-pod"),
        (pod(annotations={"kubernetes.io/config.mirror": ""}), "mirror-pod"),
        (pod(os={"name": "windows"}), "os-mismatch"),
        (pod(os={"name": "linux"}), "injected"),
        (pod(nodeSelector={"kubernetes.io/os": "windows"}), "os-mismatch"),
        (pod(nodeSelector={"kubernetes.io/os": "linux"}), "injected"),
        (pod(os={"name": "linux"}, nodeSelector={"kubernetes.io/os": "windows"}), "injected"),
        (pod(hostNetwork=True), "host-network"),
        (pod(hostNetwork=False), "injected"),
        (pod(os=None, nodeSelector=None), "injected"),
    ],
)
def test_some_pods_are_left_alone_whatever_they_ask_for(sent, reason):
    assert reason == send(sent, DEFAULT).verdict.reason


def test_without_any_template_the_reason_says_so():
    assert "no-templates" == send(pod(), BY_NAME).verdict.reason


@pytest.mark.parametrize(
    ("asked", "decisions"),
    [
        (None, {"base": "injected"}),
        ("", {"base": "injected"}),
        (" , ,", {"base": "injected"}),
        ("extra", {"base": "injected", "extra": "injected"}),
        (" extra , extra ", {"base": "injected", "extra": "injected"}),
        ("base", {"base": "injected"}),
        ("-base", {"base": "skipped-by-request"}),
        ("- base", {"base": "skipped-by-request"}),
        ("-*", {"base": "skipped-by-request"}),
        ("-*,extra", {"base": "skipped-by-request", "extra": "injected"}),
        ("-*,base", {"base": "injected"}),
        ("-extra", {"base": "injected", "extra": "skipped-by-request"}),
        ("-nothing", {"base": "injected", "nothing": "skipped-by-request"}),
        ("exrta", {"base": "injected", "exrta": "unknown-template"}),
        ("base,-base", {"": "bad-request"}),
        ("extra,-base,-extra", {"": "bad-request"}),
    ],
)
def test_a_pod_asks_for_templates_by_name_and_takes_defaults_away(asked, decisions):
    annotations = {} if asked is None else {"pillion.dev/templates": asked}

    reply = send(pod(annotations=annotations), DEFAULT, BY_NAME)

    assert decisions == {decision.template: decision.reason for decision in reply.verdict.decisions}


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("exrta", ("template 'exrta': pillion.dev/templates asks for template 'exrta', which does not exist; "
                  "did you mean 'extra'? (unknown-template)")),
        ("zzz", ("template 'zzz': pillion.dev/templates asks for template 'zzz', which does not exist; "
                "there are base, extra (unknown-template)")),
        ("base,-base", "pillion.dev/templates has both 'base' and '-base': remove one (bad-request)"),
    ],
)  # fmt: skip
def test_a_denial_says_what_to_write_instead(asked, sentence):
    assert sentence == send(pod(annotations={"pillion.dev/templates": asked}), DEFAULT, BY_NAME).denial


def test_taking_away_what_is_no_default_gets_a_warning():
    reply = send(pod(annotations={"pillion.dev/templates": "-extra"}), DEFAULT, BY_NAME)

    sentence = "template 'extra': '-extra' takes nothing away: 'extra' is no default template (skipped-by-request)"
    assert [sentence] == reply.warnings


@pytest.mark.parametrize(
    ("orders", "merged"),
    [
        (("100", "100", "100"), "abc"),
        (("2", "1", "10"), "bac"),
        (("0", "-5", "-10"), "cba"),
        (("100", "100", "99"), "cab"),
    ],
)
def test_templates_merge_by_order_and_then_by_name(orders, merged):
    stored = [
        template(name, {"env": f"- {{name: {name.upper()}}}\n"}, default="true", order=order)
        for name, order in zip("abc", orders, strict=True)
    ]

    reply = send(pod(), *reversed(stored))

    assert [name.upper() for name in merged] == [item["name"] for item in reply.result["spec"]["containers"][0]["env"]]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"namespace_selector": "pillion.dev/injection=enabled"}, "injected"),
        ({"namespace_selector": "env=test"}, "selector-mismatch"),
        ({"pod_selector": "app=web"}, "injected"),
        ({"pod_selector": "!app"}, "selector-mismatch"),
        ({"namespace_selector": "!env", "pod_selector": "app in (web)"}, "injected"),
        ({"namespace_selector": "!env", "pod_selector": "app in (api)"}, "selector-mismatch"),
    ],
)
@pytest.mark.parametrize("asked", [False, True])
def test_selectors_must_match_even_if_the_template_was_asked_for(settings, reason, asked):
    stored = template("tool", default=str(not asked).lower(), **settings)
    annotations = {"pillion.dev/templates": "tool"} if asked else {}

    reply = send(pod(labels={"app": "web"}, annotations=annotations), stored)

    assert reason == reply.verdict.reason
    assert bool(reply.warnings) == (asked and reason != "injected")


OWN_NAMESPACE = Policy(namespace_templates=True)


@pytest.mark.parametrize(
    ("policy", "home", "reason"),
    [
        (Policy(namespace_templates=True), "shop", "injected"),
        (Policy(namespace_templates=True), "other", "unknown-template"),
        (Policy(namespace_templates=False), "shop", "unknown-template"),
    ],
)
def test_a_template_of_a_namespace_serves_its_own_pods_if_that_is_allowed(policy, home, reason):
    stored = template("audit", {"env": "- {name: A, value: b}\n"}, namespace=home)

    reply = send(pod(annotations={"pillion.dev/templates": f"{home}/audit"}), stored, policy=policy)

    assert f"{home}/audit" == stored.reference
    assert reason == reply.verdict.reason


def test_a_template_of_a_namespace_never_shadows_one_of_the_release():
    own, cluster = template("audit", {"env": "- {name: A}\n"}, namespace="shop"), template("audit")

    reply = send(pod(annotations={"pillion.dev/templates": "audit"}), own, cluster, policy=OWN_NAMESPACE)

    assert ["audit"] == [decision.template for decision in reply.verdict.decisions]
    assert "core" == reply.result["metadata"]["labels"]["team"]


@pytest.mark.parametrize(
    ("on_error", "default", "denied"),
    [(None, "true", False), ("skip", "true", False), ("deny", "true", True), (None, "false", False)],
)
def test_a_broken_template_is_skipped_unless_it_says_deny(on_error, default, denied):
    settings = {"default": default, **({"on_error": on_error} if on_error else {})}
    stored = templates.broken(configmap("tool", {}, **settings), "the problem", POLICY)

    reply = send(pod(annotations={"pillion.dev/templates": "tool"}), stored)

    sentence = "template 'tool': the problem (template-broken)"
    assert ("template-broken", denied) == (reply.verdict.reason, bool(reply.denial))
    assert [sentence] == ([reply.denial] if denied else reply.warnings)


def test_the_defaults_of_a_catalog_are_the_default_templates_in_the_order_of_their_names():
    second = template("a", default="true")

    assert ["a", "base"] == [item.name for item in catalog(DEFAULT, BY_NAME, second).defaults]
