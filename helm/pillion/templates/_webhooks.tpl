{{/*
How the API server calls. caBundle is left out, so that it belongs to whoever injects it: an upgrade then neither
resets it nor conflicts with it. In the mode "provided" the value is its owner.
*/}}
{{- define "pillion.clientConfig" -}}
{{- $values := .root.Values -}}
{{- if $values.webhook.url -}}
url: {{ printf "%s/%s" (trimSuffix "/" $values.webhook.url) .path }}
{{- else -}}
service:
  name: {{ include "pillion.fullname" .root }}
  namespace: {{ .root.Release.Namespace }}
  path: /{{ .path }}
  port: 443
{{- end }}
{{- if eq $values.certificates.mode "provided" }}
caBundle: {{ $values.certificates.provided.caBundle | b64enc }}
{{- end }}
{{- end -}}

{{- define "pillion.webhookAnnotations" -}}
{{- $annotations := deepCopy .Values.webhook.annotations -}}
{{- if eq .Values.certificates.mode "cert-manager" -}}
{{- $source := printf "%s/%s" .Release.Namespace (include "pillion.secretName" .) -}}
{{- $_ := set $annotations "cert-manager.io/inject-ca-from" $source -}}
{{- end -}}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* A label selector: ours and the operator's. */}}
{{- define "pillion.selector" -}}
{{- $selector := deepCopy .further -}}
{{- $_ := set $selector "matchExpressions" (concat .expressions (.further.matchExpressions | default list)) -}}
{{- toYaml $selector -}}
{{- end -}}

{{/* "true" if pods of the host's network are to be sent. */}}
{{- define "pillion.sendsHostNetwork" -}}
{{- if eq (toString .Values.webhook.hostNetwork) "auto" -}}
{{- $annotation := printf "%s/host-network" .Values.domain -}}
{{- range $name, $template := include "pillion.templates" . | fromYaml -}}
{{- if eq (get $template.metadata.annotations $annotation) "true" }}true{{ end -}}
{{- end -}}
{{- else if .Values.webhook.hostNetwork }}true{{ end -}}
{{- end -}}

{{/* Only object and request: an expression on namespaceObject is accepted here, and then nothing is ever called. */}}
{{- define "pillion.matchConditions" -}}
- name: no-mirror-pod
  expression: >-
    !has(object.metadata.annotations) || !('kubernetes.io/config.mirror' in object.metadata.annotations)
- name: linux
  expression: >-
    has(object.spec.os) ? object.spec.os.name == 'linux' :
    !has(object.spec.nodeSelector) || !('kubernetes.io/os' in object.spec.nodeSelector)
    || object.spec.nodeSelector['kubernetes.io/os'] == 'linux'
{{- if not (include "pillion.sendsHostNetwork" .) }}
- name: no-host-network
  expression: "!has(object.spec.hostNetwork) || !object.spec.hostNetwork"
{{- end }}
{{- with .Values.webhook.matchConditions }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* One of the two entries; ".namespace" and ".pod" are the expressions that only it has. */}}
{{- define "pillion.mutation" -}}
{{- $values := .root.Values -}}
{{- $excluded := include "pillion.excludedNamespaces" .root | fromJsonArray -}}
{{- $notExcluded := dict "key" "kubernetes.io/metadata.name" "operator" "NotIn" "values" $excluded -}}
- name: {{ .name }}.{{ $values.domain }}
  admissionReviewVersions: [v1]
  clientConfig:
    {{- include "pillion.clientConfig" (dict "root" .root "path" "mutate") | nindent 4 }}
  rules:
    - apiGroups: [""]
      apiVersions: [v1]
      resources: [pods]
      operations: [CREATE]
      scope: Namespaced
  namespaceSelector:
    {{- $expressions := prepend .namespace $notExcluded }}
    {{- include "pillion.selector" (dict "expressions" $expressions "further" $values.webhook.namespaceSelector) | nindent 4 }}
  objectSelector:
    {{- include "pillion.selector" (dict "expressions" .pod "further" $values.webhook.objectSelector) | nindent 4 }}
  matchConditions:
    {{- include "pillion.matchConditions" .root | nindent 4 }}
  matchPolicy: Equivalent
  sideEffects: None
  failurePolicy: {{ $values.webhook.failurePolicy }}
  reinvocationPolicy: {{ $values.webhook.reinvocationPolicy }}
  timeoutSeconds: {{ $values.webhook.timeoutSeconds }}
{{- end -}}

