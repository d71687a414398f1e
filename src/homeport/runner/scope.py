"""Where steps stand: the job itself, or the inside of an action, with what their expressions may see there.

Sources: GitHub docs, "Contexts reference: Context availability"; actions/runner `CompositeActionHandler` (own `steps` and `inputs`,
`github.action_*`, status functions that look at the action alone) and `SuccessFunction`, `FailureFunction`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from homeport.language import nodes
from homeport.language.expr.coercion import to_string
from homeport.language.expr.errors import ExpressionError
from homeport.language.expr.values import CaseSensitiveObject
from homeport.plan.evaluation import Functions
from homeport.ports.executor import WalledJobEnvironment
from homeport.run.facts import Conclusion
from homeport.runner.actions.model import CompositeAction, DockerAction, NativeAction, NodeAction, ResolvedAction
from homeport.runner.session import JobSession
from homeport.runner.stop import StepStop

Contexts = dict[str, Any]

_OF_ACTIONS = ("strategy", "matrix", "runner")
"""What of the job's contexts the steps of an action see; `secrets`, `needs` and `vars` they do not."""


class PostStage:
    """What an action that was begun still has to do when all steps are done. `inner` is the inside of a composite action."""

    __slots__ = ("action", "inner", "scope", "step")

    def __init__(self, scope: "Scope", step: nodes.UsesStep, action: ResolvedAction, inner: "Scope | None") -> None:
        self.scope = scope
        self.step = step
        self.action = action
        self.inner = inner

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to do."""
        match self.action:
            case NodeAction():
                return self.action.runs.post is not None
            case DockerAction():
                return self.action.runs.post_entrypoint is not None
            case NativeAction():
                return self.action.has_post
            case CompositeAction():
                return self.inner is not None and any(post.is_needed for post in self.inner.posts)

    @property
    def condition(self) -> nodes.Condition | None:
        """Its `post-if`; None is `always()`."""
        match self.action:
            case NodeAction() | DockerAction():
                return self.action.runs.post_condition
            case NativeAction():
                return self.action.post_condition
            case CompositeAction():
                return None


class Scope:
    """A place for steps. `steps` is its `steps` context; `env` is what the steps around it add to the environment."""

    def __init__(self, session: JobSession) -> None:
        self.session = session
        self.steps: dict[str, Any] = session.steps
        self.env: dict[str, str] = {}
        self.github: dict[str, Any] = {}
        self.posts: list[PostStage] = []
        """of the actions that steps here have begun, in that order"""
        self.path: tuple[str, ...] = ()
        self._contexts: Contexts = session.contexts
        self._status: Conclusion | None = None
        self.functions: Functions = {"hashFiles": self._hash_files}
        self.condition_functions: Functions = {
            **self.functions,
            "always": lambda _: True,
            "cancelled": lambda _: session.status == "cancelled",
            "success": lambda _: self.status == "success",
            "failure": lambda _: self.status == "failure",
        }

    @classmethod
    def inside(cls, outer: "Scope", step: str, *, env: dict[str, str], github: dict[str, Any]) -> "Scope":
        """The inside of an action that a step of `outer` uses. Its inputs are set by `set_inputs`."""
        scope = cls(outer.session)
        scope.steps = {}
        scope.env = env
        scope.github = github
        scope.path = (*outer.path, step)
        scope._contexts = {name: outer.session.contexts[name] for name in _OF_ACTIONS}
        scope._status = "success"
        return scope

    @property
    def is_action(self) -> bool:
        """Whether this is the inside of an action."""
        return bool(self.path)

    @property
    def status(self) -> Conclusion:
        """How it stands here: the job, or the action alone."""
        return self.session.status if self._status is None else self._status

    def use_job_status(self) -> None:
        """The pre and post stages of an action's steps ask for the job's status."""
        self._status = None

    def worsen(self, conclusion: Conclusion) -> None:
        """A step here ended so."""
        if self._status is None:
            self.session.worsen(conclusion)
        elif conclusion == "cancelled" or (conclusion == "failure" and self._status == "success"):
            self._status = conclusion

    def set_inputs(self, inputs: Mapping[str, Any]) -> None:
        """The `inputs` context."""
        self._contexts = {**self._contexts, "inputs": dict(inputs)}

    def contexts(self, env: Mapping[str, str], github: Mapping[str, Any]) -> Contexts:
        """What the keys of a step may use, with its environment and its `github` context."""
        return {
            **self._contexts,
            "github": github,
            "env": CaseSensitiveObject(env),
            "job": self.session.job,
            # a copy: a step in the background may read it while the job's thread adds to it
            "steps": dict(self.steps),
        }

    def _hash_files(self, arguments: Sequence[Any]) -> str:
        # hashing is seldom needed, and its library is slow to load
        from homeport.runner.hash_files import HashFilesError, hash_files  # noqa: PLC0415

        paths = self.session.paths
        patterns = [to_string(argument) for argument in arguments]
        if self.session.wall is not None:
            return _hash_inside(self.session, self.session.wall, patterns)
        try:
            return hash_files(patterns, paths.workspace, paths.home)
        except HashFilesError as error:
            raise ExpressionError("evaluation", str(error), 0) from error


def _hash_inside(session: JobSession, wall: WalledJobEnvironment, patterns: list[str]) -> str:
    """Where links may lead anywhere, only the job's own view of the machine will do."""
    from homeport.runner.host import ActionError  # noqa: PLC0415 - sandboxes only
    from homeport.runner.walled.questions import hash_inside  # noqa: PLC0415 - sandboxes only

    try:
        stop = StepStop(session.stop, session.clock, lambda: True)
        return hash_inside(wall, stop, session.paths, patterns)
    except (ActionError, OSError) as error:
        raise ExpressionError("evaluation", str(error), 0) from error


def without_secrets(contexts: Contexts) -> Contexts:
    """What an `if` may use."""
    return {name: value for name, value in contexts.items() if name != "secrets"}
