"""A group of rollouts that moves step by step: nobody ahead of another, all stopped when one fails.

Against the embedded cluster and its controllers, on a fake clock.
"""

from __future__ import annotations

from typing import Any

import pytest

from rolloutctl.actions import lockstep
from rolloutctl.domain.decision import Action
from rolloutctl.domain.lockstep import Came, Outcome, Sent, Standing, Watching
from rolloutctl.sandbox.embedded import EmbeddedCluster
from support.embedded import InProcess

PAUSE: dict[str, Any] = {"pause": {}}
GROUP = "release=42"


def weight(value: int) -> dict[str, Any]:
    return {"setWeight": value}


THREE = [weight(20), PAUSE, weight(40), PAUSE, weight(60), PAUSE]


class Group:
    """Rollouts with one label, each at its first stop of the update to v2."""

    def __init__(self, *services: str, **strategies: Any) -> None:
        self.sandbox = EmbeddedCluster()
        self.cluster = InProcess(self.sandbox, "default")
        self.told: list[Watching | Sent] = []
        for name in services:
            service = {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}}
            self.sandbox.client.create("services", service, "default")
        for name, strategy in strategies.items():
            self.sandbox.apply(self.manifest(name, strategy))
        self.sandbox.advance(5)
        for name in strategies:
            self.ship(name, "v2")
        self.sandbox.advance(10)

    def manifest(self, name: str, strategy: Any) -> dict[str, Any]:
        if isinstance(strategy, list):
            strategy = {"canary": {"steps": strategy}}
        return {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Rollout",
            "metadata": {"name": name, "namespace": "default", "labels": {"release": "42"}},
            "spec": {
                "replicas": 2,
                "progressDeadlineSeconds": 30,
                "progressDeadlineAbort": True,
                "selector": {"matchLabels": {"app": name}},
                "strategy": strategy,
                "template": {
                    "metadata": {"labels": {"app": name}},
                    "spec": {"containers": [{"name": "app", "image": f"{name}:v1"}]},
                },
            },
        }

    def patch(self, name: str, *operations: dict[str, Any], status: bool = False) -> None:
        self.sandbox.client.patch(
            "rollouts",
            name,
            list(operations),
            "default",
            subresource="status" if status else None,
            content_type="application/json-patch+json",
        )

    def ship(self, name: str, tag: str) -> None:
        path = "/spec/template/spec/containers/0/image"
        self.patch(name, {"op": "replace", "path": path, "value": f"{name}:{tag}"})

    def abort(self, name: str) -> None:
        self.patch(name, {"op": "add", "path": "/status/abort", "value": True}, status=True)

    def status(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.sandbox.client.get("rollouts", name, "default")["status"]
        return found

    def go(self, *, once: bool = False, timeout: float | None = 120, report: Any = None) -> Outcome:
        members = lockstep.members(self.cluster, "default", GROUP)

        def tell(item: Watching | Sent) -> None:
            self.told.append(item)
            if report is not None:
                report(item)

        return lockstep.advance(
            self.cluster, "default", GROUP, members, once=once, timeout=timeout, report=tell
        )

    def promoted(self) -> list[tuple[str, int | None]]:
        """Who was promoted from which step, in order."""
        return [
            (item.ref.name, item.decision.before.index)
            for item in self.told
            if isinstance(item, Sent) and item.action is Action.PROMOTE and item.decision
        ]


def standings(found: Outcome) -> dict[str, Standing]:
    return {member.ref.name: member.standing for member in found.members}


def test_all_move_from_stop_to_stop_together() -> None:
    group = Group(a=THREE, b=THREE, c=THREE)
    found = group.go()
    assert found.came is Came.DONE and found.rounds == 3
    stops = group.promoted()
    assert [step for _, step in stops] == sorted(step or 0 for _, step in stops)
    assert sorted(stops) == [(name, step) for name in "abc" for step in (1, 3, 5)]
    assert set(standings(found).values()) == {Standing.DONE}


def test_who_is_behind_is_promoted_first() -> None:
    group = Group(a=THREE, b=THREE)
    group.patch("a", {"op": "remove", "path": "/status/pauseConditions"}, status=True)
    group.sandbox.advance(10)
    assert group.status("a")["currentStepIndex"] == 3
    assert group.go().came is Came.DONE
    assert group.promoted()[0] == ("b", 1)
    assert set(group.promoted()[1:3]) == {("a", 3), ("b", 3)}


def test_a_timed_pause_of_one_holds_the_others_back() -> None:
    timed = [weight(20), PAUSE, weight(40), {"pause": {"duration": "40s"}}, weight(60), PAUSE]
    group = Group(a=THREE, b=timed)
    found = group.go()
    assert found.came is Came.DONE
    # While b counts down at step 4, a waits there.
    assert group.promoted() == [("a", 1), ("b", 1), ("a", 3), ("a", 5), ("b", 5)]


def test_one_round_and_the_next() -> None:
    group = Group(a=THREE, b=THREE)
    assert group.go(once=True).came is Came.AT_REST
    assert [group.status(name)["currentStepIndex"] for name in "ab"] == [3, 3]
    assert group.go(once=True).came is Came.AT_REST
    assert group.go(once=True).came is Came.DONE


def test_blue_green_comes_after_the_canaries() -> None:
    switch = {"blueGreen": {"activeService": "active", "autoPromotionEnabled": False}}
    group = Group("active", a=THREE, b=switch)
    assert group.go().came is Came.DONE
    assert group.promoted() == [("a", 1), ("a", 3), ("a", 5), ("b", None)]


@pytest.mark.parametrize("failing", ["a", "b", "c"])
def test_when_one_is_aborted_all_are(failing: str) -> None:
    group = Group(a=THREE, b=THREE, c=THREE)

    def someone(item: Watching | Sent) -> None:
        if isinstance(item, Watching) and item.member.standing is Standing.WAITING:
            group.abort(failing)

    found = group.go(report=someone)
    assert found.came is Came.ABORTED
    assert [member.ref.name for member in found.failed] == [failing]
    group.sandbox.advance(5)
    for name in "abc":
        assert group.status(name)["abort"] is True
        assert group.status(name)["phase"] == "Degraded"
    assert len(group.promoted()) == 3  # nobody was promoted after the failure


def test_a_new_version_of_one_stops_the_others() -> None:
    group = Group(a=THREE, b=THREE)

    def someone(item: Watching | Sent) -> None:
        if isinstance(item, Watching) and item.member.ref.name == "a":
            group.ship("a", "v3")

    found = group.go(report=someone)
    assert found.came is Came.ABORTED
    assert standings(found)["a"] is Standing.LEFT
    group.sandbox.advance(5)
    assert group.status("b")["abort"] is True
    # The version that came in between is not this group's to abort.
    assert not group.status("a").get("abort")


def test_who_was_deleted_stops_the_others() -> None:
    group = Group(a=THREE, b=THREE)

    def someone(item: Watching | Sent) -> None:
        if isinstance(item, Sent) and (item.ref.name, item.action) == ("b", Action.PROMOTE):
            group.sandbox.client.delete("rollouts", "a", "default")

    found = group.go(report=someone)
    assert found.came is Came.ABORTED
    assert standings(found)["a"] is Standing.LEFT
    assert [item.ref.name for item in found.sent if item.action is Action.ABORT] == ["b"]


def test_who_has_no_update_takes_no_part() -> None:
    group = Group(a=THREE, b=[weight(20)])
    found = group.go()
    assert found.came is Came.DONE
    assert standings(found) == {"a": Standing.DONE, "b": Standing.IDLE}
    assert {name for name, _ in group.promoted()} == {"a"}


def test_a_person_who_holds_one_holds_all() -> None:
    group = Group(a=THREE, b=THREE)
    group.patch("a", {"op": "add", "path": "/spec/paused", "value": True})
    found = group.go(timeout=30)
    assert found.came is Came.TIMED_OUT
    assert standings(found) == {"a": Standing.HELD, "b": Standing.WAITING}
    assert found.sent == ()


def test_a_promotion_by_somebody_else_is_not_doubled() -> None:
    group = Group(a=THREE, b=THREE)

    def someone() -> None:
        for name in "ab":
            group.patch(name, {"op": "remove", "path": "/status/pauseConditions"}, status=True)
        group.sandbox.settle()

    group.cluster.before_apply = someone
    found = group.go()
    assert found.came is Came.DONE
    # Both were moved past step 2 by somebody else; the group goes on from the next stop.
    assert sorted(group.promoted()) == [("a", 3), ("a", 5), ("b", 3), ("b", 5)]
