# SPDX-License-Identifier: MIT
# bash completion for segment-coverage(1): options as --help has them,
# channels and qualities as the archive has them.

# shellcheck disable=SC2207 # IFS splits at newlines only
_segment_coverage()
{
	local base=. option='' value='' words='' i
	local IFS=$'\n'

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-b | --base-dir)
			base=${COMP_WORDS[i + 1]/#\~/$HOME} ;;
		esac
	done
	# --format=text is three words here, --peer NAME=FILE four
	for ((i = COMP_CWORD - 1; i > 0; i--)); do
		if [[ ${COMP_WORDS[i]} =~ ^--?[a-zA-Z-]+$ ]]; then
			option=${COMP_WORDS[i]}
			value=$("$1" --help 2>/dev/null | sed -nE \
			    "s/^ +(-., )?$option(, --[a-z-]+)? ([A-Z=]+)\>.*/\3/p")
			break
		fi
		[[ ${COMP_WORDS[i]} == = || ${COMP_WORDS[i + 1]} == = ]] || break
	done
	case $value in
	DIR)
		compopt -o filenames
		COMPREPLY=($(compgen -d -- "$2"))
		return ;;
	FILE | NAME=FILE)
		compopt -o filenames
		COMPREPLY=($(compgen -f -- "$2"))
		return ;;
	FORMAT)	words=$'text\njson\nholes\nnone' ;;
	HOUR)	words=$'now\n-1h\n-6h\n-1d\n-7d' ;;
	WHEN)	words=$'auto\nalways\nnever' ;;
	LIST)
		words=$(cd "$base" 2>/dev/null && printf '%s\n' */*/ |
		    sed '/^coverage-maps/d; /\*/d; s:/$::; s:.*/::' | sort -u)
		if [[ $2 == *,* ]]; then
			words=${2%,*},${words//$'\n'/$'\n'"${2%,*}",}
		fi ;;
	'')
		if [[ $2 == -* ]]; then
			words=$("$1" --help 2>/dev/null |
			    sed -nE 's/^ +(-., )?(--[a-z-]+).*/\2/p')
		else
			words=$(cd "$base" 2>/dev/null && printf '%s\n' */ |
			    sed '/^coverage-maps/d; /\*/d; s:/$::')
		fi ;;
	esac
	COMPREPLY=($(compgen -W "$words" -- "$2"))
}
complete -F _segment_coverage segment-coverage
