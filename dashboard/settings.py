"""
Breakwater's settings, read once from the environment.

README lists every variable. What depends on more than one of them is judged by the start-up checks
in `dashboard.startup`.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from dashboard import env, log, secret_key

BASE_DIR = Path(__file__).resolve().parent.parent

# What is served, and where

DEBUG = env.flag("DEBUG")
DATA_DIR = env.folder("DATA_DIR", BASE_DIR / "data")
SECRET_KEY = env.secret("SECRET_KEY") or secret_key.kept_in(DATA_DIR / "secret_key")

HOST = env.text("HOST", "127.0.0.1")
PORT = env.whole_number("PORT", 8000, low=1, high=65_535)
BASE_URL = env.web_address("BASE_URL", f"http://{f'[{HOST}]' if ':' in HOST else HOST}:{PORT}")
BASE_HOST = urlsplit(BASE_URL).hostname or ""
SERVED_BY_TLS = BASE_URL.startswith("https:")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS") or [*{BASE_HOST: 1, "localhost": 1, "127.0.0.1": 1, "[::1]": 1}]
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS") or ([BASE_URL] if SERVED_BY_TLS else [])
PUBLIC_DASHBOARD = env.flag("PUBLIC_DASHBOARD")

# The labelled demo targets that `make run` starts beside the dashboard

DEMO = env.flag("DEMO")
DEMO_PORT = env.whole_number("DEMO_PORT", min(PORT + 1, 65_535), low=1, high=65_535)
DEMO_URL = f"http://127.0.0.1:{DEMO_PORT}"
if DEMO:
    os.environ["DEMO_URL"] = DEMO_URL  # checks.yaml names the targets by it

# Where things are kept

DATABASES = {"default": env.database("DATABASE_URL", f"sqlite:///{DATA_DIR / 'breakwater.sqlite3'}")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
BROKER_URL = env.secret("BROKER_URL", "memory://")
RESULT_RETENTION = env.days("RESULT_RETENTION_DAYS", 7)
MINUTE_RETENTION = env.days("MINUTE_RETENTION_DAYS", 3)
HOUR_RETENTION = env.days("HOUR_RETENTION_DAYS", 400)
DAY_RETENTION = env.days("DAY_RETENTION_DAYS", 1_830)

# How checks run

CHECKS_FILES = env.words("CHECKS_FILE")  # applied once, at the first start
LOCATIONS = env.words("LOCATIONS", "default")
EGRESS = env.choice("EGRESS", "lan", ("lan", "public", "list"))
EGRESS_ALLOW = env.words("EGRESS_ALLOW") + ([f"127.0.0.1:{DEMO_PORT}"] if DEMO else [])
MAX_PROBES_IN_FLIGHT = env.whole_number("MAX_PROBES_IN_FLIGHT", 500, low=1, high=10_000)
MAX_PROBES_PER_HOST = env.whole_number("MAX_PROBES_PER_HOST", 100, low=1, high=10_000)

# Django

ROOT_URLCONF = "dashboard.urls"
WSGI_APPLICATION = "dashboard.wsgi.application"
ASGI_APPLICATION = "dashboard.asgi.application"

INSTALLED_APPS = [
    "dashboard.apps.DashboardConfig",
    "checks.apps.ChecksConfig",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "django_htmx",
    "ninja",
    "template_partials",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "dashboard.unreadable.refuse_unreadable",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            # As in Django 6, where partials need no {% load %}.
            "builtins": ["template_partials.templatetags.partials"],
        },
    },
]

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"

# Languages and times: stored in UTC, shown in TIME_ZONE

LANGUAGE_CODE = env.choice("LANGUAGE_CODE", "en", ("en", "ru"))
LANGUAGES = [("en", _("English")), ("ru", _("Russian"))]
LOCALE_PATHS = [BASE_DIR / "dashboard" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.time_zone("TIME_ZONE", "UTC")

# Static files: served from where they lie, so there is no step to forget

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

# Safety

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "connect-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    },
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SERVED_BY_TLS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440  # bytes

# Logs

LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOG_FORMAT = env.choice("LOG_FORMAT", "text", ("text", "json"))
LOGGING = log.logging_settings(LOG_LEVEL, LOG_FORMAT)
