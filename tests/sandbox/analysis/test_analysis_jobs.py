"""Metrics by Jobs: the Job, its pods, and what the run makes of its end."""

from __future__ import annotations

from typing import Any

import pytest

from support.metrics import PLACE, Analysed, phases

Obj = dict[str, Any]


def job(image: str = "smoke:v1", metadata: Obj | None = None, **spec: Any) -> Obj:
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "j", "image": image}]}}
    settings = {"metadata": metadata or {}, "spec": {"template": template, **spec}}
    return {"name": "smoke", "provider": {"job": settings}}


@pytest.fixture
def analysed() -> Analysed:
    return Analysed()


def test_a_job_that_completes(analysed: Analysed) -> None:
    labels = {"team": "a"}
    analysed.start(job(metadata={"labels": labels, "annotations": {"why": "b"}}, backoffLimit=0))
    assert analysed.phase()[0] == "Running"
    uid = analysed.run()["metadata"]["uid"]
    (made,) = analysed.objects("jobs")
    about = made["metadata"]
    assert about["name"] == f"{uid}.smoke.1"
    assert about["labels"] == {"team": "a", "analysisrun.argoproj.io/uid": uid}
    assert about["annotations"] == {
        "why": "b",
        "analysisrun.argoproj.io/name": "run",
        "analysisrun.argoproj.io/metric-name": "smoke",
    }
    (owner,) = about["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("AnalysisRun", "run", True)
    (measurement,) = analysed.result("smoke")["measurements"]
    assert measurement["metadata"] == {"job-name": about["name"], "job-namespace": PLACE}
    assert "finishedAt" not in measurement
    assert analysed.after(3)["phase"] == "Successful"
    (made,) = analysed.objects("jobs")
    assert [each["type"] for each in made["status"]["conditions"]] == [
        "SuccessCriteriaMet",
        "Complete",
    ]
    assert made["status"]["succeeded"] == 1
    (pod,) = analysed.objects("pods")
    assert pod["status"]["phase"] == "Succeeded"
    assert pod["metadata"]["labels"]["job-name"] == about["name"]


def test_a_job_that_fails(analysed: Analysed) -> None:
    analysed.start(job("smoke:fail", backoffLimit=0))
    status = analysed.after(3)
    assert status["phase"] == "Failed"
    assert (
        status["message"] == 'Metric "smoke" assessed Failed due to failed (1) > failureLimit (0)'
    )
    (made,) = analysed.objects("jobs")
    assert made["status"]["conditions"][-1]["reason"] == "BackoffLimitExceeded"
    (pod,) = analysed.objects("pods")
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 1


def test_a_job_tries_again_later_each_time(analysed: Analysed) -> None:
    analysed.start(job("smoke:fail", backoffLimit=2))
    analysed.after(10)
    assert len(analysed.objects("pods")) == 1
    analysed.after(2)
    assert len(analysed.objects("pods")) == 2
    analysed.after(20)
    assert analysed.phase()[0] == "Running"
    assert analysed.after(4)["phase"] == "Failed"
    assert len(analysed.objects("pods")) == 3


def test_a_job_whose_image_is_not_there_waits(analysed: Analysed) -> None:
    analysed.start(job("smoke:bad"))
    assert analysed.after(300)["phase"] == "Running"
    (pod,) = analysed.objects("pods")
    waiting = pod["status"]["containerStatuses"][0]["state"]["waiting"]
    assert waiting["reason"] == "ImagePullBackOff"


def test_a_job_has_a_deadline(analysed: Analysed) -> None:
    analysed.start(job("smoke:bad", activeDeadlineSeconds=30))
    assert analysed.after(29)["phase"] == "Running"
    assert analysed.after(3)["phase"] == "Failed"
    (made,) = analysed.objects("jobs")
    assert made["status"]["conditions"][-1]["reason"] == "DeadlineExceeded"
    assert analysed.objects("pods") == []


def test_a_job_of_several_pods(analysed: Analysed) -> None:
    analysed.start(job(completions=3, parallelism=2))
    assert len(analysed.objects("pods")) == 2
    assert analysed.after(5)["phase"] == "Successful"
    assert len(analysed.objects("pods")) == 3


def test_a_job_may_be_deleted_after_its_end(analysed: Analysed) -> None:
    analysed.start(job(ttlSecondsAfterFinished=60))
    analysed.after(50)
    assert len(analysed.objects("jobs")) == 1
    analysed.after(20)
    assert (analysed.objects("jobs"), analysed.objects("pods")) == ([], [])
    assert analysed.phase()[0] == "Successful"


def test_each_measurement_has_a_job_and_ten_are_kept(analysed: Analysed) -> None:
    analysed.start({**job(), "interval": "10s", "count": 12})
    status = analysed.after(200)
    assert status["phase"] == "Successful"
    assert analysed.result("smoke")["count"] == 12
    assert phases(analysed.result("smoke")) == ["Successful"] * 10
    numbers = {
        int(each["metadata"]["name"].rpartition(".")[2]) for each in analysed.objects("jobs")
    }
    assert numbers == set(range(3, 13))


def test_a_run_that_is_told_to_end_deletes_its_job(analysed: Analysed) -> None:
    analysed.start(job("smoke:bad"))
    analysed.terminate()
    assert analysed.phase() == ("Successful", "Run Terminated")
    (measurement,) = analysed.result("smoke")["measurements"]
    assert (measurement["phase"], measurement["message"]) == ("Successful", "Metric Terminated")
    analysed.after(1)
    assert (analysed.objects("jobs"), analysed.objects("pods")) == ([], [])


def test_a_run_that_is_deleted_takes_its_jobs_along(analysed: Analysed) -> None:
    analysed.start(job("smoke:bad"))
    analysed.client.delete("analysisruns", "run", PLACE)
    analysed.cluster.advance(5)
    assert (analysed.objects("jobs"), analysed.objects("pods")) == ([], [])


def test_somebody_deletes_the_job(analysed: Analysed) -> None:
    analysed.start(job("smoke:bad"))
    (made,) = analysed.objects("jobs")
    analysed.client.delete("jobs", made["metadata"]["name"], PLACE)
    analysed.after(3)
    (measurement,) = analysed.result("smoke")["measurements"]
    assert measurement["phase"] == "Error"
    assert measurement["message"] == f'jobs.batch "{made["metadata"]["name"]}" not found'


def test_a_job_the_api_refuses(analysed: Analysed) -> None:
    analysed.start({**job(), "name": "Not_A_Name"})
    (measurement,) = analysed.result("Not_A_Name")["measurements"]
    assert measurement["phase"] == "Error"
    assert "is invalid" in measurement["message"]


def test_a_job_of_nobody_runs_too(analysed: Analysed) -> None:
    spec = job("batch:v1")["provider"]["job"]["spec"]
    own = {"apiVersion": "batch/v1", "kind": "Job", "spec": spec}
    own["metadata"] = {"name": "own", "namespace": PLACE}
    analysed.client.create("jobs", own, PLACE)
    analysed.cluster.advance(3)
    (found,) = analysed.objects("jobs")
    assert found["status"]["conditions"][-1]["type"] == "Complete"
