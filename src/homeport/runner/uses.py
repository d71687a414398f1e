"""Runs the stages of a step that uses an action.

Source: actions/runner `ActionRunner`, `NodeScriptActionHandler` and `CompositeActionHandler`: which stages there are, what is printed,
and which order they have.
"""

from importlib import import_module
from types import ModuleType
from typing import cast

from homeport.language import nodes
from homeport.runner.action_inputs import Inputs, evaluate_inputs, render_header, to_variables
from homeport.runner.actions.model import (
    CompositeAction,
    DockerAction,
    NativeAction,
    NativeModule,
    NativePost,
    NodeAction,
    ResolvedAction,
    Stage,
)
from homeport.runner.composite import enter, run_inner_stages, run_inner_steps
from homeport.runner.ending import StepFailedError, Work
from homeport.runner.frame import StepFrame
from homeport.runner.host import ActionError
from homeport.runner.resolution import find_action, has_own_pre, is_local, list_pre_steps
from homeport.runner.scope import PostStage, Scope
from homeport.runner.scripts import run_script
from homeport.runner.session import JobSession
from homeport.runner.step_host import StepHost
from homeport.runner.toolkit_access import list_variables


def choose_work(step: nodes.RunStep | nodes.UsesStep) -> Work:
    """What the main stage of a step does."""
    if isinstance(step, nodes.RunStep):
        return lambda frame: run_script(frame, step)
    return lambda frame: _run_main(frame, step)


def choose_pre_work(step: nodes.UsesStep, action: ResolvedAction) -> Work:
    """What the pre stage does, for a step that has one."""
    return lambda frame: _run_pre(frame, step, action)


def choose_post_work(post: PostStage) -> Work:
    """What the post stage does."""
    return lambda frame: _run_post(frame, post)


def get_pre_condition(action: ResolvedAction) -> nodes.Condition | None:
    """Its `pre-if`; None is `always()`."""
    return action.runs.pre_condition if isinstance(action, NodeAction | DockerAction) else None


def _run_main(frame: StepFrame, step: nodes.UsesStep) -> int | None:
    action = find_action(frame.session, step.uses, len(frame.scope.path))
    _begin(frame, action)
    if has_own_pre(action) and is_local(step.uses.value):
        message = f"`pre` execution is not supported for local action from '{step.uses.value}'"
        frame.record.voice.annotate("warning", message)
    inputs = evaluate_inputs(frame, step, action, warn=True)
    inner = enter(frame, step, action, inputs) if isinstance(action, CompositeAction) else None
    _remember_post(frame.scope, step, action, inner)
    frame.record.voice.log.write(render_header(step, action, inputs, frame.env))
    if isinstance(action, CompositeAction) and inner is not None:
        run_inner_steps(frame, action, inner, choose_work)
        return None
    return _run_code(frame, action, inputs, "main")


def _run_pre(frame: StepFrame, step: nodes.UsesStep, action: ResolvedAction) -> int | None:
    _begin(frame, action)
    inputs = evaluate_inputs(frame, step, action)
    frame.record.voice.log.write(render_header(step, action, inputs, frame.env))
    if not isinstance(action, CompositeAction):
        _remember_post(frame.scope, step, action, None)
        return _run_code(frame, action, inputs, "pre")
    stages = [
        (nested, get_pre_condition(nested_action), choose_pre_work(nested, nested_action))
        for nested, nested_action in list_pre_steps(frame.session, action.runs.steps)
    ]
    inner = enter(frame, step, action, inputs)
    _remember_post(frame.scope, step, action, inner)
    run_inner_stages(frame, inner, stages)
    return None


def _run_post(frame: StepFrame, post: PostStage) -> int | None:
    _begin(frame, post.action)
    inputs = evaluate_inputs(frame, post.step, post.action)
    frame.record.voice.log.write("Post job cleanup.")
    if post.inner is None or not isinstance(post.action, CompositeAction):
        return _run_code(frame, post.action, inputs, "post")
    needed = [nested for nested in post.inner.posts if nested.is_needed]
    written = {id(nested): number for number, nested in enumerate(post.action.runs.steps)}
    needed.sort(key=lambda nested: written[id(nested.step)], reverse=True)
    run_inner_stages(
        frame, post.inner, [(nested.step, nested.condition, choose_post_work(nested)) for nested in needed]
    )
    return None


def _remember_post(scope: Scope, step: nodes.UsesStep, action: ResolvedAction, inner: Scope | None) -> None:
    """Once for each step, with its first stage. What the inside of an action has begun in that stage is not forgotten in the next."""
    known = next((post for post in scope.posts if post.step is step), None)
    if known is None:
        scope.posts.append(PostStage(scope, step, action, inner))
        return
    if inner is not None and known.inner is not None:
        inner.posts = known.inner.posts
    known.inner = inner


def _begin(frame: StepFrame, action: ResolvedAction) -> None:
    """What must be there before inputs are evaluated: they may name the step's files."""
    if not isinstance(action, CompositeAction):
        frame.open_files()
    frame.github["action_repository"] = action.origin.repository
    frame.github["action_ref"] = action.origin.ref


def _offer_tools(session: JobSession, action: NodeAction, stage: Stage, host: StepHost) -> dict[str, str]:
    is_elsewhere = session.path_map is not None or session.wall is not None
    if stage != "main" or is_elsewhere or "setup-" not in action.origin.repository:
        return {}
    # for the few actions that look into the tool cache
    from homeport.runner.actions.hosted_tools import offer_tools  # noqa: PLC0415

    return offer_tools(action.origin.repository, host)


def _run_code(frame: StepFrame, action: ResolvedAction, inputs: Inputs, stage: Stage) -> int | None:
    if isinstance(action, NativeAction) and frame.session.path_map is not None:
        from homeport.runner.containers.outside import translate_inputs  # noqa: PLC0415 - few jobs are in a container

        frame.is_outside = True
        inputs = translate_inputs(inputs, frame.session.path_map)
    host = StepHost(frame, inputs, to_variables(inputs))
    match action:
        case NodeAction():
            # only jobs with JavaScript actions need it
            from homeport.runner.actions.javascript import run_stage  # noqa: PLC0415

            variables = {**list_variables(frame.session, action), **_offer_tools(frame.session, action, stage, host)}
            code = run_stage(action, stage, host, variables)
            if code:
                # not said in the log: the toolkit says itself why an action fails (`core.setFailed`)
                raise StepFailedError(f"Process completed with exit code {code}.")
        case DockerAction() if frame.session.wall is not None:
            raise ActionError("container actions run outside of the sandbox, so a sandboxed job cannot have them")
        case DockerAction():
            from homeport.runner.containers.action import run_stage as run_container  # noqa: PLC0415 - an optional extra

            code = run_container(action, stage, frame, host)
            if code:
                raise StepFailedError(f"Docker run failed with exit code {code}")
        case NativeAction() if frame.session.wall is not None:
            from homeport.runner.walled_stage import run_native_stage  # noqa: PLC0415 - sandboxes only

            run_native_stage(frame.session.wall, frame, action, host, stage)
            frame.exit_code = None
        case NativeAction():
            _run_native(frame, import_module(action.module), host, stage)
        case CompositeAction():
            raise TypeError("a composite action has no code of its own")
    return None


def _run_native(frame: StepFrame, module: ModuleType, host: StepHost, stage: Stage) -> None:
    try:
        if stage == "post":
            cast("NativePost", module).post(host)
        else:
            cast("NativeModule", module).main(host)
    finally:
        frame.exit_code = None  # programs that the action asked are not what the step is
