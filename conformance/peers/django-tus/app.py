"""django-tus on a folder, served by waitress: python app.py PORT FOLDER."""

import sys
from pathlib import Path

import django
import waitress
from django.conf import settings
from django.core.wsgi import get_wsgi_application

port, folder = sys.argv[1:]
for name in ("unfinished", "completed"):
    (Path(folder) / name).mkdir(exist_ok=True)
settings.configure(
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="peer",  # noqa: S106  it protects nothing here
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django_tus"],
    DATA_UPLOAD_MAX_MEMORY_SIZE=None,
    TUS_UPLOAD_DIR=f"{folder}/unfinished",
    TUS_DESTINATION_DIR=f"{folder}/completed",
)
django.setup()

from django.urls import path  # noqa: E402  Django wants its settings first
from django_tus.views import TusUpload  # noqa: E402

urlpatterns = [
    path("files/", TusUpload.as_view()),
    path("files/<uuid:resource_id>", TusUpload.as_view()),
]
waitress.serve(get_wsgi_application(), host="127.0.0.1", port=int(port), threads=8)
