"""What the recorded transcript does not show, but users of the server rely on."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from rolloutctl.sandbox.api.messages import Response, Stream
from rolloutctl.sandbox.api.resources import BY_PLURAL
from rolloutctl.sandbox.api.watching import Watch as WatchStream
from rolloutctl.sandbox.client import ApiError
from rolloutctl.sandbox.store import Store
from support.api_server import Server

ROLLOUTS = "/apis/argoproj.io/v1alpha1/namespaces/default/rollouts"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
STRATEGIC = "application/strategic-merge-patch+json"


def deployment() -> dict[str, Any]:
    containers = [
        {"name": "app", "image": "demo:v1", "env": [{"name": "A", "value": "1"}]},
        {"name": "side", "image": "side:v1"},
    ]
    labels = {"app": "d"}
    return {
        "metadata": {"name": "d"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
        },
    }


def events(answer: Response | Stream) -> list[dict[str, Any]]:
    """What a watch shows without waiting."""
    assert isinstance(answer, Stream)
    assert isinstance(answer.chunks, WatchStream)
    return [json.loads(line) for line in answer.chunks.poll().splitlines()]


def test_strategic_merge_changes_one_container_and_keeps_the_other(server: Server) -> None:
    server.client.create("deployments", deployment(), "default")
    env = [{"name": "B", "value": "2"}]
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "app", "env": env}]}}}}
    status, found = server.answer("PATCH", f"{DEPLOYMENTS}/d", patch, media=STRATEGIC)
    app, side = found["spec"]["template"]["spec"]["containers"]
    assert status == 200
    assert app["image"] == "demo:v1"
    assert [entry["name"] for entry in app["env"]] == ["A", "B"]
    assert side["image"] == "side:v1"
    assert found["metadata"]["generation"] == 2


def test_strategic_merge_deletes_an_item_by_its_key(server: Server) -> None:
    server.client.create("deployments", deployment(), "default")
    gone = [{"name": "side", "$patch": "delete"}]
    patch = {"spec": {"template": {"spec": {"containers": gone}}}}
    _, found = server.answer("PATCH", f"{DEPLOYMENTS}/d", patch, media=STRATEGIC)
    assert [c["name"] for c in found["spec"]["template"]["spec"]["containers"]] == ["app"]


def test_a_built_in_object_gets_its_defaults(server: Server) -> None:
    made = server.client.create("deployments", deployment(), "default")
    pod = made["spec"]["template"]["spec"]
    assert made["spec"]["replicas"] == 1
    assert made["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": "25%", "maxUnavailable": "25%"}
    assert pod["restartPolicy"] == "Always"
    assert pod["containers"][0]["imagePullPolicy"] == "IfNotPresent"


def test_deleting_an_owner_deletes_what_it_owns(server: Server) -> None:
    owner = server.rollout("web")
    owned = server.replicaset("web-1", owner)
    server.replicaset("web-1-a", owned)
    server.client.delete("rollouts", "web", "default")
    assert server.client.list("replicasets")[0] == []


def test_orphans_stay_and_forget_their_owner(server: Server) -> None:
    server.replicaset("web-1", server.rollout("web"))
    server.client.delete("rollouts", "web", "default", propagation="Orphan")
    (orphan,), _ = server.client.list("replicasets")
    assert "ownerReferences" not in orphan["metadata"]
    assert server.client.list("rollouts")[0] == []


def test_a_second_owner_keeps_an_object(server: Server) -> None:
    first, second = server.rollout("a"), server.rollout("b")
    owned = server.replicaset("both", first)
    about = second["metadata"]
    reference = {"apiVersion": second["apiVersion"], "kind": "Rollout"}
    reference |= {"name": "b", "uid": about["uid"]}
    owned["metadata"]["ownerReferences"].append(reference)
    server.client.update("replicasets", owned)
    server.client.delete("rollouts", "a", "default")
    (kept,), _ = server.client.list("replicasets")
    assert [o["name"] for o in kept["metadata"]["ownerReferences"]] == ["b"]


def test_foreground_deletion_waits_for_what_blocks_it(server: Server) -> None:
    owner = server.rollout("web")
    owned = server.replicaset("web-1", owner, blockOwnerDeletion=True)
    owned["metadata"]["finalizers"] = ["example.com/hold"]
    held = server.client.update("replicasets", owned)
    server.client.delete("rollouts", "web", "default", propagation="Foreground")
    waiting = server.client.get("rollouts", "web", "default")["metadata"]
    assert waiting["finalizers"] == ["foregroundDeletion"]
    assert waiting["deletionTimestamp"]
    held = server.client.get("replicasets", "web-1", "default")
    held["metadata"]["finalizers"] = []
    server.client.update("replicasets", held)
    assert server.client.list("replicasets")[0] == []
    assert server.client.list("rollouts")[0] == []


def test_deleting_a_namespace_empties_it(server: Server) -> None:
    server.rollout("web")
    server.client.delete("namespaces", "default")
    assert server.client.list("rollouts")[0] == []
    with pytest.raises(ApiError) as refused:
        server.rollout("web")
    assert refused.value.status == 404


def test_an_evicted_pod_is_gone(server: Server) -> None:
    server.client.create("pods", {"metadata": {"name": "p"}, "spec": {"containers": []}}, "default")
    server.client.evict("p", "default")
    with pytest.raises(ApiError) as refused:
        server.client.get("pods", "p", "default")
    assert refused.value.reason == "NotFound"


def test_the_selector_of_a_rollout_cannot_change(server: Server) -> None:
    made = server.rollout("web")
    made["spec"]["selector"]["matchLabels"]["app"] = "other"
    with pytest.raises(ApiError, match="selector is immutable") as refused:
        server.client.update("rollouts", made)
    assert refused.value.status == 422


def test_an_unknown_field_is_dropped_with_a_warning_or_refused(server: Server) -> None:
    made = server.rollout("web")
    made["spec"]["strategy"]["canary"]["stepz"] = []
    body = json.dumps(made).encode()
    answer = server.send("PUT", f"{ROLLOUTS}/web", body)
    assert isinstance(answer, Response)
    assert 'unknown field \\"spec.strategy.canary.stepz\\"' in answer.headers["Warning"]
    assert b"stepz" not in answer.body
    status, refused = server.answer(
        "PUT", f"{ROLLOUTS}/web", body, query={"fieldValidation": "Strict"}
    )
    assert (status, refused["reason"]) == (400, "BadRequest")


def test_a_watch_whose_history_was_cut_expires() -> None:
    server = Server(Store(history=4))
    start = str(server.store.version)
    watch = server.client.watch("rollouts", resource_version=start)
    for number in range(12):
        server.rollout(f"r{number}")
    with pytest.raises(ApiError) as expired:
        watch.poll()
    assert (expired.value.status, expired.value.reason) == (410, "Expired")
    with pytest.raises(ApiError) as too_old:
        server.client.watch("rollouts", resource_version="1").poll()
    assert too_old.value.status == 410


def test_a_page_shows_the_cluster_as_it_was_at_the_first_page(server: Server) -> None:
    for name in ("a", "b", "c"):
        server.rollout(name)
    _, first = server.answer("GET", ROLLOUTS, query={"limit": "2"})
    server.client.delete("rollouts", "c", "default")
    server.rollout("d")
    token = first["metadata"]["continue"]
    _, rest = server.answer("GET", ROLLOUTS, query={"limit": "2", "continue": token})
    assert [item["metadata"]["name"] for item in rest["items"]] == ["c"]
    assert rest["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


def test_a_page_of_a_snapshot_that_is_gone_expires() -> None:
    server = Server(Store(snapshots=1))
    for name in ("a", "b", "c"):
        server.rollout(name)
    _, first = server.answer("GET", ROLLOUTS, query={"limit": "1"})
    server.rollout("d")
    server.answer("GET", ROLLOUTS, query={"limit": "1"})
    token = first["metadata"]["continue"]
    status, refused = server.answer("GET", ROLLOUTS, query={"limit": "1", "continue": token})
    assert (status, refused["reason"]) == (410, "Expired")


def test_bookmarks_come_when_asked_for(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rolloutctl.sandbox.api.watching._BOOKMARKS", 0.0)
    start = str(server.store.version)
    query = {"watch": "true", "resourceVersion": start, "allowWatchBookmarks": "true"}
    answer = server.send("GET", ROLLOUTS, query=query)
    server.client.create("configmaps", {"metadata": {"name": "c"}}, "default")
    (bookmark,) = events(answer)
    assert bookmark["type"] == "BOOKMARK"
    assert bookmark["object"]["metadata"] == {"resourceVersion": str(server.store.version)}
    without = server.send("GET", ROLLOUTS, query={"watch": "true", "resourceVersion": start})
    assert events(without) == []


def test_closing_the_server_ends_watches(server: Server) -> None:
    watch = server.client.watch("rollouts", resource_version=str(server.store.version))
    seen: list[object] = []
    waiting = threading.Thread(target=lambda: seen.extend(watch))
    waiting.start()
    server.rollout("web")
    server.api.close()
    waiting.join(timeout=5)
    assert not waiting.is_alive()
    assert len(seen) <= 1


def test_without_a_token_nothing_is_answered(server: Server) -> None:
    for token in ("", "wrong"):
        status, refused = server.answer("GET", ROLLOUTS, token=token)
        assert (status, refused["reason"]) == (401, "Unauthorized")


def test_rules_of_a_token_hold_for_requests_and_reviews_alike(server: Server) -> None:
    server.rollout("web")
    assert server.answer("GET", ROLLOUTS, token="reader")[0] == 200
    status, refused = server.answer("DELETE", f"{ROLLOUTS}/web", token="reader")
    assert status == 403
    assert refused["message"] == (
        'rollouts.argoproj.io "web" is forbidden: User "reader" cannot delete resource "rollouts"'
        ' in API group "argoproj.io" in the namespace "default"'
    )
    attributes = {"verb": "list", "group": "argoproj.io", "resource": "rollouts"}
    for namespace, allowed in (("default", True), ("other", False)):
        spec = {"resourceAttributes": {**attributes, "namespace": namespace}}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        _, review = server.answer("POST", path, {"spec": spec}, token="reader")
        assert review["status"] == {"allowed": allowed}
    for token, expected in (("admin", 200), ("reader", 403)):
        status, _ = server.answer("GET", ROLLOUTS, token=token, impersonate_user="reader")
        assert status == expected


def test_concurrent_updates_lose_nothing(server: Server) -> None:
    server.client.create("configmaps", {"metadata": {"name": "c"}, "data": {}}, "default")

    def add(key: str) -> None:
        while True:
            found = server.client.get("configmaps", "c", "default")
            found.setdefault("data", {})[key] = "x"
            try:
                server.client.update("configmaps", found)
            except ApiError as error:
                assert error.reason == "Conflict"
            else:
                return

    threads = [threading.Thread(target=add, args=(f"k{n}",)) for n in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    data = server.client.get("configmaps", "c", "default")["data"]
    assert sorted(data) == sorted(f"k{n}" for n in range(40))


def test_one_storage_serves_every_version_of_istio(server: Server) -> None:
    body = {"metadata": {"name": "v"}, "spec": {"hosts": ["a"]}}
    start = "/apis/networking.istio.io"
    body |= {"apiVersion": "networking.istio.io/v1beta1", "kind": "VirtualService"}
    made, _ = server.answer("POST", f"{start}/v1beta1/namespaces/default/virtualservices", body)
    assert made == 201
    for version in ("v1", "v1alpha3", "v1beta1"):
        path = f"{start}/{version}/namespaces/default/virtualservices"
        _, one = server.answer("GET", f"{path}/v")
        _, many = server.answer("GET", path)
        assert one["apiVersion"] == f"networking.istio.io/{version}"
        assert many["items"][0]["apiVersion"] == one["apiVersion"]


@pytest.mark.parametrize(
    ("resource", "body"),
    [
        ("rollouts", {"metadata": {"name": "x", "labels": {"a": None}}, "spec": {}}),
        ("rollouts", {"metadata": {"name": "x", "ownerReferences": [None]}, "spec": []}),
        ("rollouts", {"metadata": {"name": "x", "finalizers": None}, "spec": {"selector": None}}),
        ("rollouts", {"metadata": {"name": 5}, "spec": {"template": 1}}),
        ("secrets", {"metadata": {"name": "x"}, "stringData": {"a": None}}),
        ("services", {"metadata": {"name": "x"}, "spec": {"ports": 5}}),
        ("services", {"metadata": {"name": "x"}, "spec": {"ports": [None]}}),
        ("deployments", {"metadata": {"name": "x"}, "spec": {"strategy": 5}}),
        ("deployments", {"metadata": {"name": "x"}, "spec": {"template": {"spec": 5}}}),
        ("pods", {"metadata": {"name": "x"}, "spec": {"containers": [5, None]}}),
    ],
)
def test_mistyped_fields_are_refused_or_read_as_nothing(
    server: Server, resource: str, body: dict[str, Any]
) -> None:
    known = BY_PLURAL[resource]
    start = f"/apis/{known.api_version()}" if known.group else "/api/v1"
    typed = {"apiVersion": known.api_version(), "kind": known.kind, **body}
    status, _ = server.answer("POST", f"{start}/namespaces/default/{resource}", typed)
    assert status in (201, 400, 422)
    table = "application/json;as=Table;v=v1;g=meta.k8s.io"
    assert server.answer("GET", f"{start}/{resource}", accept=table)[0] == 200


@pytest.mark.parametrize(
    "body",
    [
        b"[1]",
        b"null",
        b'"x"',
        b"[" * 100_000,
        b"\xff\xfe",
        b'{"kind": 5}',
        b'{"metadata": 3}',
        b"{}",
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_no_body_breaks_the_server(server: Server, method: str, body: bytes) -> None:
    server.rollout("web")
    path = ROLLOUTS if method == "POST" else f"{ROLLOUTS}/web"
    media = "application/merge-patch+json" if method == "PATCH" else "application/json"
    answer = server.send(method, path, body, media=media)
    assert isinstance(answer, Response)
    assert answer.status < 500
