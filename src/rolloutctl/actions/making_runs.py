"""Making an analysis run of templates, and following it to its end."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from rolloutctl.actions.analyses import not_found
from rolloutctl.actions.following_objects import Listed, Tidings, Told, follow
from rolloutctl.domain.analyses import FINAL, RunLook, run_look
from rolloutctl.domain.cluster import (
    ANALYSIS_RUNS,
    ANALYSIS_TEMPLATES,
    CLUSTER_ANALYSIS_TEMPLATES,
    Cluster,
)
from rolloutctl.domain.decoders import decoder
from rolloutctl.domain.explain.facts import Measured, MetricEvidence
from rolloutctl.domain.making_runs import Template
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.wire import Json
from rolloutctl.domain.wire_details import AnalysisRunDetails
from rolloutctl.errors import NotFound


class Came(Struct, frozen=True):
    """A measurement of a run that is followed, when it has ended."""

    metric: MetricEvidence
    measured: Measured


def template(cluster: Cluster, namespace: str, name: str, *, of_cluster: bool) -> Template:
    """A template the cluster has. Raises NotFound with near names."""
    kind = CLUSTER_ANALYSIS_TEMPLATES if of_cluster else ANALYSIS_TEMPLATES
    place = "" if of_cluster else namespace
    try:
        text = cluster.get_raw(kind, place, name)
    except NotFound as error:
        if of_cluster:
            raise NotFound(f'no cluster analysis template "{name}"') from error
        raise not_found(cluster, kind, namespace, name, "analysis template") from error
    data: Json = msgspec.json.decode(text)
    return Template({**data, "kind": kind.kind}, f"{kind.kind} {name}")


def create(cluster: Cluster, run: Json, *, dry_run: bool = False) -> RunLook:
    """Creates the run; what the server made of it. Raises Conflict, InDoubt, and their kin."""
    answer = cluster.create(ANALYSIS_RUNS, run["metadata"]["namespace"], run, dry_run=dry_run)
    return run_look(decoder(AnalysisRunDetails).decode(answer))


def watch(
    cluster: Cluster, ref: Ref, *, timeout: float | None = None
) -> Iterator[Came | RunLook | Told]:
    """Each measurement as it ends, the run at each change, and tidings of the connection.

    Ends with the run, or quietly after `timeout` seconds. Raises NotFound when it is deleted.
    """
    listed = Listed(
        ANALYSIS_RUNS, ref.namespace, AnalysisRunDetails, fields=f"metadata.name={ref.name}"
    )
    told: dict[str, int] = {}
    for tidings in follow(cluster, [listed], timeout=timeout):
        if tidings.what is Tidings.DELETED:
            raise NotFound(f"analysis run {ref} was deleted before it ended", subject=str(ref))
        if tidings.item is None:
            if tidings.what is not Tidings.READ:
                yield tidings
            continue
        look = run_look(tidings.item)
        yield from _new(look, told)
        yield look
        if look.row.phase in FINAL:
            return


def _new(look: RunLook, told: dict[str, int]) -> Iterator[Came]:
    """The measurements that have ended since; only the last ten of a metric are kept."""
    for metric in look.metrics:
        found = metric.evidence
        ended = [item for item in found.measurements if item.phase in FINAL]
        total = max(found.count + found.error, len(ended))
        fresh = total - told.get(found.name, 0)
        told[found.name] = total
        for item in ended[-fresh:] if fresh > 0 else ():
            yield Came(found, item)
