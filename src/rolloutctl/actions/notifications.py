"""Reading triggers and templates of notifications. Nothing is sent, and no Secret is read."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from rolloutctl.domain.cluster import CONFIG_MAPS, ROLLOUTS, Cluster
from rolloutctl.domain.decoders import decoder
from rolloutctl.domain.notifications import (
    CONFIG_MAP,
    Notifications,
    Template,
    Trigger,
    parse,
)
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.wire import ConfigMap, Json
from rolloutctl.errors import ClusterError, NotFound

T = TypeVar("T", Trigger, Template)


def read(cluster: Cluster, namespace: str) -> Notifications:
    """What the ConfigMap of a namespace has. Raises what the cluster raises."""
    try:
        found = cluster.get(CONFIG_MAPS, namespace, CONFIG_MAP, ConfigMap)
    except NotFound as error:
        raise NotFound(
            f"no ConfigMap {CONFIG_MAP} in namespace {namespace}",
            hint="it is in the controller's namespace: name that with --config-namespace",
        ) from error
    return parse(found.data)


def named(items: Sequence[T], what: str, name: str) -> T:
    """The one of that name. Raises NotFound with those of near names."""
    for item in items:
        if item.name == name:
            return item
    known = [item.name for item in items]
    near = difflib.get_close_matches(name, known, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(known[:20])}"
    raise NotFound(f'no {what} "{name}"', hint=hint if known else f"there are no {what}s at all")


def rollout(cluster: Cluster, ref: Ref) -> Json:
    """A rollout as plain JSON. Raises what the cluster raises."""
    try:
        found: Json = decoder(dict).decode(cluster.get_raw(ROLLOUTS, ref.namespace, ref.name))
    except msgspec.DecodeError as error:
        raise ClusterError(f"it is not readable: {error}", subject=str(ref)) from error
    return found
