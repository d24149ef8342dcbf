"""What manifests refer to and do not hold, looked up in a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rolloutctl.domain.cluster import (
    ANALYSIS_TEMPLATES,
    CLUSTER_ANALYSIS_TEMPLATES,
    CONFIG_MAPS,
    DEPLOYMENTS,
    INGRESSES,
    POD_TEMPLATES,
    REPLICA_SETS,
    SERVICES,
    VIRTUAL_SERVICES,
    Cluster,
    Kind,
)
from rolloutctl.domain.decoders import decoder
from rolloutctl.domain.lint.finding import Manifest, Place
from rolloutctl.domain.lint.plugins import is_configuration
from rolloutctl.domain.lint.reading import is_of_rollouts
from rolloutctl.domain.lint.references import Named, named
from rolloutctl.domain.plugin_config import CONFIG_MAP
from rolloutctl.errors import NotFound

_KINDS = {
    kind.kind: kind
    for kind in (
        *(SERVICES, DEPLOYMENTS, REPLICA_SETS, POD_TEMPLATES, INGRESSES, VIRTUAL_SERVICES),
        *(ANALYSIS_TEMPLATES, CLUSTER_ANALYSIS_TEMPLATES),
    )
}


def from_cluster(cluster: Cluster, manifests: Sequence[Manifest]) -> list[Manifest]:
    """The objects that `manifests` refer to and that only the cluster has, templates of templates
    too, and the plugins' ConfigMap. Raises what the cluster raises, but for what is not there."""
    found: list[Manifest] = []
    asked: set[Named] = set()
    new = list(manifests)
    while new:
        known = [*manifests, *found]
        wanted = [one for each in new for one in named(each, known) if one not in asked]
        asked.update(wanted)
        new = [one for each in dict.fromkeys(wanted) if (one := _read(cluster, each)) is not None]
        found += new
    if not any(map(is_configuration, manifests)) and any(map(_is_ours, manifests)):
        found += _configuration(cluster)
    return found


def _is_ours(manifest: Manifest) -> bool:
    return is_of_rollouts(
        manifest, "Rollout", "AnalysisTemplate", "ClusterAnalysisTemplate", "AnalysisRun"
    )


def _read(cluster: Cluster, wanted: Named) -> Manifest | None:
    kind = _KINDS[wanted.kind]
    namespace = (wanted.namespace or cluster.namespace) if kind.namespaced else ""
    try:
        return _manifest(cluster.get_raw(kind, namespace, wanted.name), kind, cluster)
    except NotFound:
        return None


def _manifest(body: bytes, kind: Kind, cluster: Cluster) -> Manifest:
    data = decoder(dict).decode(body)
    place = Place(f"cluster {cluster.name}")
    version = f"{kind.group}/{kind.version}" if kind.group else kind.version
    return Manifest({"apiVersion": version, "kind": kind.kind, **data}, lambda path: place)


def _configuration(cluster: Cluster) -> Iterator[Manifest]:
    from rolloutctl.actions.plugins import find_controller

    namespace = find_controller(cluster, None).namespace
    try:
        body = cluster.get_raw(CONFIG_MAPS, namespace, CONFIG_MAP)
    except NotFound:
        return
    yield _manifest(body, CONFIG_MAPS, cluster)
