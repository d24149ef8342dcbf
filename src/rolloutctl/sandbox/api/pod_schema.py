"""What a pod's specification may hold, for pods and for every template of them."""

from __future__ import annotations

from .shapes import (
    ANY,
    BOOL,
    INT,
    INT_OR_STR,
    LABEL_SELECTOR,
    OPEN,
    QUANTITY,
    STR,
    STRS,
    TEXTS,
    Atomic,
    Keyed,
    Schema,
    Unique,
)

_REFERENCE = {"name": STR, "optional": BOOL}
_KEY = Atomic({"key!": STR, **_REFERENCE})
_ENV = {
    "name!": STR,
    "value": STR,
    "valueFrom": {
        "configMapKeyRef": _KEY,
        "secretKeyRef": _KEY,
        "fieldRef": Atomic({"apiVersion": STR, "fieldPath!": STR}),
        "resourceFieldRef": Atomic({"containerName": STR, "divisor": QUANTITY, "resource!": STR}),
        "fileKeyRef": Atomic({"volumeName!": STR, "path!": STR, "key!": STR, "optional": BOOL}),
    },
}
_ENV_FROM = {"prefix": STR, "configMapRef": Atomic(_REFERENCE), "secretRef": Atomic(_REFERENCE)}
_HTTP_GET = {
    "host": STR,
    "httpHeaders": [{"name!": STR, "value!": STR}],
    "path": STR,
    "port!": INT_OR_STR,
    "scheme": STR,
}
_ACTION = {
    "exec": {"command": STRS},
    "httpGet": _HTTP_GET,
    "tcpSocket": {"host": STR, "port!": INT_OR_STR},
}
_HOOK = {**_ACTION, "sleep": {"seconds!": INT}}
_PROBE = {
    **_ACTION,
    "grpc": {"port!": INT, "service": STR},
    "initialDelaySeconds": INT,
    "timeoutSeconds": INT,
    "periodSeconds": INT,
    "successThreshold": INT,
    "failureThreshold": INT,
    "terminationGracePeriodSeconds": INT,
}
_PROFILE = {"type!": STR, "localhostProfile": STR}
_IDENTITY = {
    "runAsUser": INT,
    "runAsGroup": INT,
    "runAsNonRoot": BOOL,
    "seLinuxOptions": dict.fromkeys(("level", "role", "type", "user"), STR),
    "seccompProfile": _PROFILE,
    "appArmorProfile": _PROFILE,
    "windowsOptions": {
        "gmsaCredentialSpec": STR,
        "gmsaCredentialSpecName": STR,
        "hostProcess": BOOL,
        "runAsUserName": STR,
    },
}
_RESOURCES = {
    "limits": {"*": QUANTITY},
    "requests": {"*": QUANTITY},
    "claims": Keyed({"name!": STR, "request": STR}, "name"),
}
_CONTAINER = {
    "name!": STR,
    "image": STR,
    "command": STRS,
    "args": STRS,
    "workingDir": STR,
    "ports": Keyed(
        {
            "containerPort!": INT,
            "name": STR,
            "protocol": STR,
            "hostIP": STR,
            "hostPort": INT,
        },
        "containerPort",
        "protocol",
        protocol="TCP",
    ),
    "env": Keyed(_ENV, "name"),
    "envFrom": [_ENV_FROM],
    "resources": _RESOURCES,
    "resizePolicy": [{"resourceName!": STR, "restartPolicy!": STR}],
    "restartPolicy": STR,
    "restartPolicyRules": [
        {"action!": STR, "exitCodes": {"operator!": STR, "values": Unique([INT])}}
    ],
    "volumeMounts": Keyed(
        {
            "mountPath!": STR,
            "name!": STR,
            "mountPropagation": STR,
            "readOnly": BOOL,
            "recursiveReadOnly": STR,
            "subPath": STR,
            "subPathExpr": STR,
        },
        "mountPath",
    ),
    "volumeDevices": Keyed({"devicePath!": STR, "name!": STR}, "devicePath"),
    **dict.fromkeys(("livenessProbe", "readinessProbe", "startupProbe"), _PROBE),
    "lifecycle": {"postStart": _HOOK, "preStop": _HOOK, "stopSignal": STR},
    "terminationMessagePath": STR,
    "terminationMessagePolicy": STR,
    "imagePullPolicy": STR,
    "securityContext": {
        **_IDENTITY,
        "allowPrivilegeEscalation": BOOL,
        "capabilities": {"add": STRS, "drop": STRS},
        "privileged": BOOL,
        "procMount": STR,
        "readOnlyRootFilesystem": BOOL,
    },
    **dict.fromkeys(("stdin", "stdinOnce", "tty"), BOOL),
}
_REQUIREMENTS = [{"key!": STR, "operator!": STR, "values": STRS}]
_NODE_TERM = Atomic(matchExpressions=_REQUIREMENTS, matchFields=_REQUIREMENTS)
_POD_TERM = {
    "labelSelector": LABEL_SELECTOR,
    "namespaceSelector": LABEL_SELECTOR,
    "namespaces": STRS,
    "matchLabelKeys": STRS,
    "mismatchLabelKeys": STRS,
    "topologyKey!": STR,
}
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_POD_AFFINITY = {
    _PREFERRED: [{"weight!": INT, "podAffinityTerm!": _POD_TERM}],
    _REQUIRED: [_POD_TERM],
}
_AFFINITY = {
    "nodeAffinity": {
        _PREFERRED: [{"weight!": INT, "preference!": _NODE_TERM}],
        _REQUIRED: Atomic({"nodeSelectorTerms!": [_NODE_TERM]}),
    },
    "podAffinity": _POD_AFFINITY,
    "podAntiAffinity": _POD_AFFINITY,
}
_SPREAD = {
    "labelSelector": LABEL_SELECTOR,
    "matchLabelKeys": STRS,
    "maxSkew!": INT,
    "minDomains": INT,
    "nodeAffinityPolicy": STR,
    "nodeTaintsPolicy": STR,
    "topologyKey!": STR,
    "whenUnsatisfiable!": STR,
}
_FILE = {"items": [{"key!": STR, "path!": STR, "mode": INT}], "defaultMode": INT, "optional": BOOL}
_VOLUME = {
    OPEN: ANY,
    "name!": STR,
    "emptyDir": {"medium": STR, "sizeLimit": QUANTITY},
    "configMap": {"name": STR, **_FILE},
    "secret": {"secretName": STR, **_FILE},
    "hostPath": {"path!": STR, "type": STR},
    "persistentVolumeClaim": {"claimName!": STR, "readOnly": BOOL},
}

