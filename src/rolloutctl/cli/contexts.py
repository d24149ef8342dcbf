"""Which contexts of the kubeconfig `--context` and `--all-contexts` mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rolloutctl.errors import ClusterError, UsageError

if TYPE_CHECKING:
    from rolloutctl.cli.run import Run


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
    known = environment.contexts(kubeconfig=common.kubeconfig, env=environment.env)
    if common.all_contexts:
        # Without any kubeconfig it is the cluster that this pod runs in.
        return list(known) or [None]
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
