{{/* The full name: of everything this release makes. */}}
{{- define "awscost.name" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if .Values.nameOverride -}}
{{- printf "%s-%s" .Release.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "awscost.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "awscost.name" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name is needed when serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{/* Two releases in one namespace must not share a lease: the second would stand by for ever. Not the full name alone, which
     the settings have: kustomize would take the name in the Role for theirs, and change it. */}}
{{- define "awscost.lease" -}}
{{- .Values.leaderElection.leaseName | default (printf "%s-operator" (include "awscost.name" .)) -}}
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

{{/* The Secret or ConfigMap with the CA bundle, as a volume takes it; nothing where there is none. */}}
{{- define "awscost.caSource" -}}
{{- $items := list (dict "key" .Values.caBundle.key "path" "ca.crt") -}}
{{- if .Values.caBundle.secretName -}}
secret: {{ dict "secretName" .Values.caBundle.secretName "items" $items | toJson }}
{{- else if .Values.caBundle.configMapName -}}
configMap: {{ dict "name" .Values.caBundle.configMapName "items" $items | toJson }}
{{- end -}}
{{- end }}

{{- define "awscost.selector" -}}
app.kubernetes.io/name: awscost
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{/* Labels of an object, without what part of the program it is. */}}
{{- define "awscost.commonLabels" -}}
app.kubernetes.io/name: awscost
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "awscost.labels" -}}
{{ include "awscost.commonLabels" . }}
app.kubernetes.io/component: operator
{{- end }}

{{/* The same and more: list ROOT MORE. A label that is said twice is said once. */}}
{{- define "awscost.labelsAnd" -}}
{{- merge (dict) (last .) (include "awscost.labels" (first .) | fromYaml) | toYaml -}}
{{- end }}

{{/* The namespaces the operator watches: the release's own where none is named. */}}
{{- define "awscost.namespaces" -}}
{{- toYaml (.Values.watch.namespaces | default (list .Release.Namespace)) -}}
{{- end }}
