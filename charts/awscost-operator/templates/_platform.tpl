{{/* What differs between clusters: who chooses the user of a pod, and which kinds there are. */}}

{{/* "true" where OpenShift's security context constraints choose user and groups, and refuse any that is named. */}}
{{- define "awscost.usersAreChosen" -}}
{{- $mode := .Values.global.compatibility.openshift.adaptSecurityContext -}}
{{- if or (eq $mode "force") (and (eq $mode "auto") (.Capabilities.APIVersions.Has "security.openshift.io/v1")) -}}true{{- end -}}
{{- end }}

{{/* A security context (list ROOT CONTEXT), without user and groups where these are not ours to choose. */}}
{{- define "awscost.securityContext" -}}
{{- $root := first . -}}
{{- $context := last . -}}
{{- if include "awscost.usersAreChosen" $root -}}
{{- $context = omit $context "runAsUser" "runAsGroup" "fsGroup" -}}
{{- end -}}
{{- toYaml $context -}}
{{- end }}

{{/* "true" if an object of a kind of the Prometheus operator is rendered: list ROOT KIND. */}}
{{- define "awscost.monitored" -}}
{{- $root := first . -}}
{{- $kind := last . -}}
{{- $mode := $root.Values.monitoring.renderMode -}}
{{- if or (eq $mode "alwaysRender") ($root.Capabilities.APIVersions.Has (printf "monitoring.coreos.com/v1/%s" $kind)) -}}
true
{{- else if eq $mode "failIfMissing" -}}
{{- fail (printf "monitoring.renderMode is failIfMissing, and this cluster has no %s (monitoring.coreos.com/v1): install the definitions of the Prometheus operator first" $kind) -}}
{{- end -}}
{{- end }}
