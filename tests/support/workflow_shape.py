"""Writes a parsed workflow in the shape of the published parser cases, so that the two can be compared.

The shape is that of `WorkflowTemplate` in actions/languageservices (`workflow-parser/testdata/reader`): tokens are plain values, or
objects with a `type` (0 string, 1 sequence, 2 mapping, 3 expression, 5 boolean, 6 number) where places are asked for.
"""

from collections.abc import Callable
from typing import Any

from homeport.diagnostics.span import Span
from homeport.language import nodes
from homeport.language.calls import qualify_call
from homeport.language.embedded import fold
from homeport.language.tokens import (
    BooleanToken,
    ExpressionToken,
    InterpolationToken,
    MappingToken,
    NullToken,
    NumberToken,
    SequenceToken,
    StringToken,
    Token,
)

Json = Any
Load = Callable[[str], nodes.Workflow | None]

_OLD_SCOPES = [
    "actions",
    "checks",
    "contents",
    "deployments",
    "discussions",
    "id-token",
    "issues",
    "packages",
    "pages",
    "pull-requests",
    "repository-projects",
    "security-events",
    "statuses",
]
"""What `read-all` and `write-all` covered when the cases were written."""


class Shaper:
    """Shapes one workflow and those that it calls; `texts` holds the files' texts where places are asked for."""

    def __init__(self, load: Load, texts: dict[str, str] | None) -> None:
        self._load = load
        self._texts = texts
        self._files: list[str] = []

    def shape_workflow(self, workflow: nodes.Workflow, *, with_events: bool) -> Json:
        self._files.append(workflow.file)
        shape: dict[str, Json] = {"jobs": self._shape_jobs(workflow, f"./{workflow.file}", None)}
        if with_events:
            shape["events"] = {trigger.event: self._shape_trigger(trigger) for trigger in workflow.triggers}
        _put(shape, "permissions", _shape_permissions(workflow.permissions))
        _put(shape, "concurrency", self._shape_concurrency(workflow.concurrency))
        _put(shape, "defaults", self._shape_defaults(workflow.defaults))
        _put(shape, "env", self._shape(workflow.env))
        return shape

    # --- tokens ------------------------------------------------------------------------------------------------------

    def _shape(self, token: Token | None) -> Json:
        match token:
            case None:
                return _ABSENT
            case NullToken():
                return None
            case StringToken():
                return self._placed(token, {"type": 0}, "lit", token.value)
            case BooleanToken():
                return self._placed(token, {"type": 5}, "bool", token.value)
            case NumberToken():
                number = token.text if token.text in {"Infinity", "-Infinity", "NaN"} else token.value
                return self._placed(token, {"type": 6}, "num", number)
            case ExpressionToken():
                return {"type": 3, **self._place(token), "expr": token.source}
            case InterpolationToken():
                return {"type": 3, **self._place(token), "expr": fold(token)}
            case SequenceToken():
                return {"type": 1, **self._place(token), "seq": [self._shape(item) for item in token.items]}
            case MappingToken():
                pairs = {_key(entry.key): self._shape(entry.value) for entry in token.entries}
                return {"type": 2, **self._place(token), "map": pairs}

    def _placed(self, token: Token, shape: dict[str, Json], key: str, value: Json) -> Json:
        return value if self._texts is None else {**shape, **self._place(token), key: value}

    def _place(self, token: Token) -> dict[str, int]:
        if self._texts is None:
            return {}
        span = token.span
        column = span.column
        if isinstance(token, ExpressionToken) and token.exact:  # theirs is the place of the scalar
            line = self._texts[span.file].splitlines()[span.line - 1]
            column = line.rindex("${{", 0, column) + 1
        return self._place_at(span, column)

    def _place_at(self, span: Span, column: int) -> dict[str, int]:
        return {"file": self._files.index(span.file) + 1, "line": span.line, "col": column}

    def _mapping(self, span: Span, pairs: dict[str, Json]) -> Json:
        place = {} if self._texts is None else self._place_at(span, span.column)
        return {"type": 2, **place, "map": {key: value for key, value in pairs.items() if value is not _ABSENT}}

    # --- the workflow ------------------------------------------------------------------------------------------------

    def _shape_trigger(self, trigger: nodes.Trigger) -> Json:
        if trigger.event == "schedule":
            return [{"cron": cron.cron.value} for cron in trigger.schedules]
        shape: dict[str, Json] = {}
        for field in nodes.Trigger.__struct_fields__:
            value = getattr(trigger, field)
            if isinstance(value, nodes.Filter):
                shape[field.replace("_", "-")] = [pattern.value for pattern in value.patterns]
        if trigger.types is not None:
            shape["types"] = [kind.value for kind in trigger.types]
        if trigger.inputs:
            shape["inputs"] = {declared.name: self._shape_input(declared) for declared in trigger.inputs}
        if trigger.secrets:
            shape["secrets"] = {
                declared.name: _drop_empty({"description": declared.description, "required": declared.required})
                for declared in trigger.secrets
            }
        return shape

    def _shape_input(self, declared: nodes.InputDeclaration) -> Json:
        shape = _drop_empty(
            {
                "type": declared.kind,
                "description": declared.description,
                "required": declared.required,
                "options": list(declared.options),
            }
        )
        _put(shape, "default", self._shape(declared.default))
        return shape

    def _shape_concurrency(self, concurrency: nodes.Concurrency | None) -> Json:
        if concurrency is None:
            return _ABSENT
        if concurrency.span == concurrency.group.span or isinstance(
            concurrency.group, ExpressionToken | InterpolationToken
        ):
            whole = self._shape(concurrency.group)
            if concurrency.span == concurrency.group.span or concurrency.cancel_in_progress is None:
                return whole
        pairs = {
            "group": self._shape(concurrency.group),
            "cancel-in-progress": self._shape(concurrency.cancel_in_progress),
            "queue": self._shape(concurrency.queue),
        }
        return self._mapping(concurrency.span, pairs)

    def _shape_defaults(self, defaults: nodes.Defaults | None) -> Json:
        if defaults is None:
            return _ABSENT
        run = {"shell": self._shape(defaults.shell), "working-directory": self._shape(defaults.working_directory)}
        return {"type": 2, "map": {"run": {"type": 2, "map": run}}}

    # --- jobs --------------------------------------------------------------------------------------------------------

    def _shape_jobs(self, workflow: nodes.Workflow, reference: str, granted: Json) -> list[Json]:
        own = _shape_permissions(workflow.permissions)
        inherited = granted if own is _ABSENT else own
        return [
            self._shape_call(job, reference, inherited)
            if isinstance(job, nodes.CallJob)
            else self._shape_job(job, inherited)
            for job in workflow.jobs
        ]

    def _shape_any(self, job: nodes.Job | nodes.CallJob, inherited: Json) -> dict[str, Json]:
        name = StringToken(job.id, job.id_span)
        permissions = _shape_permissions(job.permissions)
        shape: dict[str, Json] = {
            "id": self._shape(name),
            "name": self._shape(job.name or name),
            "if": {"type": 3, "expr": _shape_condition(job.condition)},
        }
        _put(
            shape,
            "permissions",
            _ABSENT
            if permissions is _ABSENT and inherited is None
            else inherited
            if permissions is _ABSENT
            else permissions,
        )
        _put(shape, "concurrency", self._shape_concurrency(job.concurrency))
        _put(shape, "strategy", self._shape_strategy(job.strategy))
        return shape

    def _shape_needs(self, job: nodes.Job | nodes.CallJob) -> list[Json]:
        return [self._shape(StringToken(need.job_id, need.span)) for need in job.needs]

    def _shape_strategy(self, strategy: nodes.Strategy | None) -> Json:
        if strategy is None:
            return _ABSENT
        pairs = {
            "matrix": self._shape(strategy.matrix),
            "fail-fast": self._shape(strategy.fail_fast),
            "max-parallel": self._shape(strategy.max_parallel),
        }
        return self._mapping(strategy.span, pairs)

    def _shape_job(self, job: nodes.Job, inherited: Json) -> Json:
        shape = {"type": "job", **self._shape_any(job, inherited)}
        if job.needs:
            shape["needs"] = self._shape_needs(job)
        shape["runs-on"] = self._shape(job.runs_on.labels)
        for key, value in (
            ("env", self._shape(job.env)),
            ("defaults", self._shape_defaults(job.defaults)),
            ("timeout-minutes", self._shape(job.timeout_minutes)),
            ("cancel-timeout-minutes", self._shape(job.cancel_timeout_minutes)),
            ("continue-on-error", self._shape(job.continue_on_error)),
            ("environment", self._shape_environment(job.environment)),
            ("container", self._shape_container(job.container)),
            ("services", self._shape_services(job.services)),
            ("snapshot", _ABSENT if job.snapshot is None else self._shape(job.snapshot.image_name)),
        ):
            _put(shape, key, value)
        if job.outputs:
            shape["outputs"] = {"type": 2, "map": {output.name: self._shape(output.value) for output in job.outputs}}
        if job.steps:
            shape["steps"] = [self._shape_step(step) for step in job.steps]
        return shape

    def _shape_environment(self, environment: nodes.Environment | None) -> Json:
        if environment is None:
            return _ABSENT
        pairs = {
            "name": self._shape(environment.name),
            "url": self._shape(environment.url),
            "deployment": self._shape(environment.deployment),
        }
        return self._mapping(environment.span, pairs)

    def _shape_services(self, services: tuple[nodes.Service, ...] | ExpressionToken) -> Json:
        if isinstance(services, ExpressionToken) or not services:
            return _ABSENT
        return {"type": 2, "map": {service.id: self._shape_container(service.container) for service in services}}

    def _shape_container(self, container: nodes.Container | ExpressionToken | None) -> Json:
        if container is None or isinstance(container, ExpressionToken):
            return self._shape(container)
        if container.span == container.image.span:
            return self._shape(container.image)
        fields = ("image", "credentials", "env", "ports", "volumes", "options")
        return self._mapping(container.span, {field: self._shape(getattr(container, field)) for field in fields})

    def _shape_call(self, job: nodes.CallJob, reference: str, inherited: Json) -> Json:
        shape = {"type": "reusableWorkflowJob", **self._shape_any(job, inherited), "needs": self._shape_needs(job)}
        shape["ref"] = self._shape(job.uses)
        called_reference = qualify_call(job.uses.value, reference)
        called = self._load(called_reference)
        assert called is not None, called_reference
        if called.file not in self._files:
            self._files.append(called.file)
        granted = shape.get("permissions")
        own = _shape_permissions(called.permissions)
        if own is not _ABSENT:
            shape["permissions"] = own
        trigger = called.find_trigger("workflow_call")
        assert trigger is not None
        if trigger.inputs:
            inputs = {declared.name: {"type": 2, "map": self._shape_input(declared)} for declared in trigger.inputs}
            shape["input-definitions"] = {"type": 2, "map": inputs}
        if trigger.secrets:
            secrets = {
                declared.name: {"type": 2, "map": {"required": True}} if declared.required else None
                for declared in trigger.secrets
            }
            shape["secret-definitions"] = {"type": 2, "map": secrets}
        _put(shape, "input-values", self._shape(job.inputs))
        _put(shape, "secret-values", self._shape(job.secrets))
        if job.inherit_secrets:
            shape["inherit-secrets"] = True
        shape["jobs"] = self._shape_jobs(called, called_reference, granted)
        return shape

    # --- steps -------------------------------------------------------------------------------------------------------

    def _shape_step(self, step: nodes.Step) -> Json:
        shape: dict[str, Json] = {"id": step.id}
        _put(shape, "name", self._shape(step.name))
        match step:
            case nodes.RunStep():
                _put(shape, "run", self._shape(step.script))
                _put(shape, "shell", self._shape(step.shell))
                _put(shape, "working-directory", self._shape(step.working_directory))
            case nodes.UsesStep():
                _put(shape, "uses", self._shape(step.uses))
                _put(shape, "with", self._shape(step.inputs))
            case nodes.WaitStep(targets=None):
                shape |= {"name": "Wait for all", "wait-all": True}
            case nodes.WaitStep(targets=tuple() as targets):
                shape |= {"name": "Wait", "wait": [target.value for target in targets]}
            case nodes.CancelStep():
                shape |= {"name": "Cancel", "cancel": step.target.value}
            case nodes.ParallelStep():
                raise AssertionError("no published case has a parallel step")
        if isinstance(step, nodes.RunStep | nodes.UsesStep):
            shape["if"] = {"type": 3, "expr": _shape_condition(step.condition)}
            _put(shape, "env", self._shape(step.env))
            _put(shape, "timeout-minutes", self._shape(step.timeout_minutes))
            _put(shape, "continue-on-error", self._shape(step.continue_on_error))
            if step.background:
                shape["background"] = True
        return shape


