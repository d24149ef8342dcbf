"""Whatever is sent gets an answer that blames the sender."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutctl.sandbox.api.errors import Aborted
from rolloutctl.sandbox.api.messages import Request, Stream
from rolloutctl.sandbox.api.resources import BY_PLURAL, Resource
from support.api_server import Server

WORDS = [
    "metadata",
    "name",
    "namespace",
    "labels",
    "annotations",
    "spec",
    "status",
    "data",
    "replicas",
    "selector",
    "matchLabels",
    "template",
    "containers",
    "env",
    "ports",
    "items",
    "strategy",
    "canary",
    "steps",
    "op",
    "path",
    "value",
    "add",
    "test",
    "replace",
    "remove",
    "/spec/replicas",
    "/metadata/labels/a",
    "apiVersion",
    "kind",
    "v1",
    "Rollout",
    "finalizers",
    "ownerReferences",
    "resourceVersion",
    "uid",
    "generateName",
    "managedFields",
    "$patch",
    "$retainKeys",
    "$setElementOrder/containers",
    "preconditions",
    "propagationPolicy",
    "orphanDependents",
    "dryRun",
    "a",
]
SEGMENTS = [
    "apis",
    "api",
    "v1",
    "argoproj.io",
    "v1alpha1",
    "apps",
    "batch",
    "namespaces",
    "default",
    "a",
    "web",
    "status",
    "scale",
    "log",
    "eviction",
    "finalize",
    "watch",
    "openapi",
    "v2",
    "v3",
    "%00",
    "é",
]
PARAMETERS = [
    "watch",
    "limit",
    "continue",
    "labelSelector",
    "fieldSelector",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "allowWatchBookmarks",
    "timeoutSeconds",
    "dryRun",
    "fieldManager",
    "fieldValidation",
    "tailLines",
    "container",
    "follow",
    "propagationPolicy",
]
VALUES = (
    "",
    "0",
    "1",
    "-1",
    "9" * 30,
    "true",
    "All",
    "Strict",
    "NotOlderThan",
    "Exact",
    "a=b",
    "a in (b,c)",
    "a notin (",
    "!a",
    "metadata.name=a",
    "status.phase=x",
)
MEDIA = (
    "application/json",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
    "application/vnd.kubernetes.protobuf",
    "application/yaml",
    "x",
)
FORMS = (
    "application/json",
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
    "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
    "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
    "application/vnd.kubernetes.protobuf",
    ";;;=",
)

words = st.sampled_from(WORDS)
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-5, 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | words
    | st.text(max_size=5)
)
trees = st.recursive(
    leaves,
    lambda below: (
        st.lists(below, max_size=4)
        | st.dictionaries(words | st.text(max_size=3), below, max_size=5)
    ),
    max_leaves=15,
)
objects = st.dictionaries(words, trees, max_size=4)


def path_of(resource: Resource, name: str, part: str) -> str:
    start = f"/apis/{resource.api_version()}" if resource.group else "/api/v1"
    place = "/namespaces/default" if resource.namespaced else ""
    return f"{start}{place}/{resource.plural}{name}{part}"


paths = st.one_of(
    st.builds(
        path_of,
        st.sampled_from(list(BY_PLURAL.values())),
        st.sampled_from(["", "/a", "/a", "/web"]),
        st.sampled_from(["", "", "/status", "/scale", "/log", "/eviction"]),
    ),
    st.lists(st.sampled_from([*SEGMENTS, *BY_PLURAL, ""]), max_size=8).map(
        lambda parts: "/" + "/".join(parts)
    ),
    st.text(max_size=20),
)
bodies = st.one_of(
    st.just(b""),
    trees.map(lambda tree: json.dumps(tree).encode()),
    st.lists(objects, max_size=4).map(lambda items: json.dumps(items).encode()),
    st.builds(
        lambda about, rest: json.dumps({"metadata": {"name": "a", **about}, **rest}).encode(),
        objects,
        objects,
    ),
    st.binary(max_size=30),
    st.binary(max_size=40).map(lambda rest: b"k8s\0" + rest),
)
headers = st.fixed_dictionaries(
    {"authorization": st.sampled_from(["Bearer admin"] * 9 + ["Basic x"])},
    optional={
        "content-type": st.sampled_from(MEDIA),
        "accept": st.sampled_from(FORMS),
        "impersonate-user": st.text(max_size=3),
        "user-agent": st.text(max_size=5),
    },
)
requests = st.builds(
    Request,
    st.sampled_from(["GET", "POST", "PUT", "PATCH", "PATCH", "DELETE", "HEAD", "OPTIONS", "X"]),
    paths,
    st.lists(
        st.tuples(st.sampled_from(PARAMETERS), st.sampled_from(VALUES) | st.text(max_size=6)),
        max_size=4,
    ).map(tuple),
    headers,
    bodies,
)


@pytest.fixture(scope="module")
def filled() -> Server:
    """One of everything, called `a`."""
    server = Server()
    for resource in BY_PLURAL.values():
        if resource.stored:
            body: dict[str, Any] = {
                "apiVersion": resource.api_version(),
                "kind": resource.kind,
                "metadata": {"name": "a"},
                "spec": {},
            }
            server.send("POST", path_of(resource, "", ""), body)
    return server


@given(st.lists(requests, min_size=1, max_size=4))
@settings(max_examples=250, deadline=None)
def test_nothing_sent_is_a_fault_of_the_server(filled: Server, sent: list[Request]) -> None:
    for request in sent:
        try:
            answer = filled.api.handle(request)
        except Aborted:
            continue
        assert answer.status < 500 or answer.status == 504
        if isinstance(answer, Stream):
            poll = getattr(answer.chunks, "poll", None)
            if poll is not None:
                poll()
            close = getattr(answer.chunks, "close", None)
            if close is not None:
                close()
