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
