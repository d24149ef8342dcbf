"""Experiments on an embedded cluster: by themselves, or as a rollout's step."""

from __future__ import annotations

from typing import Any

from .controlled import PLACE, Controlled

Obj = dict[str, Any]


def part(name: str, image: str = "demo:v1", **fields: Any) -> Obj:
    """A template of an Experiment."""
    labels = {"part": name}
    return {
        "name": name,
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "app", "image": image}]},
        },
        **fields,
    }


def asked(name: str, template: str = "check", **fields: Any) -> Obj:
    """An analysis of an Experiment."""
    return {"name": name, "templateName": template, **fields}


class Tried:
    """The Experiment `trial` beside the rollout of `story`."""

    def __init__(self, *templates: Obj, objects: tuple[Obj, ...] = (), **spec: Any) -> None:
        self.story = Controlled(objects=objects)
        self.story.add(
            {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "Experiment",
                "metadata": {"name": "trial"},
                "spec": {"templates": list(templates or [part("one")]), **spec},
            }
        )

    @property
    def status(self) -> Obj:
        found = self.story.client.get("experiments", "trial", PLACE)
        status: Obj = found.get("status", {})
        return status

    @property
    def phase(self) -> tuple[str, str]:
        return self.status.get("phase", ""), self.status.get("message", "")

    @property
    def parts(self) -> dict[str, str]:
        """Template to its status."""
        return {each["name"]: each["status"] for each in self.status["templateStatuses"]}

    @property
    def progressing(self) -> tuple[str, str, str]:
        for each in self.status["conditions"]:
            if each["type"] == "Progressing":
                return each["status"], each["reason"], each["message"]
        return "", "", ""

    def replica_set(self, template: str = "one") -> Obj:
        return self.story.client.get("replicasets", f"trial-{template}", PLACE)

    def runs(self) -> dict[str, str]:
        """AnalysisRuns to their phases."""
        found = self.story.client.list("analysisruns", PLACE)[0]
        return {each["metadata"]["name"]: each["status"]["phase"] for each in found}

    def patch(self, body: Obj) -> None:
        self.story.client.patch("experiments", "trial", body, PLACE)
        self.story.cluster.settle()

    def wait(self, seconds: float) -> None:
        self.story.wait(seconds)

    def events(self, about: str = "Experiment") -> list[str]:
        """ "Normal ExperimentPending …", in order; those of resizing are left out."""
        found = self.story.client.list("events", PLACE)[0]
        found.sort(key=lambda each: int(each["metadata"]["resourceVersion"]))
        return [
            f"{each['type']} {each['reason']} {each['message']}"
            for each in found
            if each["involvedObject"]["kind"] == about and each["reason"] != "ScalingReplicaSet"
        ]
