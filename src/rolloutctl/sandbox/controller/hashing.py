"""The hashes the controller names templates and steps by.

Source: argo-rollouts, utils/hash: FNV-1a, 32 bit, over the JSON Go writes of the struct, that is
with its fields in the order the struct declares them.
"""

from __future__ import annotations

import json
from typing import Any

from .objects import Obj

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"

# The field order of the Go structs, by the place they are found in ("[]" is any list element,
# "{}" any key). Fields not named here come after those that are, by name.
_METADATA = (
    "name generateName namespace selfLink uid resourceVersion generation creationTimestamp "
    "deletionTimestamp deletionGracePeriodSeconds labels annotations ownerReferences finalizers"
)
_CONTAINER = (
    "name image command args workingDir ports envFrom env resources resizePolicy restartPolicy "
    "restartPolicyRules volumeMounts volumeDevices livenessProbe readinessProbe startupProbe "
    "lifecycle terminationMessagePath terminationMessagePolicy imagePullPolicy securityContext "
    "stdin stdinOnce tty"
)
_POD_SPEC = (
    "volumes initContainers containers ephemeralContainers restartPolicy "
    "terminationGracePeriodSeconds activeDeadlineSeconds dnsPolicy nodeSelector "
    "serviceAccountName serviceAccount automountServiceAccountToken nodeName hostNetwork hostPID "
    "hostIPC shareProcessNamespace securityContext imagePullSecrets hostname subdomain affinity "
    "schedulerName tolerations hostAliases priorityClassName priority dnsConfig readinessGates "
    "runtimeClassName enableServiceLinks preemptionPolicy overhead topologySpreadConstraints "
    "setHostnameAsFQDN os hostUsers schedulingGates resourceClaims resources"
)
_PROBE = (
    "exec httpGet tcpSocket grpc initialDelaySeconds timeoutSeconds periodSeconds "
    "successThreshold failureThreshold terminationGracePeriodSeconds"
)
_SECURITY = (
    "capabilities privileged seLinuxOptions windowsOptions runAsUser runAsGroup runAsNonRoot "
    "readOnlyRootFilesystem allowPrivilegeEscalation procMount seccompProfile appArmorProfile"
)
_ORDER: dict[str, str] = {
    "template": "metadata spec",
    "metadata": _METADATA,
    "spec": _POD_SPEC,
    "containers": _CONTAINER,
    "initContainers": _CONTAINER,
    "ephemeralContainers": _CONTAINER + " targetContainerName",
    "ports": "name hostPort containerPort protocol hostIP",
    "env": "name value valueFrom",
    "valueFrom": (
        "podTemplateHashValue fieldRef resourceFieldRef configMapKeyRef secretKeyRef fileKeyRef"
    ),
    "configMapKeyRef": "name key optional",
    "secretKeyRef": "name key optional",
    "fieldRef": "apiVersion fieldPath",
    "resourceFieldRef": "containerName resource divisor",
    "envFrom": "prefix configMapRef secretRef",
    "resources": "limits requests claims",
    "volumeMounts": (
        "name readOnly recursiveReadOnly mountPath subPath mountPropagation subPathExpr"
    ),
    "volumes": (
        "name hostPath emptyDir gcePersistentDisk awsElasticBlockStore gitRepo secret nfs iscsi "
        "glusterfs persistentVolumeClaim rbd flexVolume cinder cephfs flocker downwardAPI fc "
        "azureFile configMap"
    ),
    "livenessProbe": _PROBE,
    "readinessProbe": _PROBE,
    "startupProbe": _PROBE,
    "httpGet": "path port host scheme httpHeaders",
    "tcpSocket": "port host",
    "httpHeaders": "name value",
    "lifecycle": "postStart preStop stopSignal",
    "securityContext": _SECURITY,
    "capabilities": "add drop",
    "tolerations": "key operator value effect tolerationSeconds",
    "secret": "secretName items defaultMode optional",
    "emptyDir": "medium sizeLimit",
    "steps": (
        "setWeight pause experiment analysis setCanaryScale setHeaderRoute setMirrorRoute plugin"
    ),
    "plugin": "name config",
    "setCanaryScale": "weight replicas matchTrafficWeight",
    "setHeaderRoute": "name match",
    "setMirrorRoute": "name match percentage",
    "analysis": "templates args dryRun measurementRetention analysisRunMetadata",
    "args": "name value valueFrom",
    "experiment": "templates duration analyses dryRun analysisRunMetadata",
    "templates": (
        "templateName clusterScope name specRef replicas metadata selector weight service"
    ),
    "analyses": "name templateName clusterScope args requiredForCompletion",
    "measurementRetention": "metricName limit",
    "selector": "matchLabels matchExpressions",
    "matchExpressions": "key operator values",
}
# Maps and raw JSON: Go writes them by key.
_BY_KEY = frozenset(
    {"labels", "annotations", "nodeSelector", "limits", "requests", "config", "matchLabels"}
)
_CONTAINER_LISTS = ("initContainers", "containers")


