{{/* What the operator may do where it watches: complete, and nothing unused. The end-to-end tests compare it
     with the API server's audit log, both ways. */}}
{{- define "awscost.rules" -}}
- apiGroups: [awscost.io]
  resources: [awscostaccounts, costwarehouses]
  verbs: [get, list, watch]
- apiGroups: [awscost.io]
  resources: [awscostaccounts/status, costwarehouses/status]
  verbs: [patch]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, delete]
- apiGroups: [""]
  resources: [pods, persistentvolumeclaims]
  verbs: [get, list]
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}
