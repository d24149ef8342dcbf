"""Pod templates compared without what the API server fills in, and taken out of ReplicaSets."""

from __future__ import annotations

import copy
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutctl.domain.revisions import TemplateHolder, images_of, revisions, with_hash, written
from rolloutctl.domain.status import is_observed
from rolloutctl.domain.templates import ABSENT, Edit, edits, normalised, same
from rolloutctl.domain.wire import Rollout
from support.recorded_states import STORIES, states

Object = dict[str, Any]
HASH = "rollouts-pod-template-hash"


def template(**container: Any) -> Object:
    return {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "app", "image": "web:v1", **container}]},
    }


def defaulted(found: Object) -> Object:
    """As an API server stores it."""
    found = copy.deepcopy(found)
    found["metadata"] |= {"creationTimestamp": None}
    found["metadata"]["labels"][HASH] = "abc"
    found["spec"] |= {
        "restartPolicy": "Always",
        "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
    }
    for container in found["spec"]["containers"]:
        container |= {
            "imagePullPolicy": "IfNotPresent",
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
        }
        container.setdefault("resources", {})
        for port in container.get("ports", ()):
            port.setdefault("protocol", "TCP")
        for probe in ("livenessProbe", "readinessProbe"):
            if probe in container:
                every = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1}
                container[probe] = {"failureThreshold": 3, **every, **container[probe]}
    return found


@pytest.mark.parametrize(
    "found",
    [
        template(),
        template(ports=[{"containerPort": 80}]),
        template(livenessProbe={"exec": {"command": ["true"]}}),
        template(env=[{"name": "A", "value": "1"}], args=["a", "b"]),
    ],
)
def test_what_the_server_fills_in_is_no_difference(found: Object) -> None:
    assert same(found, defaulted(found))
    assert edits(found, defaulted(found)) == edits(defaulted(found), found) == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [("1", "1000m"), ("0.5", "500m"), ("1Gi", "1024Mi"), ("1G", "1e9"), (1, "1"), ("1k", "1000")],
)
def test_an_amount_has_many_ways_of_writing(one: Any, other: Any) -> None:
    def limited(amount: Any) -> Object:
        return template(resources={"limits": {"cpu": amount}})

    assert same(limited(one), limited(other))
    (edit,) = edits(limited(one), limited("7"))
    assert (edit.path, edit.before, edit.after) == (
        "spec.containers[app].resources.limits.cpu",
        str(one),
        "7",
    )
    assert type(edit.before) is str


@pytest.mark.parametrize(
    "change",
    [
        {"imagePullPolicy": "Always"},
        {"terminationMessagePolicy": "FallbackToLogsOnError"},
        {"livenessProbe": {"periodSeconds": 11}},
        {"tty": True},
        {"nobodyKnows": {}},
        {"securityContext": {"runAsNonRoot": False}},
    ],
)
def test_what_is_no_default_counts(change: Object) -> None:
    assert not same(template(), template(**change))
    assert edits(template(), template(**change))


def test_a_policy_goes_without_saying_by_the_image() -> None:
    for image, policy in (
        ("web:v1", "IfNotPresent"),
        ("web", "Always"),
        ("web:latest", "Always"),
        ("host:5000/web", "Always"),
        ("web@sha256:abc", "IfNotPresent"),
    ):
        one = template(image=image)
        assert same(one, template(image=image, imagePullPolicy=policy)), image


def test_differences_name_entries_as_people_do() -> None:
    before = template(env=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}])
    after = template(env=[{"name": "B", "value": "3"}, {"name": "C", "value": "4"}])
    after["spec"]["containers"].append({"name": "side", "image": "side:1"})
    after["metadata"]["annotations"] = {"example.com/a": "x"}
    found = [(edit.path, edit.before, edit.after) for edit in edits(before, after)]
    env = "spec.containers[app].env"
    side = {"name": "side", "image": "side:1"}
    assert found == [
        ("metadata.annotations", ABSENT, {"example.com/a": "x"}),
        (f"{env}[A]", {"name": "A", "value": "1"}, ABSENT),
        (f"{env}[B].value", "2", "3"),
        (f"{env}[C]", ABSENT, {"name": "C", "value": "4"}),
        ("spec.containers[side]", ABSENT, side),
    ]


