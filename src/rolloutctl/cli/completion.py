"""Shell completion: the scripts, and the names offered while typing."""

from __future__ import annotations

import contextlib
from typing import Any

SHELLS = ("bash", "zsh", "fish", "powershell")
_TIMEOUT_SECONDS = 2.0
_LIMIT = 500


def script(shell: str) -> str:
    """The completion script of one of SHELLS."""
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    text = get_completion_script(
        prog_name="rolloutctl", complete_var="_ROLLOUTCTL_COMPLETE", shell=shell
    )
    return text.strip() + "\n"


def rollout_names(ctx: Any, incomplete: str) -> list[str]:
    """Names of rollouts that begin with `incomplete`; none when the cluster does not answer soon.

    Completion must never print an error into somebody's prompt.
    """
    from rolloutctl.cli.environment import Environment
    from rolloutctl.domain.cluster import ROLLOUTS
    from rolloutctl.domain.wire import Metadata, Wire

    class Named(Wire):
        metadata: Metadata

    given: dict[str, Any] = {}
    while ctx is not None:
        given = {**ctx.params, **{k: v for k, v in given.items() if v}}
        ctx = ctx.parent
    with contextlib.suppress(Exception):
        environment = Environment.real()
        cluster = environment.connect(
            kubeconfig=given.get("kubeconfig"),
            context=given.get("context"),
            namespace=given.get("namespace"),
            impersonate=given.get("impersonate"),
            request_timeout=_TIMEOUT_SECONDS,
            env=environment.env,
        )
        namespace = given.get("namespace") or cluster.namespace
        page = next(iter(cluster.pages(ROLLOUTS, namespace, Named, limit=_LIMIT)))
        names = (item.metadata.name for item in page.items)
        return [name for name in names if name.startswith(incomplete)]
    return []
