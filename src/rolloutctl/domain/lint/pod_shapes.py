"""The shapes of pod templates and of Jobs, as a server of Kubernetes 1.34 knows them."""

from __future__ import annotations

from rolloutctl.domain.lint.common_shapes import SELECTOR
from rolloutctl.domain.lint.shapes import (
    ANY,
    FLAG,
    LABELS,
    LONG,
    QUANTITY,
    TEXT,
    TEXTS,
    WHOLE,
    WHOLE_OR_TEXT,
    Entries,
    Fields,
    Items,
    Text,
    fields,
    needing,
)


def _many(of: Fields, *required: str) -> Items:
    return Items(of=needing(of, *required))


_NAMED = fields(name=TEXT)
_KEY = needing(fields(name=TEXT, key=TEXT, optional=FLAG), "key")
_FIELD = needing(fields(apiVersion=TEXT, fieldPath=TEXT), "fieldPath")
_AMOUNT = needing(fields(containerName=TEXT, resource=TEXT, divisor=QUANTITY), "resource")
_FILE_KEY = needing(
    fields(volumeName=TEXT, path=TEXT, key=TEXT, optional=FLAG), "volumeName", "path", "key"
)
_ENV = _many(
    fields(
        name=TEXT,
        value=TEXT,
        valueFrom=fields(
            configMapKeyRef=_KEY,
            secretKeyRef=_KEY,
            fieldRef=_FIELD,
            resourceFieldRef=_AMOUNT,
            fileKeyRef=_FILE_KEY,
        ),
    ),
    "name",
)
_SOURCE = fields(name=TEXT, optional=FLAG)
_ENV_FROM = Items(of=fields(prefix=TEXT, configMapRef=_SOURCE, secretRef=_SOURCE))
_HTTP = needing(
    fields(
        host=TEXT,
        path=TEXT,
        port=WHOLE_OR_TEXT,
        scheme=TEXT,
        httpHeaders=_many(fields(name=TEXT, value=TEXT), "name", "value"),
    ),
    "port",
)
_TCP = needing(fields(host=TEXT, port=WHOLE_OR_TEXT), "port")
_COMMAND = fields(command=TEXTS)
HANDLER = fields(
    exec=_COMMAND, httpGet=_HTTP, tcpSocket=_TCP, sleep=needing(fields(seconds=LONG), "seconds")
)
PROBE = fields(
    exec=_COMMAND,
    httpGet=_HTTP,
    tcpSocket=_TCP,
    grpc=needing(fields(port=WHOLE, service=TEXT), "port"),
    initialDelaySeconds=WHOLE,
    periodSeconds=WHOLE,
    timeoutSeconds=WHOLE,
    successThreshold=WHOLE,
    failureThreshold=WHOLE,
    terminationGracePeriodSeconds=LONG,
)
_AMOUNTS = Entries(of=QUANTITY)
_RESOURCES = fields(
    limits=_AMOUNTS, requests=_AMOUNTS, claims=_many(fields(name=TEXT, request=TEXT), "name")
)
_PROFILE = needing(fields(type=TEXT, localhostProfile=TEXT), "type")
_SECURITY = {
    "appArmorProfile": _PROFILE,
    "runAsGroup": LONG,
    "runAsNonRoot": FLAG,
    "runAsUser": LONG,
    "seLinuxOptions": fields(level=TEXT, role=TEXT, type=TEXT, user=TEXT),
    "seccompProfile": _PROFILE,
    "windowsOptions": fields(
        gmsaCredentialSpec=TEXT,
        gmsaCredentialSpecName=TEXT,
        hostProcess=FLAG,
        runAsUserName=TEXT,
    ),
}
_CONTAINER = fields(
    name=TEXT,
    image=TEXT,
    imagePullPolicy=Text(one_of=("Always", "IfNotPresent", "Never", "")),
    command=TEXTS,
    args=TEXTS,
    workingDir=TEXT,
    env=_ENV,
    envFrom=_ENV_FROM,
    ports=_many(
        fields(containerPort=WHOLE, hostIP=TEXT, hostPort=WHOLE, name=TEXT, protocol=TEXT),
        "containerPort",
    ),
    lifecycle=fields(postStart=HANDLER, preStop=HANDLER, stopSignal=TEXT),
    livenessProbe=PROBE,
    readinessProbe=PROBE,
    startupProbe=PROBE,
    resizePolicy=_many(
        fields(resourceName=TEXT, restartPolicy=TEXT), "resourceName", "restartPolicy"
    ),
    resources=_RESOURCES,
    restartPolicy=TEXT,
    restartPolicyRules=_many(
        fields(
            action=TEXT,
            exitCodes=needing(fields(operator=TEXT, values=Items(of=WHOLE)), "operator"),
        ),
        "action",
    ),
    securityContext=fields(
        **_SECURITY,
        allowPrivilegeEscalation=FLAG,
        capabilities=fields(add=TEXTS, drop=TEXTS),
        privileged=FLAG,
        procMount=TEXT,
        readOnlyRootFilesystem=FLAG,
    ),
    stdin=FLAG,
    stdinOnce=FLAG,
    tty=FLAG,
    terminationMessagePath=TEXT,
    terminationMessagePolicy=TEXT,
    volumeDevices=_many(fields(devicePath=TEXT, name=TEXT), "devicePath", "name"),
    volumeMounts=_many(
        fields(
            mountPath=TEXT,
            mountPropagation=TEXT,
            name=TEXT,
            readOnly=FLAG,
            recursiveReadOnly=TEXT,
            subPath=TEXT,
            subPathExpr=TEXT,
        ),
        "mountPath",
        "name",
    ),
)
CONTAINER = needing(_CONTAINER, "name")
_EXPRESSION = needing(fields(key=TEXT, operator=TEXT, values=TEXTS), "key", "operator")
_NODES = fields(matchExpressions=Items(of=_EXPRESSION), matchFields=Items(of=_EXPRESSION))
_PODS = needing(
    fields(
        labelSelector=SELECTOR,
        matchLabelKeys=TEXTS,
        mismatchLabelKeys=TEXTS,
        namespaceSelector=SELECTOR,
        namespaces=TEXTS,
        topologyKey=TEXT,
    ),
    "topologyKey",
)
POD_AFFINITY = fields(
    preferredDuringSchedulingIgnoredDuringExecution=_many(
        fields(podAffinityTerm=_PODS, weight=WHOLE), "podAffinityTerm", "weight"
    ),
    requiredDuringSchedulingIgnoredDuringExecution=Items(of=_PODS),
)
_AFFINITY = fields(
    nodeAffinity=fields(
        preferredDuringSchedulingIgnoredDuringExecution=_many(
            fields(preference=_NODES, weight=WHOLE), "preference", "weight"
        ),
        requiredDuringSchedulingIgnoredDuringExecution=needing(
            fields(nodeSelectorTerms=Items(of=_NODES)), "nodeSelectorTerms"
        ),
    ),
    podAffinity=POD_AFFINITY,
    podAntiAffinity=POD_AFFINITY,
)
_SPREAD = fields(
    labelSelector=SELECTOR,
    matchLabelKeys=TEXTS,
    maxSkew=WHOLE,
    minDomains=WHOLE,
    nodeAffinityPolicy=TEXT,
    nodeTaintsPolicy=TEXT,
    topologyKey=TEXT,
    whenUnsatisfiable=TEXT,
)
POD_SPEC = needing(
    fields(
        "What the pods run.",
        activeDeadlineSeconds=LONG,
        affinity=_AFFINITY,
        automountServiceAccountToken=FLAG,
        containers=Items(of=CONTAINER),
        initContainers=Items(of=CONTAINER),
        ephemeralContainers=_many(fields(**_CONTAINER.known, targetContainerName=TEXT), "name"),
        dnsConfig=fields(
            nameservers=TEXTS, options=Items(of=fields(name=TEXT, value=TEXT)), searches=TEXTS
        ),
        dnsPolicy=TEXT,
        enableServiceLinks=FLAG,
        hostAliases=_many(fields(hostnames=TEXTS, ip=TEXT), "ip"),
        hostIPC=FLAG,
        hostNetwork=FLAG,
        hostPID=FLAG,
        hostUsers=FLAG,
        hostname=TEXT,
        hostnameOverride=TEXT,
        imagePullSecrets=Items(of=_NAMED),
        nodeName=TEXT,
        nodeSelector=LABELS,
        os=needing(_NAMED, "name"),
        overhead=_AMOUNTS,
        preemptionPolicy=TEXT,
        priority=WHOLE,
        priorityClassName=TEXT,
        readinessGates=_many(fields(conditionType=TEXT), "conditionType"),
        resourceClaims=_many(
            fields(name=TEXT, resourceClaimName=TEXT, resourceClaimTemplateName=TEXT), "name"
        ),
        resources=_RESOURCES,
        restartPolicy=TEXT,
        runtimeClassName=TEXT,
        schedulerName=TEXT,
        schedulingGates=_many(_NAMED, "name"),
        securityContext=fields(
            **_SECURITY,
            fsGroup=LONG,
            fsGroupChangePolicy=TEXT,
            seLinuxChangePolicy=TEXT,
            supplementalGroups=Items(of=LONG),
            supplementalGroupsPolicy=TEXT,
            sysctls=_many(fields(name=TEXT, value=TEXT), "name", "value"),
        ),
        serviceAccount=TEXT,
        serviceAccountName=TEXT,
        setHostnameAsFQDN=FLAG,
        shareProcessNamespace=FLAG,
        subdomain=TEXT,
        terminationGracePeriodSeconds=LONG,
        tolerations=Items(
            of=fields(effect=TEXT, key=TEXT, operator=TEXT, tolerationSeconds=LONG, value=TEXT)
        ),
        topologySpreadConstraints=_many(_SPREAD, "maxSkew", "topologyKey", "whenUnsatisfiable"),
        volumes=ANY,
    ),
    "containers",
)
"""Volumes may hold anything: the definitions of Argo Rollouts' kinds do not describe them."""
TEMPLATE_METADATA = fields(
    "Labels and annotations of the pods.",
    labels=LABELS,
    annotations=LABELS,
    creationTimestamp=ANY,
)
POD_TEMPLATE = fields("The template of the pods.", metadata=TEMPLATE_METADATA, spec=POD_SPEC)
JOB_SPEC = needing(
    fields(
        "The Job's specification.",
        activeDeadlineSeconds=LONG,
        backoffLimit=WHOLE,
        backoffLimitPerIndex=WHOLE,
        completionMode=TEXT,
        completions=WHOLE,
        managedBy=TEXT,
        manualSelector=FLAG,
        maxFailedIndexes=WHOLE,
        parallelism=WHOLE,
        podFailurePolicy=ANY,
        podReplacementPolicy=TEXT,
        selector=SELECTOR,
        successPolicy=ANY,
        suspend=FLAG,
        template=POD_TEMPLATE,
        ttlSecondsAfterFinished=WHOLE,
    ),
    "template",
)
