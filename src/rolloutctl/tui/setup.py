"""What the dashboard is given by whoever starts it: clusters, and the rules of their owner."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from rolloutctl.actions.auditing import Recorder
from rolloutctl.actions.fleet import Member
from rolloutctl.actions.reading import utc_now
from rolloutctl.domain.cluster import Cluster
from rolloutctl.domain.decision import Action, Decision
from rolloutctl.domain.plugin_change import Plan
from rolloutctl.domain.plugin_use import RunOf
from rolloutctl.domain.refs import Ref
from rolloutctl.errors import RolloutctlError


def _never(_label: str) -> str:
    return ""


def _thawed(
    _label: str, _action: Action, _decisions: Mapping[Ref, Decision]
) -> Mapping[Ref, RolloutctlError]:
    return {}


def _unrecorded(_cluster: Cluster, _reason: str) -> Recorder | None:
    return None


def _unsaved(_plan: Plan, _runs: Sequence[RunOf], _place: str) -> str:
    return ""


class Setup(Struct, frozen=True):
    """Everything is told by a cluster's label, "" for the only one.

    `read_only`: why nothing may be changed there, "" if it may. `frozen`: those rollouts with which
    it is not the time to do something, each with why. `recorder`: what leaves an Event for each
    change, None where none are wanted. `confirm`: "always", "changes" or "risky", as in the
    settings, by label. `save_in_flight`: keeps the runs that a switch of a
    plugin will abandon, at the place given or ("") one of its own, and says where. `query` and
    `sort` are what the fleet is first shown by.
    """

    members: Sequence[Member]
    broken: Mapping[str, str] = {}
    """Clusters that cannot be asked at all, and why."""
    label_selector: str = ""
    query: str = ""
    sort: str = "urgency"
    theme: str = "rolloutctl-dark"
    now: Callable[[], datetime] = utc_now
    read_only: Callable[[str], str] = _never
    frozen: Callable[[str, Action, Mapping[Ref, Decision]], Mapping[Ref, RolloutctlError]] = _thawed
    recorder: Callable[[Cluster, str], Recorder | None] = _unrecorded
    confirm: Callable[[str], str] = _never
    save_in_flight: Callable[[Plan, Sequence[RunOf], str], str] = _unsaved
