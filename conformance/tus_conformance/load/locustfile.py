"""What Locust loads for `tus-conformance load`: a user with the settings of the command line."""

from __future__ import annotations

from tus_conformance.load.settings import require_settings
from tus_conformance.load.user import TusUser

_settings = require_settings()


class LoadUser(TusUser):
    """A user of the load that the command line describes."""

    host = _settings.target
    profile = _settings.profile
    upload_headers = dict(_settings.headers)  # noqa: RUF012  Locust reads it from the class
    network_timeout = _settings.timeout
