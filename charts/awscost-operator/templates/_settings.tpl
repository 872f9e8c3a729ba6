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
{{- with .Values.tenancy.rules }}
tenancy:
  rules: {{- toYaml . | nindent 4 }}
{{- end }}
jobs: {{- toYaml .Values.jobs.limits | nindent 2 }}
leaderElection: {{- toYaml .Values.leaderElection | nindent 2 }}
metrics:
  address: 0.0.0.0:8080
{{- with .Values.testing }}
testing: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
