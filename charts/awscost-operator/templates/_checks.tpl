{{/* What the schema can't say: values that exclude each other, and what the cluster must have. Each answer names the value. */}}
{{- define "awscost.checks" -}}
{{- include "awscost.checkNamespaces" . -}}
{{- with .Values.podDisruptionBudget }}
{{- if and .enabled (lt (int $.Values.replicas) 2) }}
{{- fail "podDisruptionBudget.enabled needs replicas of 2 or more: with one it would block the drain of its node" }}
{{- end }}
{{- if and (ne (toString .minAvailable) "") (ne (toString .maxUnavailable) "") }}
{{- fail "podDisruptionBudget.minAvailable and podDisruptionBudget.maxUnavailable exclude each other: set one of them" }}
{{- end }}
{{- end }}
{{- if and .Values.watch.clusterWide .Values.watch.namespaces }}
{{- fail "watch.clusterWide and watch.namespaces exclude each other: set one of them" }}
{{- end }}
{{- with .Values.monitoring }}
{{- if and .podMonitor.enabled .serviceMonitor.enabled }}
{{- fail "monitoring.podMonitor.enabled and monitoring.serviceMonitor.enabled exclude each other: every series would be scraped twice" }}
{{- end }}
{{- end }}
{{- range .Values.extraEnv }}
{{- if hasKey $.Values.aws.env .name }}
{{- fail (printf "extraEnv: %s is set in aws.env, too" .name) }}
{{- end }}
{{- end }}
{{- end }}

{{/* A Role can only be made in a namespace that is there. Where nothing can be looked up, as in `helm template`, nothing is said. */}}
{{- define "awscost.checkNamespaces" -}}
{{- if and .Values.watch.checkNamespaces .Values.watch.namespaces (lookup "v1" "Namespace" "" "kube-system") }}
{{- $missing := list }}
{{- range .Values.watch.namespaces }}
{{- if and (ne . $.Release.Namespace) (not (lookup "v1" "Namespace" "" .)) }}
{{- $missing = append $missing . }}
{{- end }}
{{- end }}
{{- if $missing }}
{{- fail (printf "watch.namespaces: %s not in this cluster. Create what is missing first:\n\n  kubectl create namespace %s\n" (ternary (printf "the namespace %s is" (first $missing)) (printf "the namespaces %s are" (join ", " $missing)) (eq (len $missing) 1)) (join "\n  kubectl create namespace " $missing)) }}
{{- end }}
{{- end }}
{{- end }}
