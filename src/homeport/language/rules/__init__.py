"""The rules of `homeport check` beyond what GitHub refuses, one file each; add a rule by adding its function here."""

from collections.abc import Callable, Iterable

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.language.nodes import Workflow
from homeport.language.rules.env_var import check_env_names
from homeport.language.rules.events import check_inputs
from homeport.language.rules.glob import check_globs
from homeport.language.rules.matrix import check_matrix_values
from homeport.language.rules.shell_name import check_shells

Rule = Callable[[Workflow], Iterable[Diagnostic]]

RULES: tuple[Rule, ...] = (check_env_names, check_globs, check_inputs, check_matrix_values, check_shells)
