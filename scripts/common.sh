# shellcheck shell=bash
#
# What scripts/capi, scripts/demo, scripts/test, scripts/softhsm, scripts/wine-oracle and scripts/lint have in common:
# finding and installing tools, finding SoftHSM2, talking. It is sourced, not run.
#
# Variables it reads: ASSUME_YES=1 answers its questions with yes,
# SOFTHSM2_MODULE names the SoftHSM2 library where it is in none of the usual places.
# It stays with what bash 3.2 knows, because that is what macOS ships.

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  sed -n '3,/^$/s/^# \{0,1\}//p' "$0"
  exit 2
fi

ROOT=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
ASSUME_YES=${ASSUME_YES:-0}
# shellcheck disable=SC2034 # used by those who source this
BOLD='' DIM='' RED='' GREEN='' RESET=''
if [ -t 1 ] && [ -t 2 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
  # shellcheck disable=SC2034
  BOLD=$'\033[1m' DIM=$'\033[2m' RED=$'\033[31m' GREEN=$'\033[32m' RESET=$'\033[0m'
fi

# ---- talking -----------------------------------------------------------------------------------

# The comment at the head of a script is its help.
show_help() { sed -n '3,/^$/s/^# \{0,1\}//p' "$0"; }

note() { printf '%s%s%s\n' "$DIM" "$*" "$RESET" >&2; }
warn() { printf '%s%s: %s%s\n' "$BOLD" "${0##*/}" "$*" "$RESET" >&2; }
die() {
  printf '%s%s: %s%s\n' "$RED" "${0##*/}" "$1" "$RESET" >&2
  shift
  while [ $# -gt 0 ]; do
    printf 'hint: %s\n' "$1" >&2
    shift
  done
  exit 1
}
usage_error() {
  printf '%s: %s\nhint: %s --help\n' "${0##*/}" "$1" "$0" >&2
  exit 2
}

have() { command -v "$1" >/dev/null 2>&1; }

# confirm QUESTION: yes by --yes or by a person at a terminal, otherwise no.
confirm() {
  local answer=''
  [ "$ASSUME_YES" = 1 ] && return 0
  [ -t 0 ] || return 1
  printf '%s [y/N] ' "$1" >&2
  read -r answer || return 1
  case $answer in [yY] | [yY][eE][sS]) return 0 ;; *) return 1 ;; esac
}

# say_and_do COMMAND...: for what changes the machine.
say_and_do() {
  note "+ $*"
  "$@"
}

# minutes SECONDS
minutes() { printf '%dm %02ds' $(($1 / 60)) $(($1 % 60)); }

# first_file PATH...: prints the first that is there.
first_file() {
  local candidate
  for candidate in "$@"; do
    if [ -f "$candidate" ]; then
      printf '%s\n' "$candidate"
      return 0
    fi
  done
  return 1
}

# Nothing of the caller's own set-up may lead to a real token, and no PIN of the caller's may reach what is built, installed or run.
forget_tokens() {
  unset CNG11_MODULE CNG11_MODULE_INIT CNG11_TOKEN CNG11_PIN CNG11_SO_PIN CNG11_PIN_SOURCE CNG11_LOGIN CNG11_CONFIG SOFTHSM2_CONF KRYOPTIC_CONF P11_KIT_SERVER_ADDRESS TPM2_PKCS11_STORE TPM2_PKCS11_TCTI TPM2TOOLS_TCTI
}

# ---- SoftHSM2 ----------------------------------------------------------------------------------

# The PKCS#11 library of SoftHSM2. The user's CNG11_MODULE is left out on purpose: it may well be
# a production HSM, and nothing throwaway belongs there.
softhsm_module() {
  first_file \
    ${SOFTHSM2_MODULE:+"$SOFTHSM2_MODULE"} \
    /usr/lib/softhsm/libsofthsm2.so \
    /usr/lib/*-linux-gnu*/softhsm/libsofthsm2.so \
    /usr/lib64/pkcs11/libsofthsm2.so \
    /usr/lib64/softhsm/libsofthsm2.so \
    /usr/lib64/libsofthsm2.so \
    /usr/lib/pkcs11/libsofthsm2.so \
    /usr/lib/libsofthsm2.so \
    ${HOMEBREW_PREFIX:+"$HOMEBREW_PREFIX/lib/softhsm/libsofthsm2.so"} \
    /opt/homebrew/lib/softhsm/libsofthsm2.so \
    /usr/local/lib/softhsm/libsofthsm2.so
}

# ---- packages ----------------------------------------------------------------------------------

