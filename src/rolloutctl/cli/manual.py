"""The manual pages and completion scripts, made from the command tree.

`python -m rolloutctl.cli.manual DIR` writes `man/` and `completions/` below DIR; with `--check` it
writes nothing and fails when what is there differs from what it would write.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rolloutctl.cli import app
from rolloutctl.cli.completion import SHELLS, script

_SUFFIX = {"bash": "bash", "zsh": "zsh", "fish": "fish", "powershell": "ps1"}
EXIT_CODES = (
    ("0", "OK"),
    ("1", "FAILED: the rollout is degraded or aborted, or some of the objects failed"),
    ("2", "USAGE: the command line or a file given on it is wrong"),
    ("3", "CLUSTER: no configuration, unreachable, unauthorised, forbidden"),
    ("4", "TIMEOUT: what was waited for did not happen in time, or a person has to act first"),
    ("5", "NOT_FOUND: the object does not exist"),
    ("6", "CONFLICT: somebody else changed the object first"),
    ("130", "INTERRUPTED"),
)
_ENVIRONMENT = (
    ("KUBECONFIG", "kubeconfig files, separated as in PATH"),
    ("XDG_CACHE_HOME", "where lists of many are kept, in rolloutctl/; else ~/.cache"),
    ("ROLLOUTCTL_NO_CACHE", "when set to 1, no list is kept on disk or read from there"),
    ("XDG_CONFIG_HOME", "where settings are, in rolloutctl/config.toml; else ~/.config"),
    ("ROLLOUTCTL_CONFIG", "another configuration file; empty: none"),
    (
        "ROLLOUTCTL_OUTPUT, _COLUMNS, _TIMEOUT, _REQUEST_TIMEOUT, _CONFIRM, _READ_ONLY, _RECORD",
        "settings, as in the configuration file (rolloutctl config set --help)",
    ),
    ("NO_COLOR", "when set, nothing is coloured"),
    ("ROLLOUTCTL_DEBUG", "when set, an internal error shows where it happened"),
)


class Node(NamedTuple):
    """One command of the tree with the words that call it."""

    path: tuple[str, ...]
    command: Any
    ctx: Any


def tree() -> Iterator[Node]:
    """Every command, parents first."""
    root = app.root()
    yield from _below(Node(("rolloutctl",), root, root.context_class(root, info_name="rolloutctl")))


def _below(node: Node) -> Iterator[Node]:
    yield node
    if not hasattr(node.command, "list_commands"):
        return
    for name in node.command.list_commands(node.ctx):
        child = node.command.get_command(node.ctx, name)
        ctx = child.context_class(child, info_name=name, parent=node.ctx)
        yield from _below(Node((*node.path, name), child, ctx))


def pages() -> dict[str, str]:
    """Relative file names and their contents."""
    files = {f"completions/rolloutctl.{_SUFFIX[shell]}": script(shell) for shell in SHELLS}
    nodes = list(tree())
    for node in nodes:
        children = [n for n in nodes if n.path[:-1] == node.path]
        files[f"man/{'-'.join(node.path)}.1"] = _page(node, children)
    return files


def _roff(text: str) -> str:
    """Text as roff shows it verbatim."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join(
        "\\&" + line if line.startswith((".", "'")) else line for line in escaped.split("\n")
    )


def _page(node: Node, children: list[Node]) -> str:
    title = "-".join(node.path)
    body = (node.command.help or "").strip()
    summary = body.split("\n")[0].rstrip(".")
    lines = [f'.TH "{title.upper()}" "1" "" "rolloutctl" "rolloutctl manual"']
    lines += [".SH NAME", _roff(f"{title} - {summary}")]
    usage = " ".join(node.command.collect_usage_pieces(node.ctx))
    lines += [".SH SYNOPSIS", f".B {_roff(' '.join(node.path))}", _roff(usage)]
    lines += [".SH DESCRIPTION", *_description(body)]
    if children:
        lines.append(".SH COMMANDS")
        for child in children:
            short = child.command.short_help or child.command.help.split("\n")[0]
            lines += [".TP", f".B {_roff(child.path[-1])}", _roff(short)]
    lines += [".SH OPTIONS", *_options(node)]
    if len(node.path) == 1:
        lines += [".SH EXIT STATUS", *_definitions(EXIT_CODES)]
        lines += [".SH ENVIRONMENT", *_definitions(_ENVIRONMENT)]
    if len(node.path) > 1:
        lines += [".SH SEE ALSO", f".BR {_roff('-'.join(node.path[:-1]))} (1)"]
    return "\n".join(lines) + "\n"


def _description(text: str) -> list[str]:
    """Paragraphs; those behind a form feed or \\b keep their line breaks."""
    lines: list[str] = []
    for paragraph in text.split("\n\n"):
        verbatim = paragraph.startswith("\b")
        content = paragraph.removeprefix("\b").strip("\n")
        if verbatim:
            lines += [".PP", ".nf", _roff(content), ".fi"]
        else:
            lines += [".PP", _roff(" ".join(content.split()))]
    return lines


def _options(node: Node) -> list[str]:
    lines: list[str] = []
    for parameter in node.command.get_params(node.ctx):
        record = parameter.get_help_record(node.ctx)
        if record is not None:
            names, text = record
            lines += [".TP", f".B {_roff(names)}", _roff(" ".join(text.split()))]
    return lines


def _definitions(pairs: tuple[tuple[str, str], ...]) -> list[str]:
    return [line for term, text in pairs for line in (".TP", f".B {term}", _roff(text))]


def stale(root: Path) -> list[str]:
    """Files below `root` that differ from what the tree says, are missing, or are left over."""
    wanted = pages()
    differing = [
        name
        for name, text in wanted.items()
        if not (root / name).is_file() or (root / name).read_text("utf-8") != text
    ]
    present = [
        str(path.relative_to(root))
        for folder in ("man", "completions")
        for path in sorted((root / folder).glob("*"))
    ]
    return differing + [name for name in present if name not in wanted]


def main(argv: list[str]) -> int:
    """Writes or checks the files; returns an exit code."""
    check = "--check" in argv
    root = Path(next((a for a in argv if a != "--check"), "."))
    old = stale(root)
    if check:
        for name in old:
            sys.stderr.write(f"{name} is stale: run make docs\n")
        return 1 if old else 0
    for name in old:
        (root / name).unlink(missing_ok=True)
    for name, text in pages().items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
