from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class StatusPage(models.Model):
    """A public page: a title and ordered sections of checks. Changed by commands only."""

    slug = models.SlugField(_("address"), max_length=60, unique=True)
    title = models.CharField(_("title"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    sections = models.JSONField(_("sections"))
    """[{title, checks: [slug, …]}]; the public name of a check is its name."""
    source = models.CharField(_("source"), max_length=200)
    set_by = models.CharField(_("set by"), max_length=200)
    version = models.PositiveIntegerField(_("version"))
    updated_at = models.DateTimeField(_("updated at"))

    class Meta:
        verbose_name = _("status page")
        verbose_name_plural = _("status pages")
        ordering = ("title",)

    def __str__(self) -> str:
        return self.title
