#!/usr/bin/env bash
# Proves that a fresh Debian 12 needs nothing but `make`: makes a minimal Debian in a temporary folder, copies the tree as
# git knows it there, and runs the given targets of the Makefile inside, one after the other.
#
#   tests/system/fresh_machine.sh [target...]       "demo test" unless given
#
# Needs root, debootstrap, 5 GB and the network. How packages are reached (apt sources, certificates, proxies, pip
# settings) is taken over from this machine. SABOT_FRESH_KEEP=1 leaves the folder for a look around.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

targets=("$@")
[[ ${#targets[@]} -gt 0 ]] || targets=(demo test)

if [[ $EUID -ne 0 ]] || ! command -v debootstrap >/dev/null; then
  echo "fresh_machine: needs root and debootstrap (apt-get install debootstrap)" >&2
  exit 77
fi

root="$(mktemp -d)"
chmod 755 "$root"
clean_up() {
  local path
  for path in dev/pts dev/shm dev proc; do
    if mountpoint -q "$root/$path"; then umount "$root/$path" || umount --lazy "$root/$path"; fi
  done
  if [[ -n "${SABOT_FRESH_KEEP:-}" ]]; then
    echo "fresh_machine: left in $root"
  else
    rm -rf --one-file-system "$root"
  fi
}
trap clean_up EXIT

# The first Debian mirror this machine uses, in either form of apt's lists.
mirror="$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
  grep -oE '^(URIs:|deb( \[[^]]*\])?) *[a-z]+://[^ ]+/debian/?( |$)' | grep -oE '[a-z]+://[^ ]+' | head -n 1 || true)"
echo "=== debootstrap"
debootstrap --variant=minbase --include=make,git,ca-certificates bookworm "$root" ${mirror:+"$mirror"} >/dev/null

for path in /etc/resolv.conf /etc/hosts /etc/pip.conf /etc/ssl/certs/ca-certificates.crt \
  /etc/apt/apt.conf.d/*proxy* /etc/apt/apt.conf.d/*cert* "$HOME/.config/pip/pip.conf" "$HOME/.pip/pip.conf"; do
  [[ -e "$path" ]] || continue
  mkdir -p "$root/$(dirname "${path/#$HOME//root}")"
  cp -L "$path" "$root/${path/#$HOME//root}"
done
rm -f "$root/etc/apt/sources.list"
for path in /etc/apt/sources.list /etc/apt/sources.list.d/debian*; do
  if [[ -e "$path" ]]; then cp -L "$path" "$root/$path"; fi
done

mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/dev/shm"
mount -t devpts -o ptmxmode=666 devpts "$root/dev/pts"
mkdir "$root/sabot"
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
  if [[ -e "$file" ]]; then printf '%s\0' "$file"; fi
done | tar --null --files-from=- --create | tar --extract --directory="$root/sabot"

# Of the environment only what leads to packages.
environment=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8)
while IFS= read -r -d '' variable; do
  case "${variable%%=*}" in
    PIP_FIND_LINKS) ;;  # A folder of this machine.
    http_proxy | https_proxy | no_proxy | HTTP_PROXY | HTTPS_PROXY | NO_PROXY | PIP_* | SSL_CERT_FILE | REQUESTS_CA_BUNDLE)
      environment+=("$variable")
      ;;
  esac
done < <(env -0)

for target in "${targets[@]}"; do
  started=$SECONDS
  echo "=== make $target"
  chroot "$root" /usr/bin/env -i "${environment[@]}" make -C /sabot "$target" </dev/null
  echo "=== make $target: $((SECONDS - started)) s"
done
