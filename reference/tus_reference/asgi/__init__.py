"""The handler inside an ASGI application, under asyncio or trio."""

from tus_reference.asgi.app import TusApp
from tus_reference.asgi.messages import Message, Receive, Scope, Send

__all__ = ["Message", "Receive", "Scope", "Send", "TusApp"]
