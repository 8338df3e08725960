"""The text with which a new template starts: valid, commented, and fit for the restricted Pod Security level."""

from __future__ import annotations

from injector.core import templates
from injector.core.model import Policy

_TEXT = """\
# A template: whoever asks for "@NAME@" gets what stands here. Values come from parameters, never from pasted text.
apiVersion: v1
kind: ConfigMap
metadata:
  name: @NAME@
  namespace: @NAMESPACE@
  labels: {@DOMAIN@/template: "true"}
  annotations:
    @DOMAIN@/description: Says hello from a sidecar
    @DOMAIN@/version: "1"
    # Every pod that opts in gets it:     @DOMAIN@/default: "true"
    # Only pods with this label get it:   @DOMAIN@/pod-selector: app=web
    # Only where this holds:              @DOMAIN@/when: pod.spec.restartPolicy != 'Never'
data:
  # What a pod or namespace may set, as annotation @NAME@.@DOMAIN@/<parameter>. Each is a JSON Schema.
  parameters: |
    image: {type: string, default: "busybox:1.37", description: The sidecar's image}
    seconds: {type: integer, default: 60, minimum: 1, description: How long it waits between two greetings}

  # Containers that run beside the application's. Remove any key that you do not need.
  sidecars: |
    - name: @NAME@
      image: {{ params.image }}
      command: [sh, -c, 'while true; do echo "hello from $POD_NAME" >> /shared/hello; sleep "$SECONDS_BETWEEN"; done']
      env:
        - {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
        - {name: SECONDS_BETWEEN, value: {{ params.seconds }}}
      resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {cpu: 100m, memory: 32Mi}}
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
        seccompProfile: {type: RuntimeDefault}
      volumeMounts: [{name: @NAME@, mountPath: /shared}]

  # Volumes of the pod.
  volumes: |
    - name: @NAME@
      emptyDir: {sizeLimit: 16Mi}

  # Into the application's containers: volumeMounts, env, envFrom, container (any other field); "targets" picks which.
  volumeMounts: |
    - {name: @NAME@, mountPath: /shared, readOnly: true}
  env: |
    - {name: GREETING_FILE, value: /shared/hello}
"""


def write(name: str, policy: Policy) -> str:
    """Return the text of a new template; raises TemplateError if *name* cannot be the name of one."""
    metadata = {"name": name, "namespace": policy.release_namespace}
    templates.parse({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}, policy)
    text = _TEXT.replace("@NAME@", name).replace("@DOMAIN@", policy.domain.name)
    return text.replace("@NAMESPACE@", policy.release_namespace)