def fnv(data: bytes) -> int:
    """FNV-1a, 32 bit."""
    value = 0x811C9DC5
    for byte in data:
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def encode(value: int) -> str:
    """Letters and digits that spell no word, as Kubernetes writes a hash into a name."""
    return "".join(_ALPHABET[ord(digit) % len(_ALPHABET)] for digit in str(value))


def template_hash(template: Obj, collisions: int | None = None) -> str:
    """The `rollouts-pod-template-hash` of a pod template."""
    data = _compact(_ordered(normalised(template), "template"))
    if collisions:
        data += collisions.to_bytes(4, "little") + bytes(4)
    return encode(fnv(data))


def steps_hash(steps: list[Any] | None) -> str:
    """The `status.currentStepHash` of canary steps; without steps, that of `null`."""
    ordered = [_ordered(step, "steps") for step in normalised_steps(steps)] if steps else None
    return encode(fnv(_compact(ordered)))


def normalised_steps(steps: list[Any]) -> list[Any]:
    """Canary steps as they are after a round trip through the Go types.

    Nothing of the given ones is touched; experiments get the metadata that is always written.
    """
    return [_normalised_step(step) for step in steps]


def _normalised_step(step: Any) -> Any:
    experiment = step.get("experiment") if isinstance(step, dict) else None
    if not isinstance(experiment, dict):
        return step
    templates = experiment.get("templates") or []
    written = {
        "templates": [
            {**each, "metadata": each.get("metadata") or {}} if isinstance(each, dict) else each
            for each in templates
        ],
        "analysisRunMetadata": experiment.get("analysisRunMetadata") or {},
    }
    return {**step, "experiment": {**experiment, **written}}


def normalised(template: Obj) -> Obj:
    """The template as it is after a round trip through the Go types.

    Only what they always write, however empty: `metadata` and `spec` of the template and the
    `resources` of each container. Nothing else of the template is touched, nor copied.
    """
    spec = dict(template.get("spec") or {})
    for key in _CONTAINER_LISTS:
        if isinstance(spec.get(key), list):
            spec[key] = [
                {**container, "resources": container.get("resources") or {}}
                if isinstance(container, dict)
                else container
                for container in spec[key]
            ]
    if not isinstance(spec.get("containers"), list):
        spec["containers"] = None
    return {**template, "metadata": template.get("metadata") or {}, "spec": spec}


def _ordered(value: Any, place: str) -> Any:
    if isinstance(value, list):
        return [_ordered(each, place) for each in value]
    if not isinstance(value, dict):
        return value
    if place in _BY_KEY:
        return dict(sorted(value.items()))
    order = {key: number for number, key in enumerate(_ORDER.get(place, "").split())}
    keys = sorted(value, key=lambda key: (order.get(key, len(order)), key))
    return {key: _ordered(value[key], key) for key in keys}


def _compact(value: Any) -> bytes:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    # Go escapes these in JSON so that it can stand inside HTML.
    for character, escape in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(character, escape)
    return text.encode()
