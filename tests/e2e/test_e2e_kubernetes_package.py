"""The official Python client, configured by the sandbox's kubeconfig: HTTPS, its CA, its token."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import kubernetes
import pytest
from kubernetes import client, config, watch

from support.shell import Shell, eventually, manifest

pytestmark = pytest.mark.e2e

ARGO = ("argoproj.io", "v1alpha1")
PAUSE: dict[str, Any] = {"pause": {}}


@pytest.fixture
def api(shell: Shell) -> Iterator[Any]:
    with config.new_client_from_config(shell.env["KUBECONFIG"]) as made:
        assert made.configuration.host.startswith("https://")
        assert made.configuration.verify_ssl
        yield made


@pytest.fixture
def rollouts(api: Any) -> Any:
    return client.CustomObjectsApi(api)


@pytest.mark.skipif(
    int(kubernetes.__version__.partition(".")[0]) < 35,
    reason="an older client cannot be told which kind of patch it sends",
)
def test_custom_objects_are_created_read_listed_patched_and_deleted(
    shell: Shell, rollouts: Any
) -> None:
    place = (*ARGO, shell.namespace, "rollouts")
    body = manifest(shell.namespace, "web", {"setWeight": 50}, PAUSE)
    made = rollouts.create_namespaced_custom_object(*place, body)
    assert made["metadata"]["generation"] == 1
    shell.until("web", "healthy")

    listed = rollouts.list_namespaced_custom_object(*place, label_selector="app=web", limit=1)
    assert [each["metadata"]["name"] for each in listed["items"]] == ["web"]
    everywhere = rollouts.list_cluster_custom_object(*ARGO, "rollouts")
    assert everywhere["kind"] == "RolloutList"

    # A merge patch, unless it is said to be another.
    patched = rollouts.patch_namespaced_custom_object(*place, "web", {"spec": {"replicas": 3}})
    assert patched["spec"]["replicas"] == 3
    as_json_patch = {"_content_type": "application/json-patch+json"}
    operations = [{"op": "test", "path": "/spec/replicas", "value": 9}]
    with pytest.raises(client.ApiException) as refused:
        rollouts.patch_namespaced_custom_object(*place, "web", operations, **as_json_patch)
    assert refused.value.status == 422
    operations = [{"op": "replace", "path": "/spec/replicas", "value": 2}]
    patched = rollouts.patch_namespaced_custom_object(*place, "web", operations, **as_json_patch)
    assert patched["spec"]["replicas"] == 2
    stale = {**made, "spec": {**made["spec"], "replicas": 7}}
    with pytest.raises(client.ApiException) as conflict:
        rollouts.replace_namespaced_custom_object(*place, "web", stale)
    assert conflict.value.status == 409

    status = rollouts.get_namespaced_custom_object_status(*place, "web")
    assert status["status"]["stableRS"]
    scale = rollouts.get_namespaced_custom_object_scale(*place, "web")
    assert scale["spec"]["replicas"] == 2
    rollouts.patch_namespaced_custom_object_status(*place, "web", {"status": {"abort": True}})

    gone = rollouts.delete_namespaced_custom_object(*place, "web")
    assert gone["status"] == "Success"
    with pytest.raises(client.ApiException) as missing:
        rollouts.get_namespaced_custom_object(*place, "web")
    assert missing.value.status == 404


def test_custom_objects_are_watched(shell: Shell, rollouts: Any) -> None:
    place = (*ARGO, shell.namespace, "rollouts")
    version = rollouts.list_namespaced_custom_object(*place)["metadata"]["resourceVersion"]
    body = manifest(shell.namespace, "web")
    later = threading.Timer(0.1, rollouts.create_namespaced_custom_object, (*place, body))
    later.start()
    seen = []
    stream = watch.Watch()
    for event in stream.stream(
        rollouts.list_namespaced_custom_object,
        *place,
        resource_version=version,
        timeout_seconds=20,
    ):
        seen.append((event["type"], event["object"].get("status", {}).get("phase")))
        if seen[-1] == ("MODIFIED", "Healthy"):
            stream.stop()
    later.join()
    assert seen[0] == ("ADDED", None)
    assert seen[-1] == ("MODIFIED", "Healthy")


def test_a_watch_from_an_earlier_cluster_is_told_to_start_over(shell: Shell, rollouts: Any) -> None:
    stream = watch.Watch()
    events = stream.stream(
        rollouts.list_namespaced_custom_object,
        *ARGO,
        shell.namespace,
        "rollouts",
        resource_version="17",
        timeout_seconds=5,
    )
    with pytest.raises(client.ApiException) as expired:
        next(iter(events))
    assert expired.value.status == 410


def test_built_in_objects_are_the_clients_own_classes(shell: Shell, api: Any) -> None:
    shell.rollout("web", {"setWeight": 50}, replicas=2)
    core, apps = client.CoreV1Api(api), client.AppsV1Api(api)
    pods = core.list_namespaced_pod(shell.namespace, label_selector="app=web").items
    assert len(pods) == 2
    assert {pod.status.phase for pod in pods} == {"Running"}
    assert pods[0].metadata.owner_references[0].kind == "ReplicaSet"
    assert pods[0].status.container_statuses[0].ready
    (owner,) = apps.list_namespaced_replica_set(shell.namespace).items
    assert owner.status.available_replicas == 2
    events = core.list_namespaced_event(shell.namespace).items
    assert "RolloutCompleted" in {event.reason for event in events}
    assert isinstance(core.read_namespaced_pod_log(pods[0].metadata.name, shell.namespace), str)
    names = {each.metadata.name for each in core.list_namespace().items}
    assert {"default", "argo-rollouts", shell.namespace} <= names


def test_a_deployment_is_restarted(own_shell: Shell) -> None:
    with config.new_client_from_config(own_shell.env["KUBECONFIG"]) as api:
        apps, core = client.AppsV1Api(api), client.CoreV1Api(api)
        where = ("argo-rollouts", "argo-rollouts")
        before = {pod.metadata.uid for pod in core.list_namespaced_pod("argo-rollouts").items}
        at = {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}
        body = {"spec": {"template": {"metadata": {"annotations": at}}}}
        changed = apps.patch_namespaced_deployment(*where, body)
        assert changed.spec.template.metadata.annotations == at

        def replaced() -> bool:
            pods = core.list_namespaced_pod("argo-rollouts").items
            found = {pod.metadata.uid for pod in pods if pod.status.phase == "Running"}
            return len(found) == 1 and found.isdisjoint(before)

        eventually(replaced)
        done = apps.read_namespaced_deployment_status(*where)
        assert done.status.observed_generation == done.metadata.generation


def test_a_configmap_tells_who_edited_it(shell: Shell, api: Any) -> None:
    core = client.CoreV1Api(api)
    about = client.V1ObjectMeta(name="settings")
    core.create_namespaced_config_map(
        shell.namespace, client.V1ConfigMap(metadata=about, data={"a": "1"})
    )
    changed = core.patch_namespaced_config_map(
        "settings", shell.namespace, {"data": {"b": "2"}}, field_manager="me"
    )
    managers = {entry.manager: entry for entry in changed.metadata.managed_fields}
    assert managers.keys() == {"OpenAPI-Generator", "me"}
    assert managers["me"].fields_v1 == {"f:data": {"f:b": {}}}


def test_what_one_may_do_can_be_asked(shell: Shell, api: Any) -> None:
    attributes = client.V1ResourceAttributes(
        group="argoproj.io", resource="rollouts", verb="patch", namespace=shell.namespace
    )
    spec = client.V1SelfSubjectAccessReviewSpec(resource_attributes=attributes)
    review = client.V1SelfSubjectAccessReview(spec=spec)
    answer = client.AuthorizationV1Api(api).create_self_subject_access_review(review)
    assert answer.status.allowed is True
    assert client.VersionApi(api).get_code().major == "1"


def test_without_the_authority_nobody_is_trusted(shell: Shell, api: Any) -> None:
    other = client.Configuration()
    other.host = api.configuration.host
    other.retries = 0
    with client.ApiClient(other) as stranger, pytest.raises(Exception, match="CERTIFICATE_VERIFY"):
        client.VersionApi(stranger).get_code()