opensc_module() {
  first_file /usr/lib/*-linux-gnu*/opensc-pkcs11.so /usr/lib64/opensc-pkcs11.so /usr/lib64/pkcs11/opensc-pkcs11.so \
    /usr/lib/pkcs11/opensc-pkcs11.so /usr/lib/opensc-pkcs11.so /opt/homebrew/lib/opensc-pkcs11.so /usr/local/lib/opensc-pkcs11.so
}
opensc_module_present() { opensc_module >/dev/null; }

# pcscd, and the driver of a reader whose cards are programs.
virtual_reader_present() {
  have pcscd && first_file /usr/lib/pcsc/drivers/serial/libifdvpcd.so /usr/lib64/pcsc/drivers/serial/libifdvpcd.so \
    /usr/local/lib/pcsc/drivers/serial/libifdvpcd.so >/dev/null
}

# A compiler without the C library's headers and start files links nothing, so try it.
can_compile_c() {
  local dir rc=0
  have cc || return 1
  dir=$(mktemp -d) || return 1
  printf '#include <stdio.h>\nint main(void) { return puts("") < 0; }\n' >"$dir/a.c"
  cc -o "$dir/a" "$dir/a.c" >/dev/null 2>&1 || rc=1
  rm -rf -- "$dir"
  return "$rc"
}

p11_kit_client() {
  first_file /usr/lib/*-linux-gnu*/pkcs11/p11-kit-client.so /usr/lib64/pkcs11/p11-kit-client.so /usr/lib/pkcs11/p11-kit-client.so \
    /opt/homebrew/lib/pkcs11/p11-kit-client.so
}

# NSS's softokn.
nss_module() {
  first_file /usr/lib/*-linux-gnu*/libsoftokn3.so /usr/lib/*-linux-gnu*/nss/libsoftokn3.so /usr/lib64/libsoftokn3.so \
    /usr/lib/libsoftokn3.so /opt/homebrew/opt/nss/lib/libsoftokn3.dylib
}

# The library in front of openCryptoki's tokens.
opencryptoki_module() {
  first_file /usr/lib/*-linux-gnu*/pkcs11/libopencryptoki.so /usr/lib64/pkcs11/libopencryptoki.so /usr/lib64/opencryptoki/libopencryptoki.so \
    /usr/lib/pkcs11/libopencryptoki.so
}

# The library in front of a TPM.
tpm2_module() {
  first_file /usr/lib/*-linux-gnu*/pkcs11/libtpm2_pkcs11.so /usr/lib/*-linux-gnu*/libtpm2_pkcs11.so.1 /usr/lib64/pkcs11/libtpm2_pkcs11.so \
    /usr/lib64/libtpm2_pkcs11.so.1 /usr/lib/pkcs11/libtpm2_pkcs11.so
}

# What bindgen loads.
libclang_present() {
  local candidate
  for candidate in ${LIBCLANG_PATH:+"$LIBCLANG_PATH"/libclang*} /usr/lib/llvm-*/lib/libclang*.so* /usr/lib/*-linux-gnu*/libclang*.so* \
    /usr/lib64/libclang*.so* /usr/lib64/llvm*/lib/libclang*.so* /usr/lib/libclang*.so* /opt/homebrew/opt/llvm/lib/libclang.dylib; do
    [ -e "$candidate" ] && return 0
  done
  return 1
}

# Debian's wine64 alone puts nothing into PATH.
wine_program() {
  local candidate
  for candidate in ${WINE:+"$WINE"} wine64 wine /usr/lib/wine/wine64 /usr/lib/wine/wine; do
    command -v "$candidate" && return 0
  done
  return 1
}

tool_present() {
  case $1 in
    softhsm) have softhsm2-util && softhsm_module >/dev/null ;;
    opensc) have pkcs11-tool ;;
    opensc-module) opensc_module_present ;;
    openssl) have openssl ;;
    cc) can_compile_c ;;
    c++) have c++ && can_compile_c ;;
    gnutls) have p11tool && have certtool ;;
    curl) have curl ;;
    p11-kit) have p11-kit && p11_kit_client >/dev/null ;;
    openpgp) virtual_reader_present ;;
    nss) have certutil && nss_module >/dev/null ;;
    opencryptoki) have unshare && opencryptoki_module >/dev/null && first_file /usr/sbin/pkcsslotd >/dev/null ;;
    tpm2) have swtpm && have dbus-daemon && have tpm2_ptool && tpm2_module >/dev/null && first_file /usr/sbin/tpm2-abrmd /usr/bin/tpm2-abrmd >/dev/null ;;
    kryoptic-build) have pkg-config && pkg-config --exists 'openssl >= 3.0' sqlite3 && have clang && libclang_present ;;
    python) have python3 && python3 -c 'import cryptography' >/dev/null 2>&1 ;;
    wine) wine_program >/dev/null ;;
    mingw) have x86_64-w64-mingw32-gcc ;;
    pkg-config) have pkg-config ;;
    *) die "no such tool in scripts/common.sh: $1" ;;
  esac
}

