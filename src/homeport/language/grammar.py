"""The grammar of workflow files, today's language included: one table, read from the file's root downwards.

Source: docs "Workflow syntax for GitHub Actions"; actions/languageservices `workflow-v1.0.json` (background steps, `queue`,
`deployment`, new scopes) and actions/runner `workflow-v1.0.json` (images may be empty, `snapshot.if` as in a step); where they
differ, what either accepts is accepted.
"""

from homeport.language.grammar_events import ON
from homeport.language.grammar_model import (
    ANYTHING,
    TEXT,
    Choice,
    Mapping,
    Value,
    boolean,
    condition,
    listed,
    mapped,
    name,
    names,
    number,
    text,
    texts,
)
from homeport.language.yaml_nodes import ScalarKind

# --- shared by the workflow and its jobs -----------------------------------------------------------------------------

_READ_WRITE = ("read", "write", "none")
SCOPES: dict[str, tuple[str, ...]] = {
    "actions": _READ_WRITE,
    "artifact-metadata": _READ_WRITE,
    "attestations": _READ_WRITE,
    "checks": _READ_WRITE,
    "code-quality": _READ_WRITE,
    "contents": _READ_WRITE,
    "copilot-requests": ("write", "none"),
    "deployments": _READ_WRITE,
    "discussions": _READ_WRITE,
    "drives": _READ_WRITE,
    "id-token": ("write", "none"),
    "issues": _READ_WRITE,
    "models": ("read", "none"),
    "packages": _READ_WRITE,
    "pages": _READ_WRITE,
    "pull-requests": _READ_WRITE,
    "repository-projects": _READ_WRITE,
    "security-events": _READ_WRITE,
    "statuses": _READ_WRITE,
    "vulnerability-alerts": ("read", "none"),
}
"""Each scope of `permissions` with its levels."""

_PERMISSIONS = Value(
    title="a mapping of scopes, 'read-all' or 'write-all'",
    scalars=TEXT,
    one_of=("read-all", "write-all"),
    code="permissions",
    mapping=Mapping(
        title="'permissions'",
        keys={
            scope: text("an access level", one_of=levels, code="permissions", non_empty=True)
            for scope, levels in SCOPES.items()
        },
        key_code="permissions",
    ),
)
_CONCURRENCY = Mapping(
    title="'concurrency'",
    keys={
        "group": name("the name of a group"),
        "cancel-in-progress": boolean(),
        "queue": text("a kind of queue", one_of=("single", "max")),
    },
    required=("group",),
)


def _defaults(at: str) -> Value:
    run = Mapping(title="'run'", keys={"shell": name("a shell"), "working-directory": name("a folder")})
    return mapped(Mapping(title="'defaults'", keys={"run": mapped(run, at=at)}))


# --- steps -----------------------------------------------------------------------------------------------------------

_STEP_ID = name("an id")
_WAITING = {
    "name": text(at="steps.name"),
    "id": _STEP_ID,
    "continue-on-error": boolean(at="steps.continue-on-error"),
}
_WORKING = {
    **_WAITING,
    "if": condition("steps.if"),
    "timeout-minutes": number(at="steps.timeout-minutes"),
    "env": texts("'env'", at="steps.env"),
    "background": boolean(),
}
_RUN_STEP = Mapping(
    title="a step that runs a script",
    keys={
        **_WORKING,
        "run": text("a script", at="steps.run"),
        "working-directory": text("a folder", at="steps.working-directory"),
        "shell": name("a shell"),
    },
    required=("run",),
)
_USES_STEP = Mapping(
    title="a step that uses an action",
    keys={**_WORKING, "uses": name("an action"), "with": texts("'with'", at="steps.with")},
    required=("uses",),
)
_WAIT_STEP = Mapping(
    title="a step that waits",
    keys={**_WAITING, "wait": names("the id of a background step, or a list of ids")},
    required=("wait",),
)
_WAIT_ALL_STEP = Mapping(
    title="a step that waits for all background steps",
    keys={**_WAITING, "wait-all": Value(title="true, or nothing", scalars=frozenset({"null", "boolean"}))},
    required=("wait-all",),
)
_CANCEL_STEP = Mapping(
    title="a step that cancels",
    keys={**_WAITING, "cancel": name("the id of a background step")},
    required=("cancel",),
)
_PARALLEL_ITEM = Choice(
    title="a step inside 'parallel'",
    decides={"run": _RUN_STEP, "uses": _USES_STEP},
    suggests={"shell": _RUN_STEP, "working-directory": _RUN_STEP, "with": _USES_STEP},
)
_PARALLEL_STEP = Mapping(
    title="a step that runs steps in parallel",
    keys={**_WAITING, "parallel": listed(mapped(_PARALLEL_ITEM), "a list of steps")},
    required=("parallel",),
)
_STEP = Choice(
    title="a step",
    decides={
        "run": _RUN_STEP,
        "uses": _USES_STEP,
        "wait": _WAIT_STEP,
        "wait-all": _WAIT_ALL_STEP,
        "cancel": _CANCEL_STEP,
        "parallel": _PARALLEL_STEP,
    },
    suggests=_PARALLEL_ITEM.suggests,
)

