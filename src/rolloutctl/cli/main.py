"""The entry point and the one error boundary: whatever happens becomes a message and an exit code.

No traceback ever reaches a user; ROLLOUTCTL_DEBUG=1 shows it, for bug reports.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rolloutctl.cli.environment import Environment
from rolloutctl.cli.run import ReaderGone, Run
from rolloutctl.errors import ExitCode, RolloutctlError

if TYPE_CHECKING:
    import typer


def main(argv: Sequence[str] | None = None, environment: Environment | None = None) -> int:
    """Runs one command line. Returns its exit code; raises nothing."""
    environment = environment or Environment.real()
    argv = list(sys.argv[1:] if argv is None else argv)
    with contextlib.ExitStack() as stack:
        if environment.captured:
            stack.enter_context(contextlib.redirect_stdout(environment.stdout))
            stack.enter_context(contextlib.redirect_stderr(environment.stderr))
        try:
            return _run(argv, environment)
        except ReaderGone:
            _drop_stdout()
            return ExitCode.OK


def run() -> None:
    """What the installed `rolloutctl` calls."""
    # What is made here lives to the end or is dropped page by page. Looking for cycles in it as
    # often as the interpreter does by itself costs a quarter of a long list.
    gc.set_threshold(100_000, 50, 100)
    code = main()
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
    sys.exit(code)


def _run(argv: list[str], environment: Environment) -> int:
    invocation = Run(environment)
    try:
        return _command(argv, environment, invocation)
    finally:
        if invocation.common.timings:
            from rolloutctl.cli.timings import tell

            tell(invocation)


def _command(argv: list[str], environment: Environment, invocation: Run) -> int:
    if argv == ["--version"]:
        # Scripts ask for it at each start: it does not wait for the command tree.
        from rolloutctl.cli.version import version

        invocation.out(f"rolloutctl {version()}")
        return ExitCode.OK

    import typer

    from rolloutctl.cli import app

    if environment.env.get("_ROLLOUTCTL_COMPLETE"):
        from rolloutctl.cli.completion import prepare

        prepare()
    try:
        argv = _written_out(argv, invocation)
        result = app.root().main(
            args=app.arguments(argv),
            prog_name="rolloutctl",
            standalone_mode=False,
            obj=invocation,
        )
        return int(result) if isinstance(result, int) else ExitCode.OK
    except RolloutctlError as error:
        _report(invocation, error.message, error.hint)
        return error.exit_code
    except typer.TyperException as error:
        return _usage(invocation, error)
    except (KeyboardInterrupt, typer.Abort):
        _report(invocation, "interrupted", "")
        return ExitCode.INTERRUPTED
    except ReaderGone:
        raise
    except Exception as error:
        if environment.env.get("ROLLOUTCTL_DEBUG"):
            import traceback

            traceback.print_exc(file=environment.stderr)
        _report(
            invocation,
            f"internal error: {type(error).__name__}: {error}",
            "this is a bug of rolloutctl; ROLLOUTCTL_DEBUG=1 shows where, please report it",
        )
        return ExitCode.FAILED


def _written_out(argv: list[str], invocation: Run) -> list[str]:
    """The command line without aliases.

    A configuration that cannot be understood stops every command but those that mend it. Raises
    UsageError.
    """
    from rolloutctl.cli import aliases

    env = invocation.environment.env
    first = aliases.first_word(argv)
    mends = first is not None and argv[first] in ("config", "completion", "version")
    if mends or env.get("_ROLLOUTCTL_COMPLETE"):
        return argv
    return aliases.expanded(argv, invocation.settings.aliases)


def _usage(invocation: Run, error: typer.TyperException) -> int:
    """A command line that cannot be understood: what is wrong, and where help is."""
    ctx: Any = getattr(error, "ctx", None)
    message = error.format_message()
    if ctx is not None and (type(error).__name__ == "NoArgsIsHelpError" or not message):
        invocation.note(ctx.get_help())
        return ExitCode.USAGE
    path = ctx.command_path if ctx is not None else "rolloutctl"
    _report(invocation, message[:1].lower() + message[1:].rstrip("."), f"{path} --help shows how")
    return ExitCode.USAGE


def _report(invocation: Run, message: str, hint: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        invocation.fail(RolloutctlError(message, hint=hint))


def _drop_stdout() -> None:
    """The reader of our output has gone; keep the interpreter from complaining at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
