from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Check(models.Model):
    """
    What is watched: the definition, changed by commands only.

    `definition` holds the public keys as they stand in ``checks.yaml`` (see rules.definition),
    placeholders unexpanded; the columns beside it are the parts that lists filter and sort by.
    """

    slug = models.CharField(_("slug"), max_length=100, unique=True)
    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=40)
    group = models.CharField(_("group"), max_length=200, blank=True)
    location = models.CharField(_("location"), max_length=60)
    definition = models.JSONField(_("definition"))
    source = models.CharField(_("source"), max_length=200)
    """Where it was defined: ``code``, ``admin``, or ``file:checks.yaml``."""
    set_by = models.CharField(_("set by"), max_length=200)
    """The actor of the last change."""
    version = models.PositiveIntegerField(_("version"))
    """The version of the stream ``check-<slug>`` that this row shows."""
    created_at = models.DateTimeField(_("created at"))
    updated_at = models.DateTimeField(_("updated at"))

    class Meta:
        verbose_name = _("check")
        verbose_name_plural = _("checks")
        ordering = ("group", "name", "slug")

    def __str__(self) -> str:
        return self.name


class CheckState(models.Model):
    """
    Where a check stands: its judged status, its schedule and its lease. Written in batches.

    A slot is claimed by setting `leased_slot`, `leased_until` and a new `fence`; a result counts
    only while both still match. `leased_slot` empty means that nobody is running the check.
    """

    check_ref = models.OneToOneField(
        Check, on_delete=models.CASCADE, primary_key=True, related_name="state", db_column="check_id"
    )
    location = models.CharField(max_length=60)
    paused = models.BooleanField(default=False)

    status = models.CharField(max_length=10, default="unknown")
    since = models.DateTimeField()
    failures = models.PositiveIntegerField(default=0)
    impaired = models.PositiveIntegerField(default=0)
    recoveries = models.PositiveIntegerField(default=0)
    successes = models.PositiveIntegerField(default=0)
    blameless = models.PositiveIntegerField(default=0)

    last_run_at = models.DateTimeField(null=True)
    last_ok_at = models.DateTimeField(null=True)
    last_verdict = models.CharField(max_length=10, blank=True)
    last_latency_ms = models.FloatField(null=True)
    last_output = models.TextField(blank=True)
    strip = models.CharField(max_length=60, blank=True)
    """One letter per recent slot, newest last; see rules.strip."""

    next_due_at = models.DateTimeField(null=True)
    """The next slot nobody has claimed; null while paused."""
    leased_slot = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True)
    leased_by = models.CharField(max_length=100, blank=True)
    fence = models.PositiveBigIntegerField(default=0)

    class Meta:
        indexes = (models.Index(fields=("location", "next_due_at"), name="checks_state_due"),)

    def __str__(self) -> str:
        return f"{self.pk}: {self.status}"
