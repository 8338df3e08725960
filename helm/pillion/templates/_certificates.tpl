{{- define "pillion.secretName" -}}
{{- if eq .Values.certificates.mode "provided" -}}
{{- .Values.certificates.provided.secretName -}}
{{- else -}}
{{- include "pillion.fullname" . }}-tls
{{- end -}}
{{- end -}}

{{/* Fixed, so that rights can name it. */}}
{{- define "pillion.requestName" -}}
{{- printf "%s.%s" (include "pillion.fullname" .) .Release.Namespace -}}
{{- end -}}

{{/* "true" if Jobs of ours make the certificate. */}}
{{- define "pillion.makesCertificates" -}}
{{- if has .Values.certificates.mode (list "csr" "self-signed") }}true{{ end -}}
{{- end -}}

{{/* Hook Jobs leave these objects to nobody: made before, deleted after, also when the hook fails. */}}
{{- define "pillion.hookAnnotations" -}}
helm.sh/hook: pre-install,pre-upgrade,pre-rollback,post-install,post-upgrade,post-rollback
helm.sh/hook-weight: {{ .weight | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded,hook-failed
{{- end -}}

{{/* Rights on the Secret ("create" cannot be given by name), and to put a fallback on record. */}}
{{- define "pillion.secretRules" -}}
- apiGroups: [""]
  resources: [secrets]
  verbs: [create]
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [{{ include "pillion.secretName" . }}]
  verbs: [get, update, delete]
- apiGroups: [""]
  resources: [events]
  verbs: [create]
{{- end -}}

{{/* Rights on the webhook configurations, whose caBundle is injected. */}}
{{- define "pillion.webhookRules" -}}
- apiGroups: [admissionregistration.k8s.io]
  resources: [mutatingwebhookconfigurations, validatingwebhookconfigurations]
  resourceNames: [{{ include "pillion.webhookName" . }}]
  verbs: [get, patch]
{{- end -}}

{{/* Rights to ask the cluster's signer, and to approve. They can mint a certificate for any name of this signer. */}}
{{- define "pillion.requestRules" -}}
- apiGroups: [certificates.k8s.io]
  resources: [certificatesigningrequests]
  verbs: [create]
- apiGroups: [certificates.k8s.io]
  resources: [certificatesigningrequests]
  resourceNames: [{{ include "pillion.requestName" . }}]
  verbs: [get, delete]
- apiGroups: [certificates.k8s.io]
  resources: [certificatesigningrequests/approval]
  resourceNames: [{{ include "pillion.requestName" . }}]
  verbs: [update]
- apiGroups: [certificates.k8s.io]
  resources: [signers]
  resourceNames: [{{ .Values.certificates.csr.signerName }}]
  verbs: [approve]
{{- end -}}

{{/* One ServiceAccount with its rights; "annotations" where a hook owns them. */}}
{{- define "pillion.certificateRights" -}}
{{- $root := .root -}}
{{- $mode := $root.Values.certificates.mode -}}
{{- $metadata := include "pillion.certificateMetadata" . -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- $metadata | nindent 2 }}
  namespace: {{ $root.Release.Namespace }}
automountServiceAccountToken: false
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  {{- $metadata | nindent 2 }}
  namespace: {{ $root.Release.Namespace }}
rules:
  {{- include "pillion.secretRules" $root | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  {{- $metadata | nindent 2 }}
rules:
  {{- include "pillion.webhookRules" $root | nindent 2 }}
  {{- if .requests }}
  {{- include "pillion.requestRules" $root | nindent 2 }}
  {{- end }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  {{- $metadata | nindent 2 }}
  namespace: {{ $root.Release.Namespace }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ .name }}
    namespace: {{ $root.Release.Namespace }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  {{- $metadata | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ .name }}
    namespace: {{ $root.Release.Namespace }}
{{- end -}}

{{- define "pillion.certificateMetadata" -}}
name: {{ .name }}
labels:
  {{- include "pillion.labels" .root | nindent 2 }}
  app.kubernetes.io/component: certificates
{{- if .hook }}
annotations:
  {{- include "pillion.hookAnnotations" (dict "weight" "-10") | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The pod of a Job; ".arguments" are those of "pillion certs". */}}
{{- define "pillion.certificatePod" -}}
{{- $root := .root -}}
metadata:
  labels:
    {{- include "pillion.labels" $root | nindent 4 }}
    app.kubernetes.io/component: certificates
    {{ $root.Values.domain }}/inject: "false"
spec:
  {{- with include "pillion.imagePullSecrets" $root }}
  {{- . | nindent 2 }}
  {{- end }}
  serviceAccountName: {{ .serviceAccount }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  restartPolicy: Never
  {{- with $root.Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    {{- include "pillion.podSecurityContext" $root | nindent 4 }}
  containers:
    - name: certificates
      image: {{ include "pillion.image" $root }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args:
        {{- toYaml .arguments | nindent 8 }}
      resources:
        {{- toYaml $root.Values.certificates.resources | nindent 8 }}
      securityContext:
        {{- include "pillion.securityContext" $root | nindent 8 }}
      volumeMounts:
        - {{ include "pillion.tokenMount" $root | nindent 10 | trim }}
        - name: temporary
          mountPath: /tmp
  volumes:
    - {{ include "pillion.tokenVolume" $root | nindent 6 | trim }}
    - {{ include "pillion.temporaryVolume" $root | nindent 6 | trim }}
  {{- with $root.Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $root.Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* A Job that is tried again after a passing failure (exit 1), and not after a lasting one (exit 2). */}}
{{- define "pillion.certificateJob" -}}
backoffLimit: 3
activeDeadlineSeconds: 240
podFailurePolicy:
  rules:
    - action: FailJob
      onExitCodes:
        containerName: certificates
        operator: In
        values: [2]
template:
  {{- include "pillion.certificatePod" . | nindent 2 }}
{{- end -}}

{{/* What every call of "pillion certs" is told. */}}
{{- define "pillion.certificateFlags" -}}
- --log-format={{ .Values.settings.logFormat | default "json" }}
- --mode={{ .Values.certificates.mode }}
- --namespace={{ .Release.Namespace }}
- --service={{ include "pillion.fullname" . }}
- --secret={{ include "pillion.secretName" . }}
- --domain={{ .Values.domain }}
- --mutating-webhook={{ include "pillion.webhookName" . }}
{{- if or .Values.templateValidation.enabled .Values.workloadWarnings.enabled }}
- --validating-webhook={{ include "pillion.webhookName" . }}
{{- end }}
{{- if eq .Values.certificates.mode "csr" }}
- --csr-name={{ include "pillion.requestName" . }}
- --signer={{ .Values.certificates.csr.signerName }}
- --fallback={{ .Values.certificates.csr.fallback }}
{{- end }}
{{- end -}}
