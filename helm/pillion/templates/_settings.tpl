{{/* Namespaces that the API server never asks about. */}}
{{- define "pillion.excludedNamespaces" -}}
{{- append .Values.excludedNamespaces .Release.Namespace | uniq | sortAlpha | toJson -}}
{{- end -}}

{{- define "pillion.kubernetesVersion" -}}
{{- .Values.kubernetesVersion | default (printf "%s.%s" .Capabilities.KubeVersion.Major .Capabilities.KubeVersion.Minor) -}}
{{- end -}}

{{/* A flag as the kubelet hands it on: "$$" is how it reads "$". */}}
{{- define "pillion.flag" -}}
{{- $value := kindIs "float64" .value | ternary (.value | toJson) (.value | toString) -}}
{{- printf "--%s=%s" .name $value | replace "$" "$$" | toJson -}}
{{- end -}}

{{- define "pillion.serveFlags" -}}
{{- $flags := dict
      "store" "kubernetes"
      "port" .Values.port
      "probe-port" .Values.probePort
      "domain" .Values.domain
      "release-namespace" .Release.Namespace
      "release-name" .Release.Name
      "excluded-namespaces" (.Values.excludedNamespaces | sortAlpha | join ",")
      "privileged-templates" (.Values.privilegedTemplates | sortAlpha | join ",")
      "parameters" (.Values.parameters | toJson)
      "kubernetes-version" (include "pillion.kubernetesVersion" .)
      "timeout" .Values.webhook.timeoutSeconds
      "drain-seconds" .Values.drainSeconds -}}
{{- range $name, $value := .Values.settings }}
{{- $_ := set $flags (kebabcase $name) (kindIs "slice" $value | ternary (join "," $value) $value) }}
{{- end -}}
{{- range $name := keys $flags | sortAlpha -}}
- {{ include "pillion.flag" (dict "name" $name "value" (get $flags $name)) }}
{{ end }}
{{- end -}}
