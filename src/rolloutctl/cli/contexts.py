"""Which contexts of the kubeconfig `--context` and `--all-contexts` mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rolloutctl.errors import ClusterError, UsageError

if TYPE_CHECKING:
    from rolloutctl.cli.run import Run
    from rolloutctl.kube.config import Context

_SAID = 5
"""Of how many contexts it is said that they are left out."""


def meant(run: Run) -> list[str | None]:
    """Each context once, in the order given, or in the kubeconfig's; None is the current one.

    A text that is the name of a context means that one, commas and all. Raises UsageError for
    options that contradict each other, ClusterError for a name that no context has.
    """
    common, environment = run.common, run.environment
    if common.all_contexts and common.context:
        raise UsageError(
            "--context and --all-contexts do not go together", hint="leave out one of them"
        )
    found = environment.contexts(kubeconfig=common.kubeconfig, env=environment.env)
    if common.all_contexts:
        return _every(run, found)
    known = {context.name for context in found}
    names: list[str | None] = []
    for text in common.context:
        parts = [text] if text in known else [part.strip() for part in text.split(",")]
        names += [part for part in parts if part]
    if not names:
        raise UsageError(f'--context "{",".join(common.context)}" names no context')
    for name in dict.fromkeys(names):
        if name not in known:
            # Said before anything is read: the name is mistyped, not the cluster dead.
            environment.connect(
                kubeconfig=common.kubeconfig,
                context=name,
                namespace=None,
                impersonate=None,
                request_timeout=None,
                env=environment.env,
            )
            raise ClusterError(f'there is no context "{name}"')
    return list(dict.fromkeys(names))


def _every(run: Run, found: list[Context]) -> list[str | None]:
    """All contexts but those that lead to what another one before them leads to."""
    common = run.common
    names: dict[tuple[str, ...], str] = {}
    same: list[tuple[str, str]] = []
    for context in found:
        listed = "" if common.all_namespaces or common.namespace else context.namespace or "default"
        # What has no server is broken, and told as such.
        place = (context.server, context.user, listed) if context.server else (context.name,)
        first = names.setdefault(place, context.name)
        if first != context.name:
            same.append((context.name, first))
    if same:
        from rolloutctl.render.text import safe

        listed = ", ".join(f"{safe(name)} (as {safe(first)})" for name, first in same[:_SAID])
        more = f" and {len(same) - _SAID} more" if len(same) > _SAID else ""
        run.note(f"read once, being the same: {listed}{more}")
    # Without any kubeconfig it is the cluster that this pod runs in.
    return list(names.values()) or [None]
