"""A user's own step plugin: `--plugin [NAME=]PATH.py:Class`."""

from __future__ import annotations

import copy
import importlib.util
import json
import re
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rolloutctl.errors import UsageError

from .protocol import Context, Result, StepPlugin

# Source: argo-rollouts, utils/config (the names the controller accepts at start).
_NAME = re.compile(r"[a-zA-Z0-9-]+/[a-zA-Z0-9_.-]+")
_HINT = "--plugin [NAMESPACE/NAME=]PATH.py:Class"


@dataclass(frozen=True, slots=True)
class Spec:
    """A `--plugin` value taken apart; `name` is empty when the class shall say it itself."""

    name: str
    path: Path
    class_name: str

    @staticmethod
    def parse(text: str) -> Spec:
        """Raises UsageError when the form is wrong, or there is no such file."""
        name, equals, rest = text.partition("=")
        if not equals or not _NAME.fullmatch(name):
            if equals and not Path(text.rpartition(":")[0]).exists():
                raise UsageError(
                    f"{name!r} cannot name a plugin",
                    subject=text,
                    hint="a name is NAMESPACE/NAME of letters, digits and dashes, e.g. demo/gate",
                )
            name, rest = "", text
        file, colon, class_name = rest.rpartition(":")
        if not colon or not file or not class_name.isidentifier():
            raise UsageError("the plugin's class is not given", subject=text, hint=_HINT)
        path = Path(file).expanduser()
        if not path.is_file():
            raise UsageError("there is no such plugin file", subject=str(path), hint=_HINT)
        return Spec(name, path.resolve(), class_name)

    def __str__(self) -> str:
        prefix = f"{self.name}=" if self.name else ""
        return f"{prefix}{self.path}:{self.class_name}"


def load(spec: Spec) -> tuple[str, StepPlugin]:
    """Import the file, make one object of the class; (plugin name, object).

    The object needs `run(rollout, context)`; without `terminate` or `abort` there is nothing to
    clean up, which succeeds. Raises UsageError when the file does not import, the class is
    missing or cannot be made without arguments, or no name is to be found.
    """
    kind = getattr(_import(spec), spec.class_name, None)
    if not isinstance(kind, type):
        raise UsageError(
            f"{spec.path.name} has no class {spec.class_name}",
            subject=str(spec.path),
            hint=_HINT,
        )
    name = spec.name or getattr(kind, "name", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UsageError(
            f"{spec.class_name} does not say which plugin it is",
            subject=str(spec.path),
            hint=f'give it  name = "demo/my-plugin"  or use --plugin demo/my-plugin={spec}',
        )
    try:
        made = kind()
    except Exception as error:
        raise UsageError(
            f"{spec.class_name}() failed: {_cause(error, spec.path)}", subject=str(spec.path)
        ) from error
    if not callable(getattr(made, "run", None)):
        raise UsageError(
            f"{spec.class_name} has no run(self, rollout, context)", subject=str(spec.path)
        )
    return name, _Guarded(made)


class _Guarded:
    """A user's plugin as the controller may rely on it: each call gives a Result, or raises.

    `terminate` and `abort` may be missing: there is nothing to clean up then.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def run(self, rollout: dict[str, Any], context: Context) -> Result:
        return self._call("run", rollout, context)

    def terminate(self, rollout: dict[str, Any], context: Context) -> Result:
        return self._call("terminate", rollout, context)

    def abort(self, rollout: dict[str, Any], context: Context) -> Result:
        return self._call("abort", rollout, context)

    def _call(self, what: str, rollout: dict[str, Any], context: Context) -> Result:
        method = getattr(self._inner, what, None)
        if method is None:
            return Result("Successful")
        try:
            # A copy: what the plugin does to it must not reach the controller's own.
            result = method(copy.deepcopy(rollout), context)
        except SystemExit as error:
            raise RuntimeError(f"{what} called sys.exit({error.code})") from error
        if not isinstance(result, Result):
            raise TypeError(f"{what} returned {type(result).__name__}, not a Result")
        if not isinstance(result.phase, str) or not isinstance(result.message, str):
            raise TypeError(f"{what} returned a phase or message that is no text")
        if result.status is not None:
            try:
                json.dumps(result.status, allow_nan=False)
            except (TypeError, ValueError) as error:
                raise TypeError(f"{what} returned a status that is no JSON: {error}") from error
        return result


def _import(spec: Spec) -> Any:
    module_name = f"rolloutctl_plugin_{spec.path.stem}"
    found = importlib.util.spec_from_file_location(module_name, spec.path)
    if found is None or found.loader is None:
        raise UsageError("a plugin is a .py file", subject=str(spec.path), hint=_HINT)
    module = importlib.util.module_from_spec(found)
    # So that a helper module beside it is found, but nothing installed is shadowed by it.
    if str(spec.path.parent) not in sys.path:
        sys.path.append(str(spec.path.parent))
    sys.modules[module_name] = module
    try:
        found.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[module_name]
        raise UsageError(
            f"the plugin does not import: {_cause(error, spec.path)}", subject=str(spec.path)
        ) from error
    return module


def _cause(error: BaseException, path: Path) -> str:
    """ "ValueError: no (line 7)": the line of the user's own file, where there is one."""
    line = error.lineno if isinstance(error, SyntaxError) else None
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == str(path):
            line = frame.lineno
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    where = f" (line {line})" if line else ""
    return f"{type(error).__name__}: {text}{where}" if text else f"{type(error).__name__}{where}"
