"""Makes the pictures of the dashboard in docs/pictures, from a sandbox of its own.

python docs/pictures.py
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rolloutctl import kube
from rolloutctl.actions.fleet import Member
from rolloutctl.tui.app import Dashboard
from rolloutctl.tui.setup import Setup

PICTURES = Path(__file__).parent / "pictures"
ROLLOUTCTL = str(Path(sys.executable).with_name("rolloutctl"))
SIZE = (120, 30)
SCENARIOS = (
    ("fleet:240", ""),
    ("paused", "shop"),
    ("plugin-gate-running", "pay"),
    ("plugin-failed", "search"),
    ("analysis-failed", "billing"),
)
SCREENS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "fleet": ("", ()),
    "rollout": ("ns:shop", ("enter",)),
    "question": ("ns:pay", ("P",)),
    "analysis": ("ns:billing", ("enter", "3")),
    "causes": ("", ("2",)),
    "plugins": ("", ("3",)),
}
"""By name: what is typed into the filter, and the keys pressed then."""


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        env = {**os.environ, "HOME": home, "XDG_STATE_HOME": home, "XDG_CACHE_HOME": f"{home}/c"}
        do(env, "up", "--speed", "20")
        try:
            for scenario, namespace in SCENARIOS:
                do(env, "load", scenario, *(("-n", namespace) if namespace else ()))
            env["KUBECONFIG"] = do(env, "kubeconfig").strip()
            for name, (query, keys) in SCREENS.items():
                asyncio.run(picture(env, name, query, keys))
        finally:
            do(env, "down")


def do(env: Mapping[str, str], *argv: str) -> str:
    done = subprocess.run(
        [ROLLOUTCTL, "sandbox", *argv], env=env, capture_output=True, text=True, check=True
    )
    return done.stdout


async def picture(env: Mapping[str, str], name: str, query: str, keys: tuple[str, ...]) -> None:
    cluster = kube.connect(
        kubeconfig=env["KUBECONFIG"],
        context=None,
        namespace=None,
        impersonate=None,
        request_timeout=None,
        env=env,
    )
    app = Dashboard(Setup(members=[Member("", cluster, None)], query=query))
    async with app.run_test(size=SIZE) as pilot:
        while not app.fleet.complete:
            await pilot.pause(0.05)
        await pilot.pause(0.5)
        for key in keys:
            await pilot.press(key)
            await pilot.pause(1.5)
        text = app.export_screenshot(title=f"rolloutctl dashboard {query}".strip())
    (PICTURES / f"{name}.svg").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
