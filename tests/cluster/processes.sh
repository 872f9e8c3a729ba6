# shellcheck shell=bash
# Starts processes that outlive the script, and later stops those and no others: a process is known by its id
# together with the time it started, so a recycled id is never mistaken for it. Sourced, never run.
# Expects DIR, with the folders run/ and log/ in it.

# start NAME COMMAND… in a session of its own; output goes to DIR/log/NAME.log. The files that make secrets are made
# under a tighter umask, which would close the roots of containers to their users if it were handed on.
start() {
  local name=$1
  shift
  # The record is written before the command takes the process over, so that no moment exists in which an
  # interrupted `up` leaves a process that `down` does not know.
  # shellcheck disable=SC2016
  setsid bash -c '
    stat=$(cat "/proc/$$/stat")
    read -ra fields <<<"${stat##*) }"
    printf "%s %s\n" "$$" "${fields[19]}" >"$0.new"
    mv "$0.new" "$0"
    umask 022
    exec "$@"' "$DIR/run/$name.pid" "$@" >"$DIR/log/$name.log" 2>&1 </dev/null 9>&- &
  await 5 "the start of $name" test -s "$DIR/run/$name.pid"
}

# started_at PID: the kernel's start time of a process, in clock ticks since boot; fails when there is none.
started_at() {
  local stat fields
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  # The command name before ") " may hold anything, spaces included.
  stat=${stat##*) }
  read -ra fields <<<"$stat"
  # A zombie has ended: it only waits to be collected.
  [[ ${fields[0]} != Z ]] && printf '%s' "${fields[19]}"
}

# pid_of NAME: the process, when it still is the one that was started.
pid_of() {
  local pid since
  read -r pid since 2>/dev/null <"$DIR/run/$1.pid" || return 1
  [[ $(started_at "$pid") == "$since" ]] && printf '%s' "$pid"
}

runs() { pid_of "$1" >/dev/null; }

gone() { ! runs "$1"; }

# stop NAME [SECONDS]: asks it to end, and ends it when it has not within that time.
stop() {
  local name=$1 limit=${2:-5} pid deadline
  if pid=$(pid_of "$name"); then
    kill -TERM "$pid" 2>/dev/null || true
    deadline=$((SECONDS + limit))
    while runs "$name"; do
      if ((SECONDS >= deadline)); then
        kill -KILL "$pid" 2>/dev/null || true
        await 10 "the end of $name" gone "$name"
      fi
      sleep 0.02
    done
  fi
  rm -f "$DIR/run/$name.pid"
}

# ready_or_dead NAME COMMAND…: true as soon as the command succeeds; ends the script when the process is gone.
ready_or_dead() {
  local name=$1
  shift
  "$@" >/dev/null 2>&1 && return 0
  runs "$name" && return 1
  say "--- the end of $DIR/log/$name.log"
  tail -n 15 "$DIR/log/$name.log" >&2 || true
  die "$name ended while it was waited for; its last words are above"
}

# free_ports COUNT: TCP ports that nobody listens on. Taken below the range from which the kernel picks ports for
# outgoing connections and below the node ports, so that neither takes one away before it is used.
free_ports() {
  python3 - "$1" <<'PYTHON'
import random, socket, sys

wanted, found = int(sys.argv[1]), []
for port in random.SystemRandom().sample(range(20000, 30000), 1000):
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:
            continue
    found.append(str(port))
    if len(found) == wanted:
        break
print(*found)
PYTHON
}
