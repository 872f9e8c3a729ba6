{{/* The name of everything this release makes. */}}
{{- define "awscost.name" -}}
{{- default (printf "%s" .Release.Name) .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end }}

{{- define "awscost.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "awscost.name" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name is needed when serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{- define "awscost.image" -}}
{{- $path := .Values.image.repository -}}
{{- if .Values.image.registry }}{{ $path = printf "%s/%s" .Values.image.registry $path }}{{ end -}}
{{- if .Values.image.digest -}}
{{ $path }}@{{ .Values.image.digest }}
{{- else -}}
{{ $path }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "awscost.selector" -}}
app.kubernetes.io/name: awscost
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{- define "awscost.labels" -}}
{{ include "awscost.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The namespaces the operator watches: the release's own where none is named. */}}
{{- define "awscost.namespaces" -}}
{{- toYaml (.Values.watch.namespaces | default (list .Release.Namespace)) -}}
{{- end }}
