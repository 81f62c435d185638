# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion of cryocore for bash.

# What may follow --content= after the last comma, each word with what stands before it.
_cryocore_content() {
	local before='' word names='anon-private anon-shared file-private file-shared elf-headers
		hugetlb-private hugetlb-shared dax-private dax-shared dontdump'

	[[ $1 = *,* ]] && before=${1%,*},
	[ -n "$before" ] || names="kernel all $names"
	for word in $names; do
		[[ ${1##*,} = [+-]* ]] && word=${1:${#before}:1}$word
		[[ $before$word = "$1"* ]] && COMPREPLY+=("$before$word")
	done
}

_cryocore() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} pids

	COMPREPLY=()
	# Bash takes "--content=x" as three words.
	if [ "$current" = = ]; then
		current=
	elif [ "$previous" = = ]; then
		previous=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	case $previous in
	--content)
		_cryocore_content "$current"
		compopt -o nospace
		;;
	-o | --output)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		;;
	--timeout) ;;
	*)
		if [[ $current = -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--pid= --output= --all-mappings --content= --no-exe --force --dry-run --timeout=
				--no-syscall-restart --no-stop --require-registers --json --quiet --verbose --help --version' -- "$current")
		else
			pids=$(cd /proc && echo [0-9]*)
			mapfile -t COMPREPLY < <(compgen -W "$pids" -- "$current")
		fi
		;;
	esac
}

complete -F _cryocore cryocore
