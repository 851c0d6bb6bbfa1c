"""drf-tus on a folder, with SQLite and served by waitress: python app.py PORT FOLDER."""

import sys

import django
import waitress
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

port, folder = sys.argv[1:]
settings.configure(
    ALLOWED_HOSTS=["*"],
    BASE_DIR=folder,
    MEDIA_ROOT=folder,
    SECRET_KEY="peer",  # noqa: S106  it protects nothing here
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "rest_framework",
        "rest_framework_tus",
    ],
    MIDDLEWARE=["rest_framework_tus.middleware.TusMiddleware"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{folder}/db"}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    DATA_UPLOAD_MAX_MEMORY_SIZE=None,
)
django.setup()
call_command("migrate", verbosity=0)

from django.urls import include, path  # noqa: E402  Django wants its settings first

urlpatterns = [path("", include("rest_framework_tus.urls", namespace="rest_framework_tus"))]
waitress.serve(get_wsgi_application(), host="127.0.0.1", port=int(port), threads=8)
