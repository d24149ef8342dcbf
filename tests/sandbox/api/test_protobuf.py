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
