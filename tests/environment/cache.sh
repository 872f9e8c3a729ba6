# shellcheck shell=bash
# Where everything that tests and the demo need is kept: outside the checkout, keyed by version, and
# optional - whatever is missing is built or installed again. Sourced by the other scripts.

AWSCOST_CACHE="${AWSCOST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/awscost}"
export AWSCOST_CACHE
mkdir -p "$AWSCOST_CACHE"

# One target folder a compiler version, shared by every checkout on the machine.
if command -v rustc >/dev/null; then
    CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$AWSCOST_CACHE/target/$(rustc --version | cut -d' ' -f2)}"
    export CARGO_TARGET_DIR
fi

# say SENTENCE: progress, on stderr.
say() { printf '%s\n' "$*" >&2; }

# give_up SENTENCE: the one clear sentence a failed set-up ends with.
give_up() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# need COMMAND SENTENCE: fails with the sentence when the command is not there.
need() { command -v "$1" >/dev/null || give_up "$2"; }
