"""A request on its way through the proxy, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Headers = tuple[tuple[str, str], ...]


def value_in(headers: Headers, name: str) -> str | None:
    """Return the first value of a header, in whatever letter case; None without."""
    return next((value for key, value in headers if key.lower() == name.lower()), None)


@dataclass
class Passing:
    """A request, as its client sent it; `came` counts the bytes of its body, chunks undone.

    `whole` tells whether all of it came; where it did not, `broke` says how the client went away.
    `status` and `answer` are the server's final response. `done` says what was done to it.
    """

    number: int
    method: str
    target: str
    headers: Headers
    chunked: bool = False
    length: int | None = None
    came: int = 0
    trailers: Headers = ()
    whole: bool = False
    broke: Literal["", "fin", "rst"] = ""
    status: int | None = None
    answer: Headers = ()
    done: list[str] = field(default_factory=list)

    def header(self, name: str) -> str | None:
        """Return the value of one of its headers."""
        return value_in(self.headers, name)

    @property
    def path(self) -> str:
        """Return the path it is about, without the query."""
        return self.target.partition("?")[0]

    def told(self) -> str:
        """Return the request and what became of it in a line; no query, which may hold secrets."""
        body = f", {self.came} bytes" if self.came or self.length else ""
        ended = {"": "", "fin": ", closed by the client", "rst": ", reset by the client"}
        answered = "no answer" if self.status is None else str(self.status)
        line = f"{self.number:4} {self.method} {self.path}{body}{ended[self.broke]}: {answered}"
        return line + "".join(f"; {each}" for each in self.done)
