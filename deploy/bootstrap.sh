#!/usr/bin/env bash
# Makes .venv hold exactly what requirements.lock says, each package checked by its hash.
# Comes in: a Python 3.11 (TIDEMARK_PYTHON chooses another). Goes out: .venv. Next: `make run`.
# Nothing is done when .venv was made here from the same lock by the same Python.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Unpack Debian's pip wheel into the folder $1, without root and without changing the system:
# apt works on the host's own sources, but in private state.
fetch_pip() {
    local state=$1
    mkdir -p "$state/lists/partial" "$state/archives/partial"
    chmod -R a+rX "$state"
    (
        cd "$state/archives"
        set -- -qq -o Dir::State::lists="$state/lists" -o Dir::Cache="$state" \
            -o Acquire::Languages=none
        apt-get "$@" update && apt-get "$@" download python3-pip-whl && dpkg -x ./*.deb "$state"
    ) >"$state/log" 2>&1 || fail "this Python has no ensurepip, and Debian's pip could not be" \
        "fetched ($(tail -n 1 "$state/log")): install the package python3-venv"
}

# Count the packages pip takes up: on one line of a terminal, in silence elsewhere.
show_progress() {
    local count=0 line
    while IFS= read -r line; do
        [[ $line == Collecting* ]] || continue
        count=$((count + 1))
        [[ ! -t 1 ]] || printf '\r  %d of %d packages' "$count" "$1"
    done
    [[ ! -t 1 ]] || printf '\r\033[K'
}

lock=requirements.lock
[[ -f $lock ]] || fail "$PWD/$lock is missing: it belongs to the checkout, git can restore it"
python=$(command -v "${TIDEMARK_PYTHON:-python3.11}" || command -v python3) ||
    fail "no python3.11 was found: install the package python3, or set TIDEMARK_PYTHON"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$python is $("$python" --version): Tidemark needs 3.11 or newer, set TIDEMARK_PYTHON"

exec 9<"$lock"
flock 9 # two runs in one checkout take turns
made_from="$(sha256sum <"$lock") $("$python" --version) $PWD"
if [[ -x .venv/bin/python && $(cat .venv/made-from 2>/dev/null) == "$made_from" ]]; then
    exit 0
fi

[[ -w . && (! -e .venv || -w .venv) ]] ||
    fail "$(id -un) may not write $PWD/.venv: run as $(stat -c %U .), or in a clone of your own"

began=$SECONDS
total=$(grep -c '^[A-Za-z0-9]' "$lock" || true)
printf 'python packages: installing %d from %s into .venv\n' "$total" "$lock"
if "$python" -c 'import ensurepip' 2>/dev/null; then
    "$python" -m venv --clear .venv
else
    "$python" -m venv --clear --without-pip .venv
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    fetch_pip "$scratch"
    wheel=$(echo "$scratch"/usr/share/python-wheels/pip-*.whl)
    .venv/bin/python "$wheel/pip" install --quiet --no-index --no-deps "$wheel"
fi
.venv/bin/python -m pip install --require-hashes --no-deps --no-compile --disable-pip-version-check \
    --progress-bar off -r "$lock" 2>&1 | tee .venv/pip.log | show_progress "$total" ||
    fail "pip could not install $lock; the end of .venv/pip.log: $(tail -n 15 .venv/pip.log)"
printf '%s\n' "$made_from" >.venv/made-from
printf '  done (%d s, %d MB)\n' $((SECONDS - began)) "$(du -sm .venv | cut -f 1)"
