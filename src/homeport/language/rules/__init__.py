"""The rules of `homeport check` beyond what GitHub refuses, one file each; add a rule by adding it here and to `docs/rules.md`."""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.language.rules.action import check_actions
from homeport.language.rules.action_metadata import check_metadata
from homeport.language.rules.concurrency import check_groups
from homeport.language.rules.credentials import check_credentials
from homeport.language.rules.deprecated_commands import check_commands
from homeport.language.rules.env_var import check_env_names
from homeport.language.rules.events import check_inputs
from homeport.language.rules.expression import check_expressions
from homeport.language.rules.glob import check_globs
from homeport.language.rules.if_cond import check_conditions
from homeport.language.rules.matrix import check_matrix_values
from homeport.language.rules.runner_label import check_labels
from homeport.language.rules.script_injection import check_scripts
from homeport.language.rules.shell_name import check_shells
from homeport.language.rules.status_function import check_status_functions
from homeport.language.rules.unpinned_action import check_pins
from homeport.language.rules.unreachable import check_reachable
from homeport.language.rules.untrusted_checkout import check_checkouts
from homeport.language.subject import Subject


class Rule(msgspec.Struct, frozen=True):
    """One rule: the code of what it reports, and the function that looks. An optional one runs only where it is asked for."""

    code: str
    check: Callable[[Subject], Iterable[Diagnostic]]
    is_optional: bool = False


RULES: tuple[Rule, ...] = (
    Rule("action", check_actions),
    Rule("action", check_metadata),
    Rule("concurrency", check_groups),
    Rule("credentials", check_credentials),
    Rule("deprecated-commands", check_commands),
    Rule("env-var", check_env_names),
    Rule("events", check_inputs),
    Rule("expression", check_expressions),
    Rule("glob", check_globs),
    Rule("if-cond", check_conditions),
    Rule("matrix", check_matrix_values),
    Rule("runner-label", check_labels),
    Rule("script-injection", check_scripts),
    Rule("shell-name", check_shells),
    Rule("status-function", check_status_functions),
    Rule("unpinned-action", check_pins, is_optional=True),
    Rule("unreachable", check_reachable),
    Rule("untrusted-checkout", check_checkouts),
)

CODES: Mapping[str, str] = {
    "action": "what 'uses' names, what it is given, and action files themselves",
    "background-steps": "'wait' and 'cancel' that name no background step",
    "concurrency": "concurrency groups that cannot work",
    "credentials": "passwords that stand in the file",
    "deprecated-commands": "workflow commands that are going or gone",
    "env-var": "names that no environment variable can have",
    "events": "'on': events, activity types, filters, schedules, inputs",
    "expression": "what stands between '${{' and '}}', and in 'if'",
    "glob": "patterns of branches, tags and paths",
    "id": "ids of jobs and steps",
    "if-cond": "conditions that are always true or always false",
    "job-needs": "needs that name no job, or go in a circle",
    "matrix": "values of a matrix, 'include' and 'exclude'",
    "permissions": "scopes and levels of 'permissions'",
    "runner-label": "labels in 'runs-on' that no runner has",
    "script-injection": "text of strangers in scripts",
    "shell-name": "shells that are not there",
    "status-function": "always() that does not do what it seems to",
    "suppression": "suppression comments that suppress nothing, or give no reason",
    "syntax-check": "YAML, keys and values that the grammar does not have",
    "timeout-minutes": "fractions of minutes, which GitHub cuts off",
    "unpinned-action": "actions that are not pinned to a commit (off unless enabled)",
    "unreachable": "jobs and steps that can never run",
    "untrusted-checkout": "checkouts of a stranger's work in privileged workflows",
    "workflow-call": "calls of reusable workflows",
}
"""Every code that a diagnostic can have, those of the grammar too."""

OPTIONAL_CODES = frozenset(rule.code for rule in RULES if rule.is_optional)
