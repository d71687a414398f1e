"""What is known of each context before anything runs: the types of `inputs`, `secrets`, `matrix`, `needs`, `steps`, `jobs` and `job`.

Source: docs "Contexts reference". What is not declared in the files is any string, so that only what cannot be there is missed.
"""

from collections.abc import Iterable, Mapping

from homeport.language.availability import AVAILABILITY
from homeport.language.calls import qualify_call
from homeport.language.expr.checker import examine
from homeport.language.expr.errors import ExpressionError
from homeport.language.expr.parser import parse_expression
from homeport.language.expr.syntax import Node
from homeport.language.expr.types import (
    ANY,
    ANY_OBJECT,
    BOOLEAN,
    CONTEXTS,
    NULL,
    NUMBER,
    STRING,
    STRINGS,
    ArrayType,
    ObjectType,
    Type,
    github_type,
    job_result_type,
    merge_all,
    merge_types,
    step_type,
)
from homeport.language.known_actions import find_known_action
from homeport.language.nodes import (
    Action,
    CallJob,
    InputDeclaration,
    Job,
    OutputDeclaration,
    Step,
    Strategy,
    UsesStep,
    Workflow,
)
from homeport.language.project import Project
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

Scope = Mapping[str, Type]
"""The type of each context by its lower-case name."""

_KINDS: Mapping[str, Type] = {
    "boolean": BOOLEAN,
    "number": NUMBER,
    "string": STRING,
    "choice": STRING,
    "environment": STRING,
}
_ALWAYS_SECRET = ("GITHUB_TOKEN", "ACTIONS_STEP_DEBUG", "ACTIONS_RUNNER_DEBUG")
_NOTHING = ObjectType({})
_INTERFACES = frozenset({"workflow_dispatch", "workflow_call"})


def workflow_scope(workflow: Workflow) -> dict[str, Type]:
    """The contexts that are the same everywhere in a workflow; those of a job are as they are where there is none."""
    return {
        **CONTEXTS,
        "github": github_type(_event_type(workflow)),
        "inputs": _inputs_type(workflow),
        "secrets": _secrets_type(workflow),
        "needs": _NOTHING,
        "matrix": _NOTHING,
        "steps": _NOTHING,
        "job": _job_type(None),
    }


def action_scope(action: Action) -> dict[str, Type]:
    """The contexts inside an action: its inputs are strings, whatever was given."""
    inputs = ObjectType({declared.name: STRING for declared in action.inputs})
    return {**CONTEXTS, "inputs": inputs, "steps": _NOTHING, "job": _job_type(None)}


# --- the event, inputs and secrets -----------------------------------------------------------------------------------


def _event_type(workflow: Workflow) -> Type:
    """The payload. `github.event.inputs` holds strings; that of a called workflow is its caller's, so that nothing is known of it."""
    dispatch = workflow.find_trigger("workflow_dispatch")
    if dispatch is None or workflow.find_trigger("workflow_call") is not None:
        return ANY_OBJECT
    return ObjectType({"inputs": ObjectType({declared.name: STRING for declared in dispatch.inputs})}, ANY)


def _inputs_type(workflow: Workflow) -> Type:
    """The inputs of both events that have some; a name that both declare has either type."""
    known: dict[str, Type] = {}
    for trigger in workflow.triggers:
        for declared in trigger.inputs if trigger.event in _INTERFACES else ():
            name = declared.name.lower()
            kind = input_type(declared)
            known[name] = merge_types(known[name], kind) if name in known else kind
    return ObjectType(known)


def input_type(declared: InputDeclaration) -> Type:
    """The type of a declared input of a workflow."""
    return _KINDS.get(declared.kind, ANY)


def _secrets_type(workflow: Workflow) -> Type:
    """A workflow that can only be called, and says which secrets it takes, has no others."""
    call = workflow.find_trigger("workflow_call")
    if call is None or not call.secrets or len(workflow.triggers) > 1:
        return STRINGS
    return ObjectType(dict.fromkeys([*(secret.name for secret in call.secrets), *_ALWAYS_SECRET], STRING))


# --- other jobs ------------------------------------------------------------------------------------------------------


class JobResults:
    """What the jobs of a workflow give to one another; each is looked at once."""

    def __init__(self, workflow: Workflow, project: Project) -> None:
        self._workflow = workflow
        self._project = project
        self._jobs = {job.id.lower(): job for job in workflow.jobs}
        self._types: dict[str, Type] = {}

    def needs_of(self, job: Job | CallJob) -> Type:
        """The `needs` of a job: those that it names itself, not theirs. One that does not exist was reported at its place."""
        return ObjectType({need.job_id: self._type_of(need.job_id.lower()) for need in job.needs})

    def all(self) -> Type:
        """The `jobs` of the outputs of a reusable workflow."""
        return ObjectType({job.id: self._type_of(job.id.lower()) for job in self._workflow.jobs})

    def _type_of(self, job_id: str) -> Type:
        if job_id not in self._types:
            job = self._jobs.get(job_id)
            self._types[job_id] = ANY if job is None else self._read(job)
        return self._types[job_id]

    def _read(self, job: Job | CallJob) -> Type:
        if isinstance(job, Job):
            return job_result_type(_outputs_type(job.outputs))
        called = find_called(job, self._workflow, self._project)
        trigger = None if called is None else called.find_trigger("workflow_call")
        return job_result_type(STRINGS if trigger is None else _outputs_type(trigger.outputs))


