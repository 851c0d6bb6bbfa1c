"""What happens to uploads: events for callbacks, and streams of them for everybody else."""

from tus_reference.notifications.events import (
    FileInfoChanges,
    HookEvent,
    HTTPRequest,
    HTTPResponse,
    PreCreateCallback,
    PreFinishCallback,
    PreTerminateCallback,
)
from tus_reference.notifications.streams import EventStream, Notifications

__all__ = [
    "EventStream",
    "FileInfoChanges",
    "HTTPRequest",
    "HTTPResponse",
    "HookEvent",
    "Notifications",
    "PreCreateCallback",
    "PreFinishCallback",
    "PreTerminateCallback",
]