def normalize(expected: Json) -> Json:
    """An expected shape with mappings as objects, so that the order of keys does not count, and without what is only a default."""
    if isinstance(expected, list):
        return [normalize(item) for item in expected]
    if not isinstance(expected, dict):
        return expected
    if expected.get("type") == 2:
        pairs = {_literal(pair["Key"]): normalize(pair["Value"]) for pair in expected["map"]}
        if pairs.get("required") is False:
            del pairs["required"]
        return {**expected, "map": pairs}
    return {key: normalize(value) for key, value in expected.items() if key != "file-table"}


_ABSENT: Json = object()


def _put(shape: dict[str, Json], key: str, value: Json) -> None:
    if value is not _ABSENT:
        shape[key] = value


def _literal(key: Json) -> str:
    text = key["lit"] if isinstance(key, dict) else key
    assert isinstance(text, str)
    return text


def _key(key: StringToken | ExpressionToken | InterpolationToken) -> str:
    assert isinstance(key, StringToken)
    return key.value


def _drop_empty(shape: dict[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in shape.items() if value}


def _shape_condition(condition: nodes.Condition) -> str:
    source = condition.expression.source
    return f"success() && ({source})" if condition.implicit_success else source


def _shape_permissions(permissions: nodes.Permissions | None) -> Json:
    if permissions is None:
        return _ABSENT
    if permissions.every is not None:
        level = permissions.every.removesuffix("-all")
        return {} if level == "none" else dict.fromkeys(_OLD_SCOPES, level)
    return {scope: level for scope, level in permissions.scopes if level != "none"}
