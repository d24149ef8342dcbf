"""The fields of the built-in resources that are served."""

from __future__ import annotations

from typing import Any

from .pod_schema import POD_SPEC
from .shapes import (
    ANY,
    BOOL,
    INT,
    INT_OR_STR,
    LABEL_SELECTOR,
    METADATA,
    OPEN,
    STR,
    STRS,
    TEXTS,
    Atomic,
    Keyed,
    Schema,
)

_CONDITIONS = Keyed({OPEN: ANY, "type!": STR, "status!": STR}, "type")
_STATUS = {OPEN: ANY, "conditions": _CONDITIONS}
_TEMPLATE = {"metadata": METADATA, "spec": POD_SPEC}
_REFERENCE = Atomic(
    dict.fromkeys(
        ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"), STR
    )
)
JOB_SPEC: Schema = {
    **dict.fromkeys(("parallelism", "completions", "backoffLimit", "activeDeadlineSeconds"), INT),
    **dict.fromkeys(("ttlSecondsAfterFinished", "backoffLimitPerIndex", "maxFailedIndexes"), INT),
    **dict.fromkeys(("completionMode", "podReplacementPolicy", "managedBy"), STR),
    "suspend": BOOL,
    "manualSelector": BOOL,
    "selector": LABEL_SELECTOR,
    "template!": _TEMPLATE,
    "podFailurePolicy": ANY,
    "successPolicy": ANY,
}
_SERVICE_SPEC = {
    "ports": Keyed(
        {
            "name": STR,
            "port!": INT,
            "targetPort": INT_OR_STR,
            "protocol": STR,
            "nodePort": INT,
            "appProtocol": STR,
        },
        "port",
        "protocol",
        protocol="TCP",
    ),
    "selector": Atomic(TEXTS),
    **dict.fromkeys(("type", "clusterIP", "externalName", "sessionAffinity"), STR),
    **dict.fromkeys(("loadBalancerIP", "loadBalancerClass", "ipFamilyPolicy"), STR),
    **dict.fromkeys(("internalTrafficPolicy", "externalTrafficPolicy", "trafficDistribution"), STR),
    **dict.fromkeys(("clusterIPs", "externalIPs", "ipFamilies", "loadBalancerSourceRanges"), STRS),
    "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": INT}},
    "healthCheckNodePort": INT,
    "publishNotReadyAddresses": BOOL,
    "allocateLoadBalancerNodePorts": BOOL,
}

BUILT_IN: dict[str, Schema] = {
    "ConfigMap": {"data": TEXTS, "binaryData": TEXTS, "immutable": BOOL},
    "Secret": {"data": TEXTS, "stringData": TEXTS, "type": STR, "immutable": BOOL},
    "Namespace": {"spec": {"finalizers": STRS}, "status": _STATUS},
    "ServiceAccount": {
        "secrets": Keyed(_REFERENCE, "name"),
        "imagePullSecrets": [Atomic(name=STR)],
        "automountServiceAccountToken": BOOL,
    },
    "Event": {
        "involvedObject": _REFERENCE,
        "related": _REFERENCE,
        **dict.fromkeys(("reason", "message", "type", "action"), STR),
        **dict.fromkeys(("reportingComponent", "reportingInstance"), STR),
        "source": {"component": STR, "host": STR},
        **dict.fromkeys(("firstTimestamp", "lastTimestamp"), STR),
        "eventTime": ANY,
        "count": INT,
        "series": {"count": INT, "lastObservedTime": STR},
    },
    "Pod": {
        "spec": POD_SPEC,
        "status": {**_STATUS, "podIPs": Keyed(Atomic({"ip!": STR}), "ip")},
    },
    "PodTemplate": {"template": _TEMPLATE},
    "Service": {"spec": _SERVICE_SPEC, "status": _STATUS},
    "Deployment": {
        "spec": {
            "replicas": INT,
            "selector!": LABEL_SELECTOR,
            "template!": _TEMPLATE,
            "strategy": {
                "type": STR,
                "rollingUpdate": {"maxSurge": INT_OR_STR, "maxUnavailable": INT_OR_STR},
            },
            **dict.fromkeys(("minReadySeconds", "revisionHistoryLimit"), INT),
            "progressDeadlineSeconds": INT,
            "paused": BOOL,
        },
        "status": _STATUS,
    },
    "ReplicaSet": {
        "spec": {
            "replicas": INT,
            "minReadySeconds": INT,
            "selector!": LABEL_SELECTOR,
            "template": _TEMPLATE,
        },
        "status": _STATUS,
    },
    "Job": {"spec": JOB_SPEC, "status": {OPEN: ANY}},
    "Lease": {
        "spec": {
            "holderIdentity": STR,
            "leaseDurationSeconds": INT,
            "acquireTime": STR,
            "renewTime": STR,
            "leaseTransitions": INT,
            "strategy": STR,
            "preferredHolder": STR,
        }
    },
}
"""By kind. A value of the wrong type makes the whole object undecodable."""

_NO_POD: dict[str, Any] = {"containers": []}
_NO_TEMPLATE = {"metadata": {}, "spec": _NO_POD}

EMPTY: dict[str, dict[str, Any]] = {
    "Event": {
        "source": {},
        "eventTime": None,
        "reportingComponent": "",
        "reportingInstance": "",
    },
    "Namespace": {"spec": {}},
    "Pod": {"spec": _NO_POD},
    "PodTemplate": {"template": _NO_TEMPLATE},
    "Service": {"spec": {}},
    "Deployment": {"spec": {"strategy": {}, "template": _NO_TEMPLATE}},
    "ReplicaSet": {"spec": {"template": _NO_TEMPLATE}},
    "Job": {"spec": {"template": _NO_TEMPLATE}},
    "Lease": {"spec": {}},
    "SelfSubjectAccessReview": {"spec": {}},
    "SelfSubjectRulesReview": {"spec": {}},
}
"""By kind, what an object has before anything is in it: who creates one does not own these.

Source: Kubernetes, the members of the API's Go structs that are no pointers.
"""
