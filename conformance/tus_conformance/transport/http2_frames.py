"""Names the HTTP/2 frames that pass in one direction (RFC 9113, section 4.1)."""

from __future__ import annotations

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FRAME_HEADER_SIZE = 9
FRAME_TYPES = (
    "DATA",
    "HEADERS",
    "PRIORITY",
    "RST_STREAM",
    "SETTINGS",
    "PUSH_PROMISE",
    "PING",
    "GOAWAY",
    "WINDOW_UPDATE",
    "CONTINUATION",
)
# Where in the payload of a frame its error code stands, in bytes.
ERROR_CODE_OFFSETS = {"RST_STREAM": 0, "GOAWAY": 4}
END_STREAM_FRAMES = {"DATA", "HEADERS"}


class FrameParser:
    """Takes the bytes of one direction as they come; a client's begin with a preface.

    `begun` is true once any was received.
    """

    def __init__(self, *, preface: bool = False) -> None:
        self._pending = b""
        self._skip = 0
        self._description = ""
        self._preface = preface
        self.begun = False

    def feed(self, data: bytes) -> list[tuple[int, str]]:
        """Return the bytes of each frame that began, in sizes and words, as far as they came."""
        self.begun = True
        self._pending += data
        found: list[tuple[int, str]] = []
        if self._preface and len(self._pending) >= len(PREFACE):
            self._preface = False
            self._take(len(PREFACE))
            found.append((len(PREFACE), "preface"))
        while not self._preface and self._pending:
            if self._skip:
                size = self._take(self._skip)
                self._skip -= size
                found.append((size, self._description))
                continue
            length = self._payload_length()
            if length is None:
                break
            self._description = self._describe()
            self._skip = FRAME_HEADER_SIZE + length
        return found

    def _take(self, size: int) -> int:
        taken = min(size, len(self._pending))
        self._pending = self._pending[taken:]
        return taken

    def _payload_length(self) -> int | None:
        """Return the length of the next payload once enough of its frame is here to name it."""
        if len(self._pending) < FRAME_HEADER_SIZE:
            return None
        length = int.from_bytes(self._pending[:3], "big")
        code = ERROR_CODE_OFFSETS.get(self._frame_type())
        whole = FRAME_HEADER_SIZE + length
        return None if code is not None and len(self._pending) < whole else length

    def _frame_type(self) -> str:
        number = self._pending[3]
        return FRAME_TYPES[number] if number < len(FRAME_TYPES) else f"frame of type {number}"

    def _describe(self) -> str:
        kind, flags = self._frame_type(), self._pending[4]
        stream = int.from_bytes(self._pending[5:9], "big") & 0x7FFFFFFF
        description = [kind, f"stream {stream}" if stream else ""]
        if kind in END_STREAM_FRAMES and flags & 0x1:
            description.append("END_STREAM")
        if kind in {"SETTINGS", "PING"} and flags & 0x1:
            description.append("ACK")
        if kind in ERROR_CODE_OFFSETS:
            at = FRAME_HEADER_SIZE + ERROR_CODE_OFFSETS[kind]
            description.append(f"code {int.from_bytes(self._pending[at : at + 4], 'big')}")
        return " ".join(filter(None, description))
