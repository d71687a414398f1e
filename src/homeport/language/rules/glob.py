"""Filter patterns that cannot mean what they say."""

from collections.abc import Iterator

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.language.globs import check_path_pattern, check_ref_pattern
from homeport.language.names import quote
from homeport.language.nodes import Workflow
from homeport.language.subject import Subject


def check_globs(subject: Subject) -> Iterator[Diagnostic]:
    """Report mistakes in the patterns of `branches`, `tags` and `paths`."""
    for trigger in subject.root.triggers if isinstance(subject.root, Workflow) else ():
        refs = (trigger.branches, trigger.branches_ignore, trigger.tags, trigger.tags_ignore)
        for group, check in ((refs, check_ref_pattern), ((trigger.paths, trigger.paths_ignore), check_path_pattern)):
            for pattern in (pattern for some in group if some is not None for pattern in some.patterns):
                for mistake in check(pattern.value):
                    message = f"wrong pattern {quote(pattern.value)}: {mistake.message}"
                    yield Diagnostic(code="glob", message=message, span=pattern.place(mistake.offset))
