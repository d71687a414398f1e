"""A workflow or an action as its author wrote it: typed, positioned, nothing evaluated.

Every `Token` field may hold an expression where the grammar allows one at that key (`language/grammar.py` says where). A field is
None where the key is absent. Names follow the keys of the file; `with` and `if`, being Python's words, are `inputs` and `condition`.
"""

from collections.abc import Mapping

import msgspec

from homeport.diagnostics.span import Span
from homeport.language.tokens import (
    BooleanToken,
    ExpressionToken,
    InterpolationToken,
    MappingToken,
    NumberToken,
    SequenceToken,
    StringToken,
    Text,
    Token,
)

Flag = BooleanToken | ExpressionToken
"""`true`, `false` or an expression that gives one."""
Quantity = NumberToken | ExpressionToken
"""A number or an expression that gives one."""
Pairs = MappingToken | ExpressionToken
"""A mapping, or one expression that gives the whole of it."""


class Condition(msgspec.Struct, frozen=True):
    """The value of an `if`: a bare expression. `implicit_success` is true where no status function occurs in it, so that
    `success() &&` goes before it (docs: "Status check functions"). An absent `if` is a `Condition` with source `success()`.
    """

    expression: ExpressionToken
    implicit_success: bool
    interpolated: bool = False
    """text stands outside `${{ }}`: the expression is GitHub's `format('…{0}…', …)`, which is never falsy"""


class InputDeclaration(msgspec.Struct, frozen=True, kw_only=True):
    """An input of `workflow_dispatch`, `workflow_call` or an action (whose inputs have no type: `string`)."""

    name: str
    kind: str = "string"
    """string, boolean, choice, number or environment"""
    required: bool = False
    default: Token | None = None
    options: tuple[str, ...] = ()
    description: str = ""
    deprecation_message: str | None = None
    span: Span


class SecretDeclaration(msgspec.Struct, frozen=True, kw_only=True):
    """A secret that a reusable workflow takes."""

    name: str
    required: bool = False
    description: str = ""
    span: Span


class OutputDeclaration(msgspec.Struct, frozen=True, kw_only=True):
    """An output of a reusable workflow or of an action; `value` is None for an action that sets it itself."""

    name: str
    value: Token | None
    description: str = ""
    span: Span


class Cron(msgspec.Struct, frozen=True):
    """One entry of `on.schedule`."""

    cron: StringToken
    timezone: StringToken | None


class Filter(msgspec.Struct, frozen=True):
    """The patterns of one filter key such as `branches-ignore`, in order."""

    patterns: tuple[StringToken, ...]
    span: Span


class Trigger(msgspec.Struct, frozen=True, kw_only=True):
    """One event under `on`. Fields that the event does not have stay empty."""

    event: str
    span: Span
    types: tuple[StringToken, ...] | None = None
    """None: the event's default activity types"""
    branches: Filter | None = None
    branches_ignore: Filter | None = None
    tags: Filter | None = None
    tags_ignore: Filter | None = None
    paths: Filter | None = None
    paths_ignore: Filter | None = None
    workflows: Filter | None = None
    names: Filter | None = None
    """`image_version` only"""
    versions: Filter | None = None
    """`image_version` only"""
    schedules: tuple[Cron, ...] = ()
    inputs: tuple[InputDeclaration, ...] = ()
    secrets: tuple[SecretDeclaration, ...] = ()
    outputs: tuple[OutputDeclaration, ...] = ()


class Defaults(msgspec.Struct, frozen=True):
    """`defaults.run`."""

    shell: Text | None
    working_directory: Text | None


class Permissions(msgspec.Struct, frozen=True):
    """`permissions`: `every` is set for `read-all`, `write-all` (and `none` for `{}`), else `scopes` names what is granted."""

    every: str | None
    scopes: tuple[tuple[str, str], ...]
    """(scope, read | write | none) as written; unnamed scopes are none"""
    span: Span


