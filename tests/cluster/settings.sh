# shellcheck shell=bash
# What every script of the cluster agrees on: versions, addresses, where things are kept, how they speak.
# Sourced, never run.
# shellcheck disable=SC2034 # read by the scripts that source it

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Where Debian keeps iptables and ip, and a plain user's shell does not look.
PATH=$PATH:/usr/sbin:/sbin
CACHE=${AWSCOST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/awscost}

# Everything of a node lives on a bridge of its own, so nothing listens on an outside address.
BRIDGE=awscost0
NODE_ADDRESS=10.87.0.1
POD_CIDR=10.87.0.0/24
SERVICE_CIDR=10.96.0.0/16
SERVICE_ADDRESS=10.96.0.1
# Names the CNI network and, as a comment, every firewall rule that is ours.
NETWORK=awscost-cluster
# Says that a folder is a cluster of ours: `down` removes no folder without it.
MARKER=.awscost-cluster

# Progress goes to standard error: standard output is kept for answers.
say() { printf '%s\n' "$*" >&2; }

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# step TEXT COMMAND… runs the command and prints the seconds it took.
step() {
  local text=$1 started=$EPOCHREALTIME
  shift
  "$@"
  say "$(printf '%8.1f s  %s' "$(seconds_since "$started")" "$text")"
}

# EPOCHREALTIME has six decimals behind a point or a comma, by locale: without it, microseconds.
seconds_since() {
  local micros=$((${EPOCHREALTIME//[.,]/} - ${1//[.,]/}))
  printf '%d.%06d' $((micros / 1000000)) $((micros % 1000000))
}

have() { command -v "$1" >/dev/null 2>&1; }

# await SECONDS WHAT COMMAND… runs the command every 50 ms until it succeeds.
await() {
  local limit=$1 what=$2 deadline
  shift 2
  deadline=$((SECONDS + limit))
  until "$@"; do
    ((SECONDS < deadline)) || die "$what did not happen within $limit s"
    sleep 0.05
  done
}

# cluster_folder NAME: where a cluster lives when no --dir is given. On disk, and short, as sockets go into it.
cluster_folder() { printf '/var/tmp/awscost-%s' "$1"; }

check_name() {
  [[ $1 =~ ^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$ ]] ||
    die "the cluster name \"$1\" must be 1 to 32 lower-case letters, digits and dashes"
}

# kind takes over where it can: Docker answers and kind is installed. AWSCOST_CLUSTER=node asks for a node all the same.
kind_usable() { [[ ${AWSCOST_CLUSTER:-} != node ]] && have kind && have docker && docker info >/dev/null 2>&1; }
