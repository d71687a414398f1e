"""Reads an action file."""

from homeport.diagnostics.diagnostic import Diagnostic, sort_diagnostics
from homeport.diagnostics.span import Span
from homeport.language.action_grammar import ACTION
from homeport.language.nodes import (
    Action,
    Branding,
    CompositeRuns,
    Condition,
    DockerRuns,
    InputDeclaration,
    NodeRuns,
    RunStep,
    UsesStep,
)
from homeport.language.parser.findings import Findings
from homeport.language.parser.steps import read_steps
from homeport.language.parser.triggers import read_input, read_outputs
from homeport.language.parser.values import as_plain, as_string, as_text, condition_of, fields, literal_entries
from homeport.language.template import TemplateReader
from homeport.language.tokens import MappingToken, SequenceToken, StringToken, Text, Token
from homeport.language.yaml_reader import LIMITS, Limits, read_yaml


def parse_action(text: str | bytes, file: str, limits: Limits = LIMITS) -> tuple[Action | None, list[Diagnostic]]:
    """The action that a file describes, and everything that is wrong with it, sorted by place.

    None where the file is not YAML, or its `runs` does not say how the action runs. Never raises.

    Source: docs "Metadata syntax for GitHub Actions"; actions/runner `ActionManifestManager`.
    """
    document, diagnostics = read_yaml(text, file, limits)
    if document is None:
        return None, sort_diagnostics(diagnostics)
    token = TemplateReader(diagnostics).read_file(document.root, ACTION)
    action = _read_action(token, file, Findings(diagnostics)) if isinstance(token, MappingToken) else None
    return action, sort_diagnostics(diagnostics)


def _read_action(token: MappingToken, file: str, findings: Findings) -> Action | None:
    settings = fields(token)
    for key in ("name", "description"):
        if not as_plain(settings.get(key)):
            place = Span(file, token.span.line, token.span.column, token.span.line, token.span.column + 1)
            message = f"the key '{key}' is missing or empty: an action has one"
            findings.report("action", place, message, hint=f"add '{key}:'", severity="warning")
    runs = _read_runs(settings.get("runs"), findings)
    if runs is None:
        return None
    return Action(
        file=file,
        name=as_plain(settings.get("name")),
        description=as_plain(settings.get("description")),
        inputs=_read_inputs(settings.get("inputs")),
        outputs=read_outputs(settings.get("outputs")),
        runs=runs,
        branding=_read_branding(settings.get("branding")),
        span=token.span,
    )


def _read_inputs(token: Token | None) -> tuple[InputDeclaration, ...]:
    return tuple(read_input(key, fields(value)) for key, value in literal_entries(token))


def _read_runs(token: Token | None, findings: Findings) -> CompositeRuns | NodeRuns | DockerRuns | None:
    if not isinstance(token, MappingToken):
        return None
    settings = fields(token)
    using = as_plain(settings.get("using")).lower()
    main, image = as_plain(settings.get("main")), as_text(settings.get("image"))
    if using == "composite" and "steps" in settings:
        steps = read_steps(settings["steps"], findings, if_at="action.steps.if")
        return CompositeRuns(tuple(step for step in steps if isinstance(step, RunStep | UsesStep)), token.span)
    if using.startswith("node") and main:
        return NodeRuns(
            using=using,
            main=main,
            pre=as_plain(settings.get("pre")) or None,
            pre_condition=_condition(settings, "pre-if", token.span),
            post=as_plain(settings.get("post")) or None,
            post_condition=_condition(settings, "post-if", token.span),
            span=token.span,
            places=_places(settings),
        )
    if using == "docker" and image is not None:
        return _read_docker(token, settings, image)
    return None


def _read_docker(token: MappingToken, settings: dict[str, Token], image: Text) -> DockerRuns:
    args = settings.get("args")
    env = settings.get("env")
    return DockerRuns(
        image=image,
        entrypoint=as_plain(settings.get("entrypoint")) or None,
        pre_entrypoint=as_plain(settings.get("pre-entrypoint")) or None,
        pre_condition=_condition(settings, "pre-if", token.span),
        post_entrypoint=as_plain(settings.get("post-entrypoint")) or None,
        post_condition=_condition(settings, "post-if", token.span),
        args=tuple(text for item in args.items if (text := as_text(item)) is not None)
        if isinstance(args, SequenceToken)
        else (),
        env=env if isinstance(env, MappingToken) else None,
        span=token.span,
        places=_places(settings),
    )


def _places(settings: dict[str, Token]) -> dict[str, Span]:
    return {key: token.span for key, token in settings.items() if isinstance(token, StringToken)}


def _read_branding(token: Token | None) -> Branding | None:
    settings = fields(token)
    icon, color = as_string(settings.get("icon")), as_string(settings.get("color"))
    return None if icon is None and color is None else Branding(icon, color)


def _condition(settings: dict[str, Token], key: str, span: Span) -> Condition | None:
    token = settings.get(key)
    return None if token is None else condition_of(token, "action.runs.if", span)
