"""
The pieces that random pods and templates are made of. Only data; the few names are shared, so that things meet.

Among them: what is empty, null, at the API server's default or unknown to us, names with ``/`` and ``~``, and values
whose types JSON Patch must not mix up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]

# Pods

CONTAINER_NAMES = ("web", "cron", "proxy", "shipper", "setup")
"""The last three are also names of containers that templates bring."""

HTTP = {"httpGet": {"path": "/", "port": 80, "scheme": "HTTP"}, "periodSeconds": 10}
EXEC = {"exec": {"command": ["true"]}}

CONTAINERS: tuple[Object, ...] = (
    {"image": "shop/web:1.4"},
    {"image": "shop/web"},
    {"image": "auto"},
    {"image": "auto"},
    {"image": "auto", "imagePullPolicy": "Never"},
    {"image": "shop/web:1", "imagePullPolicy": "IfNotPresent"},
    {"args": [], "command": None},
    {"args": ["--verbose"]},
    {"env": []},
    {"env": None},
    {"env": [{"name": "LOG_LEVEL", "value": "warn"}, {"name": "EMPTY", "value": ""}]},
    {"env": [{"name": "URL", "value": "http://$(PROXY_PORT)/"}, {"name": "TWICE"}, {"name": "TWICE", "value": "2"}]},
    {"env": [{"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]},
    {"envFrom": [{"configMapRef": {"name": "shared"}}]},
    {"volumeMounts": []},
    {"volumeMounts": [{"name": "logs", "mountPath": "/var/log/app"}]},
    {"volumeMounts": [{"name": "own", "mountPath": "/var/log/app"}]},
    {"volumeMounts": [{"name": "own", "mountPath": "/own", "readOnly": False}]},
    {"volumeMounts": [{"name": "tmp", "mountPath": "/tmp", "subPath": "a~b/c"}]},
    {"volumeDevices": [{"name": "disk", "devicePath": "/dev/xvda"}]},
    {"ports": [{"containerPort": 15001}]},
    {"ports": [{"containerPort": 15001, "protocol": "UDP", "name": "dns"}]},
    {"resources": {}},
    {"resources": {"limits": {"cpu": "0.5", "memory": "1024Ki"}}},
    {"resources": {"requests": {"memory": "64Mi"}, "limits": None}},
    {"livenessProbe": HTTP},
    {"livenessProbe": EXEC, "startupProbe": {}},
    {"lifecycle": {"preStop": EXEC}},
    {"securityContext": {}},
    {"securityContext": {"runAsUser": 0, "capabilities": {"drop": ["NET_RAW"]}}},
    {"securityContext": {"seccompProfile": {"type": "Localhost", "localhostProfile": "p"}, "privileged": False}},
    {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"},
    {"futureField": {"a/b~c": [1, True, 1.0, None, "1"]}},
    {"workingDir": "", "stdin": False, "tty": True},
)

RESTARTS: tuple[Object, ...] = ({}, {}, {"restartPolicy": "Always"})
"""Of an init container: a plain one or a native sidecar."""

SPECS: tuple[Object, ...] = (
    {"volumes": []},
    {"volumes": None},
    {"volumes": [{"name": "own", "emptyDir": {}}]},
    {"volumes": [{"name": "own", "emptyDir": {}}, {"name": "logs", "emptyDir": {}}]},
    {"volumes": [{"name": "logs", "emptyDir": {"sizeLimit": "1Gi"}}]},
    {"volumes": [{"name": "logs", "hostPath": {"path": "/var/log"}}]},
    {"volumes": [{"name": "config", "configMap": {"name": "mine"}}, {"name": "disk"}]},
    {"initContainers": None},
    {"initContainers": []},
    {"ephemeralContainers": [{"name": "debug", "image": "busybox", "targetContainerName": "web"}]},
    {"ephemeralContainers": [{"name": "proxy", "image": "busybox"}]},
    {"terminationGracePeriodSeconds": 30},
    {"terminationGracePeriodSeconds": 5},
    {"dnsPolicy": "ClusterFirst", "enableServiceLinks": True},
    {"nodeSelector": {"a~b/c": "1", "kubernetes.io/os": "linux"}},
    {"nodeSelector": None, "tolerations": []},
    {"tolerations": [{"key": "spot", "operator": "Equal", "effect": "NoSchedule"}]},
    {"priority": 0, "preemptionPolicy": "PreemptLowerPriority"},
    {"priorityClassName": "own-class", "priority": 7},
    {"securityContext": {}},
    {"securityContext": {"fsGroup": 1, "runAsNonRoot": False}},
    {"imagePullSecrets": [{"name": "own"}, {}]},
    {"hostAliases": [{"ip": "198.51.100.7", "hostnames": ["own"]}]},
    {"serviceAccountName": "own"},
    {"topologySpreadConstraints": [
        {"topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway", "maxSkew": 2},
    ]},
    {"restartPolicy": "Never"},
    {"schedulerName": "own"},
    {"affinity": {"nodeAffinity": {}}},
    {"futureSpec": 1.0},
    {"hostNetwork": False},
)  # fmt: skip

METADATA: tuple[Object, ...] = (
    {"name": "web-1"},
    {"generateName": "web-7d9f8c6b5-"},
    {"namespace": "shop"},
    {"ownerReferences": [{"kind": "ReplicaSet", "name": "web", "uid": "1", "controller": True}]},
    {"finalizers": [], "futureMetadata": {"x": None}},
    {"creationTimestamp": None},
)

LABELS: tuple[Object, ...] = (
    *({"pillion.dev/inject": "true"},) * 4,
    {"app": "web"},
    {"app": "web", "team": "own"},
    {"a/b~c": "d~e/f"},
    {"pillion.dev/inject": "other"},
)

ANNOTATIONS: tuple[Object, ...] = (
    {"example.com/injected": "no"},
    {"a~0b/c~1d": "", "~": "/"},
    {"pillion.dev/status": "{}"},
)

PARAMETERS: tuple[Object, ...] = (
    {"alpha.pillion.dev/level": "debug"},
    {"bravo.pillion.dev/port": "2021"},
    {"bravo.pillion.dev/extra": '{"cpu": "200m"}'},
    {"charlie.pillion.dev/level": "loud"},
)

REQUESTS: tuple[Object, ...] = (
    *({},) * 8,
    *({"pillion.dev/templates": "alpha"},) * 4,
    {"pillion.dev/templates": "bravo, -alpha"},
    {"pillion.dev/templates": "-charlie"},
    {"pillion.dev/templates": "alpha,bravo,charlie"},
)

NAMESPACES: tuple[Object, ...] = ({}, {}, {"alpha.pillion.dev/level": "debug"}, {"env": "test"})

# Templates


@dataclass(frozen=True)
class Feature:
    """What a template may bring: texts by data key; a template has at most one feature of a group."""

    group: str
    data: dict[str, str]
    containers: tuple[str, ...] = ()


DECLARED = """
port: {type: integer, default: 15001, minimum: 1}
level: {type: string, enum: [debug, info], default: info}
extra: {type: object, default: {}}
"""

PLAIN_PROXY = """
- name: proxy
  image: example/proxy:1
  args: ["--port={{ params.port }}", "--level={{ params.level }}"]
  ports: [{containerPort: {{ params.port }}}]
  resources: {requests: {cpu: 10m, memory: 32Mi}, limits: {{ {'cpu': '100m'} | combine(params.extra) }}}
  livenessProbe: {tcpSocket: {port: {{ params.port }}}}
  securityContext: {runAsNonRoot: true, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}
