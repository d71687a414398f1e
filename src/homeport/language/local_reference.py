"""Says which path of the repository `./path` or `$/path` means."""

_LOCAL = ("./", "$/")


def resolve_local(uses: str) -> str | None:
    """The path below the repository that `./path` or `$/path` names; None for other forms, and for paths that lead outside."""
    if not uses.startswith(_LOCAL):
        return None
    segments: list[str] = []
    for segment in uses[2:].split("/"):
        if segment == "..":
            if not segments:
                return None
            segments.pop()
        elif segment not in {"", "."}:
            segments.append(segment)
    return "/".join(segments)
