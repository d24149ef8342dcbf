"""The known fields of Argo Rollouts' resources, in the language of `shapes`."""

from __future__ import annotations

from .built_in_schemas import JOB_SPEC
from .pod_schema import CUSTOM_POD_SPEC
from .shapes import (
    ANY,
    BOOL,
    INT,
    INT_OR_STR,
    LABEL_SELECTOR,
    LABELED,
    OPEN,
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
_TEMPLATES = [{"templateName": STR, "clusterScope": BOOL}]
_DRY_RUN = [{"metricName!": STR}]
_RETENTION = [{"metricName!": STR, "limit!": INT}]
_ANALYSIS = {
    "templates": _TEMPLATES,
    "args": _ARGS,
    "dryRun": _DRY_RUN,
    "measurementRetention": _RETENTION,
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
        "dryRun": _DRY_RUN,
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
_AUTHENTICATION = {
    "basicAuth": {"username": STR, "password": STR},
    "oauth2": {"tokenUrl": STR, "clientId": STR, "clientSecret": STR, "scopes": STRS},
    "sigv4": {"region": STR, "profile": STR, "roleArn": STR},
}
_HEADERS = [{"key!": STR, "value!": STR}]
_PROVIDER = {
    OPEN: ANY,
    "prometheus": {
        "address": STR,
        "query": STR,
        "rangeQuery": {"start": STR, "end": STR, "step": STR},
        "authentication": _AUTHENTICATION,
        "headers": _HEADERS,
        "insecure": BOOL,
        "timeout": INT,
    },
    "web": {
        "url!": STR,
        "method": STR,
        "headers": _HEADERS,
        "body": STR,
        "jsonBody": ANY,
        "jsonPath": STR,
        "authentication": _AUTHENTICATION,
        "insecure": BOOL,
        "timeoutSeconds": INT,
    },
    "job": {
        "metadata": LABELED,
        "spec!": {
            **JOB_SPEC,
            "template!": {"metadata": LABELED, "spec": CUSTOM_POD_SPEC},
        },
    },
    "datadog": {
        **dict.fromkeys(("query", "formula", "aggregator", "interval", "apiVersion"), STR),
        "queries": TEXTS,
        "requestTimeout": STR,
        "secretRef": {"name": STR, "namespaced": BOOL},
    },
    "newRelic": {"query!": STR, "profile": STR, "timeout": INT},
    "graphite": {"address": STR, "query": STR},
    "influxdb": {"profile": STR, "query": STR},
    "wavefront": {"address": STR, "query": STR},
    "skywalking": {"address": STR, "query": STR, "interval": STR},
    "plugin": ANY,
}
_METRICS = [
    {
        "name!": STR,
        "provider!": _PROVIDER,
        **dict.fromkeys(("interval", "initialDelay", "successCondition", "failureCondition"), STR),
        **dict.fromkeys(("count", "failureLimit", "inconclusiveLimit"), INT_OR_STR),
        **dict.fromkeys(("consecutiveErrorLimit", "consecutiveSuccessLimit"), INT_OR_STR),
    }
]
_VALUE_FROM = {"fieldRef": {"fieldPath!": STR}, "secretKeyRef": {"name!": STR, "key!": STR}}
_ANALYSIS_SPEC = {
    "args": [{"name!": STR, "value": STR, "valueFrom": _VALUE_FROM}],
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
    "dryRun": _DRY_RUN,
    "measurementRetention": _RETENTION,
    "analysisRunMetadata": LABELED,
    "terminate": BOOL,
}

_COUNTS = dict.fromkeys(("count", "error", "failed", "inconclusive", "successful"), INT)
_MEASUREMENT = {
    "phase!": STR,
    "value": STR,
    "message": STR,
    "metadata": TEXTS,
    **dict.fromkeys(("startedAt", "finishedAt", "resumeAt"), TIME),
}
_RUN_STATUS_OF_METRICS = {
    "phase!": STR,
    "message": STR,
    "startedAt": TIME,
    "completedAt": TIME,
    "runSummary": _COUNTS,
    "dryRunSummary": _COUNTS,
    "metricResults": [
        {
            "name!": STR,
            "phase!": STR,
            "message": STR,
            "dryRun": BOOL,
            "metadata": TEXTS,
            "measurements": [_MEASUREMENT],
            **_COUNTS,
            "consecutiveError": INT,
            "consecutiveSuccess": INT,
        }
    ],
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
    "AnalysisRun": {"spec!": _RUN_SPEC, "status": _RUN_STATUS_OF_METRICS},
    "AnalysisTemplate": {"spec!": _TEMPLATE_SPEC},
    "ClusterAnalysisTemplate": {"spec!": _TEMPLATE_SPEC},
    "Experiment": {
        "spec!": _EXPERIMENT_SPEC,
        "status": _EXPERIMENT_STATUS,
    },
}
"""By kind; of a kind that is not here anything is kept."""

IMMUTABLE: dict[str, tuple[tuple[str, ...], ...]] = {"Rollout": (("spec", "selector"),)}
"""By kind, what no update may change: the rules a custom resource definition states."""