# package_of MANAGER TOOL
package_of() {
  case $1:$2 in
    apt:softhsm) echo softhsm2 ;;
    apt:opensc-module) echo opensc-pkcs11 ;;
    apt:cc) echo gcc libc6-dev ;;
    apt:c++) echo g++ libc6-dev ;;
    dnf:c++) echo gcc-c++ ;;
    apt:gnutls) echo gnutls-bin ;;
    apt:curl) echo curl ca-certificates ;;
    apt:python | dnf:python) echo python3 python3-cryptography ;;
    pacman:python) echo python python-cryptography ;;
    apt:p11-kit) echo p11-kit p11-kit-modules ;;
    dnf:p11-kit) echo p11-kit p11-kit-server ;;
    apt:openpgp) echo pcscd vsmartcard-vpcd ;;
    apt:nss) echo libnss3 libnss3-tools ;;
    dnf:nss) echo nss-softokn nss-tools ;;
    apt:opencryptoki) echo opencryptoki util-linux ;;
    dnf:opencryptoki) echo opencryptoki opencryptoki-swtok util-linux ;;
    apt:tpm2) echo swtpm tpm2-abrmd libtss2-tcti-tabrmd0 libtpm2-pkcs11-1 libtpm2-pkcs11-tools tpm2-tools dbus ;;
    dnf:tpm2) echo swtpm tpm2-abrmd tpm2-pkcs11 tpm2-pkcs11-tools tpm2-tools dbus-daemon ;;
    apt:kryoptic-build) echo libssl-dev libsqlite3-dev libclang-dev pkg-config clang ;;
    dnf:kryoptic-build) echo openssl-devel sqlite-devel clang-devel pkgconf-pkg-config clang ;;
    pacman:kryoptic-build) echo openssl sqlite pkgconf clang ;;
    brew:kryoptic-build) echo openssl@3 sqlite pkgconf llvm ;;
    apt:wine) echo wine wine64 gnutls-bin ;; # without GnuTLS its bcrypt.dll does nothing
    apt:mingw) echo gcc-mingw-w64-x86-64 ;;
    dnf:mingw) echo mingw64-gcc ;;
    pacman:mingw) echo mingw-w64-gcc ;;
    brew:mingw) echo mingw-w64 ;;
    dnf:gnutls) echo gnutls-utils ;;
    brew:openssl) echo openssl@3 ;;
    *:opensc-module) echo opensc ;;
    *:cc | *:c++) echo gcc ;;
    *:*) echo "$2" ;;
  esac
}

package_manager() {
  if [ -f /etc/debian_version ] && have apt-get; then
    echo apt
  elif have dnf; then
    echo dnf
  elif have pacman; then
    echo pacman
  elif have brew; then
    echo brew
  else
    echo none
  fi
}

install_hint() { # MANAGER PACKAGES
  case $1 in
    apt) echo "sudo apt-get install $2" ;;
    dnf) echo "sudo dnf install $2" ;;
    pacman) echo "sudo pacman -S $2" ;;
    brew) echo "brew install $2" ;;
    *) echo "install by your system's own means: $2" ;;
  esac
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    say_and_do env DEBIAN_FRONTEND=noninteractive "$@"
  elif [ -t 0 ]; then
    say_and_do sudo env DEBIAN_FRONTEND=noninteractive "$@"
  else
    say_and_do sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
  fi
}

# ensure_tools TOOL...: on Debian and its relatives, what is missing is installed; elsewhere the
# command to type is printed.
ensure_tools() {
  local tool manager packages='' missing=''
  manager=$(package_manager)
  for tool in "$@"; do
    if ! tool_present "$tool"; then
      missing="$missing $tool"
      packages="$packages $(package_of "$manager" "$tool")"
    fi
  done
  [ -n "$missing" ] || return 0
  # shellcheck disable=SC2086 # one word a package
  packages=$(printf '%s\n' $packages | sort -u | tr '\n' ' ' | sed 's/ $//')

  if [ "$manager" != apt ]; then
    die "missing on this machine:$missing" "$(install_hint "$manager" "$packages")" \
      "only Debian and Ubuntu are set up by this script itself"
  fi
  if [ "$(id -u)" != 0 ] && ! have sudo; then
    die "missing on this machine:$missing, and there is no sudo to install them with" \
      "as root: apt-get install $packages"
  fi
  note "missing on this machine:$missing"
  as_root apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 update ||
    die "apt-get update failed" "$(install_hint apt "$packages")"
  # shellcheck disable=SC2086 # one word a package
  as_root apt-get -qq -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 \
    install --no-install-recommends $packages >/dev/null ||
    die "apt-get install failed" "$(install_hint apt "$packages")"
  hash -r
  for tool in $missing; do
    tool_present "$tool" || die "still missing after the installation: $tool"
  done
}

