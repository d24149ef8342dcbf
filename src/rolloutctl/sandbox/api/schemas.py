"""The known fields of the custom resources, and of the built-in ones where types are checked.

A schema is a dict of fields (a name ending in "!" is required, "*" is any further name), a list
with the schema of its items, or the name of a type. `ANY` holds anything; a dict that is `OPEN`
keeps fields it does not know.
"""

from __future__ import annotations

from typing import Any

ANY = "any"
INT, STR, BOOL = "integer", "string", "boolean"
INT_OR_STR = "int-or-string"
TIME = "date-time"
OPEN = "..."

Schema = Any

_TEXTS = {"*": STR}
_STRS = [STR]
_META = {"labels": _TEXTS, "annotations": _TEXTS}
_LABEL_SELECTOR = {
    "matchLabels": _TEXTS,
    "matchExpressions": [{"key!": STR, "operator!": STR, "values": _STRS}],
}
_POD_TEMPLATE = {
    "metadata": ANY,
    "spec": {OPEN: ANY, "containers!": [{OPEN: ANY, "name!": STR, "image": STR}]},
}
_ARGS = [
    {
        "name!": STR,
        "value": STR,
        "valueFrom": {"podTemplateHashValue": STR, "fieldRef": {"fieldPath!": STR}},
    }
]
_TEMPLATES = [{"templateName": STR, "clusterScope": BOOL}]
_DRY_RUN = [{"metricName!": STR}]
_RETENTION = [{"metricName!": STR, "limit!": INT}]
_ANALYSIS = {
    "templates": _TEMPLATES,
    "args": _ARGS,
    "dryRun": _DRY_RUN,
    "measurementRetention": _RETENTION,
    "analysisRunMetadata": _META,
}
_ANTI_AFFINITY = {
    "preferredDuringSchedulingIgnoredDuringExecution": {"weight!": INT},
    "requiredDuringSchedulingIgnoredDuringExecution": {},
}
_BLUE_GREEN = {
    "activeService!": STR,
    "previewService": STR,
    "previewReplicaCount": INT,
    "autoPromotionEnabled": BOOL,
    "autoPromotionSeconds": INT,
    "maxUnavailable": INT_OR_STR,
    "scaleDownDelaySeconds": INT,
    "scaleDownDelayRevisionLimit": INT,
    "abortScaleDownDelaySeconds": INT,
    "prePromotionAnalysis": _ANALYSIS,
    "postPromotionAnalysis": _ANALYSIS,
    "antiAffinity": _ANTI_AFFINITY,
    "activeMetadata": _META,
    "previewMetadata": _META,
}
_STRING_MATCH = {"exact": STR, "prefix": STR, "regex": STR}
_STEP = {
    "setWeight": INT,
    "pause": {"duration": INT_OR_STR},
    "setCanaryScale": {"weight": INT, "replicas": INT, "matchTrafficWeight": BOOL},
    "plugin": {"name!": STR, "config": ANY},
    "analysis": _ANALYSIS,
    "experiment": {
        "templates!": [
            {
                "name!": STR,
                "specRef!": STR,
                "replicas": INT,
                "weight": INT,
                "selector": _LABEL_SELECTOR,
                "metadata": _META,
                "service": {"name": STR},
            }
        ],
        "analyses": [
            {
                "name!": STR,
                "templateName!": STR,
                "clusterScope": BOOL,
                "requiredForCompletion": BOOL,
                "args": _ARGS,
            }
        ],
        "duration": STR,
        "scaleDownDelaySeconds": INT,
        "dryRun": _DRY_RUN,
        "analysisRunMetadata": _META,
    },
    "setHeaderRoute": {
        "name": STR,
        "match": [{"headerName!": STR, "headerValue!": _STRING_MATCH}],
    },
    "setMirrorRoute": {
        "name!": STR,
        "percentage": INT,
        "match": [
            {"method": _STRING_MATCH, "path": _STRING_MATCH, "headers": {"*": _STRING_MATCH}}
        ],
    },
}
_ISTIO_SERVICE = {
    "name!": STR,
    "routes": _STRS,
    "tcpRoutes": [{"port": INT}],
    "tlsRoutes": [{"port": INT, "sniHosts": _STRS}],
}
_TRAFFIC = {
    "managedRoutes": [{"name!": STR}],
    "maxTrafficWeight": INT,
    "plugins": ANY,
    "istio": {
        "virtualService": _ISTIO_SERVICE,
        "virtualServices": [_ISTIO_SERVICE],
        "destinationRule": {
            "name!": STR,
            "canarySubsetName!": STR,
            "stableSubsetName!": STR,
            "additionalSubsetNames": _STRS,
        },
    },
    "nginx": {
        "stableIngress": STR,
        "stableIngresses": _STRS,
        "annotationPrefix": STR,
        "additionalIngressAnnotations": _TEXTS,
        "canaryIngressAnnotations": _TEXTS,
    },
    "alb": {
        "ingress": STR,
        "ingresses": _STRS,
        "servicePort!": INT,
        "rootService": STR,
        "annotationPrefix": STR,
        "stickinessConfig": {"enabled!": BOOL, "durationSeconds!": INT},
    },
    "smi": {"rootService": STR, "trafficSplitName": STR},
    "ambassador": {"mappings!": _STRS},
    "apisix": {"route": {"name!": STR, "rules": _STRS}},
    "traefik": {"weightedTraefikServiceName!": STR},
    "appMesh": {
        "virtualService": {"name!": STR, "routes": _STRS},
        "virtualNodeGroup": {
            "canaryVirtualNodeRef!": {"name!": STR},
            "stableVirtualNodeRef!": {"name!": STR},
        },
    },
}
_CANARY = {
    "steps": [_STEP],
    "canaryService": STR,
    "stableService": STR,
    "canaryMetadata": _META,
    "stableMetadata": _META,
    "maxSurge": INT_OR_STR,
    "maxUnavailable": INT_OR_STR,
    "analysis": {**_ANALYSIS, "startingStep": INT},
    "antiAffinity": _ANTI_AFFINITY,
    "trafficRouting": _TRAFFIC,
    "dynamicStableScale": BOOL,
    "pingPong": {"pingService!": STR, "pongService!": STR},
    "minPodsPerReplicaSet": INT,
    "replicaProgressThreshold": {"type!": STR, "value!": INT},
    "scaleDownDelaySeconds": INT,
    "scaleDownDelayRevisionLimit": INT,
    "abortScaleDownDelaySeconds": INT,
}
_RUN_STATUS = {"name!": STR, "status!": STR, "message": STR}
_WEIGHT = {"weight!": INT, "podTemplateHash": STR, "serviceName": STR}
_CONDITIONS = [
    {
        "type!": STR,
        "status!": STR,
        "reason!": STR,
        "message!": STR,
        "lastUpdateTime!": TIME,
        "lastTransitionTime!": TIME,
    }
]
_AWS = {"name!": STR, "arn!": STR, "fullName": STR}
_ALB = {
    "ingress": STR,
    "loadBalancer": _AWS,
    "canaryTargetGroup": _AWS,
    "stableTargetGroup": _AWS,
}
_PLUGIN_STATUS = {
    "index!": INT,
    "name!": STR,
    "operation!": STR,
    "phase": STR,
    "message": STR,
    "startedAt": TIME,
    "updatedAt": TIME,
    "finishedAt": TIME,
    "backoff": STR,
    "executions": INT,
    "disabled": BOOL,
    "status": ANY,
}
_ROLLOUT_STATUS = {
    **dict.fromkeys(("phase", "message", "selector", "stableRS", "currentPodHash"), STR),
    **dict.fromkeys(("currentStepHash", "observedGeneration", "workloadObservedGeneration"), STR),
    **dict.fromkeys(("replicas", "readyReplicas", "availableReplicas", "updatedReplicas"), INT),
    **dict.fromkeys(("HPAReplicas", "collisionCount", "currentStepIndex"), INT),
    **dict.fromkeys(("abort", "controllerPause", "promoteFull"), BOOL),
    **dict.fromkeys(("abortedAt", "restartedAt"), TIME),
    "pauseConditions": [{"reason!": STR, "startTime!": TIME}],
    "conditions": _CONDITIONS,
    "alb": _ALB,
    "albs": [_ALB],
    "duration": {
        "completionStatus": STR,
        "rolloutStartedAt": TIME,
        "finishedAt": TIME,
        "manualPauseStartedAt": TIME,
        "totalManualPauseDurationSeconds": INT,
    },
    "blueGreen": {
        "activeSelector": STR,
        "previewSelector": STR,
        "scaleUpPreviewCheckPoint": BOOL,
        "prePromotionAnalysisRunStatus": _RUN_STATUS,
        "postPromotionAnalysisRunStatus": _RUN_STATUS,
    },
    "canary": {
        "currentStepAnalysisRunStatus": _RUN_STATUS,
        "currentBackgroundAnalysisRunStatus": _RUN_STATUS,
        "currentExperiment": STR,
        "stablePingPong": STR,
        "weights": {
            "canary!": _WEIGHT,
            "stable!": _WEIGHT,
            "additional": [_WEIGHT],
            "verified": BOOL,
        },
        "stepPluginStatuses": [_PLUGIN_STATUS],
    },
}
_ROLLOUT_SPEC = {
    "replicas": INT,
    "minReadySeconds": INT,
    "paused": BOOL,
    "progressDeadlineAbort": BOOL,
    "progressDeadlineSeconds": INT,
    "restartAt": TIME,
    "revisionHistoryLimit": INT,
    "rollbackWindow": {"revisions": INT},
    "analysis": {"successfulRunHistoryLimit": INT, "unsuccessfulRunHistoryLimit": INT},
    "selector": _LABEL_SELECTOR,
    "strategy": {"canary": _CANARY, "blueGreen": _BLUE_GREEN},
    "template": _POD_TEMPLATE,
    "workloadRef": {"apiVersion": STR, "kind": STR, "name": STR, "scaleDown": STR},
}
_METRICS = [{OPEN: ANY, "name!": STR, "provider!": ANY}]
_ANALYSIS_SPEC = {
    "args": [{OPEN: ANY, "name!": STR, "value": STR}],
    "metrics": _METRICS,
    "dryRun": _DRY_RUN,
    "measurementRetention": _RETENTION,
}
_TEMPLATE_SPEC = {**_ANALYSIS_SPEC, "templates": _TEMPLATES}
_RUN_SPEC = {
    **{key: value for key, value in _ANALYSIS_SPEC.items() if key != "metrics"},
    "metrics!": _METRICS,
    "terminate": BOOL,
    "ttlStrategy": {
        "secondsAfterCompletion": INT,
        "secondsAfterFailure": INT,
        "secondsAfterSuccess": INT,
    },
}
_EXPERIMENT_SPEC = {
    "templates!": [
        {
            "name!": STR,
            "replicas": INT,
            "minReadySeconds": INT,
            "selector!": _LABEL_SELECTOR,
            "template!": _POD_TEMPLATE,
            "service": ANY,
        }
    ],
    "analyses": [
        {
            "name!": STR,
            "templateName!": STR,
            "clusterScope": BOOL,
            "requiredForCompletion": BOOL,
            "args": ANY,
        }
    ],
    "duration": STR,
    "progressDeadlineSeconds": INT,
    "scaleDownDelaySeconds": INT,
    "dryRun": _DRY_RUN,
    "measurementRetention": _RETENTION,
    "analysisRunMetadata": _META,
    "terminate": BOOL,
}