"""

COUNTING_PROXY = """
- name: proxy
  image: example/proxy
  imagePullPolicy: IfNotPresent
  args:
  {% for container in pod.spec.containers %}
    - --container={{ container.name }}
  {% endfor %}
    - --volumes={{ pod.spec.volumes | length }}
  env:
    - {name: APP, value: {{ pod.metadata.labels.app | default('none') }}}
    - {name: LOG_LEVEL, value: {{ params.level }}}
"""

SHIPPER = """
- name: shipper
  image: example/shipper:2
  volumeMounts: [{name: logs, mountPath: /logs, readOnly: true}]
  lifecycle: {preStop: {exec: {command: [flush]}}}
  terminationMessagePolicy: File
"""

READING_SETUP = """
- name: setup
  image: example/setup:3
  args: ["{{ pod.spec.containers | map(attribute='image') | select | join(',') }}"]
"""

FEATURES: tuple[Feature, ...] = (
    Feature("proxy", {"sidecars": PLAIN_PROXY}, ("proxy",)),
    Feature("proxy", {"sidecars": COUNTING_PROXY}, ("proxy",)),
    Feature("proxy", {"sidecars": COUNTING_PROXY, "initContainers": "- {name: proxy-init, image: example/proxy}\n"},
            ("proxy", "proxy-init")),
    Feature("logs", {
        "sidecars": SHIPPER,
        "volumes": "- {name: logs, emptyDir: {}}\n",
        "volumeMounts": "- {name: logs, mountPath: /var/log/app}\n",
    }, ("shipper",)),
    Feature("logs", {
        "sidecars": SHIPPER,
        "volumes": "- {name: logs, emptyDir: {sizeLimit: 64Mi}}\n",
    }, ("shipper",)),
    Feature("setup", {"initContainers": "- {name: setup, image: example/setup:3}\n"}, ("setup",)),
    Feature("setup", {"initContainers": READING_SETUP}, ("setup",)),
    Feature("config", {
        "volumes": "- {name: config, configMap: {name: shared, optional: true}}\n",
        "volumeMounts": "- {name: config, mountPath: /etc/config, readOnly: true}\n",
    }),
    Feature("config", {
        "volumes": "- {name: config, configMap: {name: '{{ pod.metadata.labels.app | default('shared') }}'}}\n",
    }),
    Feature("borrowed", {"volumeMounts": "- {name: logs, mountPath: /borrowed}\n"}),
    Feature("borrowed", {"volumeMounts": "- {name: config, mountPath: /var/log/app}\n"}),
    Feature("tmp", {
        "volumes": "- {name: tmp, emptyDir: {medium: Memory}}\n",
        "volumeMounts": "- {name: tmp, mountPath: /tmp}\n",
    }),
    Feature("env", {"env": "- {name: LOG_LEVEL, value: info}\n- {name: PROXY_PORT, value: '15001'}\n"}),
    Feature("env", {"env": "- {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}\n"}),
    Feature("env", {"env": """
{% for container in pod.spec.containers %}
- {name: PEER_{{ loop.index }}, value: {{ container.name }}}
{% endfor %}
"""}),
    Feature("env", {"env": "{% if pod.spec.restartPolicy == 'Never' %}\n- {name: ONCE, value: 'yes'}\n{% endif %}\n"}),
    Feature("envFrom", {"envFrom": "- {configMapRef: {name: shared}}\n- {secretRef: {name: s, optional: true}}\n"}),
    Feature("context", {"container": "securityContext: {allowPrivilegeEscalation: false, runAsUser: 1000}\n"}),
    Feature("lifecycle", {"container": "lifecycle: {preStop: {sleep: {seconds: 5}}}\nterminationMessagePath: /log\n"}),
    Feature("probe", {"container": "livenessProbe: {tcpSocket: {port: 80}, periodSeconds: 20}\nstdin: false\n"}),
    Feature("resources", {"container": "resources: {requests: {cpu: 5m}, limits: {memory: 1Gi}}\n"}),
    Feature("targets", {"targets": "['web', 'init:*']\n"}),
    Feature("targets", {"targets": "['*', 'init:*']\n"}),
    Feature("labels", {"labels": "team: core\n'x.example/y': z\n"}),
    Feature("labels", {"labels": "copy: {{ pod.metadata.labels.app | default('none') }}\n"}),
    Feature("annotations", {"annotations": "example.com/injected: yes\n"}),
    Feature("annotations", {"annotations": "example.com/containers: {{ pod.spec.containers | length }}\n"}),
    Feature("nodes", {"pod": "nodeSelector: {disk: ssd, 'a~b/d': '2'}\n"}),
    Feature("tolerations", {"pod": "tolerations: [{key: spot, effect: NoSchedule}, {operator: Exists}]\n"}),
    Feature("grace", {"pod": "terminationGracePeriodSeconds: {{ 60 if params.level == 'info' else 30 }}\n"}),
    Feature("priority", {"pod": "priorityClassName: high\n"}),
    Feature("token", {"pod": "automountServiceAccountToken: false\n"}),
    Feature("podContext", {"pod": "securityContext: {fsGroup: 2000, seccompProfile: {type: RuntimeDefault}}\n"}),
    Feature("secrets", {"pod": "imagePullSecrets: [{name: registry}]\n"}),
    Feature("hosts", {"pod": "hostAliases: [{ip: 198.51.100.7, hostnames: [a]}, {ip: 198.51.100.8}]\n"}),
    Feature("spread", {"pod": """
