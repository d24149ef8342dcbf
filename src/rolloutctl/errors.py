"""Exit codes, and the one family of errors every layer raises.

An error is a fact for a person: what happened, to which object, and what to do next. The
boundary in `rolloutctl.cli.main` turns it into one message on stderr and an exit code; nothing
else catches it to print it.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence


class ExitCode(enum.IntEnum):
    """What the process ends with. Documented in the README and in rolloutctl(1)."""

    OK = 0
    FAILED = 1
    """The rollout is degraded or aborted, or some of the objects failed."""
    USAGE = 2
    CLUSTER = 3
    """No configuration, unreachable, unauthorised, forbidden, or a server fault."""
    TIMEOUT = 4
    NOT_FOUND = 5
    CONFLICT = 6
    """Somebody else's change came first, or the state does not allow the action."""
    INTERRUPTED = 130


class RolloutctlError(Exception):
    """Base of all errors shown to a user.

    `message` says what happened, `subject` names the object ("shop/checkout", may be empty),
    `hint` says what to do next (may be empty, may hold several lines).
    """

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(self, message: str, *, subject: str = "", hint: str | Sequence[str] = "") -> None:
        super().__init__(message)
        self.message = message
        self.subject = subject
        self.hint = hint if isinstance(hint, str) else "\n".join(hint)


class Failed(RolloutctlError):
    """The action was carried out but did not end well, or cannot be carried out here."""

    exit_code = ExitCode.FAILED


class UsageError(RolloutctlError):
    """The command line, a file given on it, or a setting is wrong."""

    exit_code = ExitCode.USAGE


class ClusterError(RolloutctlError):
    """The cluster cannot be used: configuration, network, credentials, rights, a server fault."""

    exit_code = ExitCode.CLUSTER


class NoCluster(ClusterError):
    """No cluster is configured at all."""


class Unreachable(ClusterError):
    """The API server did not answer."""


class InDoubt(Unreachable):
    """A change was sent and no answer came: it may or may not have been made."""


class Unauthorized(ClusterError):
    """The API server does not know the caller (401)."""


class Forbidden(ClusterError):
    """The caller lacks a right (403); the hint is the rule to ask for."""


class Timeout(RolloutctlError):
    """A wait ended before what was waited for happened: in time, or without a person."""

    exit_code = ExitCode.TIMEOUT


class NotFound(RolloutctlError):
    """The named object does not exist."""

    exit_code = ExitCode.NOT_FOUND


class Conflict(RolloutctlError):
    """A precondition did not hold: the object changed meanwhile, or its state forbids this."""

    exit_code = ExitCode.CONFLICT


class AlreadyExists(Conflict):
    """What was to be created is there already."""


class Interrupted(RolloutctlError):
    """The user pressed Ctrl-C or the process was asked to end."""

    exit_code = ExitCode.INTERRUPTED
