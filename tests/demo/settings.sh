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

# load_image NAME: makes the image localhost/NAME:dev of a built program, and puts it onto the cluster's node.
load_image() {
    local archive="$DEMO_DIR/$1.tar"
    tests/cluster/image --binary "$CARGO_TARGET_DIR/debug/$1" --name "localhost/$1:dev" --entrypoint "/$1" --out "$archive"
    tests/cluster/load-image --dir "$DEMO_DIR" "$archive"
    rm -f "$archive"
}

# start_sandbox WORLD: the AWS sandbox as a pod, with a world file; comes back once it answers.
start_sandbox() {
    kubectl -n "$AWS" create configmap world --from-file=world.yaml="$1" --dry-run=client --output yaml |
        kubectl apply --filename - >/dev/null
    kubectl apply --filename tests/demo/sandbox.yaml >/dev/null
    if [[ -n "${NODE_PORT:-}" ]]; then
        kubectl -n "$AWS" patch service aws --patch \
            '{"spec": {"type": "NodePort", "ports": [{"port": 4566, "nodePort": '"$NODE_PORT"'}]}}' >/dev/null
    fi
    kubectl -n "$AWS" rollout status deployment/aws --timeout=120s >/dev/null ||
        give_up "the sandbox's pod does not get ready: kubectl -n $AWS describe pods"
    # A ready pod is not yet a Service that answers: kube-proxy has to learn of it first.
    curl --silent --fail --output /dev/null --retry 60 --retry-connrefused --retry-delay 1 --max-time 5 \
        "$(sandbox_address)/_sandbox/healthz" || give_up "the sandbox does not answer at its Service address"
}

# sandbox_address: where the host reaches the sandbox's Service, whose name it does not resolve. On kind that is a node port.
sandbox_address() {
    if [[ -n "${NODE_PORT_ADDRESS:-}" ]]; then
        printf 'http://%s' "$NODE_PORT_ADDRESS"
        return
    fi
    printf 'http://%s:4566' "$(kubectl -n "$AWS" get service aws -o jsonpath='{.spec.clusterIP}')"
}
