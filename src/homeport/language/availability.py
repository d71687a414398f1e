"""Which contexts and special functions an expression may use, by the key it stands at.

Source: GitHub docs, "Contexts reference: Context availability", and the `context` lists of actions/languageservices
`workflow-v1.0.json` and `action-v1.0.json`. Where they differ (credentials of containers), the docs are followed.
"""

from collections.abc import Mapping

import msgspec

from homeport.language.expr.signatures import HASH_FILES, STATUS_FUNCTIONS, STEP_STATUS_FUNCTIONS


class Availability(msgspec.Struct, frozen=True):
    """What may be named at one key. `arities` holds the special functions with their least and greatest number of arguments."""

    contexts: frozenset[str]
    arities: Mapping[str, tuple[int, int]] = {}

    @property
    def functions(self) -> frozenset[str]:
        """The special functions allowed here, as GitHub writes their names."""
        return frozenset(self.arities)


def _allow(contexts: str, *functions: Mapping[str, tuple[int, int]]) -> Availability:
    arities: dict[str, tuple[int, int]] = {}
    for table in functions:
        arities.update(table)
    return Availability(frozenset(contexts.split()), arities)


_RUN = _allow("github inputs vars")
_NEEDS = _allow("github needs vars inputs")
_JOB = _allow("github needs strategy matrix vars inputs")
_JOB_SECRETS = _allow("github needs strategy matrix vars inputs secrets")
_CREDENTIALS = _allow("github needs strategy matrix env vars secrets inputs")
_CONTAINER_ENV = _allow("github needs strategy matrix job runner env vars secrets inputs")
_STEP = _allow("github needs strategy matrix job runner env vars secrets steps inputs", HASH_FILES)
_STEP_IF = _allow("github needs strategy matrix job runner env vars steps inputs", STEP_STATUS_FUNCTIONS, HASH_FILES)
_ACTION_STEP = _allow("github inputs strategy matrix steps job runner env", HASH_FILES)
_ACTION_STEP_IF = _allow("github inputs strategy matrix steps job runner env", STEP_STATUS_FUNCTIONS, HASH_FILES)
_ACTION_IF = _allow("github inputs strategy matrix job runner env", STEP_STATUS_FUNCTIONS, HASH_FILES)

AVAILABILITY: Mapping[str, Availability] = {
    # the workflow
    "run-name": _RUN,
    "concurrency": _RUN,
    "on.workflow_call.inputs.default": _RUN,
    "on.workflow_call.outputs.value": _allow("github jobs vars inputs"),
    "env": _allow("github secrets inputs vars"),
    # a job
    "jobs.if": _allow("github needs vars inputs", STATUS_FUNCTIONS),
    "jobs.strategy": _NEEDS,
    "jobs.name": _JOB,
    "jobs.runs-on": _JOB,
    "jobs.timeout-minutes": _JOB,
    "jobs.cancel-timeout-minutes": _JOB,
    "jobs.continue-on-error": _JOB,
    "jobs.concurrency": _JOB,
    "jobs.environment": _JOB,
    "jobs.environment.url": _allow("github needs strategy matrix job runner env vars steps inputs"),
    "jobs.container": _JOB,
    "jobs.container.image": _JOB,
    "jobs.container.credentials": _CREDENTIALS,
    "jobs.container.env": _CONTAINER_ENV,
    "jobs.services": _JOB,
    "jobs.services.credentials": _CREDENTIALS,
    "jobs.services.env": _CONTAINER_ENV,
    "jobs.with": _JOB,
    "jobs.secrets": _JOB_SECRETS,
    "jobs.env": _JOB_SECRETS,
    "jobs.defaults.run": _allow("github needs strategy matrix env vars inputs"),
    "jobs.outputs": _allow("github needs strategy matrix job runner env vars secrets steps inputs"),
    "jobs.snapshot": _JOB,
    "jobs.snapshot.if": _STEP_IF,
    # a step
    "steps.name": _STEP,
    "steps.run": _STEP,
    "steps.env": _STEP,
    "steps.with": _STEP,
    "steps.working-directory": _STEP,
    "steps.timeout-minutes": _STEP,
    "steps.continue-on-error": _STEP,
    "steps.if": _STEP_IF,
    # an action
    "action.inputs.default": _allow("github strategy matrix job runner", HASH_FILES),
    "action.outputs.value": _allow("github inputs strategy matrix steps job runner env"),
    "action.steps": _ACTION_STEP,
    "action.steps.if": _ACTION_STEP_IF,
    "action.runs.if": _ACTION_IF,
    "action.runs.args": _allow("inputs"),
    "action.runs.env": _allow("inputs"),
}
"""Keys are the paths of the docs' table without the ids (`jobs.<job_id>.steps.run` is `steps.run`); `action.*` are an action's own."""
