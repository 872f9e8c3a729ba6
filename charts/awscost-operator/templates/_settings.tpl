{{/* The operator's settings file, from the values. */}}
{{- define "awscost.settings" -}}
image: {{ include "awscost.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
clusterName: {{ .Values.clusterName | quote }}
watch:
{{- if .Values.watch.clusterWide }}
  allNamespaces: true
{{- else }}
  namespaces: {{- include "awscost.namespaces" . | nindent 4 }}
{{- end }}
tenancy: {{- toYaml .Values.tenancy | nindent 2 }}
jobs: {{- toYaml .Values.jobs.limits | nindent 2 }}
{{- with include "awscost.jobPods" . | fromYaml }}
jobPods: {{- toYaml . | nindent 2 }}
{{- end }}
leaderElection:
  {{- toYaml (omit .Values.leaderElection "leaseName") | nindent 2 }}
  leaseName: {{ include "awscost.lease" . }}
metrics:
  # Both families, also where there is only one.
  address: "[::]:8080"
{{- if include "awscost.caSource" . }}
caBundle: /etc/awscost-ca/ca.crt
{{- end }}
{{- with .Values.testing }}
testing: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Defaults of every Job's pod: what is set, under the names of the settings file. */}}
{{- define "awscost.jobPods" -}}
{{- with .Values.jobs }}
{{- range $setting, $value := dict "imagePullSecrets" .imagePullSecrets "resources" .resources "nodeSelector" .nodeSelector "tolerations" .tolerations "affinity" .affinity "priorityClassName" .priorityClassName "labels" .podLabels "annotations" .podAnnotations }}
{{- with $value }}
{{ dict $setting . | toYaml }}
{{- end }}
{{- end }}
{{- range $field, $context := dict "podSecurityContext" .podSecurityContext "securityContext" .securityContext }}
{{- if or $context (and (eq $field "podSecurityContext") (include "awscost.usersAreChosen" $)) }}
{{ dict $field (include "awscost.securityContext" (list $ $context) | fromYaml) | toYaml }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
