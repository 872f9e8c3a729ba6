# shellcheck shell=bash
# The node: containerd, kubelet, kube-proxy and the names. Sourced, never run.
# Expects DIR, NODE_NAME, ADDRESS, PROGRAM, the functions of settings.sh and processes.sh.

start_containerd() {
  mkdir -p "$DIR/cni/conf"
  # The firewall rules of network.sh take the place of the plugin's own masquerading, which leaves chains behind.
  cat >"$DIR/cni/conf/10-$NETWORK.conflist" <<JSON
{"cniVersion": "0.4.0", "name": "$NETWORK", "plugins": [{
  "type": "bridge", "bridge": "$BRIDGE", "isGateway": true, "hairpinMode": true, "ipMasq": false,
  "ipam": {"type": "host-local", "dataDir": "$DIR/cni/addresses", "ranges": [[{"subnet": "$POD_CIDR"}]],
           "routes": [{"dst": "0.0.0.0/0"}]}}]}
JSON
  cat >"$DIR/run/containerd.toml" <<TOML
version = 2
root = "$DIR/containerd"
state = "$DIR/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.tracing"]
[grpc]
address = "$DIR/run/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
path = "$DIR/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "localhost/pause:1"
# Whoever runs this may not be allowed to shield processes from the kernel's out-of-memory choice.
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "$DIR/cni/conf"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
default_runtime_name = "runc"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
Root = "$DIR/run/runc"
TOML
  start containerd containerd --config "$DIR/run/containerd.toml" --log-level warn
}

node_ctr() { ctr --address "$DIR/run/containerd.sock" --namespace k8s.io "$@"; }

# load_pause: the image that holds each pod together.
load_pause() {
  "$HERE/image" --binary "${PROGRAM[pause]}" --name localhost/pause:1 --entrypoint /pause --out "$DIR/run/pause.tar" >/dev/null
  await 20 "containerd's answer" ready_or_dead containerd node_ctr version
  node_ctr images import "$DIR/run/pause.tar" >/dev/null
}

start_kubelet() {
  local port
  port=$(free_ports 1)
  make_certificate kubelet "/O=system:nodes/CN=system:node:$NODE_NAME" serverAuth "IP:$ADDRESS,DNS:$NODE_NAME"
  mkdir -p "$DIR/kubelet" "$DIR/pods"
  # Works on cgroup v1 and v2, without systemd and with swap. The disk may be nearly full of build caches: nothing is
  # evicted and no image removed for that.
  cat >"$DIR/run/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $ADDRESS
port: $port
readOnlyPort: 0
healthzPort: 0
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: $DIR/pki/ca.crt}
authorization: {mode: Webhook}
tlsCertFile: $DIR/pki/kubelet.crt
tlsPrivateKeyFile: $DIR/pki/kubelet.key
containerRuntimeEndpoint: unix://$DIR/run/containerd.sock
cgroupDriver: cgroupfs
failCgroupV1: false
failSwapOn: false
oomScoreAdj: 0
localStorageCapacityIsolation: false
featureGates: {KubeletInUserNamespace: true}
evictionHard: {memory.available: "0%", nodefs.available: "0%", nodefs.inodesFree: "0%", imagefs.available: "0%", imagefs.inodesFree: "0%"}
# An image that was once pulled with a password would ask every pod for it, though it was loaded here before.
imagePullCredentialsVerificationPolicy: NeverVerify
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
clusterDNS: [$NODE_ADDRESS]
clusterDomain: cluster.local
resolvConf: ""
podLogsDir: $DIR/pods
volumePluginDir: $DIR/kubelet/volume-plugins
YAML
  start kubelet "${PROGRAM[kubelet]}" --config "$DIR/run/kubelet.yaml" --kubeconfig "$DIR/run/kubelet.kubeconfig" \
    --root-dir "$DIR/kubelet" --cert-dir "$DIR/pki" --node-ip "$ADDRESS" --hostname-override "$NODE_NAME"
}

start_kube_proxy() {
  local health metrics
  read -r health metrics < <(free_ports 2)
  # The connection tracker's limits are the machine's own: 0 leaves them alone.
  cat >"$DIR/run/kube-proxy.yaml" <<YAML
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: $DIR/run/kube-proxy.kubeconfig}
hostnameOverride: $NODE_NAME
mode: iptables
clusterCIDR: $POD_CIDR
healthzBindAddress: 127.0.0.1:$health
metricsBindAddress: 127.0.0.1:$metrics
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
iptables: {localhostNodePorts: false}
YAML
  start kube-proxy "${PROGRAM[kube-proxy]}" --config "$DIR/run/kube-proxy.yaml"
}

start_coredns() {
  kubectl apply -f "$HERE/coredns-access.yaml" >/dev/null
  cat >"$DIR/run/Corefile" <<CONF
cluster.local:53 10.in-addr.arpa:53 {
    bind $NODE_ADDRESS
    errors
    ready $NODE_ADDRESS:8181
    cache 5
    kubernetes cluster.local 10.in-addr.arpa {
        kubeconfig $DIR/run/coredns.kubeconfig
    }
}
CONF
  start coredns "${PROGRAM[coredns]}" -conf "$DIR/run/Corefile"
  await 30 "an answer of CoreDNS" ready_or_dead coredns resolves kubernetes.default.svc.cluster.local "$SERVICE_ADDRESS"
}

# resolves NAME ADDRESS: asks CoreDNS itself, as the machine does not know the cluster's names.
resolves() {
  python3 - "$NODE_ADDRESS" "$1" "$2" <<'PYTHON'
import socket, struct, sys

server, name, wanted = sys.argv[1:]
question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0" + struct.pack(">HH", 1, 1)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    client.settimeout(1)
    client.sendto(struct.pack(">HHHHHH", 1, 0x100, 1, 0, 0, 0) + question, (server, 53))
    sys.exit(not client.recv(512).endswith(socket.inet_aton(wanted)))
PYTHON
}

node_ready() {
  [[ $(kubectl get node "$NODE_NAME" -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}{.spec.taints}') == True ]]
}
