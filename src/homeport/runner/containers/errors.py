"""What goes wrong with a container engine."""


class EngineError(Exception):
    """No engine, or one that refuses; the message has its words. `hint` is what the user can do."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
