"""The beats of the demo, as data: what is said, which command runs, how it has to end."""

from __future__ import annotations

from dataclasses import dataclass

from rolloutctl.errors import ExitCode

CHECKOUT = ("checkout", "-n", "shop")


@dataclass(frozen=True)
class Beat:
    """One moment of the story.

    `say` is narration (may be empty), `deploy` the image somebody else ships before the command
    runs (may be empty), `argv` the command ("{folder}" in it is the demo's own), `expect` its exit
    code; `at_once`: the state it acts on passes by itself, so that nobody may rest before it.
    """

    say: str = ""
    argv: tuple[str, ...] = ()
    deploy: str = ""
    expect: ExitCode = ExitCode.OK
    at_once: bool = False


def image(version: str) -> str:
    return f"registry.example/checkout:{version}"


def watch(until: str) -> tuple[str, ...]:
    """Follows checkout until it is there; a minute is plenty at the demo's speed."""
    return ("watch", *CHECKOUT, "--until", until, "--timeout", "60s")


PLUGIN = "demo/jenkins-gate"

STORY: tuple[Beat, ...] = (
    Beat(
        "Five pods of checkout v1.9.2 serve the shop.",
        ("get", *CHECKOUT),
    ),
    Beat(
        "Somebody deploys v1.10.0. A fifth of the pods becomes the canary, then a gate asks Jenkins"
        " whether the smoke test is green.",
        watch("paused"),
        deploy=image("v1.10.0"),
    ),
    Beat(
        "The gate passed. Step 4 waits for a person; here is all there is to know before deciding.",
        ("get", *CHECKOUT),
    ),
    Beat(
        "What would a promotion send? --dry-run says it, and sends nothing.",
        ("promote", *CHECKOUT, "--dry-run"),
    ),
    Beat(
        "Before it is promoted, Jenkins goes down. Nobody knows yet.",
        ("sandbox", "jenkins", "down"),
    ),
    Beat(
        "One step, and only that step: the next one is a gate.",
        ("promote", *CHECKOUT),
    ),
    Beat(
        "The second gate cannot reach Jenkins. The step neither fails nor passes; it tries again.",
        watch(f"plugin={PLUGIN}:Error"),
    ),
    Beat(
        "Who is stuck?",
        ("plugins", "status", PLUGIN),
    ),
    Beat(
        "The outage will last. The plugin is switched off in the controller's ConfigMap, one line"
        " changed, and the controller restarted, since it reads the ConfigMap only then.",
        (
            *("plugins", "disable", PLUGIN, "--reason", "INC-4711", "--restart", "--yes"),
            *("--save-in-flight", "{folder}/in-flight.json"),
        ),
    ),
    Beat(
        "The step is passed over and traffic flows again.",
        watch("healthy"),
    ),
    Beat(
        "Jenkins is back, though slow. The plugin is switched on again.",
        ("sandbox", "jenkins", "slow"),
    ),
    Beat(
        "",
        ("plugins", "enable", PLUGIN, "--restart", "--yes"),
    ),
    Beat(
        "v1.11.0 is a hotfix; its first gate takes its time.",
        watch(f"plugin={PLUGIN}:Running"),
        deploy=image("v1.11.0"),
    ),
    Beat(
        "It cannot wait. A full promotion skips what is left, and the controller terminates the"
        " plugin that is running.",
        ("promote", *CHECKOUT, "--full", "--yes", "--wait", "--timeout", "60s"),
        at_once=True,
    ),
    Beat(
        "",
        ("sandbox", "jenkins", "up"),
    ),
    Beat(
        "v1.12.0 comes as far as the pause.",
        watch("paused"),
        deploy=image("v1.12.0"),
    ),
    Beat(
        "",
        ("promote", *CHECKOUT),
    ),
    Beat(
        "The load test passes, the last pause begins, and then the error rate climbs.",
        watch("step=7"),
    ),
    Beat(
        "Abort: traffic goes back, and the plugins undo what they did, the last one first.",
        ("abort", *CHECKOUT, "--wait", "--timeout", "60s"),
        at_once=True,
    ),
    Beat(
        "That is what an aborted rollout looks like. The exit code of status says it to a script.",
        ("status", *CHECKOUT),
        expect=ExitCode.FAILED,
    ),
    Beat(
        "",
        ("get", *CHECKOUT),
    ),
)
