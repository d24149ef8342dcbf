"""OpenAPI documents: what kubectl explains, and how clients keep them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rolloutctl.sandbox.api import resources
from rolloutctl.sandbox.api.messages import Response
from support.api_server import Server

INDEX = "/openapi/v3"
ARGO = "/openapi/v3/apis/argoproj.io/v1alpha1"


def document(server: Server, path: str = ARGO) -> dict[str, Any]:
    _, found = server.answer("GET", path)
    assert isinstance(found, dict)
    return found


def fetch(server: Server, path: str, query: dict[str, str], **headers: str) -> Response:
    answer = server.send("GET", path, query=query, **headers)
    assert isinstance(answer, Response)
    return answer


def test_the_index_names_every_group_version_with_the_hash_of_its_document(server: Server) -> None:
    paths = document(server, INDEX)["paths"]
    served = {
        resource.api_version(version)
        for resource in resources.RESOURCES
        for version in resource.versions
    }
    assert paths.keys() == {f"apis/{name}" if "/" in name else f"api/{name}" for name in served}
    for entry in paths.values():
        place, _, digest = entry["serverRelativeURL"].partition("?hash=")
        answer = fetch(server, place, {"hash": digest})
        assert answer.status == 200
        assert answer.headers["ETag"] == f'"{digest}"'
        assert "immutable" in answer.headers["Cache-Control"]
        assert json.loads(answer.body)["openapi"] == "3.0.0"


def test_a_client_that_has_it_is_told_so(server: Server) -> None:
    tag = fetch(server, ARGO, {}).headers["ETag"]
    again = fetch(server, ARGO, {}, if_none_match=tag)
    assert (again.status, again.body) == (304, b"")


def test_another_hash_leads_to_the_right_one(server: Server) -> None:
    answer = fetch(server, ARGO, {"hash": "0"})
    assert answer.status == 301
    expected = document(server, INDEX)["paths"]["apis/argoproj.io/v1alpha1"]["serverRelativeURL"]
    assert answer.headers["Location"] == expected


def test_every_reference_leads_somewhere(server: Server) -> None:
    for path in document(server, INDEX)["paths"]:
        text = json.dumps(found := document(server, f"{INDEX}/{path}"))
        for part in text.split('"#/components/schemas/')[1:]:
            assert part.partition('"')[0] in found["components"]["schemas"]


@pytest.mark.parametrize(
    ("path", "kind", "expected"),
    [
        (["spec", "strategy", "canary", "steps", "setWeight"], "Rollout", "integer"),
        (["spec", "template", "spec", "containers", "image"], "Rollout", "string"),
        (["spec", "metrics", "provider", "prometheus", "query"], "AnalysisTemplate", "string"),
        (["status", "phase"], "Rollout", "string"),
    ],
)
def test_a_field_has_its_type_and_is_described(
    server: Server, path: list[str], kind: str, expected: str
) -> None:
    schema = document(server)["components"]["schemas"][f"io.argoproj.v1alpha1.{kind}"]
    for name in path:
        schema = schema.get("items", schema)["properties"][name]
    assert schema["type"] == expected
    assert schema["description"]


def test_patch_says_that_the_server_validates(server: Server) -> None:
    """kubectl leaves validation to the server then."""
    paths = document(server)["paths"]
    patch = paths["/apis/argoproj.io/v1alpha1/namespaces/{namespace}/rollouts/{name}"]["patch"]
    assert "fieldValidation" in [each["name"] for each in patch["parameters"]]


def test_version_2_says_the_same_for_older_clients(server: Server) -> None:
    found = document(server, "/openapi/v2")
    assert found["swagger"] == "2.0"
    schema = found["definitions"]["io.argoproj.v1alpha1.Rollout"]
    assert schema["properties"]["metadata"]["$ref"] in {
        f"#/definitions/{name}" for name in found["definitions"]
    }
    spec = schema["properties"]["spec"]["properties"]
    assert spec["replicas"]["type"] == "integer"
    pod = found["definitions"]["io.k8s.api.core.v1.Pod"]["properties"]["spec"]["properties"]
    assert pod["containers"]["x-kubernetes-patch-merge-key"] == "name"


def test_version_2_comes_in_protocol_buffers_too(server: Server) -> None:
    """kubectl up to 1.26 reads nothing else."""
    asked = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
    answer = fetch(server, "/openapi/v2", {}, accept=asked)
    assert answer.content_type == asked.replace("@", ".")
    parts = dict(messages(answer.body))
    assert parts[1] == b"2.0"
    named = {dict(messages(each))[1].decode() for number, each in messages(parts[9]) if number == 1}
    assert named == document(server, "/openapi/v2")["definitions"].keys()
    (rollout,) = [
        dict(messages(each))[2]
        for _, each in messages(parts[9])
        if dict(messages(each))[1] == b"io.argoproj.v1alpha1.Rollout"
    ]
    fields = [dict(messages(each)) for _, each in messages(dict(messages(rollout))[25])]
    assert [each[1].decode() for each in fields] == [
        "apiVersion",
        "kind",
        "metadata",
        "spec",
        "status",
    ]
    extension = dict(messages(dict(messages(rollout))[31]))
    assert extension[1] == b"x-kubernetes-group-version-kind"
    assert json.loads(dict(messages(extension[2]))[2])[0]["kind"] == "Rollout"


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(number, content) of each field of a message that has nothing but messages and texts."""
    place = 0
    while place < len(data):
        tag, place = varint(data, place)
        length, place = varint(data, place)
        assert tag & 7 == 2
        yield tag >> 3, data[place : place + length]
        place += length
    assert place == len(data)


def varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[place] & 127) << shift
        place, shift = place + 1, shift + 7
        if data[place - 1] < 128:
            return value, place


def test_what_is_not_served_has_no_document(server: Server) -> None:
    answer = fetch(server, "/openapi/v3/apis/nobody.example/v1", {})
    assert answer.status == 404


@pytest.mark.parametrize("namespace", ["default", "elsewhere"])
def test_what_a_user_may_do_is_listed(server: Server, namespace: str) -> None:
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    body = {"spec": {"namespace": namespace}}
    status, review = server.answer("POST", path, body, token="reader")
    assert status == 201
    may = {"verbs": ["get", "list"], "apiGroups": ["argoproj.io"], "resources": ["rollouts"]}
    assert (may in review["status"]["resourceRules"]) == (namespace == "default")
    _, review = server.answer("POST", path, body)
    everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
    assert everything in review["status"]["resourceRules"]


@pytest.mark.parametrize(
    ("kind", "spec", "field"),
    [
        ("Service", {"ports": [{"port": 80}], "bogus": 1}, "spec.bogus"),
        (
            "Pod",
            {"containers": [{"name": "a", "image": "b", "imagee": "c"}]},
            "spec.containers[0].imagee",
        ),
    ],
)
@pytest.mark.parametrize("validation", ["Strict", "Warn", "Ignore"])
def test_an_unknown_field_of_a_built_in_object(
    server: Server, kind: str, spec: dict[str, Any], field: str, validation: str
) -> None:
    path = f"/api/v1/namespaces/default/{kind.lower()}s"
    body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}, "spec": spec}
    answer = server.send("POST", path, body, query={"fieldValidation": validation})
    assert isinstance(answer, Response)
    if validation == "Strict":
        assert answer.status == 400
        assert f'strict decoding error: unknown field \\"{field}\\"' in answer.body.decode()
        return
    assert answer.status == 201
    assert field.rpartition(".")[2].encode() + b'":' not in answer.body
    said = answer.headers.get("Warning", "")
    assert (f'unknown field \\"{field}\\"' in said) == (validation == "Warn")
