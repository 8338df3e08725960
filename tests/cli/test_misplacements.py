"""Labels and annotations where nothing reads them are pointed at, with the place where they belong."""

from __future__ import annotations

import pytest

from injector.core import misplacements, workloads
from injector.core.model import Domain, Namespace

SPEC = {"containers": []}


def deployment(metadata=None, template=None):
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", **(metadata or {})},
        "spec": {"template": {"metadata": template or {}, "spec": SPEC}},
    }


def pod(**metadata):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": SPEC}


def find(holder, **namespace):
    found = Namespace(name="shop", **namespace)
    return list(misplacements.find(holder, workloads.kind_of(holder), found, Domain()))


@pytest.mark.parametrize(
    ("holder", "sentence"),
    [
        (
            deployment({"labels": {"pillion.dev/inject": "true"}}),
            (
                "label 'pillion.dev/inject' of the Deployment itself is read by nobody:"
                " move it to spec.template.metadata.labels"
            ),
        ),
        (
            deployment({"annotations": {"pillion.dev/templates": "log-shipper"}}),
            (
                "annotation 'pillion.dev/templates' of the Deployment itself is read by nobody:"
                " move it to spec.template.metadata.annotations"
            ),
        ),
        (
            deployment({"annotations": {"log-shipper.pillion.dev/level": "debug"}}),
            (
                "annotation 'log-shipper.pillion.dev/level' of the Deployment itself is read by nobody:"
                " move it to spec.template.metadata.annotations"
            ),
        ),
        (
            pod(annotations={"pillion.dev/inject": "true"}),
            "'pillion.dev/inject' is a label, not an annotation: move it to metadata.labels",
        ),
        (
            deployment(template={"labels": {"pillion.dev/templates": "hello"}}),
            "'pillion.dev/templates' is an annotation, not a label: move it to spec.template.metadata.annotations",
        ),
        (
            pod(labels={"hello.pillion.dev/path": "x"}),
            "'hello.pillion.dev/path' is an annotation, not a label: move it to metadata.annotations",
        ),
        (
            pod(labels={"pillion.dev/injection": "enabled"}),
            "label 'pillion.dev/injection' is read on namespaces only: on a pod write pillion.dev/inject: \"true\"",
        ),
        (
            pod(labels={"pillion.dev/inject": "yes"}),
            "label 'pillion.dev/inject' is 'yes', which means nothing: write \"true\" or \"false\"",
        ),
    ],
)
def test_a_misplaced_key_is_pointed_at(holder, sentence):
    assert [sentence] == find(holder)


@pytest.mark.parametrize(
    ("namespace", "sentence"),
    [
        (
            {"annotations": {"pillion.dev/injection": "enabled"}},
            "'pillion.dev/injection' is a label, not an annotation: move it to the labels of namespace 'shop'",
        ),
        (
            {"labels": {"pillion.dev/inject": "true"}},
            "label 'pillion.dev/inject' is read on pods only: on namespace 'shop' write pillion.dev/injection: enabled",
        ),
        (
            {"labels": {"pillion.dev/injection": "true"}},
            "label 'pillion.dev/injection' of namespace 'shop' is 'true'; only 'enabled' means something",
        ),
    ],
)
def test_a_key_misplaced_on_the_namespace_is_pointed_at(namespace, sentence):
    assert [sentence] == find(pod(name="web"), **namespace)


@pytest.mark.parametrize(
    "holder",
    [
        deployment(),
        deployment({"labels": {"app": "web"}}, {"labels": {"pillion.dev/inject": "true"}}),
        deployment(*2 * [{"labels": {"pillion.dev/inject": "true"}}]),
        pod(labels={"pillion.dev/inject": "false"}, annotations={"pillion.dev/templates": "hello"}),
    ],
)
def test_what_stands_in_its_place_is_not_mentioned(holder):
    assert [] == find(holder, labels={"pillion.dev/injection": "disabled"})
