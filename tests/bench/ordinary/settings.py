"""What an ordinary project sets; SQLite in the mode that suits it best (see `run.py`)."""

from __future__ import annotations

import os

SECRET_KEY = "of the bench only"
INSTALLED_APPS = ["tests.bench.ordinary"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["ORDINARY_DATABASE"],
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
BROKER_URL = os.environ["ORDINARY_BROKER"]
INTERVAL_SECONDS = float(os.environ["ORDINARY_INTERVAL"])
TIMEOUT_SECONDS = float(os.environ["ORDINARY_TIMEOUT"])
