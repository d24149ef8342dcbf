"""Shell completion: the scripts, and the names offered while typing."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rolloutctl.cli.environment import Environment
    from rolloutctl.domain.cluster import Cluster, Kind

SHELLS = ("bash", "zsh", "fish", "powershell")
_TIMEOUT_SECONDS = 2.0
_LIMIT = 500
_NAME = re.compile(r"[A-Za-z0-9._/-]+")
_CONTEXT = re.compile(r"[A-Za-z0-9._/:@+=-]+")
_ZSH_FIRST = """
if [ "$funcstack[1]" = "_rolloutctl" ]; then
  _rolloutctl_completion
fi
"""
"""Zsh runs an autoloaded script itself the first time, when its function is not known yet."""


def prepare() -> None:
    """Makes Typer answer the shells; it does so by itself only for apps that install completion."""
    import os

    from typer.completion import completion_init  # type: ignore[attr-defined]

    # A description that is wrapped would offer its second line as a word.
    os.environ["COLUMNS"] = "1000"
    completion_init()


def script(shell: str) -> str:
    """The completion script of one of SHELLS."""
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    text = get_completion_script(
        prog_name="rolloutctl", complete_var="_ROLLOUTCTL_COMPLETE", shell=shell
    )
    text = text.strip() + "\n"
    if shell == "zsh":
        return text + _ZSH_FIRST.lstrip("\n")
    if shell == "powershell":
        # What the Tab key does in general is the user's to say, and PSReadLine may be missing.
        return re.sub(
            r"^(Import-Module PSReadLine|Set-PSReadLineKeyHandler .*)\n", "", text, flags=re.M
        )
    return text


def rollout_names(ctx: Any, incomplete: str) -> list[str]:
    """Names of rollouts that begin with `incomplete`, which may say "ro/" or "rollout/" first."""
    from rolloutctl.actions.inspect import Named
    from rolloutctl.domain.cluster import ROLLOUTS

    kind = re.match(r"(ro|rollouts?)/", incomplete)
    prefix = kind.group() if kind else ""

    def read(cluster: Cluster) -> list[str]:
        page = next(iter(cluster.pages(ROLLOUTS, cluster.namespace, Named, limit=_LIMIT)))
        return [prefix + item.metadata.name for item in page.items]

    return _offered(ctx, incomplete, read)


def object_names(ctx: Any, incomplete: str, kind: Kind) -> list[str]:
    """Names of objects of a kind in the namespace meant that begin with `incomplete`."""
    from rolloutctl.actions.inspect import Named

    def read(cluster: Cluster) -> list[str]:
        page = next(iter(cluster.pages(kind, cluster.namespace, Named, limit=_LIMIT)))
        return [item.metadata.name for item in page.items]

    return _offered(ctx, incomplete, read)


def plugin_names(ctx: Any, incomplete: str) -> list[str]:
    """Names of configured plugins that begin with `incomplete`."""

    def read(cluster: Cluster) -> list[str]:
        from rolloutctl.actions.plugins import find_controller, read_config
        from rolloutctl.domain.plugin_config import parse

        config = read_config(cluster, find_controller(cluster, None).namespace)
        return [item.name for item in parse(config.data if config else None).items]

    return _offered(ctx, incomplete, read)


def context_names(ctx: Any, incomplete: str) -> list[str]:
    """Contexts of the kubeconfig; behind a comma those that are not named yet."""
    from rolloutctl.cli.environment import Environment

    before, comma, begun = incomplete.rpartition(",")
    environment = Environment.real()
    with contextlib.suppress(Exception):
        known = environment.contexts(kubeconfig=_given(ctx).get("kubeconfig"), env=environment.env)
        named = before.split(",")
        return [
            before + comma + name
            for name in (context.name for context in known)
            if name.startswith(begun) and name not in named and _CONTEXT.fullmatch(name)
        ]
    return []


def _given(ctx: Any) -> dict[str, Any]:
    """The options typed so far, those nearest to the cursor first."""
    given: dict[str, Any] = {}
    while ctx is not None:
        given = {**ctx.params, **{key: value for key, value in given.items() if value}}
        ctx = ctx.parent
    return given


def _first(environment: Environment, given: dict[str, Any]) -> str | None:
    text: str | None = next(iter(given.get("context") or ()), None)
    if text is None or "," not in text:
        return text
    known = environment.contexts(kubeconfig=given.get("kubeconfig"), env=environment.env)
    whole = any(context.name == text for context in known)
    return text if whole else text.partition(",")[0].strip()


def _offered(ctx: Any, incomplete: str, read: Callable[[Cluster], list[str]]) -> list[str]:
    """What `read` finds in the cluster meant so far; nothing when that does not answer soon.

    Completion must never print an error into somebody's prompt. Only what can be a name is
    offered, since shells evaluate it.
    """
    from rolloutctl.cli.environment import Environment

    given = _given(ctx)
    environment = Environment.real()
    with contextlib.suppress(Exception):
        cluster = environment.connect(
            kubeconfig=given.get("kubeconfig"),
            # Of several the first: most names are the same everywhere.
            context=_first(environment, given),
            namespace=given.get("namespace"),
            impersonate=given.get("impersonate"),
            as_groups=given.get("as_group") or (),
            as_uid=given.get("as_uid"),
            request_timeout=_TIMEOUT_SECONDS,
            env=environment.env,
        )
        return [
            name for name in read(cluster) if name.startswith(incomplete) and _NAME.fullmatch(name)
        ]
    return []
