"""The agent `command`: run a program that this host's policy.toml allows, without a shell."""

import os
import pwd
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import Field

from mcoflow.agent.execution import RefusedError
from mcoflow.agent.operations import Agent, Context, Strict
from mcoflow.agent.policy import Command, Policy, UserName, Variable, fits_any, fits_argv
from mcoflow.errors import OperationFailedError
from mcoflow.wire.kinds import Refusal

_UMASK: Final = 0o022
Word = Annotated[str, Field(max_length=4096, pattern=r"^[^\x00]*$")]


class Run(Strict):
    """Which words, and as whom, where and with what; what is left out, the policy decides."""

    argv: Annotated[list[Word], Field(min_length=1, max_length=64)]
    user: UserName | None = None
    cwd: Annotated[str, Field(max_length=4096, pattern=r"^/[^\x00]*$")] = "/"
    env: Annotated[dict[Variable, Word], Field(default_factory=dict, max_length=64)]
    stdin: Annotated[str, Field(max_length=16_384)] | None = None


class Ran(Strict):
    """How it ended; what it printed is the output of the step."""

    exit_code: int
    user: Annotated[str, Field(max_length=32)]


agent: Final = Agent("command")


def permitted(policy: Policy, asked: Run) -> Command:
    """Return the rule that allows it; raise RefusedError not_allowed that says what stands against it."""
    if not policy.command:
        raise _not_allowed("this host's policy.toml allows no command: add a [[command]] with its argv")
    near = "no [[command]] of this host's policy.toml has such an argv"
    for number, rule in enumerate(policy.command, 1):
        if fits_argv(rule.argv, asked.argv):
            against = _against(rule, asked)
            if not against:
                return rule
            near = f"[[command]] {number} of this host's policy.toml has this argv, but {against}"
    raise _not_allowed(near)


def _against(rule: Command, asked: Run) -> str:
    if asked.user is not None and asked.user not in rule.users:
        return f"not user {asked.user}: {', '.join(rule.users) or 'none can be named'}"
    if not fits_any(rule.cwd, asked.cwd):
        return f"not cwd {asked.cwd}: {', '.join(rule.cwd) or 'none'}"
    if foreign := sorted(asked.env.keys() - set(rule.env)):
        return f"not env {', '.join(foreign)}: {', '.join(rule.env) or 'none'}"
    if asked.stdin is not None and not rule.stdin:
        return "no stdin"
    return ""


def _not_allowed(why: str) -> RefusedError:
    return RefusedError(Refusal.NOT_ALLOWED, f"command.run: {why}")


def _permit(args: dict[str, Any], policy: Policy) -> None:
    permitted(policy, Run.model_validate(args))


@agent.operation(
    summary="Run a program that the host's policy allows", timeout=timedelta(minutes=5), permit=_permit
)
def run(given: Run, context: Context) -> Ran:
    """Run it to its end, without a shell; another exit code than 0 is a failure."""
    rule = permitted(context.policy, given)
    account = _account(given.user or (rule.users[0] if rule.users else None))
    with _entered(rule, given.cwd) as cwd:
        code = _run(given, account, cwd)
    if code < 0:
        name = signal.Signals(-code).name
        raise OperationFailedError(
            "signal", f"{given.argv[0]} was ended by {name}", values=_ended(code, account)
        )
    if code:
        message = f"{given.argv[0]} ended with exit code {code}"
        raise OperationFailedError("exit", message, exit_code=code, values=_ended(code, account))
    return Ran(exit_code=0, user=account.pw_name)


def _ended(code: int, account: pwd.struct_passwd) -> dict[str, Any]:
    return {"exit_code": code, "user": account.pw_name}


@contextmanager
def _entered(rule: Command, cwd: str) -> Iterator[str]:
    """Hold on to the folder and name it so that no link changed meanwhile leads out of what is allowed."""
    try:
        folder = os.open(cwd, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise OperationFailedError("not_started", f"cwd {cwd}: {error.strerror}") from error
    try:
        held = f"/proc/self/fd/{folder}"
        real = os.readlink(held)  # noqa: PTH115  the kernel's own name for it
        if not fits_any(rule.cwd, real):
            raise _not_allowed(f"{cwd} leads to {real}, which is not among cwd: {', '.join(rule.cwd)}")
        yield held
    finally:
        os.close(folder)


def _account(user: str | None) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(os.geteuid()) if user is None else pwd.getpwnam(user)
    except KeyError:
        raise OperationFailedError("no_user", f"this host has no user {user or os.geteuid()}") from None


def _run(given: Run, account: pwd.struct_passwd, cwd: str) -> int:
    """Start it with what we print to, so that its output is the step's as it comes."""
    changes: dict[str, Any] = {}
    if account.pw_uid != os.geteuid():
        groups = os.getgrouplist(account.pw_name, account.pw_gid)
        changes = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": groups}
    try:
        child = subprocess.Popen(  # noqa: S603  the policy allows the words, no shell is involved
            given.argv,
            stdin=subprocess.DEVNULL if given.stdin is None else subprocess.PIPE,
            cwd=cwd,
            env=_environment(given, account),
            umask=_UMASK,
            **changes,
        )
    except (OSError, subprocess.SubprocessError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise OperationFailedError("not_started", f"{given.argv[0]} cannot be started: {why}") from error
    child.communicate(None if given.stdin is None else given.stdin.encode())
    return child.returncode


def _environment(given: Run, account: pwd.struct_passwd) -> dict[str, str]:
    ours = {name: os.environ[name] for name in ("PATH", "LC_ALL", "TERM") if name in os.environ}
    theirs = {"HOME": account.pw_dir, "USER": account.pw_name, "LOGNAME": account.pw_name}
    return {**ours, **theirs, **given.env}
