"""Whoever applies a workload is told what is wrong with its pods, and nothing else; it is never refused."""

from __future__ import annotations

import pytest

from injector.core import forecasts, workloads
from injector.core.errors import Expired, ReviewError, WorkloadError
from injector.core.model import BrokenTemplate, Namespace
from injector.core.reasons import Reason
from tests.core.builders import OPTED_IN, POLICY, catalog, template

SHIPPER = template(
    "shipper",
    {
        "parameters": "level: {type: string, enum: [info, debug], default: info}\n",
        "sidecars": "- {name: shipper, image: 'example.com/shipper:1', args: [{{ params.level }}]}\n",
    },
    default="true",
)
BADGE = template(
    "badge",
    {
        "parameters": "colour: {type: string, enum: [red, blue], default: red}\n",
        "env": "- {name: A, value: {{ params.colour }}}\n",
    },
)
GUARD = template("guard", {"labels": "{{ fail('say who pays, in the label team') }}\n"})
SHADOW = template("shadow", {"volumes": "- {name: data, emptyDir: {}}\n"})
CHOOSY = template("choosy", {"labels": "a: b\n"}, when="false")
LOST = BrokenTemplate(name="lost", namespace="pillion-system", reference="lost", problem="key env, line 1: no YAML")
STORED = catalog(SHIPPER, BADGE, GUARD, SHADOW, CHOOSY, LOST)
PLAIN = Namespace(name="shop")
KINDS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
}
LOUD = {"pillion.dev/templates": "badge", "badge.pillion.dev/colour": "loud"}
LOUD_SENTENCE = (
    "template 'badge': annotation 'badge.pillion.dev/colour' of the pod: 'loud' is not one of ['red', 'blue']"
    " (bad-parameter)"
)


def workload(kind="Deployment", *, itself=None, labels=None, annotations=None, **spec):
    containers = [{"name": "web", "image": "shop/web:1.4"}]
    metadata = {"labels": labels or {}, "annotations": annotations or {}}
    body = {"template": {"metadata": metadata, "spec": {"containers": containers, **spec}}}
    body = {"jobTemplate": {"spec": body}} if kind == "CronJob" else body
    return {"apiVersion": KINDS[kind], "kind": kind, "metadata": {"name": "web", **(itself or {})}, "spec": body}


def forecast(holder, namespace=OPTED_IN, stored=STORED, expired=lambda: False):
    return forecasts.forecast(holder, workloads.kind_of(holder), namespace, stored, POLICY, expired)


@pytest.mark.parametrize("kind", KINDS)
def test_a_workload_whose_pods_get_what_they_ask_for_is_not_commented_on(kind):
    found = forecast(workload(kind, annotations={"pillion.dev/templates": "badge"}))

    assert () == found.warnings
    assert {"shipper": Reason.INJECTED, "badge": Reason.INJECTED} == {d.template: d.reason for d in found.decisions}


@pytest.mark.parametrize("kind", KINDS)
def test_a_mistake_in_the_pod_template_of_any_kind_is_told(kind):
    found = forecast(workload(kind, annotations=LOUD))

    assert (f"pods of {kind.lower()}/web will be refused", LOUD_SENTENCE) == found.warnings
    assert (True, Reason.BAD_PARAMETER) == (found.allowed, found.reason)


REFUSED = "pods of deployment/web will be refused"
SHIPPED = "pods of deployment/web get shipper"
NOTHING = "pods of deployment/web get nothing"
MISTAKES = [
    # annotations of the pod template, what is told
    (
        {"pillion.dev/templates": "badgee"},
        [
            REFUSED,
            (
                "template 'badgee': pillion.dev/templates asks for template 'badgee', which does not exist;"
                " did you mean 'badge'? (unknown-template)"
            ),
        ],
    ),
    (
        {"pillion.dev/templates": "badge, -badge"},
        [REFUSED, "pillion.dev/templates has both 'badge' and '-badge': remove one (bad-request)"],
    ),
    ({"pillion.dev/templates": "guard"}, [REFUSED, "template 'guard': say who pays, in the label team (refused)"]),
    (
        {"shipper.pillion.dev/level": "loud"},
        [
            NOTHING,
            (
                "template 'shipper': annotation 'shipper.pillion.dev/level' of the pod: 'loud' is not one of"
                " ['info', 'debug'] (bad-parameter)"
            ),
        ],
    ),
    (
        {"pillion.dev/templates": "choosy"},
        [SHIPPED, "template 'choosy': the template's condition is false for this pod (when-false)"],
    ),
    (
        {"pillion.dev/templates": "lost"},
        [SHIPPED, "template 'lost': key env, line 1: no YAML (template-broken)"],
    ),
    (
        {"pillion.dev/templates": "-badge"},
        [
            SHIPPED,
            "template 'badge': '-badge' takes nothing away: 'badge' is no default template (skipped-by-request)",
        ],
    ),
    (
        {"badge.pillion.dev/colour": "blue"},
        [
            SHIPPED,
            "annotation 'badge.pillion.dev/colour' is ignored: template 'badge' is not injected into this pod",
        ],
    ),
]


