"""Replaces secrets before anything is stored: the record never held them.

Three things are secret: the values of some headers, the values of some query parameters (and the
user in a URL), and given strings wherever they turn up. The value of a secret header or parameter
of a request is such a string for the rest of its exchange, since some servers echo what they got.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from urllib.parse import unquote

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
# Parts of a value that the user gave are secret even if they are shorter, but not single letters.
MIN_PART_LENGTH = 4


@dataclass(frozen=True)
class Redaction:
    """What is replaced by "[redacted]"; the names of headers and parameters are in any case.

    `words` are secret where they stand alone: the name of a user may be part of any other word.
    """

    headers: frozenset[str] = SECRET_HEADERS
    secrets: tuple[str, ...] = ()
    parameters: frozenset[str] = SECRET_PARAMETERS
    words: frozenset[str] = frozenset()

    @classmethod
    def with_defaults(
        cls,
        *,
        headers: Iterable[str] = (),
        secrets: Iterable[str] = (),
        parameters: Iterable[str] = (),
        words: Iterable[str] = (),
    ) -> Redaction:
        """Return the usual redaction with more names of headers and parameters, and secrets."""
        return cls(
            SECRET_HEADERS | {name.strip().lower() for name in headers},
            tuple(secrets),
            SECRET_PARAMETERS | {name.lower() for name in parameters},
            frozenset(word for word in words if word),
        )

    def with_request_secrets(self, url: str, headers: Iterable[tuple[str, str]]) -> Redaction:
        """Return a redaction that also knows the secrets of a request by heart."""
        found = {value for _, value in self._parameter_pattern.findall(url)}
        found |= {part for user in _USER.findall(url) for part in (user, *user.split(":"))}
        for name, value in headers:
            if name.strip().lower() in self.headers:
                found |= set(secret_parts(value))
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
        # What is escaped takes much longer to look for, and few texts are.
        pattern = self._escaped_secret_pattern if _ESCAPE.search(text) else self._secret_pattern
        if pattern is not None:
            text = pattern.sub(REDACTED, text)
        # Most texts have neither character, and the patterns take longer than that question.
        if "=" in text:
            text = self._parameter_pattern.sub(rf"\1={REDACTED}", text)
        return _USER.sub(REDACTED_USER, text) if "@" in text else text

    @cached_property
    def _secret_pattern(self) -> re.Pattern[str] | None:
        return self._compile_secrets(escaped=False)

    @cached_property
    def _escaped_secret_pattern(self) -> re.Pattern[str] | None:
        return self._compile_secrets(escaped=True)

    def _compile_secrets(self, *, escaped: bool) -> re.Pattern[str] | None:
        # The longest first: a secret may begin with another one.
        secrets = sorted({one for one in self.secrets if one}, key=len, reverse=True)
        patterns = [each for one in secrets for each in secret_patterns(one, escaped=escaped)]
        for word in sorted(self.words, key=len, reverse=True):
            literal, *encoded = secret_patterns(word, escaped=escaped)
            patterns += [rf"(?<![A-Za-z0-9_-]){literal}(?![A-Za-z0-9_-])", *encoded]
        return re.compile("|".join(patterns)) if patterns else None

    @cached_property
    def _parameter_pattern(self) -> re.Pattern[str]:
        names = "|".join(sorted(map(re.escape, self.parameters)))
        return re.compile(rf"(?i)(?<=[?&;])({names})=([^&;#\s\"'<>]+)")

    @cached_property
    def _header_pattern(self) -> re.Pattern[str]:
        names = "|".join(sorted(map(re.escape, self.headers)))
        # A value may go on in lines that begin with a space (RFC 9112, section 5.2).
        return re.compile(rf"(?im)^([ \t]*(?:{names})[ \t]*:)[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*")


_ESCAPE = re.compile(r"[%&\\]")

# A password in a URL may hold any character but those that end the authority.
_USER = re.compile(r"(?<=://)[^/?#\s\"'<>]+(?=@)")


def secret_parts(value: str) -> tuple[str, ...]:
    """Return what is secret in the value of a header: all of it, its words, and what they encode.

    Those are the token after a scheme, the values of pairs, and of a Basic credential the password,
    and the user with it (RFC 7617, section 2).
    """
    words = [word for word in re.split(r"[\s;,]+", value) if word]
    pairs = [pair.partition("=")[2].strip('"') for pair in re.split(r"[;,]\s*|\s", value)]
    parts = [value.strip(), *words, *pairs]
    decoded = decode_basic_credential(value)
    parts += [decoded, decoded.partition(":")[2]]
    return tuple(dict.fromkeys(part for part in parts if len(part) >= MIN_PART_LENGTH))


def decode_basic_credential(value: str) -> str:
    """Return the user and the password of a Basic credential, joined by a colon, or nothing."""
    scheme, _, encoded = value.strip().partition(" ")
    if scheme.lower() == "basic":
        with suppress(ValueError):
            return b64decode(encoded, validate=True).decode("utf-8", "surrogateescape")
    return ""


def secret_patterns(secret: str, *, escaped: bool) -> Iterator[str]:
    """Yield patterns for a secret as it may stand in a message, in letters of either case.

    It may stand in the middle of something that is encoded as Base64, or as hexadecimal digits;
    where the text is `escaped`, each of its characters may be percent-encoded, even twice, or
    written as in JSON or HTML.
    """
    data = secret.encode("utf-8", "surrogateescape")
    characters = map(_character_pattern if escaped else _literal_pattern, data)
    yield f"(?i:{''.join(characters)})"
    if not secret.isascii():
        yield f"(?i:{re.escape(secret)})"
    if len(secret) >= MIN_PART_LENGTH:
        yield f"(?i:{data.hex()})"
        yield from map(_base64_pattern, dict.fromkeys(_base64_cores(data)))


def _literal_pattern(byte: int) -> str:
    return re.escape(chr(byte))


def _character_pattern(byte: int) -> str:
    """Return a pattern for one byte: itself as Latin-1, %XX, \\uXXXX, \\xXX, or &#N;."""
    char = chr(byte)
    plus = r"|\+" if char == " " else ""
    escaped = rf"\\?{re.escape(char)}" if char in "\"\\/'" else re.escape(char)
    numbers = rf"%(?:25)*{byte:02x}|\\u00{byte:02x}|\\x{byte:02x}|&#0*{byte};|&#x0*{byte:x};"
    names = {"&": "|&amp;", "<": "|&lt;", ">": "|&gt;", '"': "|&quot;"}.get(char, "")
    return f"(?:{escaped}|{numbers}{plus}{names})"


def _base64_cores(data: bytes) -> Iterator[str]:
    """Yield the characters that stand for the data alone, wherever it begins in three bytes."""
    for skip in range(3):
        text = b64encode(bytes(skip) + data).decode().rstrip("=")
        first = (0, 2, 3)[skip]
        # The last character may hold bits of what follows.
        last = len(text) if (skip + len(data)) % 3 == 0 else len(text) - 1
        if last - first >= MIN_PART_LENGTH:
            yield text[first:last]


def _base64_pattern(core: str) -> str:
    """Return a pattern of Base64 in either alphabet, its signs percent-encoded where need be."""
    signs = {"+": r"(?:\+|-|%2[bB])", "/": r"(?:/|_|%2[fF])"}
    return "".join(signs.get(char, char) for char in core)
