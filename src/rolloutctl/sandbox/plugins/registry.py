"""Which plugin names have an implementation in this process.

Which of them a rollout may use is another question: that is what the ConfigMap
`argo-rollouts-config` says, see `controller/config.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .e2e import E2ETest
from .protocol import StepPlugin


class PluginRegistry:
    """Plugin name ("namespace/name") to the object that implements it."""

    def __init__(self, plugins: Mapping[str, StepPlugin] | None = None) -> None:
        self._plugins: dict[str, StepPlugin] = dict(plugins or {})

    def add(self, name: str, plugin: StepPlugin) -> None:
        """Make `plugin` known as `name`; the last one added under a name counts."""
        self._plugins[name] = plugin

    def get(self, name: str) -> StepPlugin | None:
        return self._plugins.get(name)

    def names(self) -> Iterable[str]:
        return sorted(self._plugins)


def builtin() -> PluginRegistry:
    """A registry with the two plugins the recorded scenarios use."""
    return PluginRegistry({"step/e2e-test": E2ETest(), "step/e2e-test-disabled": E2ETest()})