CUSTOM: dict[str, Schema] = {
    "Rollout": {"spec!": _ROLLOUT_SPEC, "status": _ROLLOUT_STATUS},
    "AnalysisRun": {"spec!": _RUN_SPEC, "status": {OPEN: ANY, "phase!": STR, "message": STR}},
    "AnalysisTemplate": {"spec!": _TEMPLATE_SPEC},
    "ClusterAnalysisTemplate": {"spec!": _TEMPLATE_SPEC},
    "Experiment": {
        "spec!": _EXPERIMENT_SPEC,
        "status": {OPEN: ANY, "phase": STR, "message": STR, "conditions": _CONDITIONS},
    },
}
"""By kind; of a kind that is not here anything is kept."""

IMMUTABLE: dict[str, tuple[tuple[str, ...], ...]] = {"Rollout": (("spec", "selector"),)}
"""By kind, what no update may change: the rules a custom resource definition states."""

_CONTAINER = {OPEN: ANY, "name": STR, "image": STR, "command": _STRS, "args": _STRS}
_POD_SPEC = {OPEN: ANY, "containers": [_CONTAINER], "nodeName": STR}
_WORKLOAD = {
    OPEN: ANY,
    "replicas": INT,
    "paused": BOOL,
    "minReadySeconds": INT,
    "strategy": {OPEN: ANY, "type": STR, "rollingUpdate": {OPEN: ANY}},
    "template": {OPEN: ANY, "metadata": {OPEN: ANY, **_META}, "spec": _POD_SPEC},
}

