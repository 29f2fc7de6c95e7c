import type { CliHost } from '../host.ts'
import type { Shell } from './shell-names.ts'

// Each asks `berth __complete` with the words so far. It answers with a candidate on each line, a tab before what it is, and last a colon and a number:
// 4 says that there is nothing else, 0 that names of files are meant. That is cobra's way, which kubectl asks its plugins by.

const bash = `# berth completion bash; use it with: source <(berth completion bash)
_berth() {
  local cur words cword
  # A colon or an equals sign breaks words apart; here they are part of names.
  if declare -F _get_comp_words_by_ref >/dev/null; then
    _get_comp_words_by_ref -n =: cur words cword
  else
    cur="\${COMP_WORDS[COMP_CWORD]}" words=("\${COMP_WORDS[@]}") cword=$COMP_CWORD
  fi
  local -a lines
  mapfile -t lines < <(berth __complete -- "\${words[@]:1:cword}" 2>/dev/null)
  local count=\${#lines[@]}
  COMPREPLY=()
  ((count > 0)) || return 0
  local directive="\${lines[count - 1]}" line
  unset "lines[count - 1]"
  for line in "\${lines[@]}"; do
    line="\${line%%$'\\t'*}"
    [[ "$line" == "$cur"* ]] && COMPREPLY+=("$(printf '%q' "$line")")
  done
  if [[ "$directive" == ":0" && \${#COMPREPLY[@]} -eq 0 ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    compopt -o filenames 2>/dev/null
  elif [[ \${#COMPREPLY[@]} -eq 1 && "\${COMPREPLY[0]}" == */ ]]; then
    compopt -o nospace 2>/dev/null
  fi
  if declare -F __ltrim_colon_completions >/dev/null; then __ltrim_colon_completions "$cur"; fi
  return 0
}
complete -F _berth berth
`

const zsh = `#compdef berth
# berth completion zsh; use it with: source <(berth completion zsh)
_berth() {
  local -a lines candidates
  lines=("\${(@f)$(berth __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  local directive="\${lines[-1]}" line name
  lines[-1]=()
  for line in "\${lines[@]}"; do
    [[ -n "$line" ]] || continue
    name="\${line%%$'\\t'*}"
    if [[ "$line" == *$'\\t'* ]]; then
      candidates+=("\${name//:/\\\\:}:\${line#*$'\\t'}")
    else
      candidates+=("\${name//:/\\\\:}")
    fi
  done
  if (( \${#candidates} )); then
    _describe -t berth berth candidates
  elif [[ "$directive" == ":0" ]]; then
    _files
  fi
}
compdef _berth berth
`

const fish = `# berth completion fish; use it with: berth completion fish | source
function __berth_complete
  set -l words (commandline -opc) (commandline -ct)
  set -e words[1]
  set -l lines (berth __complete -- $words 2>/dev/null)
  test (count $lines) -gt 0; or return
  set -l directive $lines[-1]
  set -e lines[-1]
  if test "$directive" = ":0"; and test (count $lines) -eq 0
    __fish_complete_path (commandline -ct)
    return
  end
  printf '%s\\n' $lines
end
complete -c berth -f -a '(__berth_complete)'
`

const scripts: Readonly<Record<Shell, string>> = { bash, zsh, fish }

/** Prints the script of a shell, which the tree has checked to be one. */
export const printCompletion = async (shell: string, { stdout }: Pick<CliHost, 'stdout'>): Promise<number> => {
  stdout.write(scripts[shell as Shell])
  return 0
}
