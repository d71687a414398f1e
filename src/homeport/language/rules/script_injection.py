"""Text that strangers write, put straight into a script: whoever opens an issue or a pull request could run commands.

Source: docs "Script injections" and "Secure use reference: Good practices for mitigating script injection attacks"; the payloads of
docs "Webhook events and payloads".
"""

from collections.abc import Iterator, Mapping

from homeport.diagnostics.diagnostic import Diagnostic, Severity
from homeport.language.expr.syntax import Call, Index, Literal, Name, Node, Operation, render_expression
from homeport.language.names import quote
from homeport.language.sites import Site
from homeport.language.subject import Subject, place_in

_CODE = "script-injection"
_MOST_NAMES = 3
_COMMIT = ("message", "author.email", "author.name", "committer.email", "committer.name")
_HEAD = ("head.ref", "head.label", "head.repo.default_branch")
_EVENT_FIELDS: Mapping[str, tuple[str, ...]] = {
    "comment": ("body",),
    "commits.*": _COMMIT,
    "discussion": ("title", "body"),
    "discussion_comment": ("body",),
    "head_commit": _COMMIT,
    "issue": ("title", "body"),
    "merge_group.head_commit": _COMMIT,
    "pages.*": ("page_name",),
    "pull_request": ("title", "body", *_HEAD),
    "review": ("body",),
    "review_comment": ("body",),
    "workflow_run": ("display_title", "head_branch", "head_repository.description", "pull_requests.*.head.ref"),
    "workflow_run.head_commit": _COMMIT,
}
_UNTRUSTED = tuple(
    tuple(path.split("."))
    for path in (
        "github.head_ref",
        *(f"github.event.{owner}.{field}" for owner, fields in _EVENT_FIELDS.items() for field in fields),
    )
)
_COMPARING = frozenset({"contains", "startswith", "endswith", "hashfiles", "always", "success", "failure", "cancelled"})
"""Functions whose result is no text of the stranger's."""

_CONTAINER_ENVS = frozenset({"jobs.container.env", "jobs.services.env"})

Tainted = Mapping[str, str]
"""Names of environment variables in lower case, with the untrusted value that each holds."""


def check_scripts(subject: Subject) -> Iterator[Diagnostic]:
    """Report such values in `run` and in github-script's `script`, directly or by way of the `env` context."""
    environments = _find_environments(subject)
    for site in subject.sites:
        if not site.in_script:
            continue
        tainted = {
            name: source
            for owner in (None, site.job, site.step)
            for name, source in environments.get(id(owner), {}).items()
        }
        for node, names in _find_untrusted(site.node, tainted):
            yield _report(site, node, names, tainted)


def _report(site: Site, node: Node, names: tuple[str, ...], tainted: Tainted) -> Diagnostic:
    source = render_expression(node)
    severity: Severity = "error"
    hint = "set a variable to it under 'env', and use that variable in the script"
    if source.lower().startswith("env."):
        variable = source.partition(".")[2]
        message = f"{quote(source)} holds {quote(tainted[variable.lower()])}, which strangers write, and becomes part of the script"
        hint = f'write "${variable}" in the script, which the shell reads as text'
    elif names == (source.lower(),):
        message = f"{quote(source)} is written by strangers, and becomes part of the script"
    else:
        some = ", ".join(names[:_MOST_NAMES]) + (", …" if len(names) > _MOST_NAMES else "")
        message = f"{quote(source)} holds text that strangers write ({some}), and becomes part of the script"
        is_exact = all(len(name.split(".")) == len(_read_path(node) or ()) for name in names)
        severity = "error" if is_exact else "warning"
    return Diagnostic(code=_CODE, message=message, span=place_in(site.token, node.offset), hint=hint, severity=severity)


def _find_environments(subject: Subject) -> dict[int, dict[str, str]]:
    """The tainted variables of the workflow (by the id of None), of each job and of each step, by the identity of these nodes."""
    environments: dict[int, dict[str, str]] = {}
    for site in subject.sites:
        if site.group == "env" and site.key and site.at not in _CONTAINER_ENVS:
            for node, _ in _find_untrusted(site.node, {}):
                owner = site.step if site.step is not None else site.job
                environments.setdefault(id(owner), {})[site.key.lower()] = render_expression(node)
    return environments


# --- what an expression lets through ---------------------------------------------------------------------------------


def _find_untrusted(node: Node, tainted: Tainted, *, as_json: bool = False) -> Iterator[tuple[Node, tuple[str, ...]]]:
    """The lookups whose text can be part of what an expression gives, with the untrusted values that each reads."""
    match node:
        case Index():
            path = _read_path(node)
            if path is None:
                yield from _find_untrusted(node.receiver, tainted)
            elif names := _match(path, tainted, as_json=as_json):
                yield node, names
        case Name() if as_json and node.name.lower() == "github":
            yield node, _match(("github",), tainted, as_json=True)
        case Call():
            for argument in _passed_on(node):
                yield from _find_untrusted(argument, tainted, as_json=node.function.lower() == "tojson")
        case Operation(operator="&&"):
            yield from _find_untrusted(node.operands[-1], tainted)  # the others are given only where they are empty
        case Operation(operator="||"):
            for operand in node.operands:
                yield from _find_untrusted(operand, tainted)
        case _:
            return


def _passed_on(call: Call) -> tuple[Node, ...]:
    name = call.function.lower()
    if name in _COMPARING:
        return ()
    return (*call.arguments[1::2], call.arguments[-1]) if name == "case" else call.arguments


def _read_path(node: Node) -> tuple[str, ...] | None:
    """The names of a chain of lookups in lower case, `*` for any; None where it does not begin with a context."""
    names: list[str] = []
    while isinstance(node, Index):
        key = node.key
        names.append(key.value.lower() if isinstance(key, Literal) and isinstance(key.value, str) else "*")
        node = node.receiver
    return (node.name.lower(), *reversed(names)) if isinstance(node, Name) else None


def _match(path: tuple[str, ...], tainted: Tainted, *, as_json: bool) -> tuple[str, ...]:
    if len(path) == 2 and path[0] == "env":
        return (".".join(path),) if path[1] in tainted else ()
    return tuple(
        ".".join(known)
        for known in _UNTRUSTED
        if (len(known) == len(path) or (as_json and len(known) > len(path)))
        and all(mine in {"*", theirs} for mine, theirs in zip(path, known, strict=False))
    )
