"""Layers around a handler, for every shell alike: what browsers and operators need, not tus."""

from tus_reference.middleware.access_log import AccessLog
from tus_reference.middleware.cors import Cors
from tus_reference.middleware.health import Health
from tus_reference.middleware.layers import Layer, LayeredService, Respond, Service
from tus_reference.middleware.monitoring_service import MonitoringService

__all__ = [
    "AccessLog",
    "Cors",
    "Health",
    "Layer",
    "LayeredService",
    "MonitoringService",
    "Respond",
    "Service",
]
