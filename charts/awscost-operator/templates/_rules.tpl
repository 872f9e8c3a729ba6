{{/* What the operator may do where it watches: complete, and nothing unused. The end-to-end tests compare it
     with the API server's audit log, both ways. */}}
{{- define "awscost.rules" -}}
- apiGroups: [awscost.io]
  resources: [awscostaccounts, costwarehouses]
  verbs: [list, watch]
# Its finalizer, on accounts with deletionPolicy: Purge.
- apiGroups: [awscost.io]
  resources: [awscostaccounts]
  verbs: [patch]
- apiGroups: [awscost.io]
  resources: [awscostaccounts/status, costwarehouses/status]
  verbs: [patch]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [list, watch, create, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [list]
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get]
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}