BUILT_IN: dict[str, Schema] = {
    "ConfigMap": {OPEN: ANY, "data": _TEXTS, "binaryData": _TEXTS, "immutable": BOOL},
    "Secret": {OPEN: ANY, "data": _TEXTS, "stringData": _TEXTS, "type": STR, "immutable": BOOL},
    "Pod": {OPEN: ANY, "spec": _POD_SPEC},
    "Deployment": {OPEN: ANY, "spec": _WORKLOAD},
    "ReplicaSet": {OPEN: ANY, "spec": _WORKLOAD},
    "Event": {OPEN: ANY, "reason": STR, "message": STR, "type": STR, "count": INT},
    "Service": {
        OPEN: ANY,
        "spec": {OPEN: ANY, "selector": _TEXTS, "type": STR, "ports": [{OPEN: ANY}]},
    },
}
"""By kind, the types of a few fields; a wrong one makes the whole object undecodable."""

METADATA: Schema = {
    **dict.fromkeys(("name", "generateName", "namespace", "uid", "resourceVersion"), STR),
    **dict.fromkeys(("creationTimestamp", "deletionTimestamp", "selfLink"), STR),
    **dict.fromkeys(("generation", "deletionGracePeriodSeconds"), INT),
    **_META,
    "finalizers": _STRS,
    "managedFields": ANY,
    "ownerReferences": [
        {
            "apiVersion": STR,
            "kind": STR,
            "name": STR,
            "uid": STR,
            "controller": BOOL,
            "blockOwnerDeletion": BOOL,
        }
    ],
}
