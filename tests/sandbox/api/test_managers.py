"""Who wrote which field of an object, and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rolloutctl.sandbox.api import ADMIN, Api
from rolloutctl.sandbox.client import Client
from rolloutctl.sandbox.store import Store
from support.api_server import Server

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
CONFIG = f"{CONFIG_MAPS}/config"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
OWNED = dict[str, tuple[str, list[str]]]
"""manager → (time of day, data keys)"""


class Ticking(Server):
    """A server whose time stands still until told."""

    def __init__(self) -> None:
        super().__init__()
        self.moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
        self.api = Api(self.store, tokens={"admin": ADMIN}, now=lambda: self.moment)

    def write(self, method: str, body: Any, path: str = CONFIG, **more: Any) -> dict[str, Any]:
        """Write a minute later than before."""
        self.moment += timedelta(minutes=1)
        status, found = self.answer(method, path, body, **more)
        assert status in (200, 201), found
        assert isinstance(found, dict)
        return found

    def create(self, **data: str) -> dict[str, Any]:
        body = {"metadata": {"name": "config"}, "data": data}
        return self.write("POST", body, CONFIG_MAPS, user_agent="kubectl/v1.32 (linux)")


@pytest.fixture
def ticking() -> Ticking:
    return Ticking()


def owned(config: dict[str, Any]) -> OWNED:
    return {
        entry["manager"]: (
            entry["time"][11:16],
            sorted(key[2:] for key in entry["fieldsV1"].get("f:data", {}) if key != "."),
        )
        for entry in config["metadata"]["managedFields"]
    }


def test_who_creates_owns_all(ticking: Ticking) -> None:
    made = ticking.create(stepPlugins="[]")
    assert made["metadata"]["managedFields"] == [
        {
            "manager": "kubectl",
            "operation": "Update",
            "apiVersion": "v1",
            "time": "2026-03-01T12:01:00Z",
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:data": {".": {}, "f:stepPlugins": {}}},
        }
    ]


def test_who_changes_a_field_takes_it_over(ticking: Ticking) -> None:
    ticking.create(one="1", two="2")
    changed = ticking.write("PATCH", {"data": {"one": "x"}}, media=MERGE, user_agent="editor/1")
    assert owned(changed) == {"kubectl": ("12:01", ["two"]), "editor": ("12:02", ["one"])}
    operations = [{"op": "replace", "path": "/data/two", "value": "y"}]
    named = {"fieldManager": "named"}
    changed = ticking.write("PATCH", operations, media=JSON_PATCH, query=named, user_agent="e/1")
    assert owned(changed) == {
        "kubectl": ("12:01", []),
        "editor": ("12:02", ["one"]),
        "named": ("12:03", ["two"]),
    }


def test_a_note_on_the_object_leaves_the_time_of_the_data_alone(ticking: Ticking) -> None:
    ticking.create(one="1")
    note = {"metadata": {"annotations": {"a": "b"}}}
    changed = ticking.write("PATCH", note, media=MERGE, user_agent="noter")
    assert owned(changed) == {"kubectl": ("12:01", ["one"]), "noter": ("12:02", [])}


def test_a_write_that_changes_nothing_is_not_noted(ticking: Ticking) -> None:
    before = ticking.create(one="1")
    assert ticking.write("PATCH", {"data": {"one": "1"}}, media=MERGE, user_agent="e") == before
    assert ticking.write("PUT", before, user_agent="e") == before


def test_what_is_removed_is_nobodys(ticking: Ticking) -> None:
    ticking.create(one="1", two="2")
    changed = ticking.write("PATCH", {"data": {"one": None}}, media=MERGE, user_agent="e")
    assert owned(changed) == {"kubectl": ("12:01", ["two"])}


def test_a_client_does_not_write_it_itself(ticking: Ticking) -> None:
    made = ticking.create(one="1")
    forged = {**made, "metadata": {**made["metadata"], "managedFields": [{"manager": "x"}]}}
    assert ticking.write("PUT", forged, user_agent="e") == made


def test_a_dry_run_shows_it_and_keeps_nothing(ticking: Ticking) -> None:
    ticking.create(one="1")
    query = {"dryRun": "All"}
    shown = ticking.write(
        "PATCH", {"data": {"one": "2"}}, media=MERGE, query=query, user_agent="dry"
    )
    assert "dry" in owned(shown)
    assert "dry" not in owned(ticking.answer("GET", CONFIG)[1])


def test_who_applies_owns_what_it_sent(ticking: Ticking) -> None:
    ticking.create(one="1", two="2")
    wanted = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"one": "1", "three": "3"}}
    query = {"fieldManager": "gitops"}
    applied = ticking.write("PATCH", wanted, media=APPLY, query=query)
    assert owned(applied) == {
        "gitops": ("12:02", ["one", "three"]),
        "kubectl": ("12:01", ["one", "two"]),
    }
    assert applied["metadata"]["managedFields"][0]["operation"] == "Apply"


def test_finalizers_and_owners_are_known_one_by_one(ticking: Ticking) -> None:
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "u-1"}
    about = {"name": "config", "finalizers": ["a/b"], "ownerReferences": [reference]}
    made = ticking.write("POST", {"metadata": about}, CONFIG_MAPS)
    (entry,) = made["metadata"]["managedFields"]
    assert entry["manager"] == "unknown"
    assert entry["fieldsV1"] == {
        "f:metadata": {
            "f:finalizers": {".": {}, 'v:"a/b"': {}},
            "f:ownerReferences": {".": {}, 'k:{"uid":"u-1"}': {}},
        }
    }


def test_a_rollout_has_them_too_but_not_inside_it(ticking: Ticking) -> None:
    ticking.rollout("web")
    record = ticking.store.get("rollouts", "default", "web")
    assert record is not None
    assert b"managedFields" not in record.raw
    path = "/apis/argoproj.io/v1alpha1/namespaces/default/rollouts/web"
    _, found = ticking.answer("GET", path)
    (entry,) = found["metadata"]["managedFields"]
    assert entry["fieldsV1"]["f:spec"]["f:strategy"] == {
        ".": {},
        "f:canary": {".": {}, "f:steps": {}},
    }


def test_a_watch_from_an_earlier_server_has_expired() -> None:
    earlier = Server()
    version = earlier.rollout("web")["metadata"]["resourceVersion"]
    later = Server(Store(first_version=1_000_000))
    watch = Client(later.api, "admin").watch("rollouts", resource_version=version)
    with pytest.raises(Exception, match="too old resource version"):
        watch.poll()
