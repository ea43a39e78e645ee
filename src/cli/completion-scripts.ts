import type { Shell } from './completion-command.ts'

/**
 * Scripts that hand the words before the cursor to `rowferry complete`. Nothing of the command line is evaluated again,
 * and bash needs no package bash-completion.
 */
export const COMPLETION_SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# rowferry: completion for bash
_rowferry() {
  local before=\${COMP_LINE:0:COMP_POINT} value prefix
  local -a words
  read -ra words <<< "$before"
  [[ $before == *[[:space:]] ]] && words+=('')
  # bash ends a word at : and =, and replaces only what is behind.
  local last=\${words[\${#words[@]}-1]}
  prefix=\${last%"\${last##*[:=]}"}
  COMPREPLY=()
  while IFS=$'\\t' read -r value _; do
    if [[ $value == :files ]]; then
      compopt -o default 2> /dev/null
      return
    fi
    [[ -n $value ]] && COMPREPLY+=("\${value#"$prefix"}")
  done < <(rowferry complete -- "\${words[@]:1}" 2> /dev/null)
}
complete -F _rowferry rowferry`,

  zsh: `#compdef rowferry
# rowferry: completion for zsh
_rowferry() {
  local line
  local -a values
  for line in "\${(@f)$(rowferry complete -- "\${(@)words[2,CURRENT]}" 2> /dev/null)}"; do
    if [[ $line == ':files' ]]; then
      _files
      return
    fi
    [[ -n $line ]] && values+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  (( $#values )) && _describe rowferry values
}
if [[ $funcstack[1] == _rowferry ]]; then
  _rowferry "$@"
else
  compdef _rowferry rowferry
fi`,

  fish: `# rowferry: completion for fish
function __rowferry_complete
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  set -l lines (rowferry complete -- $words[2..-1] "$current" 2> /dev/null)
  if test "$lines[1]" = ':files'
    __fish_complete_path "$current"
  else
    printf '%s\\n' $lines
  end
end
complete -c rowferry -f -a '(__rowferry_complete)'`,
}
