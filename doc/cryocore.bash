# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion of cryocore for bash. Options and commands are those that its own --help names.

# What may follow --content= after the last comma, each word with what stands before it.
_cryocore_content() {
	local before='' word names='anon-private anon-shared file-private file-shared elf-headers
		hugetlb-private hugetlb-shared dax-private dax-shared deleted dontdump'

	[[ $1 = *,* ]] && before=${1%,*},
	[ -n "$before" ] || names="kernel all evidence $names"
	for word in $names; do
		[[ ${1##*,} = [+-]* ]] && word=${1:${#before}:1}$word
		[[ $before$word = "$1"* ]] && COMPREPLY+=("$before$word")
	done
}

# The long options of a command; of a capture if it is empty.
_cryocore_options() {
	"${COMP_WORDS[0]}" ${1:+"$1"} --help 2>/dev/null | grep -E '^ +-' |
		grep -oE -m 99 -- ' --[a-z][a-z-]*=?' | sort -u
}

_cryocore_commands() {
	"${COMP_WORDS[0]}" --help 2>/dev/null | sed -n 's/^  cryocore \([a-z][a-z-]*\).*/\1/p'
}

_cryocore_pids() {
	(cd /proc && printf '%s\n' [0-9]*)
}

# reply CURRENT WORDS: those that begin so
_cryocore_reply() {
	mapfile -t COMPREPLY < <(compgen -W "$2" -- "$1")
	[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
}

_cryocore() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=

	COMPREPLY=()
	[[ ${COMP_WORDS[1]} != [a-z]* || $COMP_CWORD = 1 ]] || command=${COMP_WORDS[1]}
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
		return
		;;
	--bundle)
		_cryocore_reply "$current" "none elf all"
		return
		;;
	--snapshot)
		_cryocore_reply "$current" 'precopy fork'
		return
		;;
	-o | --output | --cgroup | --spare) return ;; # paths
	esac
	if [[ $current = -* ]]; then
		_cryocore_reply "$current" "$(_cryocore_options "$command")"
	elif [ -z "$command" ]; then
		_cryocore_reply "$current" "$(_cryocore_pids) $([ "$COMP_CWORD" != 1 ] ||
			_cryocore_commands)"
	fi
}

complete -o default -F _cryocore cryocore
