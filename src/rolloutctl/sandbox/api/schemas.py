"""The known fields of Argo Rollouts' resources, in the language of `shapes`."""

from __future__ import annotations

from .analysis_schemas import DRY_RUN, RETENTION, RUN_SPEC, RUN_STATUS, TEMPLATE_SPEC, TEMPLATES
from .pod_schema import CUSTOM_POD_SPEC
from .shapes import (
    ANY,
    BOOL,
    INT,
    INT_OR_STR,
    LABEL_SELECTOR,
    LABELED,
    STR,
    STRS,
    TEXTS,
    TIME,
    Schema,
)

_POD_TEMPLATE = {"metadata": LABELED, "spec": CUSTOM_POD_SPEC}
_ARGS = [
    {
        "name!": STR,
        "value": STR,
        "valueFrom": {"podTemplateHashValue": STR, "fieldRef": {"fieldPath!": STR}},
    }
]
_ANALYSIS = {
    "templates": TEMPLATES,
    "args": _ARGS,
    "dryRun": DRY_RUN,
    "measurementRetention": RETENTION,
    "analysisRunMetadata": LABELED,
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
    "activeMetadata": LABELED,
    "previewMetadata": LABELED,
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
                "selector": LABEL_SELECTOR,
                "metadata": LABELED,
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
        "dryRun": DRY_RUN,
        "analysisRunMetadata": LABELED,
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
    "routes": STRS,
    "tcpRoutes": [{"port": INT}],
    "tlsRoutes": [{"port": INT, "sniHosts": STRS}],
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
            "additionalSubsetNames": STRS,
        },
    },
    "nginx": {
        "stableIngress": STR,
        "stableIngresses": STRS,
        "annotationPrefix": STR,
        "additionalIngressAnnotations": TEXTS,
        "canaryIngressAnnotations": TEXTS,
    },
    "alb": {
        "ingress": STR,
        "ingresses": STRS,
        "servicePort!": INT,
        "rootService": STR,
        "annotationPrefix": STR,
        "stickinessConfig": {"enabled!": BOOL, "durationSeconds!": INT},
    },
    "smi": {"rootService": STR, "trafficSplitName": STR},
    "ambassador": {"mappings!": STRS},
    "apisix": {"route": {"name!": STR, "rules": STRS}},
    "traefik": {"weightedTraefikServiceName!": STR},
    "appMesh": {
        "virtualService": {"name!": STR, "routes": STRS},
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
    "canaryMetadata": LABELED,
    "stableMetadata": LABELED,
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
    "selector": LABEL_SELECTOR,
    "strategy": {"canary": _CANARY, "blueGreen": _BLUE_GREEN},
    "template": _POD_TEMPLATE,
    "workloadRef": {"apiVersion": STR, "kind": STR, "name": STR, "scaleDown": STR},
}
_EXPERIMENT_SPEC = {
    "templates!": [
        {
            "name!": STR,
            "replicas": INT,
            "minReadySeconds": INT,
            "selector!": LABEL_SELECTOR,
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
    "dryRun": DRY_RUN,
    "measurementRetention": RETENTION,
    "analysisRunMetadata": LABELED,
    "terminate": BOOL,
}

_EXPERIMENT_STATUS = {
    "phase": STR,
    "message": STR,
    "availableAt": TIME,
    "conditions": _CONDITIONS,
    "templateStatuses": [
        {
            "name!": STR,
            **dict.fromkeys(("replicas!", "readyReplicas!", "updatedReplicas!"), INT),
            "availableReplicas!": INT,
            "collisionCount": INT,
            **dict.fromkeys(("status", "message", "podTemplateHash", "serviceName"), STR),
            "lastTransitionTime": TIME,
        }
    ],
    "analysisRuns": [{"name!": STR, "analysisRun!": STR, "phase!": STR, "message": STR}],
}

CUSTOM: dict[str, Schema] = {
    "Rollout": {"spec!": _ROLLOUT_SPEC, "status": _ROLLOUT_STATUS},
    "AnalysisRun": {"spec!": RUN_SPEC, "status": RUN_STATUS},
    "AnalysisTemplate": {"spec!": TEMPLATE_SPEC},
    "ClusterAnalysisTemplate": {"spec!": TEMPLATE_SPEC},
    "Experiment": {
        "spec!": _EXPERIMENT_SPEC,
        "status": _EXPERIMENT_STATUS,
    },
}
"""By kind; of a kind that is not here anything is kept."""

IMMUTABLE: dict[str, tuple[tuple[str, ...], ...]] = {"Rollout": (("spec", "selector"),)}
"""By kind, what no update may change: the rules a custom resource definition states."""
