#!/usr/bin/env bash
# Prepares a Debian or Ubuntu machine: the system packages Sabot is built with, and a virtual environment in .venv.
#
#   tools/setup.sh [group...]     dependency groups of pyproject.toml; "build test" unless given. Beside them `flink`:
#                                 Java and Maven, for benchmarks/flink
#
# What is there already stays untouched, so a second run costs a second and needs neither network nor root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

groups=("$@")
[[ ${#groups[@]} -gt 0 ]] || groups=(build test)

packages=(
  g++ cmake ninja-build ccache git
  python3 python3-dev python3-venv
  libsleef-dev libtbb-dev libssl-dev librocksdb-dev nlohmann-json3-dev libzip-dev libexpat1-dev
  libgtest-dev libbenchmark-dev
)

has() {
  command -v "$1" >/dev/null
}

# Beside their Python packages, groups may need packages of the system; flink is no Python group at all. Only Debian has
# a package of a browser: tests that need one are skipped where there is none.
python_groups=()
for group in "${groups[@]}"; do
  case "$group" in
    flink) has javac && has mvn || packages+=(default-jdk-headless maven) ;;
    test) has chromium || has google-chrome || ! grep -qx 'ID=debian' /etc/os-release || packages+=(chromium) ;;&
    *) python_groups+=("$group") ;;
  esac
done

fail() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}

[[ "$(uname -s) $(uname -m)" == "Linux x86_64" ]] ||
  fail "Sabot runs on Linux x86-64 only for now; this machine is $(uname -s) $(uname -m)."

install_system_packages() {
  local package missing=() as_root=()
  command -v dpkg-query >/dev/null ||
    fail "no Debian or Ubuntu here. Install the equivalents of: ${packages[*]}. Then run again with SABOT_SETUP_SKIP_APT=1."
  for package in "${packages[@]}"; do
    [[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" == installed ]] || missing+=("$package")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  if [[ $EUID -ne 0 ]]; then
    command -v sudo >/dev/null ||
      fail "these packages are missing: ${missing[*]}. Become root, run 'apt-get install ${missing[*]}', and try again."
    as_root=(sudo)
  fi
  echo "setup: installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
}

# The first Python of at least 3.11 that can make a virtual environment; SABOT_PYTHON chooses another one.
choose_python() {
  local python
  for python in "${SABOT_PYTHON:-}" python3 /usr/bin/python3 python3.13 python3.12 python3.11; do
    [[ -n "$python" ]] || continue
    "$python" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
    echo "$python"
    return
  done
  fail "no Python of at least 3.11 with venv was found. Name one: SABOT_PYTHON=/path/to/python3 $0"
}

[[ -n "${SABOT_SETUP_SKIP_APT:-}" ]] || install_system_packages

if [[ ! -x .venv/bin/python ]]; then
  python="$(choose_python)"
  echo "setup: making .venv with $("$python" --version)"
  "$python" -m venv .venv
fi
# Dependency groups need pip 25.1.
.venv/bin/python -c 'import pip, sys; sys.exit(tuple(map(int, pip.__version__.split(".")[:2])) < (25, 1))' ||
  .venv/bin/python -m pip install --quiet --upgrade 'pip>=25.1'

arguments=()
for group in "${python_groups[@]}"; do arguments+=(--group "$group"); done
[[ ${#arguments[@]} -eq 0 ]] || .venv/bin/python -m pip install --quiet "${arguments[@]}"
mkdir -p .venv/stamps
for group in "${groups[@]}"; do touch ".venv/stamps/$group"; done
echo "setup: .venv has ${groups[*]}"
