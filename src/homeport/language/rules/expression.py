"""Names that nothing defines, values of the wrong kind, and objects where text is expected, in any expression.

Source: docs "Contexts reference"; actions/runner issue 1483 (text does not become a boolean); the model of what to report is
actionlint's rule of the same name.
"""

from collections.abc import Iterator

import msgspec

from homeport.diagnostics.diagnostic import Diagnostic, Related
from homeport.language.expr.checker import examine
from homeport.language.expr.syntax import Index, Literal, Name, render_expression, walk
from homeport.language.expr.types import (
    ANY,
    BOOLEAN,
    NULL,
    NUMBER,
    STRING,
    ArrayType,
    ObjectType,
    Type,
    TypeMistake,
    describe_type,
)
from homeport.language.names import Suggester, quote
from homeport.language.nodes import Action, CompositeRuns, Job, Step
from homeport.language.parser.steps import walk_steps
from homeport.language.sites import Site
from homeport.language.subject import Subject, place_in

_CODE = "expression"
_LONGEST_IN_HINT = 40


def check_expressions(subject: Subject) -> Iterator[Diagnostic]:
    """Report the mistakes of every expression; one that has any is not asked what it gives."""
    suggester = Suggester()
    for site in subject.sites:
        found, mistakes = examine(site.node, site.scope, suggester=suggester)
        for mistake in mistakes:
            yield _explain(site, mistake, subject)
        problem = None if mistakes else _find_misfit(site, found)
        if problem is not None:
            message, hint = problem
            yield Diagnostic(code=_CODE, message=message, span=subject.whole_place(site.token), hint=hint)


# --- names -----------------------------------------------------------------------------------------------------------


def _explain(site: Site, mistake: TypeMistake, subject: Subject) -> Diagnostic:
    span = place_in(site.token, mistake.offset)
    for context, name in _find_lookups(site, mistake.offset):
        explained = _explain_missing(context, name, site, subject)
        if explained is not None:
            return msgspec.structs.replace(explained, span=span)
    return Diagnostic(code=_CODE, message=mistake.message, span=span, hint=mistake.hint)


def _find_lookups(site: Site, offset: int) -> Iterator[tuple[str, str]]:
    """The lookups of an unknown name in a context (`needs.build`) that begin at a place."""
    for node in walk(site.node):
        match node:
            case Index(receiver=Name(name=context), key=Literal(value=str() as name), offset=place) if place == offset:
                known = site.scope.get(context.lower())
                if isinstance(known, ObjectType) and known.find(name) is None:
                    yield context.lower(), name
            case _:
                pass


def _explain_missing(context: str, name: str, site: Site, subject: Subject) -> Diagnostic | None:
    """What is wrong with the lookup of a job or step that is known elsewhere in the file."""
    if context == "needs" and site.job is not None:
        other = next((job for job in subject.jobs if job.id.lower() == name.lower()), None)
        if other is not None and other is not site.job:
            message = f"the job {quote(other.id)} is not among the 'needs' of the job {quote(site.job.id)}, so nothing is known of it"
            related = (Related("the job is defined here", other.id_span),)
            hint = f"add '{other.id}' to 'needs'"
            return Diagnostic(code=_CODE, message=message, span=site.token.span, hint=hint, related=related)
    step = _find_step(site, name, subject) if context == "steps" else None
    if step is not None:
        message = f"the step {quote(step.id)} has no result here: a step sees those before it, and a background step once it was waited for"
        related = (Related("the step is here", step.span),)
        return Diagnostic(code=_CODE, message=message, span=site.token.span, related=related)
    return None


def _find_step(site: Site, name: str, subject: Subject) -> Step | None:
    steps: tuple[Step, ...] = site.job.steps if isinstance(site.job, Job) else ()
    if isinstance(subject.root, Action) and isinstance(subject.root.runs, CompositeRuns):
        steps = subject.root.runs.steps
    return next((step for step in walk_steps(steps) if step.named and step.id.lower() == name.lower()), None)


# --- values ----------------------------------------------------------------------------------------------------------


def _find_misfit(site: Site, found: Type) -> tuple[str, str | None] | None:
    """What is wrong with the kind of a value at its place, and a hint."""
    if found == ANY:
        return None
    source = render_expression(site.node)
    match site.slot:
        case "text" if found == NULL:
            return f"{quote(source)} is null, which is an empty text here", None
        case "text" if isinstance(found, ArrayType | ObjectType):
            word = "Array" if isinstance(found, ArrayType) else "Object"
            message = (
                f"{quote(source)} is {describe_type(found)}, which becomes the word '{word}' here; text was expected"
            )
            return message, _propose("toJSON({}) gives all of it as text", source)
        case "boolean" if found != BOOLEAN:
            hint = _propose("write {} == 'true'", source) if found == STRING else None
            return _misfit(site, source, found, "true or false was"), hint
        case "number" if found != NUMBER:
            hint = _propose("fromJSON({}) gives the number", source) if found == STRING else None
            return _misfit(site, source, found, "a number was"), hint
        case "object" if not isinstance(found, ObjectType):
            return _misfit(site, source, found, "an object was"), None
        case "array" if not isinstance(found, ArrayType):
            hint = _propose("fromJSON({}) gives a list", source) if found == STRING else None
            return _misfit(site, source, found, "an array was"), hint
        case "labels" if found in (BOOLEAN, NUMBER, NULL):
            return _misfit(site, source, found, "a label or a list of labels was"), None
        case _:
            return None


def _propose(hint: str, source: str) -> str:
    return hint.format(source if len(source) <= _LONGEST_IN_HINT else "…")


def _misfit(site: Site, source: str, found: Type, expected: str) -> str:
    return f"{quote(source)} is {describe_type(found)}; for {quote(site.key)} {expected} expected"