@pytest.mark.parametrize(("annotations", "told"), MISTAKES, ids=[str(annotations) for annotations, _ in MISTAKES])
def test_a_mistake_is_told_after_what_becomes_of_the_pods(annotations, told):
    found = forecast(workload(annotations=annotations))

    assert (tuple(told), True) == (found.warnings, found.allowed)


def test_a_conflict_is_told():
    data = {"name": "data", "configMap": {"name": "data"}}
    found = forecast(workload(annotations={"pillion.dev/templates": "shadow"}, volumes=[data]))

    assert (REFUSED, Reason.CONFLICT) == (found.warnings[0], found.reason)
    assert "template 'shadow': " in found.warnings[1]


MISPLACED = [
    (
        {"itself": {"labels": {"pillion.dev/inject": "true"}}},
        (
            "label 'pillion.dev/inject' of the Deployment itself is read by nobody:"
            " move it to spec.template.metadata.labels"
        ),
    ),
    (
        {"itself": {"annotations": {"pillion.dev/templates": "badge"}}},
        (
            "annotation 'pillion.dev/templates' of the Deployment itself is read by nobody:"
            " move it to spec.template.metadata.annotations"
        ),
    ),
    (
        {"labels": {"pillion.dev/inject": "maybe"}},
        "label 'pillion.dev/inject' is 'maybe', which means nothing: write \"true\" or \"false\"",
    ),
    (
        {"annotations": {"pillion.dev/inject": "true"}},
        "'pillion.dev/inject' is a label, not an annotation: move it to spec.template.metadata.labels",
    ),
]


@pytest.mark.parametrize(("metadata", "sentence"), MISPLACED)
@pytest.mark.parametrize(("namespace", "outcome"), [(OPTED_IN, SHIPPED), (PLAIN, NOTHING)], ids=["in", "out"])
def test_what_stands_where_nobody_reads_it_is_told_whoever_opted_in(namespace, outcome, metadata, sentence):
    assert (outcome, sentence) == forecast(workload(**metadata), namespace).warnings


def test_a_label_of_the_namespace_that_means_nothing_is_told():
    found = forecast(workload(), Namespace(name="shop", labels={"pillion.dev/injection": "true"}))

    assert (
        NOTHING,
        "label 'pillion.dev/injection' of namespace 'shop' is 'true'; only 'enabled' means something",
    ) == found.warnings


@pytest.mark.parametrize(
    ("holder", "namespace", "reason"),
    [
        (workload(), PLAIN, Reason.NOT_REQUESTED),
        (workload(annotations=LOUD), PLAIN, Reason.NOT_REQUESTED),
        (workload(labels={"pillion.dev/inject": "false"}, annotations=LOUD), OPTED_IN, Reason.OPTED_OUT),
        (workload(annotations=LOUD, os={"name": "windows"}), OPTED_IN, Reason.OS_MISMATCH),
        (workload(annotations=LOUD), Namespace(name="kube-system"), Reason.EXCLUDED_NAMESPACE),
        (workload(annotations=LOUD), Namespace(name="pillion-system"), Reason.EXCLUDED_NAMESPACE),
    ],
)
def test_a_workload_that_is_out_is_not_commented_on(holder, namespace, reason):
    found = forecast(holder, namespace)

    assert ((), reason) == (found.warnings, found.reason)


def test_what_the_pods_have_already_counts_as_what_they_get():
    marked = catalog(template("mark", {"labels": "team: core\n"}, default="true"))
    holder = workload(labels={"team": "core"}, annotations={"pillion.dev/inject": "true"})

    found = forecast(holder, stored=marked)

    assert (Reason.ALREADY_INJECTED, "pods of deployment/web get mark") == (found.reason, found.warnings[0])


def test_nothing_is_patched():
    found = forecast(workload())

    assert ((), {}) == (found.patch, found.pod)


def test_a_pod_template_that_is_none_is_no_verdict():
    with pytest.raises(WorkloadError, match=r"spec\.template is a str, expected a mapping"):
        forecast({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {}, "spec": {"template": "a"}})


def test_a_pod_of_other_shapes_is_no_verdict():
    with pytest.raises(ReviewError, match=r"metadata\.labels"):
        forecast(workload(labels={"a": 1}))


def test_time_that_is_over_is_no_verdict():
    with pytest.raises(Expired):
        forecast(workload(), expired=lambda: True)
