{{/*
All templates of the chart as ConfigMaps by name: those of files/templates that shippedTemplates names, and those of
the value templates. Their texts are Jinja's, not Helm's: they are never rendered here.
*/}}
{{- define "pillion.templates" -}}
{{- $all := dict -}}
{{- range $name := .Values.shippedTemplates -}}
{{- $found := $.Files.Get (printf "files/templates/%s.yaml" $name) | fromYaml -}}
{{- $_ := set $all $name (dict "annotations" $found.metadata.annotations "data" $found.data) -}}
{{- end -}}
{{- range $name, $template := .Values.templates -}}
{{- $_ := set $all $name $template -}}
{{- end -}}
{{- range $name := keys $all | sortAlpha }}
{{ $name }}:
  {{- include "pillion.template" (dict "root" $ "name" $name "template" (get $all $name)) | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "pillion.template" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "pillion.labels" .root | nindent 4 }}
    {{ .root.Values.domain }}/template: "true"
  annotations:
    {{- range $key, $value := .template.annotations }}
    {{ include "pillion.annotationKey" (dict "key" $key "domain" $.root.Values.domain) }}: {{ toString $value | quote }}
    {{- else }} {}
    {{- end }}
data:
  {{- range $key, $text := .template.data }}
  {{ $key }}: {{ kindIs "string" $text | ternary $text (toYaml $text) | toJson }}
  {{- end }}
{{- end -}}

{{/* "default" and "pillion.dev/default" are both meant as "<domain>/default". */}}
{{- define "pillion.annotationKey" -}}
{{- $own := trimPrefix "pillion.dev/" .key -}}
{{- contains "/" $own | ternary $own (printf "%s/%s" .domain $own) -}}
{{- end -}}
