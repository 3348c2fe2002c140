"""``doctor``, ``explain``, ``completion``: about this machine and this program, not about a project."""

from __future__ import annotations

import argparse
import inspect
import json

from stockade.cli.verbs import VERBS
from stockade.errors import ConfigError


def configure_doctor(parser: argparse.ArgumentParser) -> None:
    """Describe ``stockade doctor``."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run_doctor(options: argparse.Namespace) -> int:
    """Try what the sandbox can enforce here; exit 3 when steps cannot be confined."""
    from stockade.cli import look
    from stockade.types.record import to_plain
    from stockade.workspace.doctor import examine

    health = examine()
    if options.json:
        print(json.dumps(to_plain(health), indent=2))
    else:
        look.checks("this machine", [(check.name, check.holds, check.detail) for check in health.checks])
        if not health.can_confine:
            print(
                "steps cannot be confined here; their statements will say so, and the shipped policy will refuse them"
            )
    return 0 if health.can_confine else 3


def configure_explain(parser: argparse.ArgumentParser) -> None:
    """Describe ``stockade explain``."""
    parser.add_argument("code", help="an error code, such as A101; `all` lists every one")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run_explain(options: argparse.Namespace) -> int:
    """Print what an error code means."""
    from stockade.workspace.catalogue_of_errors import explanations

    known = explanations()
    wanted = options.code.upper()
    if wanted != "ALL" and wanted not in known:
        raise ConfigError(f"there is no error {options.code!r}", remedy="`stockade explain all` lists them")
    shown = known if wanted == "ALL" else {wanted: known[wanted]}
    if options.json:
        print(json.dumps(shown, indent=2))
        return 0
    for code, text in shown.items():
        first, _, rest = inspect.cleandoc(text).partition("\n")
        print(f"{code}  {first}")
        if wanted != "ALL" and rest.strip():
            print(rest.rstrip())
    return 0


def configure_completion(parser: argparse.ArgumentParser) -> None:
    """Describe ``stockade completion``."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="the shell to complete in")


def run_completion(options: argparse.Namespace) -> int:
    """Print a completion script for a shell."""
    words = {verb.name: _options(verb.name) for verb in VERBS}
    print({"bash": _bash, "zsh": _zsh, "fish": _fish}[options.shell](words))
    return 0


def _options(verb: str) -> list[str]:
    from stockade.cli.main import parser

    built = parser(verb)
    found = [text for action in built._actions for text in action.option_strings if text.startswith("--")]  # noqa: SLF001
    choices = [str(text) for action in built._actions if action.choices for text in action.choices]  # noqa: SLF001
    return sorted({*found, *choices})


def _bash(words: dict[str, list[str]]) -> str:
    cases = "\n".join(f'    {verb}) words="{" ".join(options)}" ;;' for verb, options in words.items())
    return f"""_stockade() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" words
  case "${{COMP_WORDS[1]}}" in
{cases}
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then words="{" ".join(words)}"; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [ ${{#COMPREPLY[@]}} -eq 0 ]; then COMPREPLY=($(compgen -f -- "$current")); fi
}}
complete -o filenames -F _stockade stockade"""


def _zsh(words: dict[str, list[str]]) -> str:
    verbs = " ".join(f"'{verb.name}:{verb.summary.replace(':', ' -').replace(chr(39), '')}'" for verb in VERBS)
    cases = "\n".join(f"    {verb}) compadd -- {' '.join(options)}; _files ;;" for verb, options in words.items())
    return f"""#compdef stockade
_stockade() {{
  local -a verbs; verbs=({verbs})
  if (( CURRENT == 2 )); then _describe command verbs; return; fi
  case $words[2] in
{cases}
  esac
}}
compdef _stockade stockade"""


def _fish(words: dict[str, list[str]]) -> str:
    lines = []
    for verb in VERBS:
        summary = verb.summary.replace("'", "")
        lines.append(f"complete -c stockade -n __fish_use_subcommand -a {verb.name} -d '{summary}'")
        for option in words[verb.name]:
            flag = f"-l {option[2:]}" if option.startswith("--") else f"-a {option}"
            lines.append(f"complete -c stockade -n '__fish_seen_subcommand_from {verb.name}' {flag}")
    return "\n".join(lines)
