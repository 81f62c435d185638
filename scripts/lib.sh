# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the scripts share; sourced, never run. Everything it says goes to stderr: stdout belongs to
# what is run in the end.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$(realpath -m "${BUILD_DIR:-$root/build}")
export build

say() {
	printf '== %s\n' "$*" >&2
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# packages PURPOSE...: their names, from scripts/packages
packages() {
	awk -v purposes=" $* " '!/^#/ && index(purposes, " " $1 " ") { print $2 }' \
		"$root/scripts/packages" | sort -u
}

# Those of the packages named that are not installed.
missing_packages() {
	{
		dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n' "$@" 2>/dev/null |
			awk '$2 == "ii" { print $1 }'
	} | sort -u | comm -13 - <(printf '%s\n' "$@" | sort -u)
}

# need PURPOSE...: install what is missing; without anything missing it only asks dpkg.
need() {
	local names missing

	if ! command -v dpkg-query >/dev/null; then
		say "not a Debian system: taking it that everything in scripts/packages is there"
		return
	fi
	mapfile -t names < <(packages "$@")
	mapfile -t missing < <(missing_packages "${names[@]}")
	[ ${#missing[@]} -gt 0 ] || return 0
	[ "$(id -u)" = 0 ] || die "these packages are missing; as root: apt-get install ${missing[*]}"
	say "installing ${missing[*]}"
	install_packages "${missing[@]}" </dev/null >&2 || die "the packages could not be installed"
}

# Without starting the services among them: their programs are wanted, not a running database.
install_packages() (
	policy=/usr/sbin/policy-rc.d
	if [ ! -e "$policy" ]; then
		trap 'rm -f "$policy"' EXIT
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
	fi
	apt-get update -q &&
		DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
)

# build_into DIR [MESON-OPTION...]: configure DIR once, and build it.
build_into() {
	local dir=$1

	shift
	if [ ! -e "$dir/build.ninja" ]; then
		say "configuring $dir"
		meson setup "$dir" "$root" "$@" </dev/null >&2 || die "meson setup failed"
	elif [ $# -gt 0 ]; then
		meson configure "$dir" "$@" </dev/null >/dev/null || die "meson configure failed"
	fi
	ninja -C "$dir" --quiet </dev/null >&2 || die "the build failed"
}