topologySpreadConstraints:
  - topologyKey: zone
    whenUnsatisfiable: ScheduleAnyway
    maxSkew: 1
    labelSelector: {matchLabels: {app: {{ pod.metadata.labels.app | default('x') }}}}
"""}),
)  # fmt: skip

_BROKEN = (
    Feature("broken", {"volumeMounts": "- {name: absent, mountPath: /absent}\n"}),
    Feature("broken", {"env": "- {name: OWNER, value: {{ pod.metadata.labels.owner }}}\n"}),
    Feature("broken", {"labels": "pillion.dev/inject: 'true'\n"}),
    Feature("broken", {"volumes": "- {name: root, hostPath: {path: /}}\n"}),
    Feature("broken", {"env": "{{ fail('not here') if pod.spec.restartPolicy == 'Never' }}\n"}),
    Feature("proxy", {"sidecars": "- {name: {{ pod.spec.containers[-1].name }}, image: example/shadow}\n"},
            CONTAINER_NAMES),
)  # fmt: skip

FREQUENT = ("proxy", "logs", "setup", "config", "borrowed", "tmp", "env")
"""Groups of features that meet others of the pod or of other templates; they are drawn more often."""

DRAWN = (*FEATURES, *(feature for feature in FEATURES if feature.group in FREQUENT))

TROUBLES: tuple[tuple[Feature, ...], ...] = (*((),) * 18, *((feature,) for feature in _BROKEN))
"""What a template may have beside its features: mostly nothing."""

SETTINGS: tuple[Object, ...] = (
    *({},) * 4,
    {"native": "true"},
    {"native": "false"},
    {"init": "first"},
    {"order": "90"},
    {"order": "110"},
    {"on-error": "skip"},
    {"on-error": "deny"},
    {"api-token": "false"},
    {"default": "false"},
    {"when": "pod.spec.containers | length > 1"},
    {"when": "pod.metadata.labels.app"},
    {"when": "pod.spec.volumes | selectattr('name', 'equalto', 'own') | list"},
    {"pod-selector": "app"},
)

# Other webhooks

MEDDLINGS: tuple[Object, ...] = (
    {"do": "add container", "to": "containers", "at": 9, "container": {"name": "mesh", "image": "mesh:1"}},
    {"do": "add container", "to": "containers", "at": 0, "container": {"name": "late", "image": "late", "env": []}},
    {"do": "add container", "to": "initContainers", "at": 0, "container": {"name": "gate", "image": "gate:1"}},
    {"do": "add container", "to": "initContainers", "at": 1,
     "container": {"name": "native", "image": "native:1", "restartPolicy": "Always"}},
    {"do": "add item", "to": "env", "key": "name", "item": {"name": "MESH", "value": "$(LOG_LEVEL)"}},
    {"do": "add item", "to": "env", "key": "name", "item": {"name": "PROXY_PORT", "value": "1"}},
    {"do": "add item", "to": "volumeMounts", "key": "mountPath", "item": {"name": "mesh", "mountPath": "/mesh"}},
    {"do": "add item", "to": "volumeMounts", "key": "mountPath", "item": {"name": "mesh", "mountPath": "/tmp"}},
    {"do": "add volume", "volume": {"name": "mesh", "emptyDir": {}}},
    {"do": "add volume", "volume": {"name": "config", "emptyDir": {}}},
    {"do": "set text", "in": "labels", "texts": {"mesh~x/y": "on", "team": "mesh"}},
    {"do": "set text", "in": "annotations", "texts": {"example.com/injected": "mesh", "mesh": "{}"}},
    {"do": "set text", "in": "annotations", "texts": {"pillion.dev/status": "mine"}},
    {"do": "set field", "of": "containers", "fields": {"resources": {"limits": {"cpu": "2"}}}},
    {"do": "set field", "of": "containers", "fields": {"imagePullPolicy": "Always", "futureField": True}},
    {"do": "set field", "of": "spec", "fields": {"terminationGracePeriodSeconds": 77, "priorityClassName": "mesh"}},
)  # fmt: skip
