"""What can go wrong for a user. Each error is one clear message; none of them is a traceback.

The message is the docstring of the class, filled with the arguments by name.
"""


class PgassayError(Exception):
    """{problem}"""

    exit_code = 2

    def __init__(self, problem: str = "", *, hint: str | None = None) -> None:
        self.problem = problem
        self.hint = hint
        super().__init__(problem)

    def __str__(self) -> str:
        text = (self.__doc__ or "{problem}").format(problem=self.problem)
        return f"{text}\n{self.hint}" if self.hint else text


class UsageError(PgassayError):
    """{problem}"""


class InputError(PgassayError):
    """{problem}"""

    def __init__(
        self, problem: str, *, path: str | None = None, line: int | None = None, hint: str | None = None
    ) -> None:
        self.path = path
        self.line = line
        place = f"{path}:{line}: " if path and line else f"{path}: " if path else ""
        super().__init__(place + problem, hint=hint)


class SyntaxProblem(InputError):
    """{problem}"""


class ServerUnavailable(PgassayError):
    """No scratch PostgreSQL: {problem}"""


class DiskFull(PgassayError):
    """The disk is full: {problem}"""


class ConnectionProblem(PgassayError):
    """Cannot use the database: {problem}"""
