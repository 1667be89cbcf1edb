# TAB for unlearn and unlearn-compare; in ~/.bashrc:  eval "$(unlearn completion bash)"
_unlearn() {
    local program=${1/#\~\//$HOME/} candidate
    COMPREPLY=()
    while IFS= read -r candidate; do
        COMPREPLY+=("$candidate")
    done < <(COMP_LINE=$COMP_LINE COMP_POINT=$COMP_POINT COMP_WORDBREAKS=$COMP_WORDBREAKS \
        "${program%-compare}" completion bash --reply 2>/dev/null)
}
complete -o nospace -F _unlearn unlearn unlearn-compare
