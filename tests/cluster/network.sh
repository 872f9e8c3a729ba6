# shellcheck shell=bash
# What a node changes on the machine outside its own folder: a bridge, firewall rules, kernel settings, cgroups.
# Makes it, remembers what was there before, and takes it all back. Sourced, never run.
# Expects DIR and the functions of settings.sh.

# Which cluster has the machine's one place for a node.
CLAIM=/run/awscost-cluster
# Kernel settings that the node needs or that kubelet and kube-proxy change by themselves.
KERNEL_SETTINGS="net.ipv4.ip_forward net.ipv4.conf.all.route_localnet net.bridge.bridge-nf-call-iptables
  net.bridge.bridge-nf-call-ip6tables net.netfilter.nf_conntrack_max net.netfilter.nf_conntrack_tcp_be_liberal
  vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops kernel.keys.root_maxkeys kernel.keys.root_maxbytes"
# Folders that containerd, the network plugins and kubelet make at fixed places, inner ones first.
OUTSIDE_FOLDERS="/run/containerd/s /run/containerd/runc/k8s.io /run/containerd/runc /run/containerd /var/lib/cni/results /var/lib/cni
  /var/lib/kubelet/device-plugins /var/lib/kubelet /var/log/containers /etc/cni/net.d /etc/cni"

# claim_machine: fails when another node is there, ours or not, before anything is touched.
claim_machine() {
  local other setting folder
  if other=$(cat "$CLAIM" 2>/dev/null) && [[ -e $other/$MARKER ]]; then
    die "a node is already up in $other: \"tests/cluster/down --dir $other\" removes it"
  fi
  if iptables-save -t nat 2>/dev/null | grep -q '^:KUBE-SERVICES'; then
    die "the firewall holds the KUBE- chains of another Kubernetes node: two nodes cannot share a machine"
  fi
  [[ -z $(pod_cgroups) ]] || die "another kubelet's cgroup $(pod_cgroups | head -n 1) exists: two nodes cannot share a machine"
  if ip -o address show | grep -qF " $NODE_ADDRESS/"; then
    die "the address $NODE_ADDRESS is already in use on this machine"
  fi
  if ip link show "$BRIDGE" >/dev/null 2>&1; then
    die "the network interface $BRIDGE already exists: if it is left over, \"ip link delete $BRIDGE\" removes it"
  fi
  load_kernel_modules
  for setting in $KERNEL_SETTINGS; do
    if folder=$(sysctl -n "$setting" 2>/dev/null); then printf '%s=%s\n' "$setting" "$folder"; fi
  done >"$DIR/run/kernel-settings"
  for folder in $OUTSIDE_FOLDERS; do
    [[ -e $folder ]] || printf '%s\n' "$folder"
  done >"$DIR/run/outside-folders"
  # From here on `down` has something to take back.
  printf '%s\n' "$DIR" >"$CLAIM"
}

# Built into some kernels, so that only the result counts.
load_kernel_modules() {
  modprobe -qa br_netfilter overlay 2>/dev/null || true
  [[ -e /proc/sys/net/bridge/bridge-nf-call-iptables ]] ||
    die "the kernel lacks br_netfilter: without it pods cannot reach each other through a Service"
  grep -qw overlay /proc/filesystems || die "the kernel lacks the overlay file system: containerd cannot unpack images without it"
}

make_network() {
  ip link add "$BRIDGE" type bridge
  ip address add "$NODE_ADDRESS/24" dev "$BRIDGE"
  ip link set "$BRIDGE" up
  # The machine itself reaches Services even when it has no other network.
  ip route add "$SERVICE_CIDR" dev "$BRIDGE"
  sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1
  # Docker, where it is installed, drops what is forwarded for others.
  iptables -w -I FORWARD -i "$BRIDGE" -m comment --comment "$NETWORK" -j ACCEPT
  iptables -w -I FORWARD -o "$BRIDGE" -m comment --comment "$NETWORK" -j ACCEPT
  iptables -w -t nat -A POSTROUTING -s "$POD_CIDR" ! -o "$BRIDGE" -m comment --comment "$NETWORK" -j MASQUERADE
}

pod_cgroups() { find /sys/fs/cgroup -maxdepth 2 -type d -name kubepods 2>/dev/null; }

# release_machine: the counterpart of claim_machine and make_network; does nothing when the machine is not ours.
release_machine() {
  [[ $(cat "$CLAIM" 2>/dev/null) == "$DIR" ]] || return 0
  local table cgroup setting folder link
  for table in filter nat mangle; do
    remove_rules iptables "$table"
    remove_rules ip6tables "$table"
  done
  ip link delete "$BRIDGE" 2>/dev/null || true
  pod_cgroups | while read -r cgroup; do
    find "$cgroup" -depth -type d -exec rmdir {} \; 2>/dev/null || true
  done
  # What the network plugins remember of interfaces in our pods.
  for link in /var/lib/cni/results/*; do
    if grep -qsF "$DIR/" "$link"; then rm -f "$link"; fi
  done
  # Links that kubelet made to logs in our folder.
  for link in /var/log/containers/*.log; do
    [[ $(readlink "$link" 2>/dev/null) != "$DIR"/* ]] || rm -f "$link"
  done
  # Sockets of the ended shims and kubelet: nobody listens on them any more.
  for link in /run/containerd/s/* /var/lib/kubelet/device-plugins/kubelet.sock; do
    if [[ -S $link ]] && ! grep -qF "$link" /proc/net/unix; then rm -f "$link"; fi
  done
  while read -r setting; do
    sysctl -qw "$setting" 2>/dev/null || true
  done < <(cat "$DIR/run/kernel-settings" 2>/dev/null)
  while read -r folder; do
    rmdir "$folder" 2>/dev/null || true
  done < <(cat "$DIR/run/outside-folders" 2>/dev/null)
  rm -f "$CLAIM"
}

# remove_rules PROGRAM TABLE: our own rules, and the chains of kubelet and kube-proxy with every rule that leads to
# them. The machine had no such chain when the cluster came up, so all of them are ours. One transaction a table.
remove_rules() {
  local program=$1 table=$2 saved
  saved=$("$program-save" -t "$table" 2>/dev/null) || return 0
  grep -qE "KUBE-|$NETWORK" <<<"$saved" || return 0
  {
    printf '*%s\n' "$table"
    grep -E '^-A ' <<<"$saved" | grep -vE '^-A KUBE-' | grep -E -- "-j KUBE-|--comment \"?$NETWORK\"?( |$)" | sed 's/^-A /-D /' || true
    sed -nE 's/^:(KUBE-[^ ]+) .*/-F \1/p' <<<"$saved"
    sed -nE 's/^:(KUBE-[^ ]+) .*/-X \1/p' <<<"$saved"
    printf 'COMMIT\n'
  } | "$program-restore" -w --noflush || say "the $program rules of the table $table could not be removed"
}
