"""restart and undo as they were recorded: what we would send, and how we would see it end."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from rolloutctl.actions.promotion import Intent, plan
from rolloutctl.actions.waiting import follow
from rolloutctl.domain import restarting
from rolloutctl.domain.cluster import ROLLOUTS, Change
from rolloutctl.domain.decision import Action, Decision, Note, Seen
from rolloutctl.domain.endings import End
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.templates import same
from rolloutctl.sandbox.api.patching import apply_json_patch
from support.fake_cluster import HANG, FakeCluster
from support.recorded_states import Raw, State, states


def done(story: str, action: str) -> tuple[State, tuple[State, ...]]:
    """The state in which somebody did it, and those that came of it."""
    found = states(story)
    (at,) = (
        index
        for index, state in enumerate(found)
        if state.deed is not None and state.deed["action"] == action
    )
    return found[at - 1], found[at:]


def decided(before: State, later: Sequence[State], intent: Intent) -> tuple[Decision, FakeCluster]:
    story = [("MODIFIED", state.raw) for state in later]
    objects = {
        "rollouts": [before.raw],
        "replicasets": list(before.objects["replicasets"].values()),
    }
    cluster = FakeCluster(
        objects, namespace=before.raw["metadata"]["namespace"], later={"rollouts": [*story, HANG]}
    )
    ref = Ref(before.raw["metadata"]["namespace"], before.raw["metadata"]["name"])
    return plan(cluster, ref, intent), cluster


def applied(raw: Raw, changes: Sequence[Change]) -> Raw:
    (change,) = changes
    assert (change.kind, change.subresource) == (ROLLOUTS, "")
    result: Raw = apply_json_patch(copy.deepcopy(raw), [dict(op) for op in change.operations])
    return result


def test_an_undo_is_what_was_sent_and_ends_as_it_ended() -> None:
    before, later = done("canary-undo", "undo")
    decision, cluster = decided(before, later, Intent(Action.UNDO))
    found, sent = applied(before.raw, decision.changes), later[0].raw
    assert same(found["spec"].pop("template"), sent["spec"]["template"])
    assert found["spec"] == {k: v for k, v in sent["spec"].items() if k != "template"}
    assert found["status"] == sent["status"]
    assert decision.undo is not None
    assert (decision.undo.revision, decision.undo.target.number) == (2, 1)
    assert [edit.path for edit in decision.undo.edits] == ["spec.containers[app].image"]
    # It was the version before the stable one: an update like any other, as the events say.
    assert decision.notes == (Note.RUNS_ALL_STEPS,)
    followed = follow(cluster, decision, timeout=1, clock=lambda: 0.0)
    assert followed.ending.end is End.HEALTHY
    assert later[-1].status["currentPodHash"] == decision.undo.target.hash


def test_a_restart_is_what_was_sent_and_ends_as_it_ended() -> None:
    before, later = done("canary-restart", "restart")
    at = datetime.fromisoformat(later[0].raw["spec"]["restartAt"])
    decision, cluster = decided(before, later, Intent(Action.RESTART, at=at, clock=lambda: at))
    assert applied(before.raw, decision.changes)["spec"] == later[0].raw["spec"]
    followed = follow(cluster, decision, timeout=1, clock=lambda: 0.0)
    assert followed.ending.end is End.RESTARTED


def test_a_restart_of_fresh_pods_would_not_have_been_lost() -> None:
    """In the recording the pods were of the same second, and nothing was restarted."""
    before, later = done("canary-restart", "restart")
    pods_made = max(
        datetime.fromisoformat(item["metadata"]["creationTimestamp"])
        for item in before.objects["replicasets"].values()
    )
    assert later[-1].status["restartedAt"] == later[0].raw["spec"]["restartAt"]
    now = pods_made + timedelta(seconds=0.9)
    decision, _ = decided(before, later, Intent(Action.RESTART, clock=lambda: now))
    assert decision.restart is not None and decision.restart.at is not None
    assert decision.restart.at > pods_made


@pytest.mark.parametrize("skew", [0.0, 120.0, -120.0])
def test_the_time_is_the_servers(skew: float) -> None:
    before, later = done("canary-restart", "restart")
    server = datetime(2026, 11, 23, 12, 0, 0, 500_000, tzinfo=UTC)
    cluster = decided(before, later, Intent(Action.RESTART, clock=lambda: server))[1]
    cluster.skew = skew
    mine = server + timedelta(seconds=skew)
    ref = Ref(before.raw["metadata"]["namespace"], before.raw["metadata"]["name"])
    decision = plan(cluster, ref, Intent(Action.RESTART, clock=lambda: mine))
    assert decision.restart is not None
    assert decision.restart.at == datetime(2026, 11, 23, 12, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("replicas", "strategy", "count"),
    [
        (1, {"canary": {}}, 1),
        (4, {"canary": {}}, 1),
        (8, {"canary": {}}, 2),
        (4, {"canary": {"maxUnavailable": 3}}, 3),
        (4, {"canary": {"maxUnavailable": 9}}, 4),
        (4, {"canary": {"maxUnavailable": "60%"}}, 2),
        (4, {"canary": {"maxUnavailable": "3"}}, 1),  # a quoted number is a share
        (4, {"canary": {"maxUnavailable": 0}}, 1),
        (8, {"blueGreen": {"activeService": "a"}}, 2),
        (8, {"blueGreen": {"activeService": "a", "maxUnavailable": "100%"}}, 8),
        (8, {"blueGreen": {"activeService": "a", "maxUnavailable": None}}, 2),
    ],
)
def test_so_many_pods_go_at_once(replicas: int, strategy: Raw, count: int) -> None:
    raw = {
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"replicas": replicas, "strategy": strategy},
    }
    assert restarting.at_once(Seen.read(json.dumps(raw).encode())) == count
