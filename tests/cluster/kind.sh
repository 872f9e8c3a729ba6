# shellcheck shell=bash
# The same cluster made by kind, on machines where Docker runs. Sourced, never run.
# Expects DIR, NAME or the file DIR/run/kind-name, and the functions of settings.sh and up.

# The one node port that the machine reaches: it has no way to the addresses of Services in kind's containers.
KIND_NODE_PORT=30466

# kind_up: the cluster is called NAME, as the user asked.
# shellcheck disable=SC2153
kind_up() {
  printf '%s\n' "$NAME" >"$DIR/run/kind-name"
  KIND_HOST_PORT=$(free_ports 1)
  write_kind_configuration
  step "kind's cluster created" kind create cluster --name "$NAME" --kubeconfig "$KUBECONFIG" --config "$DIR/run/kind.yaml" --wait 120s ||
    die "kind could not create the cluster $NAME: its own message is above"
  NODE_NAME=$NAME-control-plane
  write_env "export API_SERVER=$(kubectl config view -o 'jsonpath={.clusters[0].cluster.server}')
export CTR=\"docker exec -i $NODE_NAME ctr --namespace k8s.io\"
# A Service of this node port answers on the machine at this address.
export NODE_PORT=$KIND_NODE_PORT NODE_PORT_ADDRESS=127.0.0.1:$KIND_HOST_PORT"
}

# The patch of the audit log exists for both forms of kubeadm's configuration; kind takes the one its version speaks.
write_kind_configuration() {
  cat >"$DIR/run/kind.yaml" <<YAML
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes:
- role: control-plane
  extraMounts:
  - {hostPath: "$HERE/audit-policy.yaml", containerPath: /etc/kubernetes/audit/policy.yaml, readOnly: true}
  - {hostPath: "$DIR/log", containerPath: /var/log/kubernetes}
  - {hostPath: "$DIR/volumes", containerPath: "$DIR/volumes"}
  extraPortMappings:
  - {containerPort: $KIND_NODE_PORT, hostPort: $KIND_HOST_PORT, listenAddress: 127.0.0.1}
  kubeadmConfigPatches:
  - |
    apiVersion: kubeadm.k8s.io/v1beta3
    kind: ClusterConfiguration
    apiServer:
      extraArgs: {audit-policy-file: /etc/kubernetes/audit/policy.yaml, audit-log-path: /var/log/kubernetes/audit.log, audit-log-maxsize: "4096"}
      extraVolumes:
      - {name: audit-policy, hostPath: /etc/kubernetes/audit, mountPath: /etc/kubernetes/audit, readOnly: true, pathType: Directory}
      - {name: audit-log, hostPath: /var/log/kubernetes, mountPath: /var/log/kubernetes, pathType: Directory}
  - |
    apiVersion: kubeadm.k8s.io/v1beta4
    kind: ClusterConfiguration
    apiServer:
      extraArgs:
      - {name: audit-policy-file, value: /etc/kubernetes/audit/policy.yaml}
      - {name: audit-log-path, value: /var/log/kubernetes/audit.log}
      - {name: audit-log-maxsize, value: "4096"}
      extraVolumes:
      - {name: audit-policy, hostPath: /etc/kubernetes/audit, mountPath: /etc/kubernetes/audit, readOnly: true, pathType: Directory}
      - {name: audit-log, hostPath: /var/log/kubernetes, mountPath: /var/log/kubernetes, pathType: Directory}
YAML
}

kind_down() {
  local name
  name=$(cat "$DIR/run/kind-name" 2>/dev/null) || return 0
  # Pods and the API server wrote as other users, whose files only the node can delete.
  docker exec "$name-control-plane" find "$DIR/volumes" /var/log/kubernetes -mindepth 1 -delete >/dev/null 2>&1 ||
    say "           the node $name-control-plane no longer answers: what pods wrote is left to rm"
  kind delete cluster --name "$name" --kubeconfig "$DIR/kubeconfig"
}
