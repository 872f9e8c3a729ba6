# shellcheck shell=bash
# etcd, the API server and the controllers of one cluster. Sourced, never run.
# Expects DIR, the functions of settings.sh and processes.sh, ADDRESS, on which the cluster listens, and PROGRAM, which
# says where each program is.

# start_control_plane: etcd and the API server, up to the moment it is ready.
start_control_plane() {
  local etcd_port peer_port loopback=()
  read -r etcd_port peer_port API_PORT < <(free_ports 3)
  SERVER=https://$ADDRESS:$API_PORT
  make_identity "$DIR/kubeconfig" admin "$SERVER" system:masters
  make_identity "$DIR/run/controller-manager.kubeconfig" system:kube-controller-manager "$SERVER"
  make_identity "$DIR/run/scheduler.kubeconfig" system:kube-scheduler "$SERVER"
  make_identity "$DIR/run/kube-proxy.kubeconfig" system:kube-proxy "$SERVER"
  make_identity "$DIR/run/coredns.kubeconfig" system:coredns "$SERVER"
  make_identity "$DIR/run/kubelet.kubeconfig" "system:node:$NODE_NAME" "$SERVER" system:nodes

  # Nothing in it outlives the cluster, so it need not reach the disk.
  start etcd "${PROGRAM[etcd]}" --unsafe-no-fsync --data-dir "$DIR/etcd" --log-level warn \
    --listen-client-urls "http://127.0.0.1:$etcd_port" --advertise-client-urls "http://127.0.0.1:$etcd_port" \
    --listen-peer-urls "http://127.0.0.1:$peer_port" --initial-advertise-peer-urls "http://127.0.0.1:$peer_port" \
    --initial-cluster "default=http://127.0.0.1:$peer_port"
  # The API server looks for etcd once a second: it starts faster when it finds it at the first look.
  await 30 "etcd's answer" ready_or_dead etcd listens 127.0.0.1 "$etcd_port"

  # On loopback it cannot be the address behind the service "kubernetes", and nobody needs it to be.
  [[ $ADDRESS != 127.* ]] || loopback=(--endpoint-reconciler-type none)
  start kube-apiserver "${PROGRAM[kube-apiserver]}" "${loopback[@]}" --etcd-servers "http://127.0.0.1:$etcd_port" \
    --bind-address "$ADDRESS" --advertise-address "$ADDRESS" --secure-port "$API_PORT" \
    --authorization-mode Node,RBAC --allow-privileged=true --profiling=false \
    --service-cluster-ip-range "$SERVICE_CIDR" --kubelet-preferred-address-types InternalIP \
    --client-ca-file "$DIR/pki/ca.crt" --token-auth-file "$DIR/pki/tokens.csv" \
    --tls-cert-file "$DIR/pki/apiserver.crt" --tls-private-key-file "$DIR/pki/apiserver.key" \
    --kubelet-client-certificate "$DIR/pki/apiserver-to-kubelet.crt" --kubelet-client-key "$DIR/pki/apiserver-to-kubelet.key" \
    --kubelet-certificate-authority "$DIR/pki/ca.crt" \
    --service-account-issuer https://kubernetes.default.svc.cluster.local \
    --service-account-key-file "$DIR/pki/service-accounts.key" --service-account-signing-key-file "$DIR/pki/service-accounts.key" \
    --audit-policy-file "$HERE/audit-policy.yaml" --audit-log-path "$DIR/log/audit.log" --audit-log-maxsize 4096
  await 60 "the API server's readiness" ready_or_dead kube-apiserver kubectl get --raw /readyz
}

listens() { (exec 3<>"/dev/tcp/$1/$2"); }

# start_controllers: with them namespaces get their service account, Jobs their pods, deletions their end.
# By default the manager holds itself back to 20 calls a second, which alone takes four seconds of its start.
start_controllers() {
  start kube-controller-manager "${PROGRAM[kube-controller-manager]}" --kubeconfig "$DIR/run/controller-manager.kubeconfig" --secure-port 0 --profiling=false \
    --use-service-account-credentials=true --leader-elect=false --kube-api-qps 500 --kube-api-burst 1000 --service-cluster-ip-range "$SERVICE_CIDR" \
    --root-ca-file "$DIR/pki/ca.crt" --service-account-private-key-file "$DIR/pki/service-accounts.key"
  await 60 "the default service account" ready_or_dead kube-controller-manager kubectl get -n default serviceaccount default
}

start_scheduler() {
  start kube-scheduler "${PROGRAM[kube-scheduler]}" --kubeconfig "$DIR/run/scheduler.kubeconfig" --secure-port 0 --profiling=false --leader-elect=false
}
