"""Reads what workflows and jobs have in common: permissions, concurrency, defaults, and the smaller mappings of a job.

Source: docs "Workflow syntax"; actions/runner `WorkflowTemplateConverter`.
"""

from math import isfinite

from homeport.language.names import quote
from homeport.language.nodes import (
    Concurrency,
    Container,
    Defaults,
    Environment,
    Permissions,
    Quantity,
    RunsOn,
    Service,
    Snapshot,
    Strategy,
)
from homeport.language.parser.findings import Findings
from homeport.language.parser.values import (
    as_filled_text,
    as_flag,
    as_list,
    as_pairs,
    as_quantity,
    as_string,
    as_text,
    condition_of,
    fields,
    find_entry,
    literal_entries,
)
from homeport.language.tokens import (
    BooleanToken,
    ExpressionToken,
    InterpolationToken,
    MappingToken,
    NumberToken,
    SequenceToken,
    StringToken,
    Token,
)

_CODE = "syntax-check"
_LONGEST_GROUP = 400
_GROUP_PREFIXES = ("org", "organization", "ent", "enterprise")


def read_permissions(token: Token | None) -> Permissions | None:
    """`permissions`, whose values were checked against the grammar."""
    if isinstance(token, StringToken) and token.value in {"read-all", "write-all"}:
        return Permissions(every=token.value, scopes=(), span=token.span)
    if not isinstance(token, MappingToken):
        return None
    scopes = tuple((key.value, value.value) for key, value in literal_entries(token) if isinstance(value, StringToken))
    return Permissions(every=None if scopes else "none", scopes=scopes, span=token.span)


def read_concurrency(token: Token | None, findings: Findings) -> Concurrency | None:
    """`concurrency`; an empty group counts as absent."""
    if isinstance(token, MappingToken):
        settings = fields(token)
        group = as_filled_text(settings.get("group"))
        cancel = as_flag(settings.get("cancel-in-progress"))
        queue = settings.get("queue")
        if (
            isinstance(queue, StringToken)
            and queue.value == "max"
            and isinstance(cancel, BooleanToken)
            and cancel.value
        ):
            message = (
                "'queue: max' keeps runs waiting, and 'cancel-in-progress: true' cancels them: only one is possible"
            )
            findings.refuse("concurrency", queue.span, message, hint="remove one of the two keys")
    else:
        group, cancel, queue = as_filled_text(token), None, None
    if token is None or group is None:
        return None
    if isinstance(group, StringToken) and len(group.value) > _LONGEST_GROUP:
        message = (
            f"the name of the concurrency group has {len(group.value)} characters; at most {_LONGEST_GROUP} are allowed"
        )
        findings.refuse("concurrency", group.span, message)
    return Concurrency(group, cancel, queue if isinstance(queue, StringToken | ExpressionToken) else None, token.span)


def read_defaults(token: Token | None, findings: Findings) -> Defaults | None:
    """`defaults`."""
    run = fields(token).get("run")
    if isinstance(run, ExpressionToken):
        findings.refuse(_CODE, run.span, "'defaults.run' as one expression is not supported; expected a mapping")
    if not isinstance(run, MappingToken):
        return None
    settings = fields(run)
    return Defaults(as_text(settings.get("shell")), as_text(settings.get("working-directory")))


def read_minutes(token: Token | None, findings: Findings) -> Quantity | None:
    """`timeout-minutes`; a fraction works here, but not on GitHub."""
    minutes = as_quantity(token)
    if isinstance(minutes, NumberToken) and _has_fraction(minutes.value):
        message = f"{minutes.text} minutes: GitHub cuts the fraction off; here it counts"
        findings.report("timeout-minutes", minutes.span, message, severity="warning")
    return minutes


def _has_fraction(number: float) -> bool:
    return isfinite(number) and not number.is_integer()


def read_environment(token: Token | None) -> Environment | None:
    """`environment`; an empty name counts as absent."""
    if isinstance(token, MappingToken):
        settings = fields(token)
        name = as_filled_text(settings.get("name"))
        url, deployment = as_text(settings.get("url")), as_flag(settings.get("deployment"))
    else:
        name, url, deployment = as_filled_text(token), None, None
    return None if token is None or name is None else Environment(name, url, deployment, token.span)


def read_strategy(token: Token | None, findings: Findings) -> Strategy | None:
    """`strategy`, a mapping or one expression."""
    if isinstance(token, ExpressionToken):
        return Strategy(None, None, None, token.span, token)
    if not isinstance(token, MappingToken):
        return None
    settings = fields(token)
    max_parallel = as_quantity(settings.get("max-parallel"))
    if isinstance(max_parallel, NumberToken) and _has_fraction(max_parallel.value):
        message = f"'max-parallel' is {max_parallel.text}; expected a whole number (GitHub cuts the fraction off)"
        findings.report(_CODE, max_parallel.span, message)
    return Strategy(
        as_pairs(settings.get("matrix")),
        as_flag(settings.get("fail-fast")),
        max_parallel,
        token.span,
    )