POD_SPEC: Schema = {
    "containers!": Keyed(_CONTAINER, "name"),
    "initContainers": Keyed(_CONTAINER, "name"),
    "ephemeralContainers": Keyed({**_CONTAINER, "targetContainerName": STR}, "name"),
    "volumes": Keyed(_VOLUME, "name"),
    "restartPolicy": STR,
    "terminationGracePeriodSeconds": INT,
    "activeDeadlineSeconds": INT,
    "dnsPolicy": STR,
    "dnsConfig": {
        "nameservers": STRS,
        "searches": STRS,
        "options": [{"name": STR, "value": STR}],
    },
    "nodeSelector": Atomic(TEXTS),
    "nodeName": STR,
    "affinity": _AFFINITY,
    "tolerations": [
        {"key": STR, "operator": STR, "value": STR, "effect": STR, "tolerationSeconds": INT}
    ],
    "topologySpreadConstraints": Keyed(_SPREAD, "topologyKey", "whenUnsatisfiable"),
    "serviceAccountName": STR,
    "serviceAccount": STR,
    "automountServiceAccountToken": BOOL,
    "imagePullSecrets": Keyed(Atomic(name=STR), "name"),
    "securityContext": {
        **_IDENTITY,
        "fsGroup": INT,
        "fsGroupChangePolicy": STR,
        "seLinuxChangePolicy": STR,
        "supplementalGroups": [INT],
        "supplementalGroupsPolicy": STR,
        "sysctls": [{"name!": STR, "value!": STR}],
    },
    "resources": _RESOURCES,
    "hostAliases": Keyed({"ip!": STR, "hostnames": STRS}, "ip"),
    **dict.fromkeys(("hostIPC", "hostNetwork", "hostPID", "hostUsers"), BOOL),
    **dict.fromkeys(("hostname", "hostnameOverride", "subdomain"), STR),
    "setHostnameAsFQDN": BOOL,
    "shareProcessNamespace": BOOL,
    "enableServiceLinks": BOOL,
    "schedulerName": STR,
    "priority": INT,
    "priorityClassName": STR,
    "preemptionPolicy": STR,
    "runtimeClassName": STR,
    "overhead": {"*": QUANTITY},
    "os": {"name!": STR},
    "readinessGates": [{"conditionType!": STR}],
    "schedulingGates": Keyed({"name!": STR}, "name"),
    "resourceClaims": Keyed(
        {"name!": STR, "resourceClaimName": STR, "resourceClaimTemplateName": STR}, "name"
    ),
}
"""As a server of version 1.34 knows it."""

CUSTOM_POD_SPEC: Schema = {**POD_SPEC, "volumes": ANY}
"""As the definitions of Argo Rollouts' resources have it: they do not describe volumes."""
