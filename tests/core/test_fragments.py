"""What a template rendered, before anything is merged: its form and its names, with the place of what is wrong."""

from __future__ import annotations

import pytest

from tests.core.builders import pod, send, template

SIDECAR = "- {name: a, image: a:1"


@pytest.mark.parametrize(
    ("data", "place", "problem"),
    [
        ({"sidecars": "name: a"}, "sidecars", "sidecars is {'name': 'a'} (a mapping), expected a list"),
        ({"sidecars": "- a"}, "sidecars", "sidecars[0] is 'a' (a string), expected a mapping"),
        ({"sidecars": "- {name: a}"}, "sidecars", "sidecars[0] ('a') has no image"),
        ({"sidecars": "- {image: a}"}, "sidecars", "sidecars[0] lacks 'name', which Kubernetes requires"),
        ({"sidecars": "- {name: A_b, image: a}"}, "sidecars", ("sidecars[0].name is 'A_b', which is no DNS label: "
         "lower-case letters, digits and -, at most 63")),
        ({"sidecars": f"{SIDECAR}, volumeMount: []}}"}, "sidecars", ("sidecars[0].volumeMount: Container has no field "
         "'volumeMount'; did you mean 'volumeMounts'?")),
        ({"sidecars": f"{SIDECAR}, ports: [{{containerPort: '1'}}]}}"},
         "sidecars", "sidecars[0].ports[0].containerPort is '1' (a string), expected an integer"),
        ({"sidecars": f"{SIDECAR}, tty: 1}}"}, "sidecars", "sidecars[0].tty is 1 (an integer), expected true or false"),
        ({"sidecars": f"{SIDECAR}, image: 1}}"}, "sidecars, line 1, column 25", "the key 'image' stands here twice"),
        ({"sidecars": f"{SIDECAR}, restartPolicy: Never}}"},
         "sidecars", "sidecars[0].restartPolicy is 'Never': a sidecar's is always 'Always'"),
        ({"sidecars": f"{SIDECAR}}}\n{SIDECAR}}}"}, "sidecars", "two containers of the template are named 'a'"),
        ({"sidecars": f"{SIDECAR}}}", "initContainers": f"{SIDECAR}}}"},
         "sidecars", "two containers of the template are named 'a'"),
        ({"sidecars": f"{SIDECAR}, env: [{{name: X}}, {{name: X}}]}}"},
         "sidecars", "sidecars[0].env has two elements for 'X': remove one"),
        ({"initContainers": f"{SIDECAR}, livenessProbe: {{}}}}"},
         "initContainers", "initContainers[0].livenessProbe: a plain init container has none; write it under sidecars"),
        ({"initContainers": f"{SIDECAR}, restartPolicy: Always}}"},
         "initContainers", "initContainers[0].restartPolicy: a plain init container has none; write it under sidecars"),
        ({"volumes": "- {name: v}"}, "volumes", "volumes[0] ('v') must have one source, it has none"),
        ({"volumes": "- {name: v, emptyDir: {}, secret: {secretName: s}}"},
         "volumes", "volumes[0] ('v') must have one source, it has emptyDir and secret"),
        ({"volumes": "- {name: v, emptyDir: {}}\n- {name: v, emptyDir: {}}"},
         "volumes", "volumes has two elements for 'v': remove one"),
        ({"volumeMounts": "- {name: v, mountPath: /a}\n- {name: w, mountPath: /a}"},
         "volumeMounts", "volumeMounts has two elements for '/a': remove one"),
        ({"env": "- {name: X, value: a}\n- {name: X, value: b}"},
         "env", "env has two elements for 'X': remove one"),
        ({"env": "X: a"}, "env", "env is {'X': 'a'} (a mapping), expected a list"),
        ({"container": "image: a"}, "container", "container.image may not be set: it is the author's"),
        ({"container": "env: []"}, "container", "container.env may not be set: write it under the key 'env'"),
        ({"container": "- a"}, "container", "container is ['a'] (a list), expected a mapping"),
        ({"targets": "web"}, "targets", ("targets is 'web', expected a list of container names or globs, "
         "such as ['web-*', 'init:setup']")),
        ({"labels": "- a"}, "labels", "labels is ['a'], expected a mapping of names to strings"),
        ({"labels": "a/b/c: x"}, "labels", ("labels: 'a/b/c' is no key that Kubernetes accepts "
         "(prefix/name, each of letters, digits, -, _ and .)")),
        ({"labels": "a: 'x y'"}, "labels", ("labels.a is 'x y', which is no label value: "
         "at most 63 letters, digits, -, _ and .")),
        ({"labels": "pillion.dev/inject: 'false'"},
         "labels", "'pillion.dev/inject' is of the domain pillion.dev, which templates may not write"),
        ({"annotations": "tool.pillion.dev/x: a"},
         "annotations", "'tool.pillion.dev/x' is of the domain pillion.dev, which templates may not write"),
        ({"pod": "containers: []"}, "pod", "pod.containers may not be set here: write it under the key 'sidecars'"),
        ({"pod": "nodeSelektor: {}"}, "pod", ("pod.nodeSelektor: PodSpec has no field 'nodeSelektor'; "
         "did you mean 'nodeSelector'?")),
        ({"pod": "terminationGracePeriodSeconds: soon"},
         "pod", "pod.terminationGracePeriodSeconds is 'soon' (a string), expected an integer"),
    ],
)  # fmt: skip
def test_what_no_pod_can_have_is_refused_with_its_place(data, place, problem):
    reply = send(pod(), template("tool", data, default="true", on_error="deny"))

    assert f"template 'tool': ConfigMap pillion-system/tool, key {place}: {problem}" in reply.denial