def read_runs_on(token: Token, findings: Findings) -> RunsOn:
    """`runs-on`."""
    if not isinstance(token, MappingToken):
        return RunsOn(_labels(token), None, token.span)
    settings = fields(token)
    group = as_text(settings.get("group"))
    if isinstance(group, StringToken):
        _check_group(group, findings)
    return RunsOn(_labels(settings.get("labels")), group, token.span)


def _labels(
    token: Token | None,
) -> StringToken | ExpressionToken | InterpolationToken | SequenceToken | None:
    return token if isinstance(token, StringToken | ExpressionToken | InterpolationToken | SequenceToken) else None


def _check_group(group: StringToken, findings: Findings) -> None:
    prefix, slash, name = group.value.partition("/")
    if slash and (prefix not in _GROUP_PREFIXES or not name or "/" in name):
        message = (
            f"invalid runner group {quote(group.value)}; expected a name, 'organization/name' or 'enterprise/name'"
        )
        findings.refuse(_CODE, group.span, message)


def read_snapshot(token: Token | None, findings: Findings) -> Snapshot | None:
    """`snapshot`."""
    settings = fields(token) if isinstance(token, MappingToken) else {}
    image_name = as_text(settings.get("image-name") if isinstance(token, MappingToken) else token)
    if token is None or image_name is None:
        return None
    version = as_text(settings.get("version"))
    if isinstance(version, StringToken):
        major, dot, rest = version.value.partition(".")
        if not (major.isascii() and major.isdigit() and dot and rest == "*"):
            message = f"invalid version {quote(version.value)} of a snapshot; expected a major version and '.*'"
            findings.refuse(_CODE, version.span, message, hint="write '1.*'")
    condition = settings.get("if")
    return Snapshot(
        image_name,
        version,
        None if condition is None else condition_of(condition, "jobs.snapshot.if", token.span),
        token.span,
    )


# --- containers ------------------------------------------------------------------------------------------------------


def read_container(token: Token | None, findings: Findings) -> Container | ExpressionToken | None:
    """`container`; an empty image counts as absent."""
    if isinstance(token, MappingToken):
        _check_image(token, findings, allow_empty=False)
    elif isinstance(token, StringToken) and not token.value:
        return None
    return _read_container(token)


def read_services(token: Token | None, findings: Findings) -> tuple[Service, ...] | ExpressionToken:
    """`services`, a mapping or one expression."""
    if isinstance(token, ExpressionToken):
        return token
    services: list[Service] = []
    for key, value in literal_entries(token):
        if isinstance(value, MappingToken):
            _check_image(value, findings, allow_empty=True)
        container = _read_container(value)
        if container is not None:
            services.append(Service(key.value, container))
    return tuple(services)


def _read_container(token: Token | None) -> Container | ExpressionToken | None:
    if isinstance(token, ExpressionToken):
        return token
    if isinstance(token, StringToken | InterpolationToken):
        return Container(image=token, span=token.span)
    if not isinstance(token, MappingToken):
        return None
    settings = fields(token)
    return Container(
        image=as_text(settings.get("image")) or StringToken("", token.span),
        credentials=as_pairs(settings.get("credentials")),
        env=as_pairs(settings.get("env")),
        ports=as_list(settings.get("ports")),
        volumes=as_list(settings.get("volumes")),
        options=as_text(settings.get("options")),
        entrypoint=as_text(settings.get("entrypoint")),
        command=as_text(settings.get("command")),
        span=token.span,
    )


def _check_image(token: MappingToken, findings: Findings, *, allow_empty: bool) -> None:
    """GitHub refuses a container without an image, unless an expression in it leaves the question open until the job runs."""
    image = find_entry(token, "image")
    if image is None:
        message, span = "the key 'image' is missing: a container needs it", token.span
    elif not allow_empty and as_string(image.value) is not None and as_filled_text(image.value) is None:
        message, span = "the image of the container is empty", image.value.span
    else:
        return
    if has_expression(token):
        findings.report(_CODE, span, message, hint="add 'image: …'")
    else:
        findings.refuse(_CODE, span, message, hint="add 'image: …'")


def has_expression(token: Token) -> bool:
    """Whether an expression stands anywhere in a token."""
    match token:
        case ExpressionToken() | InterpolationToken():
            return True
        case SequenceToken():
            return any(has_expression(item) for item in token.items)
        case MappingToken():
            return any(has_expression(entry.key) or has_expression(entry.value) for entry in token.entries)
        case _:
            return False
