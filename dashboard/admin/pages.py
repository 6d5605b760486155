"""Public status pages in the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from checks.commands.pages import DefineStatusPage, RemoveStatusPage
from checks.models import StatusPage
from checks.queries.definitions import PageDefined, PageSection, page_definition_of
from dashboard.admin.commanded import SOURCE, Fieldsets, SourcedAdmin


class PageForm(forms.Form):
    """A status page. Sections are written as text: it is quick, and it works everywhere."""

    use_required_attribute = False

    slug = forms.CharField(
        label=gettext_lazy("Address"),
        help_text=gettext_lazy("The page stands at /status/ADDRESS/; cannot be changed later."),
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    title = forms.CharField(
        label=gettext_lazy("Title"), widget=forms.TextInput(attrs={"class": "vTextField"})
    )
    description = forms.CharField(
        label=gettext_lazy("Description"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
    )
    sections = forms.CharField(
        label=gettext_lazy("Sections"),
        required=False,
        help_text=gettext_lazy(
            "A title with a colon at its end; below it the slugs of its checks, one a line, "
            "or one line such as group: Payments or tag: public."
        ),
        widget=forms.Textarea(attrs={"rows": 12, "class": "vLargeTextField bw-mono", "spellcheck": "false"}),
    )
    version = forms.IntegerField(initial=0, widget=forms.HiddenInput)

    def __init__(self, existing: PageDefined | None = None, data: Any = None) -> None:
        super().__init__(data, label_suffix="")
        if existing is not None:
            del self.fields["slug"]
            self.initial = {
                "title": existing.title,
                "description": existing.description,
                "sections": _as_text(existing),
                "version": existing.version,
            }

    def fieldsets(self) -> Fieldsets:
        return [(None, {"fields": [name for name in ("version", *self.fields) if name in self.fields]})]

    def clean_sections(self) -> list[dict[str, Any]]:
        """The text as the definition has it."""
        sections: list[dict[str, Any]] = []
        for line in filter(None, map(str.strip, self.cleaned_data["sections"].splitlines())):
            key, colon, value = (part.strip() for part in line.partition(":"))
            if colon and not value:
                sections.append({"title": key} if key else {})
                continue
            if not sections:
                sections.append({})
            if colon:
                sections[-1][key] = value
            else:
                sections[-1].setdefault("checks", []).append(line)
        return sections

    def definition(self) -> dict[str, Any]:
        keys = ("title", "description", "sections")
        return {key: self.cleaned_data[key] for key in keys if self.cleaned_data[key]}


@admin.register(StatusPage)
class StatusPageAdmin(SourcedAdmin):
    list_display = ("title", "slug", "source", "set_by", "updated_at")
    search_fields = ("slug", "title")
    change_form_template = "admin/checks/statuspage/change_form.html"

    def stream_of(self, obj: Model) -> str:
        return f"page-{obj.slug}"

    def view_on_site(self, page: StatusPage) -> str:
        return f"/status/{page.slug}/"

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = PageForm(data=request.POST or None)
        if form.is_valid() and self._define(request, form, form.cleaned_data["slug"]):
            return self.after_saving(request, form.cleaned_data["slug"], form.cleaned_data["title"])
        return self.form_page(request, form, form.fieldsets(), _("Add a status page"))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        page = self.found(request, object_id)
        if isinstance(page, HttpResponse):
            return page
        if request.method == "POST" and not self.has_change_permission(request, page):
            raise PermissionDenied
        form = PageForm(page_definition_of(page.slug), request.POST or None)
        if form.is_valid() and self._define(request, form, page.slug):
            return self.after_saving(request, page.slug, form.cleaned_data["title"])
        return self.form_page(request, form, form.fieldsets(), _("Change status page"), page)

    def delete_model(self, request: HttpRequest, obj: StatusPage) -> None:
        self.do(request, RemoveStatusPage(slug=obj.slug))

    def _define(self, request: HttpRequest, form: PageForm, slug: str) -> bool:
        command = DefineStatusPage(
            slug=slug,
            definition=form.definition(),
            source=SOURCE,
            expected_version=form.cleaned_data["version"],
        )
        return self.attempt(request, form, command)


def _as_text(page: PageDefined) -> str:
    return "\n\n".join("\n".join(_lines(section)) for section in page.sections)


def _lines(section: PageSection) -> list[str]:
    chosen = {"group": section.group, "tag": section.tag}
    by = [f"{key}: {value}" for key, value in chosen.items() if value]
    return [f"{section.title}:", *section.checks, *by]