class Concurrency(msgspec.Struct, frozen=True):
    """`concurrency`, a plain string being its `group`; one expression may give the whole (`group` is it then)."""

    group: Text
    cancel_in_progress: Flag | None
    queue: StringToken | ExpressionToken | None
    span: Span


class Environment(msgspec.Struct, frozen=True):
    """`jobs.<id>.environment`."""

    name: Text
    url: Text | None
    deployment: Flag | None
    span: Span


class Strategy(msgspec.Struct, frozen=True):
    """`jobs.<id>.strategy`. `matrix` is the mapping as written (its `include` and `exclude` too) or one expression."""

    matrix: Pairs | None
    fail_fast: Flag | None
    max_parallel: Quantity | None
    span: Span
    whole: ExpressionToken | None = None
    """one expression that gives the whole mapping (the other fields are None then)"""


class RunsOn(msgspec.Struct, frozen=True):
    """`jobs.<id>.runs-on`: `labels` is one text, a sequence of them, or an expression that gives either (or the whole mapping)."""

    labels: StringToken | ExpressionToken | InterpolationToken | SequenceToken | None
    group: Text | None
    span: Span


class Container(msgspec.Struct, frozen=True, kw_only=True, tag="container"):
    """`jobs.<id>.container` or one of `services`. An empty image means that it is not started."""

    image: Text
    credentials: Pairs | None = None
    env: Pairs | None = None
    ports: SequenceToken | ExpressionToken | None = None
    volumes: SequenceToken | ExpressionToken | None = None
    options: Text | None = None
    entrypoint: Text | None = None
    """services only"""
    command: Text | None = None
    """services only"""
    span: Span


class Service(msgspec.Struct, frozen=True):
    """One named service; `container` is an expression where one gives the whole definition."""

    id: str
    container: Container | ExpressionToken


class Snapshot(msgspec.Struct, frozen=True):
    """`jobs.<id>.snapshot`: understood, and refused where it would have to run."""

    image_name: Text
    version: Text | None
    condition: Condition | None
    span: Span


# --- steps -----------------------------------------------------------------------------------------------------------


class RunStep(msgspec.Struct, frozen=True, kw_only=True, tag="run"):
    """A script. `id` is generated (`__run`, `__run_2`) where none is written; `named` says whether the author wrote it."""

    id: str
    named: bool = False
    name: Text | None = None
    condition: Condition
    script: Text
    shell: Text | None = None
    working_directory: Text | None = None
    env: Pairs | None = None
    continue_on_error: Flag | None = None
    timeout_minutes: Quantity | None = None
    background: bool = False
    span: Span


class UsesStep(msgspec.Struct, frozen=True, kw_only=True, tag="uses"):
    """An action. `inputs` is `with`."""

    id: str
    named: bool = False
    name: Text | None = None
    condition: Condition
    uses: StringToken
    inputs: Pairs | None = None
    env: Pairs | None = None
    continue_on_error: Flag | None = None
    timeout_minutes: Quantity | None = None
    background: bool = False
    span: Span


class WaitStep(msgspec.Struct, frozen=True, kw_only=True, tag="wait"):
    """Waits for background steps: the named ones, or all where `targets` is None (`wait-all`). It has no `if`: it always runs."""

    id: str
    named: bool = False
    name: Text | None = None
    targets: tuple[StringToken, ...] | None
    continue_on_error: Flag | None = None
    span: Span


class CancelStep(msgspec.Struct, frozen=True, kw_only=True, tag="cancel"):
    """Ends one background step."""

    id: str
    named: bool = False
    name: Text | None = None
    target: StringToken
    continue_on_error: Flag | None = None
    span: Span


class ParallelStep(msgspec.Struct, frozen=True, kw_only=True, tag="parallel"):
    """Steps that start together; the next step waits for all of them."""

    id: str
    named: bool = False
    name: Text | None = None
    steps: tuple[RunStep | UsesStep, ...]
    span: Span


Step = RunStep | UsesStep | WaitStep | CancelStep | ParallelStep


# --- jobs ------------------------------------------------------------------------------------------------------------


