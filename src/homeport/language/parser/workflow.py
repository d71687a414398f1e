"""Reads a workflow file."""

from homeport.diagnostics.diagnostic import Diagnostic, sort_diagnostics
from homeport.diagnostics.span import Span
from homeport.language.grammar import WORKFLOW
from homeport.language.nodes import Workflow
from homeport.language.parser.findings import Findings
from homeport.language.parser.graph import check_needs
from homeport.language.parser.jobs import read_jobs
from homeport.language.parser.settings import read_concurrency, read_defaults, read_permissions
from homeport.language.parser.triggers import read_triggers
from homeport.language.parser.values import as_filled_text, as_pairs, as_string, fields
from homeport.language.template import TemplateReader
from homeport.language.tokens import MappingToken
from homeport.language.yaml_reader import LIMITS, Limits, read_yaml


def parse_workflow(text: str | bytes, file: str, limits: Limits = LIMITS) -> tuple[Workflow | None, list[Diagnostic]]:
    """The workflow that a file describes, and everything that is wrong with it, sorted by place.

    `file` is its path below the repository. The workflow holds all that could be read; it is None where the file is not YAML or its
    root is no mapping. Where a diagnostic is `invalid`, GitHub would refuse the file, and parts may be missing from the workflow.
    Never raises.

    Source: docs "Workflow syntax for GitHub Actions"; actions/runner `WorkflowTemplateParser`.
    """
    document, diagnostics = read_yaml(text, file, limits)
    if document is None:
        return None, sort_diagnostics(diagnostics)
    token = TemplateReader(diagnostics).read_file(document.root, WORKFLOW)
    workflow = None
    if isinstance(token, MappingToken):
        workflow = _read_workflow(token, file, document.size, Findings(diagnostics))
    return workflow, sort_diagnostics(diagnostics)


def _read_workflow(token: MappingToken, file: str, size: int, findings: Findings) -> Workflow:
    settings = fields(token)
    name = as_string(settings.get("name"))
    jobs_token = settings.get("jobs")
    jobs = read_jobs(jobs_token, findings)
    if isinstance(jobs_token, MappingToken) and (jobs or not findings.has_invalid):
        span = jobs_token.span
        check_needs(jobs, Span(file, span.line, span.column, span.line, span.column + 1), findings)
    return Workflow(
        file=file,
        name=name if name is not None and name.value else None,
        run_name=as_filled_text(settings.get("run-name")),
        triggers=read_triggers(settings.get("on"), findings),
        env=as_pairs(settings.get("env")),
        defaults=read_defaults(settings.get("defaults"), findings),
        permissions=read_permissions(settings.get("permissions")),
        concurrency=read_concurrency(settings.get("concurrency"), findings),
        jobs=jobs,
        span=token.span,
        size=size,
    )