{{/* CEL: the pod template of a workload; a CronJob has it in its Jobs. */}}
{{- define "pillion.podTemplate" -}}
(has(object.spec.jobTemplate) ? object.spec.jobTemplate.spec.template : object.spec.template)
{{- end -}}

{{/* CEL: whether a label or annotation is of our domain. */}}
{{- define "pillion.isOurs" -}}
(key.startsWith('{{ .Values.domain }}/') || key.contains('.{{ .Values.domain }}/'))
{{- end -}}

{{/*
Workloads that somebody applies and that changed where it matters. What a controller makes of another workload is not
sent, as nobody reads its warnings; neither are updates that touch neither the pod template nor, anew, a key of ours.
*/}}
{{- define "pillion.workloadConditions" -}}
{{- $inject := printf "%s/inject" .Values.domain -}}
- name: applied-by-somebody
  expression: >-
    !has(object.metadata.ownerReferences)
    || !object.metadata.ownerReferences.exists(owner, has(owner.controller) && owner.controller)
- name: not-opted-out
  expression: >-
    [{{ include "pillion.podTemplate" . }}.metadata].all(metadata,
    !has(metadata.labels) || !('{{ $inject }}' in metadata.labels) || metadata.labels['{{ $inject }}'] != 'false')
- name: pods-change
  expression: >-
    request.operation == 'CREATE'
    || (has(object.spec.jobTemplate) ? object.spec.jobTemplate != oldObject.spec.jobTemplate
    : object.spec.template != oldObject.spec.template)
    {{- range $place := list "labels" "annotations" }}
    || (has(object.metadata.{{ $place }}) && object.metadata.{{ $place }}.exists(key, {{ include "pillion.isOurs" $ }}
    && !(has(oldObject.metadata.{{ $place }}) && key in oldObject.metadata.{{ $place }})))
    {{- end }}
{{- end -}}

{{/* One of the two entries for workloads; ".namespace" is the expression and ".conditions" are those that only it has. */}}
{{- define "pillion.workloads" -}}
{{- $values := .root.Values -}}
{{- $excluded := include "pillion.excludedNamespaces" .root | fromJsonArray -}}
{{- $notExcluded := dict "key" "kubernetes.io/metadata.name" "operator" "NotIn" "values" $excluded -}}
- name: {{ .name }}.{{ $values.domain }}
  admissionReviewVersions: [v1]
  clientConfig:
    {{- include "pillion.clientConfig" (dict "root" .root "path" "validate-workloads") | nindent 4 }}
  rules:
    - apiGroups: [apps]
      apiVersions: [v1]
      resources: [deployments, statefulsets, daemonsets, replicasets]
      operations: [CREATE, UPDATE]
      scope: Namespaced
    - apiGroups: [batch]
      apiVersions: [v1]
      resources: [jobs, cronjobs]
      operations: [CREATE, UPDATE]
      scope: Namespaced
  namespaceSelector:
    {{- $expressions := list $notExcluded .namespace }}
    {{- include "pillion.selector" (dict "expressions" $expressions "further" $values.webhook.namespaceSelector) | nindent 4 }}
  {{- with $values.webhook.objectSelector }}
  objectSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  matchConditions:
    {{- include "pillion.workloadConditions" .root | nindent 4 }}
    {{- with .conditions }}
    {{- . | nindent 4 }}
    {{- end }}
  matchPolicy: Equivalent
  sideEffects: None
  failurePolicy: Ignore
  timeoutSeconds: {{ $values.workloadWarnings.timeoutSeconds }}
{{- end -}}

{{/* Where the namespace says nothing: workloads that bear a key of ours, on themselves or on their pods. */}}
{{- define "pillion.mentionsUs" -}}
- name: mentions-us
  expression: >-
    [object.metadata, {{ include "pillion.podTemplate" . }}.metadata].exists(metadata,
    (has(metadata.labels) && metadata.labels.exists(key, {{ include "pillion.isOurs" . }}))
    || (has(metadata.annotations) && metadata.annotations.exists(key, {{ include "pillion.isOurs" . }})))
{{- end -}}
