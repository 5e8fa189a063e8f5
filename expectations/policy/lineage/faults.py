"""Why a query has no lineage. Each is an error for the project: what is not understood is refused,
never guessed."""


class LineageError(ValueError):
    """No lineage can be proven. `model` names the file or relation, empty until it is known."""

    def __init__(self, message: str, model: str = "") -> None:
        super().__init__(f"{model}: {message}" if model else message)
        self.message = message
        self.model = model

    def of(self, model: str) -> "LineageError":
        """The same error, naming the model it occurred in."""
        return type(self)(self.message, model)


class UnsupportedConstruct(LineageError):
    """The query uses an operator, expression or function that the walker doesn't know, or that
    can't be followed (files, session variables, statements that write)."""


class DoesNotBind(LineageError):
    """DuckDB can't resolve the query against the declared columns; the message is DuckDB's own."""


class Undeclared(LineageError):
    """The manifest doesn't say what lineage must know: a type, a column, the compiled SQL."""