# ---- Rust --------------------------------------------------------------------------------------

# The oldest Rust that Cargo.toml promises to build with.
msrv() {
  sed -n 's/^[[:space:]]*rust-version[[:space:]]*=[[:space:]]*"\([0-9.]*\)".*/\1/p' "$ROOT/Cargo.toml" | head -n 1
}

# In the project's folder, where a toolchain file would count.
rust_version() {
  have cargo && have rustc || return 1
  (cd -- "$ROOT" && rustc --version 2>/dev/null) | sed -n 's/^rustc \([0-9][0-9.]*\).*/\1/p'
}

# version_at_least FOUND WANTED
version_at_least() {
  local found_major found_minor wanted_major wanted_minor
  IFS=. read -r found_major found_minor _ <<<"$1.0.0"
  IFS=. read -r wanted_major wanted_minor _ <<<"$2.0.0"
  [ "$found_major" -gt "$wanted_major" ] ||
    { [ "$found_major" -eq "$wanted_major" ] && [ "$found_minor" -ge "$wanted_minor" ]; }
}

# ensure_rust [COMPONENT...]: a toolchain of the MSRV or later, with rustfmt or clippy if asked.
# Rust is not installed behind anybody's back: it takes a yes, or --yes.
ensure_rust() {
  local wanted found component
  wanted=$(msrv)
  [ -n "$wanted" ] || die "no rust-version in Cargo.toml"
  have cargo || PATH="${CARGO_HOME:-${HOME:-/nonexistent}/.cargo}/bin:$PATH"
  found=$(rust_version) || found=''

  if [ -z "$found" ] || ! version_at_least "$found" "$wanted"; then
    local why="Rust $wanted or later is needed"
    if [ -n "$found" ]; then why="$why, this is $found"; else why="$why, there is none"; fi
    if have rustup; then
      confirm "$why. Install the stable toolchain with rustup?" ||
        die "$why" "rustup toolchain install stable" "or run this again with --yes"
      say_and_do rustup toolchain install stable --profile minimal
      use_rustup stable
    else
      confirm "$why. Install rustup from https://rustup.rs for this user?" ||
        die "$why" "install it as https://rustup.rs says, or run this again with --yes"
      ensure_tools curl
      install_rustup
    fi
    hash -r
    found=$(rust_version) || found=''
    if [ -z "$found" ] || ! version_at_least "$found" "$wanted"; then
      die "Rust $wanted or later is needed, and it is still ${found:-missing}"
    fi
  fi

  for component in "$@"; do
    if ! (cd -- "$ROOT" && cargo "${component#rust}" --version) >/dev/null 2>&1; then
      have rustup || die "cargo ${component#rust} is missing" "install your Rust's package of $component"
      confirm "cargo ${component#rust} is missing. Add it with rustup?" ||
        die "cargo ${component#rust} is missing" "rustup component add $component" "or run this again with --yes"
      (cd -- "$ROOT" && say_and_do rustup component add "$component")
    fi
  done
}

install_rustup() {
  local installer
  installer=$(mktemp)
  # The same script at its two official addresses: some networks let only one of them through.
  # A distribution's older Rust may stay where it is; -y accepts that.
  if { download https://sh.rustup.rs "$installer" ||
    download https://static.rust-lang.org/rustup/rustup-init.sh "$installer"; } &&
    say_and_do sh "$installer" -y --profile minimal; then
    rm -f -- "$installer"
  else
    rm -f -- "$installer"
    die "rustup could not be installed" "install Rust as https://rustup.rs says, then run this again"
  fi
  use_rustup
}

download() { say_and_do curl --proto '=https' --tlsv1.2 -sSf --retry 2 -o "$2" "$1"; } # URL FILE

# use_rustup [TOOLCHAIN]: ahead of any Rust of the distribution, for this run.
use_rustup() {
  PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
  export PATH
  [ $# = 0 ] || export RUSTUP_TOOLCHAIN="$1"
}
