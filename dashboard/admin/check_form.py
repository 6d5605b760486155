"""The form of a check: the keys that every check has, and the settings of its kind."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from checks.queries.definitions import CheckDefinition
from checks.queries.kinds import KindDescription, Setting, Shape
from checks.queries.secrets import MASK
from dashboard.admin.commanded import Fieldsets
from dashboard.admin.setting_fields import ABSENT, form_field, shown, written


def _common(
    name: str,
    title: str,
    description: str = "",
    shape: Shape = Shape.TEXT,
    *,
    default: Any = None,
    low: float | None = None,
    high: float | None = None,
) -> Setting:
    return Setting(
        name=name,
        title=title,
        description=description,
        shape=shape,
        required=False,
        default=default,
        choices=(),
        or_whole=False,
        secret=False,
        low=low,
        high=high,
    )


NAMING = (_common("name", gettext_noop("Name"), gettext_noop("The slug when empty.")),)
SCHEDULE = (
    _common(
        "interval",
        gettext_noop("Interval"),
        gettext_noop("Seconds between two probes, from 1 to 604800 (7 days)."),
        Shape.WHOLE,
        default=60,
        low=1,
        high=604_800,
    ),
    _common(
        "cron", gettext_noop("Cron"), gettext_noop("Instead of an interval: five fields, such as 0 3 * * *.")
    ),
    _common("timezone", gettext_noop("Time zone"), gettext_noop("Of the cron expression."), default="UTC"),
    _common(
        "timeout",
        gettext_noop("Timeout"),
        gettext_noop("Seconds that one attempt may take, from 0.1 to 120; 10 or the interval when empty."),
        Shape.NUMBER,
        low=0.1,
        high=120,
    ),
    _common(
        "retries",
        gettext_noop("Retries"),
        gettext_noop("Confirmation retries within the same slot, from 0 to 3."),
        Shape.WHOLE,
        default=0,
        low=0,
        high=3,
    ),
    _common(
        "location", gettext_noop("Location"), gettext_noop("Where it is probed from."), default="default"
    ),
)
JUDGING = (
    _common(
        "conditions",
        gettext_noop("Conditions"),
        gettext_noop("What must hold, such as [STATUS] == 200; down when one does not."),
        Shape.LIST,
    ),
    _common(
        "degraded_conditions",
        gettext_noop("Conditions for degraded"),
        gettext_noop("What should hold, such as [RESPONSE_TIME] < 800; degraded when one does not."),
        Shape.LIST,
    ),
    _common(
        "degraded_latency_ms",
        gettext_noop("Degraded latency, in ms"),
        gettext_noop("Slower answers are degraded; never when empty."),
        Shape.WHOLE,
        low=1,
        high=120_000,
    ),
    _common(
        "failure_threshold",
        gettext_noop("Failure threshold"),
        gettext_noop("Failures in a row before the check is down, from 1 to 100."),
        Shape.WHOLE,
        default=3,
        low=1,
        high=100,
    ),
    _common(
        "success_threshold",
        gettext_noop("Success threshold"),
        gettext_noop("Successes in a row before it is up again, from 1 to 100."),
        Shape.WHOLE,
        default=2,
        low=1,
        high=100,
    ),
)
ABOUT = (
    _common("group", gettext_noop("Group")),
    _common("tags", gettext_noop("Tags"), shape=Shape.LIST),
    _common("owner", gettext_noop("Owner"), gettext_noop("Who mends it.")),
    _common("description", gettext_noop("Description"), shape=Shape.LONG_TEXT),
    _common(
        "runbook_url", gettext_noop("Runbook"), gettext_noop("The address of what to do when it is down.")
    ),
    _common(
        "depends_on",
        gettext_noop("Depends on"),
        gettext_noop("Slugs of the checks without which this one cannot be up."),
        Shape.LIST,
    ),
)
REMOVE = "remove_"


class CheckForm(forms.Form):
    """
    A check's definition to be written, or an existing one to be changed.

    After `is_valid()`, `definition` holds the public keys; secrets that were left alone show the
    mask, for `checks.queries.secrets` to put back.
    """

    use_required_attribute = False

    def __init__(
        self, kind: KindDescription, existing: CheckDefinition | None = None, data: Any = None
    ) -> None:
        super().__init__(data, label_suffix="")
        self.kind = kind
        self.definition: dict[str, Any] = {}
        self._stored = dict(existing.definition) if existing else {}
        self._settings = (*NAMING, *kind.settings, *SCHEDULE, *JUDGING, *ABOUT)
        if existing is None:
            self.fields["slug"] = forms.CharField(
                label=_("Slug"),
                max_length=100,
                help_text=_("Its name in addresses, files and the log; cannot be changed later."),
                widget=forms.TextInput(attrs={"class": "vTextField"}),
            )
        self.fields["version"] = forms.IntegerField(
            initial=existing.version if existing else 0, widget=forms.HiddenInput
        )
        for setting in self._settings:
            self._add(setting)

    def fieldsets(self) -> Fieldsets:
        naming = ["slug"] if "slug" in self.fields else []
        return [
            (None, {"fields": ["version", *naming, *self._names(NAMING)]}),
            (self.kind.label, {"fields": self._names(self.kind.settings), "description": self.kind.summary}),
            (_("Schedule"), {"fields": self._names(SCHEDULE)}),
            (_("Judging"), {"fields": self._names(JUDGING)}),
            (_("About"), {"fields": self._names(ABOUT)}),
        ]

    def clean(self) -> dict[str, Any]:
        definition: dict[str, Any] = {"kind": self.kind.slug}
        for setting in self._settings:
            if setting.name not in self.cleaned_data:
                continue
            try:
                value = self._kept(setting) or written(setting, self.cleaned_data[setting.name])
            except ValidationError as error:
                self.add_error(setting.name, error)
                continue
            if value is not ABSENT:
                definition[setting.name] = value
        self.definition = definition
        return self.cleaned_data

    def _add(self, setting: Setting) -> None:
        stored = self._stored.get(
            setting.name, setting.default if setting.shape in (Shape.FLAG, Shape.CHOICE) else ""
        )
        kept = setting.secret and stored == MASK
        field = form_field(setting, kept=kept)
        if setting.name == "location":
            places = dict.fromkeys([*settings.LOCATIONS, str(stored or setting.default)])
            field = forms.ChoiceField(
                label=field.label,
                help_text=field.help_text,
                required=False,
                choices=[(place, place) for place in places],
            )
            stored = stored or setting.default
        field.initial = "" if kept else shown(setting, stored)
        self.fields[setting.name] = field
        if kept:
            self.fields[REMOVE + setting.name] = forms.BooleanField(
                label=_("Remove the stored secret: %(title)s") % {"title": _(setting.title)}, required=False
            )

    def _kept(self, setting: Setting) -> str:
        """The mask, where a stored secret is to stay."""
        offered = REMOVE + setting.name in self.fields
        if not offered or self.cleaned_data[setting.name] or self.cleaned_data[REMOVE + setting.name]:
            return ""
        return MASK

    def _names(self, some: tuple[Setting, ...]) -> list[str]:
        names = [name for setting in some for name in (setting.name, REMOVE + setting.name)]
        return [name for name in names if name in self.fields]
