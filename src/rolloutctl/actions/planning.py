"""Reading from a cluster what a rehearsal of a rollout needs. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec

from rolloutctl.actions.inspect import not_found, plugin_configuration
from rolloutctl.domain.cluster import ROLLOUTS, Cluster, Kind
from rolloutctl.domain.refs import Ref
from rolloutctl.errors import NotFound, RolloutctlError

if TYPE_CHECKING:
    from rolloutctl.domain.plugin_config import PluginConfiguration

Object = dict[str, Any]


class Reference(Protocol):
    """An object that is referred to; `versions` of its API, the preferred one first."""

    @property
    def kind(self) -> str: ...
    @property
    def group(self) -> str: ...
    @property
    def versions(self) -> tuple[str, ...]: ...
    @property
    def plural(self) -> str: ...
    @property
    def namespace(self) -> str: ...
    @property
    def name(self) -> str: ...


class Unread(NamedTuple):
    """An object that is there, perhaps, and could not be read."""

    kind: str
    name: str
    why: str


def gather(
    cluster: Cluster, ref: Ref, missing: Callable[[Object, Sequence[Object]], Sequence[Reference]]
) -> tuple[list[Object], list[Unread]]:
    """The rollout, first, and all it refers to as far as it is there and may be read.

    `missing(rollout, objects)` names what is referred to and not among `objects`; it is asked
    again after each round, since templates refer to templates. Raises NotFound (with near names)
    and ClusterError when the rollout itself cannot be read.
    """
    try:
        rollout = _read(cluster, ROLLOUTS, ref.namespace, ref.name)
    except NotFound as error:
        raise not_found(cluster, ref) from error
    found, unread = [rollout], list[Unread]()
    asked: set[tuple[str, str, str]] = set()
    while True:
        wanted = [
            each
            for each in missing(rollout, found)
            if (each.kind, each.namespace, each.name) not in asked
        ]
        if not wanted:
            return found, unread
        for each in wanted:
            asked.add((each.kind, each.namespace, each.name))
            try:
                found.append(_read_any(cluster, each))
            except RolloutctlError as error:
                unread.append(Unread(each.kind, each.name, error.message))


def not_run(cluster: Cluster, plugins: Sequence[str]) -> dict[str, bool]:
    """The plugins among `plugins` that the controller would not call: True for a disabled one,
    False for one that is not configured. Empty when the configuration cannot be read.
    """
    config, _ = plugin_configuration(cluster)
    return not_run_by(config, plugins) if config is not None else {}


def not_run_by(config: PluginConfiguration, plugins: Sequence[str]) -> dict[str, bool]:
    """The same of a configuration at hand."""
    found: dict[str, bool] = {}
    for name in plugins:
        item = config.find(name)
        # A configuration with problems may hide what is missing in it.
        if item is None and not config.problems:
            found[name] = False
        elif item is not None and item.disabled:
            found[name] = True
    return found


def _read_any(cluster: Cluster, wanted: Reference) -> Object:
    """The object, of whichever version of its API the cluster has."""
    for version in wanted.versions[:-1]:
        try:
            return _read_version(cluster, wanted, version)
        except NotFound:
            continue
    return _read_version(cluster, wanted, wanted.versions[-1])


def _read_version(cluster: Cluster, wanted: Reference, version: str) -> Object:
    kind = Kind(wanted.group, version, wanted.plural, wanted.kind, bool(wanted.namespace))
    return _read(cluster, kind, wanted.namespace, wanted.name)


def _read(cluster: Cluster, kind: Kind, namespace: str, name: str) -> Object:
    found: Object = msgspec.json.decode(cluster.get_raw(kind, namespace, name))
    version = f"{kind.group}/{kind.version}" if kind.group else kind.version
    # A list's items may lack them, and a proxy may drop them; what is read has to be told apart.
    return {"apiVersion": version, "kind": kind.kind, **found}