def test_the_order_of_a_list_is_a_difference() -> None:
    one, two = {"name": "A", "value": "1"}, {"name": "B", "value": "$(A)"}
    assert edits(template(env=[one, two]), template(env=[two, one])) == (
        Edit("spec.containers[app].env", ["A", "B"], ["B", "A"], reordered=True),
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "a", "1", "100m"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["metadata", "spec", "containers", "name", "env", "resources", "x y"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON, JSON)
def test_whatever_the_templates_are_edits_are_empty_exactly_when_they_are_the_same(
    one: Any, other: Any
) -> None:
    kept = copy.deepcopy(one)
    # To Python True is 1; in JSON they are two values, of which a typed field takes only one.
    if same(one, other):
        assert all(edit.before == edit.after for edit in edits(one, other))
    else:
        assert edits(one, other)
    assert same(one, one) and not edits(one, one)
    assert same(normalised(one), one)
    assert one == kept
    images_of(one)


# --- out of a ReplicaSet ------------------------------------------------------------------------

OTHER_HASH = {
    "labelSelector": {"matchExpressions": [{"key": HASH, "operator": "NotIn", "values": ["old"]}]},
    "topologyKey": "kubernetes.io/hostname",
}
OWN_TERM = {
    "labelSelector": {"matchLabels": {"app": "web"}},
    "topologyKey": "kubernetes.io/hostname",
}


def test_what_the_controller_injected_stays_out_and_all_else_comes_back() -> None:
    mine = template(nobodyKnows={"kept": [1, 2.5, None]})
    mine["metadata"]["labels"]["role"] = "mine"
    held = defaulted(mine)
    held["metadata"]["labels"] |= {"tier": "stable"}
    held["metadata"]["annotations"] = {"injected": "yes"}
    held["spec"]["affinity"] = {
        "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [OTHER_HASH]}
    }
    ephemeral = {
        "labels": {"tier": "stable", "role": "not what it is now"},
        "annotations": {"injected": "yes"},
    }
    found = written(held, json.dumps(ephemeral))
    assert same(found, mine)
    assert found["metadata"] == mine["metadata"]
    assert found["spec"]["containers"][0]["nobodyKnows"] == {"kept": [1, 2.5, None]}
    assert "affinity" not in found["spec"]


@pytest.mark.parametrize("kind", ["required", "preferred"])
def test_anti_affinity_of_ones_own_is_kept(kind: str) -> None:
    held = template()
    key = f"{kind}DuringSchedulingIgnoredDuringExecution"
    terms: list[Object] = [OTHER_HASH, OWN_TERM]
    if kind == "preferred":
        terms = [{"weight": 1, "podAffinityTerm": term} for term in terms]
    held["spec"]["affinity"] = {"podAntiAffinity": {key: terms}}
    assert written(held)["spec"]["affinity"]["podAntiAffinity"][key] == terms[1:]


@pytest.mark.parametrize("text", ["", "{}", "no JSON", '{"labels": 1}', '{"labels": null}', "[]"])
def test_a_damaged_annotation_takes_nothing_away(text: str) -> None:
    assert written(template(), text) == template()


@given(JSON)
def test_no_template_breaks_it(found: Any) -> None:
    if isinstance(found, dict):
        written(found, '{"labels":{"name":"a"}}')


@pytest.mark.parametrize("story", STORIES)
def test_the_present_revision_has_the_template_of_the_rollout(story: str) -> None:
    """In every recorded state the controller had seen: defaults, hashes, injected metadata."""
    compared = 0
    for state in states(story):
        present = state.raw["spec"].get("template")
        if not present or not is_observed(state.rollout):
            continue
        sets = [
            msgspec.convert(item, TemplateHolder, strict=False)
            for item in state.objects.get("replicasets", {}).values()
        ]
        rollout = msgspec.convert(state.raw, Rollout, strict=False)
        history = revisions(rollout, sets)
        found = with_hash(history, state.rollout.status.current_pod_hash)
        if found is None:
            continue
        compared += 1
        assert edits(present, found.template) == ()
        for other in history:
            if other.hash != found.hash:
                assert not same(present, other.template)
    own = [state for state in states(story) if state.raw["spec"].get("template")]
    assert compared or not any(state.rollout.status.current_pod_hash for state in own)