class Need(msgspec.Struct, frozen=True):
    """One name under `needs`."""

    job_id: str
    span: Span


class Job(msgspec.Struct, frozen=True, kw_only=True, tag="job"):
    """A job with steps of its own."""

    id: str
    id_span: Span
    name: Text | None = None
    needs: tuple[Need, ...] = ()
    condition: Condition
    permissions: Permissions | None = None
    runs_on: RunsOn
    strategy: Strategy | None = None
    environment: Environment | None = None
    concurrency: Concurrency | None = None
    outputs: tuple[OutputDeclaration, ...] = ()
    env: Pairs | None = None
    defaults: Defaults | None = None
    timeout_minutes: Quantity | None = None
    cancel_timeout_minutes: Quantity | None = None
    continue_on_error: Flag | None = None
    container: Container | ExpressionToken | None = None
    services: tuple[Service, ...] | ExpressionToken = ()
    steps: tuple[Step, ...] = ()
    snapshot: Snapshot | None = None
    span: Span


class CallJob(msgspec.Struct, frozen=True, kw_only=True, tag="call"):
    """A job that is a reusable workflow. `secrets` is None where `inherit_secrets` is written."""

    id: str
    id_span: Span
    name: Text | None = None
    needs: tuple[Need, ...] = ()
    condition: Condition
    permissions: Permissions | None = None
    strategy: Strategy | None = None
    concurrency: Concurrency | None = None
    uses: StringToken
    inputs: Pairs | None = None
    secrets: MappingToken | None = None
    inherit_secrets: bool = False
    span: Span


class Workflow(msgspec.Struct, frozen=True, kw_only=True):
    """A whole workflow file."""

    file: str
    """its path below the repository, with forward slashes"""
    name: StringToken | None = None
    run_name: Text | None = None
    triggers: tuple[Trigger, ...] = ()
    env: Pairs | None = None
    defaults: Defaults | None = None
    permissions: Permissions | None = None
    concurrency: Concurrency | None = None
    jobs: tuple[Job | CallJob, ...] = ()
    span: Span
    size: int = 0
    """what the file weighs by GitHub's account of memory (`yaml_reader.Limits.size`)"""

    def find_trigger(self, event: str) -> Trigger | None:
        """The trigger for an event, or None where the workflow does not name it."""
        return next((trigger for trigger in self.triggers if trigger.event == event), None)


# --- actions ---------------------------------------------------------------------------------------------------------


class Branding(msgspec.Struct, frozen=True):
    """How an action looks in the marketplace."""

    icon: StringToken | None
    color: StringToken | None


class CompositeRuns(msgspec.Struct, frozen=True, tag="composite"):
    """`runs.using: composite`."""

    steps: tuple[RunStep | UsesStep, ...]
    span: Span


class NodeRuns(msgspec.Struct, frozen=True, kw_only=True, tag="node"):
    """`runs.using: node20` or `node24` (`using` is as written; older ones are run by a current Node)."""

    using: str
    main: str
    pre: str | None = None
    pre_condition: Condition | None = None
    """None: `always()`"""
    post: str | None = None
    post_condition: Condition | None = None
    """None: `always()`"""
    span: Span
    places: Mapping[str, Span] = {}
    """where the texts stand, by their keys"""


class DockerRuns(msgspec.Struct, frozen=True, kw_only=True, tag="docker"):
    """`runs.using: docker`."""

    image: Text
    entrypoint: str | None = None
    pre_entrypoint: str | None = None
    pre_condition: Condition | None = None
    post_entrypoint: str | None = None
    post_condition: Condition | None = None
    args: tuple[Text, ...] = ()
    env: MappingToken | None = None
    span: Span
    places: Mapping[str, Span] = {}
    """where the texts stand, by their keys"""


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """An `action.yml`."""

    file: str
    name: str = ""
    description: str = ""
    inputs: tuple[InputDeclaration, ...] = ()
    outputs: tuple[OutputDeclaration, ...] = ()
    runs: CompositeRuns | NodeRuns | DockerRuns
    branding: Branding | None = None
    span: Span
