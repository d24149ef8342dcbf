"""Whether the controller runs an older configuration than the ConfigMap has."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from rolloutctl.actions.plugin_locations import check_locations
from rolloutctl.actions.plugins import READ_BY, DatedConfigMap, fingerprint, overview
from rolloutctl.domain.plugin_config import PluginItem
from rolloutctl.errors import UsageError
from support.fake_cluster import FakeCluster

TEXT = "- name: a/b\n  location: file:///x\n"
NOW = datetime(2026, 5, 1, tzinfo=UTC)
WRITES_PLUGINS: dict[str, Any] = {"f:data": {"f:stepPlugins": {}}}
NAMES = {"app.kubernetes.io/name": "argo-rollouts"}


def fields(time: str, written: Any = WRITES_PLUGINS) -> dict[str, Any]:
    return {"manager": "x", "time": time, "fieldsV1": written}


def cluster(
    *managed: dict[str, Any],
    started: str | None = "2026-03-01T00:00:00Z",
    namespace: str = "argo-rollouts",
    note: str = "",
    read: str = "",
    **more: Any,
) -> FakeCluster:
    metadata: dict[str, Any] = {
        "name": "argo-rollouts-config",
        "namespace": namespace,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "managedFields": list(managed),
    }
    if note:
        metadata["annotations"] = {"rolloutctl.dev/plugins-changed-at": note}
    running = {"running": {"startedAt": started}}
    pod: dict[str, Any] = {
        "metadata": {"name": "p", "namespace": namespace, "labels": NAMES},
        "status": {"containerStatuses": [{"state": running}]} if started else {},
    }
    if read:
        pod["metadata"]["annotations"] = {READ_BY: read}
    deployment = {
        "metadata": {"name": "argo-rollouts", "namespace": namespace, "labels": NAMES},
        "spec": {"selector": {"matchLabels": NAMES}},
    }
    return FakeCluster(
        {
            "configmaps": [{"metadata": metadata, "data": {"stepPlugins": TEXT}}],
            "deployments": [deployment],
            "pods": [pod],
        },
        **more,
    )


@pytest.mark.parametrize(
    ("given", "pending"),
    [
        (cluster(fields("2026-02-01T00:00:00Z")), False),
        (cluster(fields("2026-04-01T00:00:00Z")), True),
        (cluster(fields("2026-02-01T00:00:00Z"), fields("2026-04-01T00:00:00Z", {})), False),
        (cluster(fields("2026-03-01T00:00:00Z")), None),
        (cluster(fields("2026-04-01T00:00:00Z"), started=None), None),
        (cluster(fields("2026-04-01T00:00:00Z"), forbidden=["pods"]), None),
        (cluster(fields("2026-04-01T00:00:00Z"), forbidden=["deployments"]), None),
        (cluster(), None),
        (cluster(note="2026-04-01T00:00:00Z"), True),
        (cluster(note="2026-02-01T00:00:00Z"), None),
        (cluster(note="nonsense"), None),
        (cluster(started="2025-12-01T00:00:00Z"), True),
    ],
)
def test_pending(given: FakeCluster, pending: bool | None) -> None:
    controller = overview(given, now=NOW).controller
    assert controller.pending is pending
    assert bool(controller.unknown) is (pending is None)


def test_a_pod_started_for_just_this_configuration_has_read_it() -> None:
    digest = fingerprint(DatedConfigMap(data={"stepPlugins": TEXT}))
    given = cluster(fields("2026-03-01T00:00:00Z"), read=digest)
    assert overview(given, now=NOW).controller.pending is False


def test_the_controller_is_found_where_it_is() -> None:
    given = cluster(fields("2026-02-01T00:00:00Z"), namespace="rollouts-system")
    seen = overview(given, now=NOW)
    assert seen.controller.namespace == "rollouts-system"
    assert [plugin.name for plugin in seen.plugins] == ["a/b"]
    other = cluster(namespace="second")
    given.objects["deployments"] += other.objects["deployments"]
    with pytest.raises(UsageError, match="2 controllers, in rollouts-system, second"):
        overview(given, now=NOW)


def test_locations_are_tried_as_far_as_that_is_possible() -> None:
    answers = {"https://x/ok": 200, "https://x/gone": 404, "https://x/secret": 403}

    def probe(location: str) -> int:
        if location not in answers:
            raise ConnectionRefusedError("refused")
        return answers[location]

    def item(location: str, secret: bool = False) -> PluginItem:
        return PluginItem("step", "a/b", location, secret_headers=secret)

    given = [*map(item, [*answers, "https://down/", "file:///x"]), item("https://x/secret", True)]
    found = [check.reachable for check in check_locations(given, probe)]
    assert found == [True, False, False, False, None, None]
