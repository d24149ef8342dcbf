"""Server-side apply: who owns what, who may change it, and what goes when nobody wants it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rolloutctl.sandbox.client import Client
from support.api_server import Server, rollout, template

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
ROLLOUTS = "/apis/argoproj.io/v1alpha1/namespaces/default/rollouts"
WEB = f"{ROLLOUTS}/web"
SERVICES = "/api/v1/namespaces/default/services"


def send(
    server: Server, manager: str, spec: dict[str, Any] | None, path: str = WEB, **query: str
) -> tuple[int, Any]:
    """Apply a rollout with this spec; without one, just its name and what `query` says."""
    body: dict[str, Any] = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout"}
    body["metadata"] = {"name": "web"}
    if spec is not None:
        body["spec"] = spec
    return server.answer("PATCH", path, body, media=APPLY, query={"fieldManager": manager, **query})


def applied(server: Server, manager: str, spec: dict[str, Any] | None, **query: str) -> Any:
    status, found = send(server, manager, spec, **query)
    assert status in (200, 201), found
    return found


def owners(obj: dict[str, Any], *steps: str) -> list[str]:
    """The managers that own the field at `steps` of fieldsV1."""
    found = []
    for entry in obj["metadata"].get("managedFields", ()):
        node = entry["fieldsV1"]
        for step in steps:
            node = node.get(step) if node is not None else None
        if node is not None:
            found.append(entry["manager"])
    return found


def whole() -> dict[str, Any]:
    spec: dict[str, Any] = rollout("web")["spec"]
    return spec


def test_apply_creates_and_a_second_one_changes_nothing(server: Server) -> None:
    status, made = send(server, "gitops", whole())
    assert status == 201
    (entry,) = made["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"]) == ("gitops", "Apply")
    assert entry["fieldsV1"]["f:spec"]["f:template"]["f:spec"]["f:containers"] == {
        'k:{"name":"app"}': {
            ".": {},
            "f:name": {},
            "f:image": {},
            "f:env": {'k:{"name":"A"}': {".": {}, "f:name": {}, "f:value": {}}},
        }
    }
    assert applied(server, "gitops", whole()) == made


def test_what_another_owns_is_refused_with_every_cause(server: Server) -> None:
    applied(server, "gitops", whole())
    other = {**whole(), "replicas": 9}
    other["template"] = template("web")
    other["template"]["spec"]["containers"][0]["image"] = "demo:v2"
    status, refusal = send(server, "person", other)
    assert status == 409
    assert refusal["reason"] == "Conflict"
    said = 'conflict with "gitops"'
    image = '.spec.template.spec.containers[name="app"].image'
    assert refusal["details"]["causes"] == [
        {"reason": "FieldManagerConflict", "message": said, "field": ".spec.replicas"},
        {"reason": "FieldManagerConflict", "message": said, "field": image},
    ]
    assert refusal["message"] == (
        f'Apply failed with 2 conflicts: conflicts with "gitops":\n- .spec.replicas\n- {image}'
    )
    assert server.client.get("rollouts", "web", "default")["spec"]["replicas"] == 2


def test_force_takes_a_field_over(server: Server) -> None:
    applied(server, "gitops", whole())
    found = applied(server, "person", {"replicas": 9}, force="true")
    assert found["spec"]["replicas"] == 9
    assert owners(found, "f:spec", "f:replicas") == ["person"]
    assert owners(found, "f:spec", "f:selector") == ["gitops"]


def test_the_same_value_is_shared_and_stays_while_one_wants_it(server: Server) -> None:
    applied(server, "gitops", whole())
    found = applied(server, "person", {"replicas": 2})
    assert owners(found, "f:spec", "f:replicas") == ["gitops", "person"]
    less = {key: value for key, value in whole().items() if key != "replicas"}
    found = applied(server, "gitops", less)
    assert found["spec"]["replicas"] == 2
    assert owners(found, "f:spec", "f:replicas") == ["person"]
    found = applied(server, "person", {})
    assert "replicas" not in found["spec"]
    assert owners(found, "f:spec", "f:replicas") == []


def test_an_item_of_a_list_goes_with_the_one_who_wanted_it(server: Server) -> None:
    applied(server, "gitops", whole())
    both = whole()
    both["template"]["spec"]["containers"].append({"name": "proxy", "image": "proxy:v1"})
    applied(server, "gitops", both)
    sidecar = {"template": {"spec": {"containers": [{"name": "logs", "image": "logs:v1"}]}}}
    found = applied(server, "mesh", sidecar)
    names = [each["name"] for each in found["spec"]["template"]["spec"]["containers"]]
    assert names == ["app", "proxy", "logs"]
    found = applied(server, "gitops", whole())
    names = [each["name"] for each in found["spec"]["template"]["spec"]["containers"]]
    assert names == ["app", "logs"]


def test_a_person_who_edits_owns_what_was_edited(server: Server) -> None:
    applied(server, "gitops", whole())
    edit = {"spec": {"replicas": 5}}
    _, found = server.answer(
        "PATCH", WEB, edit, media=MERGE, query={"fieldManager": "kubectl-edit"}
    )
    assert owners(found, "f:spec", "f:replicas") == ["kubectl-edit"]
    status, refusal = send(server, "gitops", whole())
    assert status == 409
    assert refusal["message"] == (
        'Apply failed with 1 conflict: conflict with "kubectl-edit" using argoproj.io/v1alpha1: '
        ".spec.replicas"
    )


def test_status_has_entries_of_its_own(server: Server) -> None:
    applied(server, "gitops", whole())
    status = {"status": {"phase": "Healthy"}}
    query = {"fieldManager": "controller"}
    _, found = server.answer("PATCH", f"{WEB}/status", status, media=MERGE, query=query)
    entry = next(e for e in found["metadata"]["managedFields"] if e["manager"] == "controller")
    assert entry["subresource"] == "status"
    assert entry["fieldsV1"] == {"f:status": {".": {}, "f:phase": {}}}
    other = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "status": {"phase": "Paused"}}
    refused, refusal = server.answer(
        "PATCH", f"{WEB}/status", other, media=APPLY, query={"fieldManager": "x"}
    )
    assert refused == 409
    assert 'conflict with "controller" with subresource "status" using' in refusal["message"]


def test_a_status_in_a_configuration_is_nobodys(server: Server) -> None:
    body = {**rollout("web"), "status": {"phase": "Healthy"}}
    status, found = server.answer("PATCH", WEB, body, media=APPLY, query={"fieldManager": "g"})
    assert status == 201
    assert "status" not in found
    assert owners(found, "f:status") == []


def test_ports_are_known_by_number_and_protocol(server: Server) -> None:
    def service(*ports: dict[str, Any]) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": list(ports)},
        }

    http, other = {"port": 80, "name": "http"}, {"port": 53, "protocol": "UDP", "name": "dns"}
    path, query = f"{SERVICES}/web", {"fieldManager": "gitops"}
    _, made = server.answer("PATCH", path, service(http, other), media=APPLY, query=query)
    ports = made["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:ports"]
    assert ports.keys() == {'k:{"port":80,"protocol":"TCP"}', 'k:{"port":53,"protocol":"UDP"}'}
    _, found = server.answer("PATCH", path, service(http), media=APPLY, query=query)
    assert [port["name"] for port in found["spec"]["ports"]] == ["http"]
    assert found["spec"]["clusterIP"] == made["spec"]["clusterIP"]


def test_who_wrote_before_the_first_apply_is_asked_too(server: Server) -> None:
    made = server.rollout("web")
    record = server.store.get("rollouts", "default", "web")
    assert record is not None
    server.store.put("rollouts", record.decode(), ())
    status, refusal = send(server, "gitops", {"replicas": 7})
    assert status == 409
    assert 'conflict with "before-first-apply" using' in refusal["message"]
    assert applied(server, "gitops", {"replicas": made["spec"]["replicas"]})


def test_kubectl_hands_the_fields_of_client_side_apply_over(server: Server) -> None:
    """As kubectl does before its first server-side apply of an object it had applied itself."""
    query = {"fieldManager": "kubectl-client-side-apply"}
    _, made = server.answer("POST", ROLLOUTS, rollout("web"), query=query)
    (entry,) = made["metadata"]["managedFields"]
    mine = {**entry, "manager": "kubectl", "operation": "Apply"}
    operations = [
        {"op": "replace", "path": "/metadata/managedFields", "value": [mine]},
        {
            "op": "replace",
            "path": "/metadata/resourceVersion",
            "value": made["metadata"]["resourceVersion"],
        },
    ]
    status, found = server.answer("PATCH", WEB, operations, media=JSON_PATCH)
    assert status == 200
    assert found["metadata"]["managedFields"] == [mine]
    assert applied(server, "kubectl", {**whole(), "replicas": 3})["spec"]["replicas"] == 3


def test_kubectl_may_take_over_what_it_applied_itself(server: Server) -> None:
    name = "kubectl.kubernetes.io/last-applied-configuration"
    body = rollout("web", annotations={name: json.dumps(rollout("web"))})
    query = {"fieldManager": "kubectl-client-side-apply"}
    server.answer("POST", ROLLOUTS, body, query=query)
    wanted = {**whole(), "replicas": 3}
    refused, _ = send(server, "gitops", wanted)
    assert refused == 409
    found = applied(server, "kubectl", wanted)
    assert found["spec"]["replicas"] == 3
    assert json.loads(found["metadata"]["annotations"][name])["spec"]["replicas"] == 3
    edit = {"spec": {"replicas": 9}}
    server.answer("PATCH", WEB, edit, media=MERGE, query={"fieldManager": "kubectl-edit"})
    refused, refusal = send(server, "kubectl", wanted)
    assert refused == 409
    assert 'conflict with "kubectl-edit"' in refusal["message"]


def test_all_entries_can_be_taken_away(server: Server) -> None:
    applied(server, "gitops", whole())
    clear: dict[str, Any] = {"metadata": {"managedFields": [{}]}}
    _, found = server.answer("PATCH", WEB, clear, media=MERGE)
    assert "managedFields" not in found["metadata"]


def test_an_apply_of_an_older_version_is_refused(server: Server) -> None:
    made = applied(server, "gitops", whole())
    applied(server, "gitops", {**whole(), "replicas": 3})
    body = {**rollout("web"), "metadata": {"name": "web"}}
    body["metadata"]["resourceVersion"] = made["metadata"]["resourceVersion"]
    query = {"fieldManager": "g", "force": "true"}
    status, refusal = server.answer("PATCH", WEB, body, media=APPLY, query=query)
    assert status == 409
    assert "the object has been modified" in refusal["message"]


@pytest.mark.parametrize(
    ("query", "change", "status", "said"),
    [
        ({}, {}, 422, "fieldManager: Required value: is required for apply patch"),
        ({"fieldManager": "m" * 129}, {}, 422, "may not be more than 128 bytes"),
        ({"fieldManager": "m"}, {"spec": {"bogus": 1}}, 500, ".spec.bogus: field not declared"),
        (
            {"fieldManager": "m"},
            {"metadata": {"name": "web", "managedFields": [{"manager": "x"}]}},
            400,
            "metadata.managedFields must be nil",
        ),
    ],
)
def test_what_an_apply_may_not_say(
    server: Server, query: dict[str, str], change: dict[str, Any], status: int, said: str
) -> None:
    refused, refusal = server.answer(
        "PATCH", WEB, {**rollout("web"), **change}, media=APPLY, query=query
    )
    assert (refused, said in refusal["message"]) == (status, True), refusal


def test_a_dry_run_of_an_apply_keeps_nothing(server: Server) -> None:
    applied(server, "gitops", whole())
    found = applied(server, "person", {"replicas": 9}, force="true", dryRun="All")
    assert owners(found, "f:spec", "f:replicas") == ["person"]
    _, kept = server.answer("GET", WEB)
    assert owners(kept, "f:spec", "f:replicas") == ["gitops"]


def test_the_control_loops_do_not_carry_it_along(server: Server) -> None:
    applied(server, "gitops", whole())
    client = Client(server.api, "admin")
    assert "managedFields" not in client.get("rollouts", "web", "default")["metadata"]
    assert "managedFields" not in client.list("rollouts")[0][0]["metadata"]
    watch = client.watch("rollouts", resource_version="0")
    assert all("managedFields" not in obj["metadata"] for _, obj in watch.poll())
    _, listed = server.answer("GET", ROLLOUTS)
    assert owners(listed["items"][0], "f:spec", "f:replicas") == ["gitops"]
