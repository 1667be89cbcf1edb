# TAB for unlearn and unlearn-compare; in ~/.config/fish/config.fish:  unlearn completion fish | source
function __unlearn_candidates
    set -l left (commandline -cp | string collect)
    set -l program (commandline -opc)[1]
    set program (string replace -r '^~/' $HOME/ -- $program | string replace -r -- '-compare$' '')
    COMP_LINE=(commandline -p | string collect) COMP_POINT=(string length -- $left) \
        $program completion fish --reply 2>/dev/null
end
complete -c unlearn -c unlearn-compare -f -a '(__unlearn_candidates)'
