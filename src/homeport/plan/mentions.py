"""Tells what in a written job depends on contexts that are not known yet, and puts its own source text in its place."""

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from homeport.language import nodes
from homeport.language.expr.errors import ExpressionError
from homeport.language.expr.parser import parse_expression
from homeport.language.expr.signatures import HASH_FILES, STATUS_FUNCTIONS
from homeport.language.expr.syntax import Index, Literal, Name, Node, children
from homeport.language.tokens import (
    ExpressionToken,
    InterpolationToken,
    MappingToken,
    SequenceToken,
    StringToken,
    Text,
    Token,
)
from homeport.plan.evaluation import show_source
from homeport.plan.model import PlannedJob

T = TypeVar("T", bound=Token)
_replace = msgspec.structs.replace
_FUNCTIONS = {**STATUS_FUNCTIONS, **HASH_FILES}

Contexts = frozenset[str]
"""What is not known yet, in lower case: whole contexts (`needs`), or single properties of one (`inputs.version`)."""


def mentions(token: Token | None, contexts: Contexts) -> bool:
    """Whether an expression anywhere in a token names one of the contexts."""
    match token:
        case ExpressionToken():
            return _names(token.source, contexts)
        case InterpolationToken():
            return any(mentions(part, contexts) for part in token.parts)
        case SequenceToken():
            return any(mentions(item, contexts) for item in token.items)
        case MappingToken():
            return any(mentions(entry.key, contexts) or mentions(entry.value, contexts) for entry in token.entries)
        case _:
            return False


def unknown_inputs(job: PlannedJob, contexts: Contexts) -> Contexts:
    """Which inputs of the workflow that a job calls depend on the contexts."""
    written = job.written
    if not isinstance(written, nodes.CallJob) or job.called is None or not mentions(written.inputs, contexts):
        return frozenset()
    entries = written.inputs.entries if isinstance(written.inputs, MappingToken) else ()
    known = [show_source(entry.key).lower() for entry in entries if not mentions(entry.value, contexts)]
    given = [show_source(entry.key).lower() for entry in entries]
    names = (declared.name.lower() for declared in job.called.inputs)
    return frozenset(f"inputs.{name}" for name in names if name not in known and (name in given or not entries))


def strategy_mentions(strategy: nodes.Strategy | None, contexts: Contexts) -> bool:
    """Whether the number of legs, or their values, depend on one of the contexts."""
    return strategy is not None and _any((strategy.matrix, strategy.fail_fast, strategy.max_parallel), contexts)


def hide_mentions(job: PlannedJob, contexts: Contexts) -> PlannedJob:
    """The job with what depends on the contexts left out or, where it is shown, replaced by its own source.

    The inputs of a called workflow that depend on them are left out, and no longer required.
    """
    match job.written:
        case nodes.Job() as written:
            return PlannedJob(_hide_in_job(written, contexts))
        case nodes.CallJob() as written:
            return _hide_in_call(job, written, contexts)


def _hide_in_job(written: nodes.Job, contexts: Contexts) -> nodes.Job:
    environment = written.environment
    if environment is not None:
        environment = _replace(
            environment,
            name=_hide_text(environment.name, contexts),
            deployment=_keep(environment.deployment, contexts),
        )
    return _replace(
        written,
        name=None if written.name is None else _hide_text(written.name, contexts),
        runs_on=_hide_labels(written.runs_on, contexts),
        environment=environment,
        concurrency=_keep_concurrency(written.concurrency, contexts),
        timeout_minutes=_keep(written.timeout_minutes, contexts),
        cancel_timeout_minutes=_keep(written.cancel_timeout_minutes, contexts),
        continue_on_error=_keep(written.continue_on_error, contexts),
    )


def _hide_in_call(job: PlannedJob, written: nodes.CallJob, contexts: Contexts) -> PlannedJob:
    called, inputs = job.called, written.inputs
    if called is not None and inputs is not None and mentions(inputs, contexts):
        entries = inputs.entries if isinstance(inputs, MappingToken) else ()
        kept = tuple(entry for entry in entries if not mentions(entry.value, contexts))
        inputs = MappingToken(kept, inputs.span)
        called = _replace(called, inputs=tuple(_replace(declared, required=False) for declared in called.inputs))
    hidden = _replace(
        written,
        name=None if written.name is None else _hide_text(written.name, contexts),
        inputs=inputs,
        concurrency=_keep_concurrency(written.concurrency, contexts),
    )
    if called is not None:
        called = _replace(called, concurrency=_keep_concurrency(called.concurrency, unknown_inputs(job, contexts)))
    return PlannedJob(hidden, called)


def _hide_text(token: Text, contexts: Contexts) -> Text:
    """As a text with parts, which gets no values of the matrix behind it."""
    if not mentions(token, contexts):
        return token
    return InterpolationToken((StringToken(show_source(token), token.span),), token.span)


def _hide_labels(runs_on: nodes.RunsOn, contexts: Contexts) -> nodes.RunsOn:
    labels = runs_on.labels
    if isinstance(labels, SequenceToken):
        labels = SequenceToken(tuple(_hide_item(item, contexts) for item in labels.items), labels.span)
    elif labels is not None:
        labels = _hide_text(labels, contexts)
    group = None if runs_on.group is None else _hide_text(runs_on.group, contexts)
    return nodes.RunsOn(labels, group, runs_on.span)


def _hide_item(item: Token, contexts: Contexts) -> Token:
    return _hide_text(item, contexts) if isinstance(item, ExpressionToken | InterpolationToken) else item


def _keep_concurrency(concurrency: nodes.Concurrency | None, contexts: Contexts) -> nodes.Concurrency | None:
    if concurrency is None:
        return None
    parts = (concurrency.group, concurrency.cancel_in_progress, concurrency.queue)
    return None if _any(parts, contexts) else concurrency


def _keep(token: T | None, contexts: Contexts) -> T | None:
    return None if mentions(token, contexts) else token


def _any(tokens: Iterable[Token | None], contexts: Contexts) -> bool:
    return any(mentions(token, contexts) for token in tokens)


def _names(source: str, contexts: Contexts) -> bool:
    if not any(context.partition(".")[0] in source.lower() for context in contexts):
        return False
    try:
        return _tree_names(parse_expression(source, functions=_FUNCTIONS), contexts)
    except ExpressionError:
        return True


def _tree_names(node: Node, contexts: Contexts) -> bool:
    match node:
        case Index(receiver=Name(name=name), key=Literal(value=str(key))):
            return name.lower() in contexts or f"{name}.{key}".lower() in contexts
        case Name(name=name):  # the whole context, or a property that is computed
            return any(context.partition(".")[0] == name.lower() for context in contexts)
        case _:
            return any(_tree_names(child, contexts) for child in children(node))
