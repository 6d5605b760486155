"""
The admin: checks and status pages changed through commands, the log to read.

Django's own writes are shut off here (see `commanded`): a change that goes round the commands
would leave no event.
"""

from __future__ import annotations

import django_celery_beat.admin
from django.contrib import admin
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from dashboard.admin import checks, events, pages
from dashboard.brake import AdminSignInForm

__all__ = ["checks", "django_celery_beat", "events", "pages"]

admin.site.login_form = AdminSignInForm

# Beat knows only our own periodic tasks, and what it needs is written at start; edited by hand, it stops.
admin.site.unregister([ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule])