def find_called(job: CallJob, workflow: Workflow, project: Project) -> Workflow | None:
    """The workflow that a job calls, where it is in the same repository and can be read."""
    loaded = project.load_call(qualify_call(job.uses.value, f"./{workflow.file}"))
    return None if loaded is None else loaded[0]


def _outputs_type(outputs: Iterable[OutputDeclaration]) -> ObjectType:
    return ObjectType({output.name: STRING for output in outputs})


# --- the job itself --------------------------------------------------------------------------------------------------


def job_scope(job: Job | CallJob, results: JobResults, scope: Scope) -> dict[str, Type]:
    """The contexts of a job, before its first step. `scope` is the workflow's."""
    below = {**scope, "needs": results.needs_of(job)}
    below["matrix"] = matrix_type(job.strategy, below)
    if isinstance(job, Job):
        below["job"] = _job_type(job)
    return below


def _job_type(job: Job | None) -> Type:
    """Ports are named by numbers too (`ports[5432]`): GitHub looks up their text."""
    service = ObjectType({"id": STRING, "network": STRING, "ports": ANY})
    services = ObjectType({}, service)
    if job is not None and isinstance(job.services, tuple):
        services = ObjectType({known.id: service for known in job.services})
    known = CONTEXTS["job"]
    assert isinstance(known, ObjectType)
    return ObjectType({**known.properties, "services": services})


def matrix_type(strategy: Strategy | None, scope: Scope) -> Type:
    """The `matrix` of a job: its vectors' values, and what `include` adds. Of what an expression gives, only that is known."""
    if strategy is None:
        return _NOTHING
    matrix = strategy.matrix
    if not isinstance(matrix, MappingToken):
        given: Type = _NOTHING if matrix is None and strategy.whole is None else ANY
        if isinstance(matrix, ExpressionToken):
            given = type_of_token(matrix, scope, "jobs.strategy")
        return given if isinstance(given, ObjectType) and not {"include", "exclude"} & set(given.properties) else ANY
    return _read_matrix(matrix, scope)


def _read_matrix(matrix: MappingToken, scope: Scope) -> Type:
    properties: dict[str, Type] = {}
    is_open = False
    include: Type = ArrayType(_NOTHING)
    for entry in matrix.entries:
        name = entry.key.value if isinstance(entry.key, StringToken) else None
        known = type_of_token(entry.value, scope, "jobs.strategy")
        if name is None:
            is_open = True
        elif name == "include":
            include = known
        elif name != "exclude":
            properties[name] = known.element if isinstance(known, ArrayType) else ANY
    added = include.element if isinstance(include, ArrayType) else ANY
    if isinstance(added, ObjectType):
        merged = merge_types(ObjectType(properties), added)
        assert isinstance(merged, ObjectType)
        properties = dict(merged.properties)
        is_open = is_open or merged.rest is not None
    else:
        is_open = True
    return ObjectType(properties, ANY if is_open else None)


# --- steps -----------------------------------------------------------------------------------------------------------


def step_result_type(step: Step, project: Project) -> Type:
    """What `steps.<id>` of a step that has run is."""
    return step_type(_step_outputs(step, project))


def _step_outputs(step: Step, project: Project) -> Type:
    """The outputs of an action where they are published; a script sets what it likes, and so do actions that nothing is known of."""
    if not isinstance(step, UsesStep):
        return STRINGS
    local = project.find_action(step.uses.value)
    if local is not None:
        return STRINGS if local.action is None else _outputs_type(local.action.outputs)
    known = find_known_action(step.uses.value)
    if known is None or known.outputs is None:
        return STRINGS
    return ObjectType(dict.fromkeys(known.outputs, STRING))


# --- values ----------------------------------------------------------------------------------------------------------


def parse_at(token: ExpressionToken, at: str) -> Node | None:
    """The tree of an expression, which was read before at this key (so it is kept); None where it stands for no value (`insert`)."""
    available = AVAILABILITY[at]
    try:
        return parse_expression(token.source, names=available.contexts, functions=available.arities)
    except ExpressionError:
        return None


def type_of_token(token: Token, scope: Scope, at: str) -> Type:
    """The type of a value as it is written, expressions in it evaluated as far as that goes."""
    match token:
        case NullToken():
            return NULL
        case BooleanToken():
            return BOOLEAN
        case NumberToken():
            return NUMBER
        case StringToken() | InterpolationToken():
            return STRING
        case ExpressionToken():
            node = parse_at(token, at)
            return ANY if node is None else examine(node, scope)[0]
        case SequenceToken():
            return ArrayType(merge_all(type_of_token(item, scope, at) for item in token.items))
        case MappingToken():
            return _type_of_mapping(token, scope, at)


def _type_of_mapping(token: MappingToken, scope: Scope, at: str) -> Type:
    properties: dict[str, Type] = {}
    is_open = False
    for entry in token.entries:
        if isinstance(entry.key, StringToken):
            properties[entry.key.value] = type_of_token(entry.value, scope, at)
        else:
            is_open = True
    return ObjectType(properties, ANY if is_open else None)
