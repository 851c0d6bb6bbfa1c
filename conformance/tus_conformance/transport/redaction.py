"""Replaces secrets before anything is stored: the record never held them.

Three things are secret: the values of some headers, the values of some query parameters (and the
user in a URL), and given strings wherever they turn up. The value of a secret header or parameter
of a request is such a string for the rest of its exchange, since some servers echo what they got.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from urllib.parse import quote, quote_plus, unquote

REDACTED = "[redacted]"
# Brackets before an @ would make a URL that no parser takes (RFC 3986, section 3.2.2).
REDACTED_USER = "redacted"
SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})
SECRET_PARAMETERS = frozenset(
    {"token", "access_token", "id_token", "refresh_token", "jwt", "auth", "authorization"}
    | {"signature", "sig", "key", "api_key", "apikey", "secret", "client_secret"}
    | {"password", "passwd", "x-goog-signature", "x-goog-credential"}
    | {"x-amz-signature", "x-amz-security-token", "x-amz-credential"}
)
# Shorter values would blot out half of the record, and are no secrets worth the name.
MIN_SECRET_LENGTH = 8


@dataclass(frozen=True)
class Redaction:
    """What is replaced by "[redacted]"; the names of headers and parameters are in any case."""

    headers: frozenset[str] = SECRET_HEADERS
    secrets: tuple[str, ...] = ()
    parameters: frozenset[str] = SECRET_PARAMETERS

    @classmethod
    def with_defaults(
        cls,
        *,
        headers: Iterable[str] = (),
        secrets: Iterable[str] = (),
        parameters: Iterable[str] = (),
    ) -> Redaction:
        """Return the usual redaction with more names of headers and parameters, and secrets."""
        return cls(
            SECRET_HEADERS | {name.strip().lower() for name in headers},
            tuple(secrets),
            SECRET_PARAMETERS | {name.lower() for name in parameters},
        )

    def with_request_secrets(self, url: str, headers: Iterable[tuple[str, str]]) -> Redaction:
        """Return a redaction that also knows the secrets of a request by heart."""
        found = {value for _, value in self._parameter_pattern.findall(url)}
        found |= {part for user in _USER.findall(url) for part in (user, *user.split(":"))}
        for name, value in headers:
            if name.strip().lower() in self.headers:
                found |= {value.strip(), *re.split(r"[\s;,]+", value)}
                found |= {pair.partition("=")[2].strip('"') for pair in value.split(";")}
            found |= {value for _, value in self._parameter_pattern.findall(value)}
        learned = {one for one in found if len(one) >= MIN_SECRET_LENGTH}
        learned |= {unquote(one) for one in learned}
        if learned <= set(self.secrets):
            return self
        return replace(self, secrets=(*self.secrets, *sorted(learned)))

    def redact_headers(self, headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Return headers without their secrets."""
        return tuple(
            (name, REDACTED if name.strip().lower() in self.headers else self.redact_text(value))
            for name, value in headers
        )

    def redact_head(self, text: str) -> str:
        """Return the raw head of a message, or a piece of one, without its secrets."""
        return self.redact_text(self._header_pattern.sub(rf"\1 {REDACTED}", text))

    def redact_text(self, text: str) -> str:
        """Return any text, such as a URL, without its secrets."""
        if self._secret_pattern is not None:
            text = self._secret_pattern.sub(REDACTED, text)
        text = self._parameter_pattern.sub(rf"\1={REDACTED}", text)
        return _USER.sub(REDACTED_USER, text)

    @cached_property
    def _secret_pattern(self) -> re.Pattern[str] | None:
        # The longest first: a secret may begin with another one.
        encodings = sorted({form for one in self.secrets for form in _encodings(one)}, key=len)
        return re.compile("|".join(map(re.escape, reversed(encodings)))) if encodings else None

    @cached_property
    def _parameter_pattern(self) -> re.Pattern[str]:
        names = "|".join(sorted(map(re.escape, self.parameters)))
        return re.compile(rf"(?i)(?<=[?&;])({names})=([^&;#\s\"'<>]+)")

    @cached_property
    def _header_pattern(self) -> re.Pattern[str]:
        names = "|".join(sorted(map(re.escape, self.headers)))
        # A value may go on in lines that begin with a space (RFC 9112, section 5.2).
        return re.compile(rf"(?im)^([ \t]*(?:{names})[ \t]*:)[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*")


# A password in a URL may hold any character but those that end the authority.
_USER = re.compile(r"(?<=://)[^/?#\s\"'<>]+(?=@)")


def _encodings(secret: str) -> Iterator[str]:
    """Yield a secret as it may stand on the wire: encoded for URLs, as Base64, as Latin-1."""
    if not secret:
        return
    data = secret.encode()
    yield secret
    yield data.decode("latin-1")
    yield quote(secret, safe="")
    yield quote(secret)
    yield quote_plus(secret)
    if len(secret) >= MIN_SECRET_LENGTH:
        yield b64encode(data).decode().rstrip("=")
