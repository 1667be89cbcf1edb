#compdef unlearn unlearn-compare
# TAB for unlearn and unlearn-compare; in ~/.zshrc:  eval "$(unlearn completion zsh)"
_unlearn() {
    local left="${(j: :)words[1,CURRENT-1]} $QIPREFIX$IPREFIX$PREFIX"
    local right="$SUFFIX$ISUFFIX$QISUFFIX ${(j: :)words[CURRENT+1,-1]}"
    local program=${words[1]/#\~\//$HOME/}
    local -a found whole
    found=("${(@f)$(COMP_LINE=$left$right COMP_POINT=${#left} COMP_WORDBREAKS= \
        ${program%-compare} completion zsh --reply 2>/dev/null)}")
    whole=("${(@)${(@M)found:#* }% }")
    found=("${(@)found:#(* |)}")
    (( $#whole )) && compadd -Q -U -- $whole
    (( $#found )) && compadd -Q -U -S '' -- $found
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
compdef _unlearn unlearn unlearn-compare
