"""What a server fills in and refuses in built-in objects, as far as anything here relies on it."""

from __future__ import annotations

from typing import Any

from .resources import Resource


def on_create(resource: Resource, obj: dict[str, Any]) -> None:
    """Fill in the defaults of a new object."""
    _common(resource, obj)
    if resource.plural == "namespaces":
        obj.setdefault("spec", {"finalizers": ["kubernetes"]})
        obj["status"] = {"phase": "Active"}
        labels = obj["metadata"].setdefault("labels", {})
        labels.setdefault("kubernetes.io/metadata.name", obj["metadata"].get("name", ""))
    elif resource.plural == "pods":
        obj["status"] = {"phase": "Pending", "qosClass": "BestEffort"}
    elif resource.plural == "replicasets":
        obj["status"] = {"replicas": 0}
    elif resource.plural in ("deployments", "jobs"):
        obj["status"] = {}
    elif resource.plural == "services":
        obj["status"] = {"loadBalancer": {}}


def on_update(resource: Resource, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Fill in the defaults of a replaced object; what is assigned once stays."""
    if resource.plural == "services" and isinstance(after.get("spec"), dict):
        for name in ("clusterIP", "clusterIPs"):
            if name in before.get("spec", {}):
                after["spec"].setdefault(name, before["spec"][name])
    _common(resource, after)


def _common(resource: Resource, obj: dict[str, Any]) -> None:
    plural = resource.plural
    spec = obj.get("spec")
    if plural == "events":
        for name, value in (("source", {}), ("eventTime", None)):
            obj.setdefault(name, value)
        for name in ("reportingComponent", "reportingInstance"):
            obj.setdefault(name, "")
        return
    if plural == "secrets":
        _secret(obj)
        return
    if resource.custom or not isinstance(spec, dict):
        return
    spec = obj["spec"] = dict(spec)
    if plural == "pods":
        _pod(spec)
        spec.setdefault("enableServiceLinks", True)
    elif plural == "replicasets":
        spec.setdefault("replicas", 1)
        fill_template(spec)
    elif plural == "deployments":
        _deployment(spec)
    elif plural == "jobs":
        spec.setdefault("backoffLimit", 6)
        spec.setdefault("completions", 1)
        spec.setdefault("parallelism", 1)
        fill_template(spec)
    elif plural == "services":
        _service(spec, obj["metadata"].get("uid", ""))


def _secret(obj: dict[str, Any]) -> None:
    import base64

    obj.setdefault("type", "Opaque")
    plain = obj.pop("stringData", None)
    if plain:
        encoded = {
            key: base64.b64encode((value or "").encode()).decode() for key, value in plain.items()
        }
        obj["data"] = {**(obj.get("data") or {}), **encoded}


def _deployment(spec: dict[str, Any]) -> None:
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    strategy = spec["strategy"] = dict(spec.get("strategy") or {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = strategy["rollingUpdate"] = dict(strategy.get("rollingUpdate") or {})
        rolling.setdefault("maxSurge", "25%")
        rolling.setdefault("maxUnavailable", "25%")
    fill_template(spec)


def _service(spec: dict[str, Any], uid: str) -> None:
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    if spec["type"] != "ExternalName":
        spec.setdefault("clusterIP", _address(uid))
        spec.setdefault("clusterIPs", [spec["clusterIP"]])
        spec.setdefault("internalTrafficPolicy", "Cluster")
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")
    ports = []
    for port in spec.get("ports") or ():
        if isinstance(port, dict):
            port = {"protocol": "TCP", "targetPort": port.get("port"), **port}
        ports.append(port)
    if ports:
        spec["ports"] = ports


def _address(uid: str) -> str:
    """An address of the service network, told apart by the uid."""
    number = int(uid.replace("-", "")[:4] or "1", 16)
    return f"10.43.{number >> 8}.{number & 255 or 1}"


def fill_template(spec: dict[str, Any]) -> None:
    """Fill in the pod template under `template`; neither it nor anything in it is changed."""
    template = spec.get("template")
    if isinstance(template, dict):
        template = spec["template"] = dict(template)
        template.setdefault("metadata", {})
        if isinstance(template.get("spec"), dict):
            template["spec"] = dict(template["spec"])
            _pod(template["spec"])


def _pod(spec: dict[str, Any]) -> None:
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("schedulerName", "default-scheduler")
    spec.setdefault("securityContext", {})
    spec.setdefault("terminationGracePeriodSeconds", 30)
    for kind in ("containers", "initContainers"):
        containers = spec.get(kind)
        if isinstance(containers, list):
            spec[kind] = [
                _container(item) if isinstance(item, dict) else item for item in containers
            ]


def _container(container: dict[str, Any]) -> dict[str, Any]:
    image = container.get("image", "")
    tag = image.rpartition("/")[2].partition(":")[2] if isinstance(image, str) else ""
    filled = {
        "imagePullPolicy": "Always" if tag in ("", "latest") else "IfNotPresent",
        "resources": {},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        **container,
    }
    if isinstance(filled.get("ports"), list):
        filled["ports"] = [
            {"protocol": "TCP", **port} if isinstance(port, dict) else port
            for port in filled["ports"]
        ]
    return filled