# --- jobs ------------------------------------------------------------------------------------------------------------

_MATRIX_FILTER = listed(mapped(Mapping(title="a combination", named=ANYTHING)), "a list of combinations")
_STRATEGY = Mapping(
    title="'strategy'",
    keys={
        "fail-fast": boolean(),
        "max-parallel": number(),
        "matrix": mapped(
            Mapping(
                title="'matrix'",
                keys={"include": _MATRIX_FILTER, "exclude": _MATRIX_FILTER},
                named=listed(ANYTHING, "a list of values"),
            )
        ),
    },
)
_LABELS = names("a label or a list of labels")
_RUNS_ON = Value(
    title="a label, a list of labels, or a mapping with 'group' and 'labels'",
    scalars=TEXT,
    non_empty=True,
    items=name("a label"),
    mapping=Mapping(title="'runs-on'", keys={"group": name("the name of a group"), "labels": _LABELS}),
    at="jobs.runs-on",
)
_ENVIRONMENT = Mapping(
    title="'environment'",
    keys={
        "name": text("a name", at="jobs.environment"),
        "url": text("a URL", at="jobs.environment.url"),
        "deployment": boolean(),
    },
    required=("name",),
)
_SNAPSHOT = Mapping(
    title="'snapshot'",
    keys={"image-name": name("a name"), "version": name("a version"), "if": condition("jobs.snapshot.if")},
    required=("image-name",),
)


def _container(title: str, prefix: str, more: dict[str, Value] | None = None) -> Mapping:
    credentials = Mapping(title="'credentials'", keys={"username": name("a name"), "password": name("a password")})
    return Mapping(
        title=title,
        keys={
            "image": text("an image"),
            "options": text("options"),
            "env": mapped(Mapping(title="'env'", named=text(at=f"{prefix}.env"))),
            "ports": listed(name("a port"), "a list of ports"),
            "volumes": listed(name("a volume"), "a list of volumes"),
            "credentials": mapped(credentials, at=f"{prefix}.credentials"),
            **(more or {}),
        },
    )


_SERVICE = _container("a service", "jobs.services", {"entrypoint": text("a command"), "command": text("arguments")})

_ANY_JOB = {
    "name": text("a name", at="jobs.name"),
    "needs": names("the id of a job, or a list of ids"),
    "if": condition("jobs.if"),
    "permissions": _PERMISSIONS,
    "strategy": mapped(_STRATEGY, at="jobs.strategy"),
    "concurrency": mapped(_CONCURRENCY, at="jobs.concurrency", or_text=True, non_empty=True),
}
_NORMAL_JOB = Mapping(
    title="a job",
    keys={
        **_ANY_JOB,
        "runs-on": _RUNS_ON,
        "environment": mapped(_ENVIRONMENT, at="jobs.environment", or_text=True),
        "outputs": mapped(Mapping(title="'outputs'", named=text(at="jobs.outputs"))),
        "env": texts("'env'", at="jobs.env"),
        "defaults": _defaults("jobs.defaults.run"),
        "timeout-minutes": number(at="jobs.timeout-minutes"),
        "cancel-timeout-minutes": number(at="jobs.cancel-timeout-minutes"),
        "continue-on-error": boolean(at="jobs.continue-on-error"),
        "container": mapped(_container("'container'", "jobs.container"), at="jobs.container", or_text=True),
        "services": mapped(Mapping(title="'services'", named=mapped(_SERVICE, or_text=True)), at="jobs.services"),
        "steps": listed(mapped(_STEP), "a list of steps"),
        "snapshot": mapped(_SNAPSHOT, at="jobs.snapshot", or_text=True, non_empty=True),
    },
    required=("runs-on",),
    expected=("steps",),
)
_SCALAR = frozenset[ScalarKind]({"string", "boolean", "number"})


def _arguments(title: str, at: str) -> Mapping:
    return Mapping(title=title, named=Value(title="text, a number or a boolean", scalars=_SCALAR, at=at))


_CALL_JOB = Mapping(
    title="a job that calls a workflow",
    keys={
        **_ANY_JOB,
        "uses": name("a workflow"),
        "with": mapped(_arguments("'with'", "jobs.with")),
        "secrets": Value(
            title="'inherit' or a mapping of secrets",
            scalars=TEXT,
            one_of=("inherit",),
            mapping=_arguments("'secrets'", "jobs.secrets"),
        ),
    },
    required=("uses",),
)
_JOB = Choice(
    title="a job",
    decides={"runs-on": _NORMAL_JOB, "steps": _NORMAL_JOB, "uses": _CALL_JOB},
    otherwise=_NORMAL_JOB,
)

# --- the file --------------------------------------------------------------------------------------------------------

WORKFLOW = mapped(
    Mapping(
        title="a workflow",
        keys={
            "name": text("a name"),
            "description": text(),
            "run-name": text("a name", at="run-name"),
            "on": ON,
            "env": texts("'env'", at="env"),
            "defaults": _defaults(""),
            "permissions": _PERMISSIONS,
            "concurrency": mapped(_CONCURRENCY, at="concurrency", or_text=True),
            "jobs": mapped(Mapping(title="'jobs'", named=mapped(_JOB))),
        },
        required=("on", "jobs"),
    )
)
