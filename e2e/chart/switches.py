"""Values that together turn every switch of the chart both ways, by what they are."""

from __future__ import annotations

from e2e.chart.charts import CHART, Object

AUTHORITY = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
PROVIDED = {"mode": "provided", "provided": {"secretName": "ours", "caBundle": AUTHORITY}}

EVERYTHING: Object = {
    "shippedTemplates": sorted(path.stem for path in (CHART / "files" / "templates").glob("*.yaml")),
    "templates": {
        "greeter": {
            "annotations": {"default": True, "order": 7, "example.com/team": "blue"},
            "data": {"env": [{"name": "GREETING", "value": "{{ pod.metadata.name }} costs $(1)"}], "labels": "a: b"},
        }
    },
    "parameters": {"log-shipper": {"level": "debug", "host": "$(HOST)"}},
    "privilegedTemplates": ["greeter"],
    "kubernetesVersion": "1.31",
    "webhook": {
        "hostNetwork": False,
        "namespaceSelector": {"matchLabels": {"tier": "apps"}},
        "objectSelector": {"matchExpressions": [{"key": "team", "operator": "Exists"}]},
        "matchConditions": [{"name": "not-system", "expression": "request.userInfo.username != 'system'"}],
        "annotations": {"admissions.enforcer/disabled": "true"},
        "namePrefix": "z-",
    },
    "image": {"digest": f"sha256:{'0' * 64}"},
    "imagePullSecrets": [{"name": "registry"}],
    "global": {"imageRegistry": "registry.example.com", "imagePullSecrets": [{"name": "registry"}]},
    "settings": {
        "logLevel": "debug",
        "queue": 500,
        "bodyLimit": "4Mi",
        "clientCa": "/ca.crt",
        "clientNames": ["a", "b"],
    },
    "hostNetwork": True,
    "priorityClassName": "system-cluster-critical",
    "tolerations": [{"operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "topologySpreadConstraints": [],
    "autoscaling": {"enabled": True},
    "serviceAccount": {"annotations": {"a": "b"}},
    "service": {"annotations": {"a": "b"}},
    "requirements": {"enabled": True, "validationActions": ["Warn", "Audit"]},
    "templateWriters": {"enabled": True},
    "networkPolicy": {
        "enabled": True,
        "webhookFrom": [{"ipBlock": {"cidr": "192.0.2.0/24"}}],
        "metricsFrom": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
    },
    "dashboard": {"enabled": True},
    "commonLabels": {"team": "platform"},
    "podLabels": {"a": "b"},
    "podAnnotations": {"a": "b"},
    "extraArgs": ["--log-format=console"],
    "extraEnv": [{"name": "TZ", "value": "UTC"}],
    "extraVolumes": [{"name": "more", "emptyDir": {}}],
    "extraVolumeMounts": [{"name": "more", "mountPath": "/more"}],
    "extraContainers": [{"name": "beside", "image": "example.com/beside"}],
    "extraInitContainers": [{"name": "before", "image": "example.com/before"}],
    "extraObjects": [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "extra", "namespace": "pillion-system"},
            "data": {"a": "{{ b }}"},
        }
    ],
}
"""Every switch on that can be on at once, and every list and map with something in it."""

NOTHING: Object = {
    "shippedTemplates": [],
    "templateValidation": {"enabled": False},
    "workloadWarnings": {"enabled": False},
    "certificates": PROVIDED,
    "replicas": 1,
    "resources": {},
    "nodeSelector": None,
    "podDisruptionBudget": {"enabled": False},
    "serviceAccount": {"create": False},
}
"""Everything off that can be off."""

CASES: dict[str, Object] = {
    "defaults": {},
    "everything": EVERYTHING,
    "nothing": NOTHING,
    "self-signed": {"certificates": {"mode": "self-signed"}},
    "provided": {"certificates": PROVIDED},
    "rotation": {"certificates": {"csr": {"fallback": "none", "rotation": {"enabled": True}}}},
    "warnings only": {"templateValidation": {"enabled": False}},
    "failing closed": {"webhook": {"failurePolicy": "Fail", "reinvocationPolicy": "Never", "hostNetwork": True}},
    "another domain": {
        "domain": "passengers.example.com",
        **{k: EVERYTHING[k] for k in ("shippedTemplates", "templates")},
    },
    "an address": {"webhook": {"url": "https://pillion.example.com/hooks"}, "certificates": PROVIDED},
    "another account": {"serviceAccount": {"create": True, "name": "other"}, "fullnameOverride": "passengers"},
}
"""What an API server of Kubernetes alone is to accept."""

FOREIGN: dict[str, Object] = {
    "cert-manager": {"certificates": {"mode": "cert-manager"}},
    "an issuer": {
        "certificates": {"mode": "cert-manager", "certManager": {"issuerRef": {"name": "ca", "kind": "ClusterIssuer"}}}
    },
    "Prometheus": {
        "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
        "prometheusRule": {
            "enabled": True,
            "labels": {"release": "prometheus"},
            "runbookUrl": "https://example.com/r.md",
        },
    },
}
"""What needs kinds of other projects."""
