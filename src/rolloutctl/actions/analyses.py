"""Reading analysis runs. Nothing here changes anything."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator

from rolloutctl.actions.inspect import Named, get_rollout
from rolloutctl.domain import wire
from rolloutctl.domain.analyses import (
    Owner,
    RunLook,
    RunRow,
    newest_first,
    owner,
    run_look,
    run_row,
)
from rolloutctl.domain.cluster import ANALYSIS_RUNS, EXPERIMENTS, Cluster, Kind, Unreadable
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.wire_details import AnalysisRunDetails
from rolloutctl.errors import NotFound, RolloutctlError

Wanted = Callable[[RunRow], bool]


def rows(
    cluster: Cluster,
    namespace: str | None,
    *,
    labels: str = "",
    wanted: Wanted | None = None,
    label: str = "",
) -> Iterator[RunRow | Unreadable]:
    """The runs of a scope, the youngest of a namespace first, then what could not be read.

    `label`: what the rows call their cluster. Raises what the cluster raises.
    """
    found: list[RunRow] = []
    unreadable: list[Unreadable] = []
    pages = cluster.pages(ANALYSIS_RUNS, namespace, AnalysisRunDetails, label_selector=labels)
    for page in pages:
        read = (run_row(item, label) for item in page.items)
        found += (row for row in read if wanted is None or wanted(row))
        unreadable += page.unreadable
    yield from newest_first(found)
    yield from unreadable


def of_rollout(cluster: Cluster, ref: Ref) -> Callable[[Owner | None], bool]:
    """Whether an owner is the rollout, or an experiment of it. Raises NotFound for the rollout."""
    rollout = get_rollout(cluster, ref)
    trials = set()
    try:
        for page in cluster.pages(EXPERIMENTS, ref.namespace, Named):
            for item in page.items:
                made_by = owner(item.metadata)
                if made_by is not None and _same(made_by, "Rollout", rollout.metadata):
                    trials.add(item.metadata.name)
    except RolloutctlError:
        # Without them the rollout's own runs are still right.
        pass

    def belongs(made_by: Owner | None) -> bool:
        if made_by is None:
            return False
        if made_by.kind == "Experiment":
            return made_by.name in trials
        return _same(made_by, "Rollout", rollout.metadata)

    return belongs


def read(cluster: Cluster, namespace: str, name: str, label: str = "") -> RunLook:
    """One run in full. Raises NotFound with near names, and what the cluster raises."""
    try:
        run = cluster.get(ANALYSIS_RUNS, namespace, name, AnalysisRunDetails)
    except NotFound as error:
        raise not_found(cluster, ANALYSIS_RUNS, namespace, name, "analysis run") from error
    return run_look(run, label)


def not_found(cluster: Cluster, kind: Kind, namespace: str, name: str, called: str) -> NotFound:
    """The error for an object that is not there, with those of near names."""
    hint = f"rolloutctl {called.split()[0]} list -n {namespace} shows what is there"
    try:
        known = [
            item.metadata.name
            for page in cluster.pages(kind, namespace, Named)
            for item in page.items
        ]
    except RolloutctlError:
        known = []
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    if near:
        hint = f"did you mean {' or '.join(near)}?"
    return NotFound(
        f'no {called} "{name}" in namespace {namespace}', subject=f"{namespace}/{name}", hint=hint
    )


def _same(made_by: Owner, kind: str, metadata: wire.Metadata) -> bool:
    if made_by.kind != kind:
        return False
    return made_by.uid == metadata.uid if metadata.uid else made_by.name == metadata.name
