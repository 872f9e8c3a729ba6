# shellcheck shell=bash
# What the scripts of a release agree on. Sourced, from the repository's root.

# shellcheck source=tests/environment/cache.sh
source tests/environment/cache.sh

VERSION="$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)"
# As Go, OCI and Krew name it.
case "$(uname -m)" in
x86_64) ARCH=amd64 ;;
aarch64) ARCH=arm64 ;;
*) give_up "no release is made for the machine type $(uname -m)" ;;
esac
SOURCE=https://github.com/awscost/awscost
IMAGE="ghcr.io/awscost/awscost:$VERSION"
# The least glibc that the program asks for, which is the build machine's business: on Debian 12 it is less than what that has.
GLIBC=2.34
export VERSION ARCH SOURCE IMAGE GLIBC
