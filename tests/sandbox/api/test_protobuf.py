"""Bodies in Protocol Buffers, as kubectl sends them for a few kinds."""

from __future__ import annotations

import pytest

from support.api_server import Server

MEDIA = "application/vnd.kubernetes.protobuf"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


def field(number: int, content: bytes) -> bytes:
    """A field with a length before it."""
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


def envelope(api_version: bytes, kind: bytes, content: bytes) -> bytes:
    about = field(1, api_version) + field(2, kind)
    return b"k8s\0" + field(1, about) + field(2, content)


CONFIG_MAP = envelope(
    b"v1",
    b"ConfigMap",
    field(1, field(1, b"c") + field(11, field(1, b"app") + field(2, b"web")))
    + field(2, field(1, b"key") + field(2, b"value"))
    + bytes([4 << 3, 1]),
)


def test_a_config_map_is_stored_as_its_json_would_be(server: Server) -> None:
    status, made = server.answer("POST", CONFIG_MAPS, CONFIG_MAP, media=MEDIA)
    assert status == 201
    assert made["data"] == {"key": "value"}
    assert made["immutable"] is True
    assert made["metadata"]["labels"] == {"app": "web"}


def test_an_access_review_is_answered(server: Server) -> None:
    attributes = field(2, b"delete") + field(3, b"argoproj.io") + field(5, b"rollouts")
    content = field(2, field(1, attributes))
    body = envelope(b"authorization.k8s.io/v1", b"SelfSubjectAccessReview", content)
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    for token, allowed in (("admin", True), ("reader", False)):
        _, review = server.answer("POST", path, body, media=MEDIA, token=token)
        assert review["status"] == {"allowed": allowed}


def test_a_deployment_is_stored_as_its_json_would_be(server: Server) -> None:
    port = bytes([2 << 3, 0, 3 << 3, 80]) + field(4, b"TCP")
    container = field(1, b"app") + field(2, b"demo:v1") + field(6, port) + field(8, b"")
    labels = field(1, b"app") + field(2, b"web")
    template = field(1, field(11, labels)) + field(2, field(2, container))
    spec = bytes([1 << 3, 2]) + field(2, field(1, labels)) + field(3, template)
    content = field(1, field(1, b"web")) + field(2, spec + bytes([5 << 3, 0, 7 << 3, 0]))
    path = "/apis/apps/v1/namespaces/default/deployments"
    status, made = server.answer(
        "POST", path, envelope(b"apps/v1", b"Deployment", content), media=MEDIA
    )
    assert status == 201
    assert made["spec"]["replicas"] == 2
    assert made["spec"]["selector"] == {"matchLabels": {"app": "web"}}
    assert "minReadySeconds" not in made["spec"] and "paused" not in made["spec"]
    (stored,) = made["spec"]["template"]["spec"]["containers"]
    assert stored["ports"] == [{"containerPort": 80, "protocol": "TCP"}]


def test_a_service_tells_numbers_from_names_of_ports(server: Server) -> None:
    def port(number: int, target: bytes) -> bytes:
        return field(1, field(2, b"TCP") + bytes([3 << 3, number]) + field(4, target))

    named = bytes([1 << 3, 1]) + field(3, b"http")
    numbered = bytes([1 << 3, 0, 2 << 3, 90])
    spec = port(80, named) + port(81, numbered)
    content = field(1, field(1, b"web")) + field(2, spec)
    path = "/api/v1/namespaces/default/services"
    _, made = server.answer("POST", path, envelope(b"v1", b"Service", content), media=MEDIA)
    assert [each["targetPort"] for each in made["spec"]["ports"]] == ["http", 90]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"k8s\0",
        b"{}",
        CONFIG_MAP[:-9],
        envelope(b"v1", b"ConfigMap", field(9, b"an unknown field")),
        envelope(b"v1", b"ConfigMap", b"\x0b\xff\xff"),
        b"k8s\0" + b"\xff" * 40,
    ],
)
def test_what_cannot_be_read_whole_is_refused(server: Server, body: bytes) -> None:
    status, _ = server.answer("POST", CONFIG_MAPS, body, media=MEDIA)
    assert 400 <= status < 500
    assert server.client.list("configmaps")[0] == []
