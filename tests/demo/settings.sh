# shellcheck shell=bash
# What the demo and the end-to-end tests share: names, folders, and the commands that reach the cluster.
# Sourced, from the repository's root.

# shellcheck source=tests/environment/cache.sh
source tests/environment/cache.sh

DEMO_DIR="${AWSCOST_DEMO_DIR:-/var/tmp/awscost-demo}"
SYSTEM=awscost-system
TENANT=finops
AWS=aws-sandbox
ENDPOINT="http://aws.$AWS.svc.cluster.local:4566"
SAMPLES=tests/demo/samples
export DEMO_DIR SYSTEM TENANT AWS ENDPOINT SAMPLES

# enter_cluster: kubectl, helm and KUBECONFIG of the demo's own cluster, never of another.
enter_cluster() {
    [[ -e "$DEMO_DIR/env" ]] || give_up "the demo's cluster is not up: make demo"
    # shellcheck source=/dev/null
    source "$DEMO_DIR/env"
}

# sandbox_address: where the host reaches the sandbox's Service, whose name it does not resolve. On kind that is a node port.
sandbox_address() {
    if [[ -n "${NODE_PORT_ADDRESS:-}" ]]; then
        printf 'http://%s' "$NODE_PORT_ADDRESS"
        return
    fi
    printf 'http://%s:4566' "$(kubectl -n "$AWS" get service aws -o jsonpath='{.spec.clusterIP}')"
}
