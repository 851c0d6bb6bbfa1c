"""Hooks: programs and web services that receive events, and may refuse, in tusd's format."""

from tus_reference.hooks.hooks import HOOK_NAMES, Hooks
from tus_reference.hooks.http_hooks import HttpHooks
from tus_reference.hooks.program_hooks import ProgramHooks

__all__ = ["HOOK_NAMES", "Hooks", "HttpHooks", "ProgramHooks"]
