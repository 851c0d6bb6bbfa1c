"""How a server answers what it cannot know, so that a refusal is not taken for more than it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RefusalBaseline:
    """How a server answers what it cannot know: made-up header, version and method, by status.

    None stands for no answer. The header was part of a creation that is otherwise in order.
    """

    header: int | None = None
    version: int | None = None
    method: int | None = None

    @property
    def sentences(self) -> tuple[str, ...]:
        """Return what was learnt, a sentence each."""
        statuses = (
            ("A creation with a made-up header", self.header),
            ("A creation in a made-up version", self.version),
            ("A made-up method", self.method),
        )
        return tuple(f"{what} got {status or 'no response'}." for what, status in statuses)

    def describe_match(self, status: int | None) -> str:
        """Return which made-up thing was refused with a status, too, as part of a sentence.

        A 5xx to the creations alone means that the server is broken, not that it refuses.
        """
        if status is None or status < 400:
            return ""
        statuses = (("header", self.header), ("version", self.version), ("method", self.method))
        same = [what for what, known in statuses if known == status]
        if status >= 500 and status != 501:
            same = [what for what in same if what == "method"]
        return f", as a made-up {same[-1]} does" if same else ""
