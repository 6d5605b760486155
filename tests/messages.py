"""
The texts that people see, collected from code and templates, without GNU gettext.

`python -m tests.messages` brings the catalogues of dashboard/locale up to date and compiles them.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "dashboard" / "locale"
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),  # as Django's template tags with a context become
    "pgettext_lazy": ((1, "c"), 2),
}
HEADER = "# Breakwater's texts. `python -m tests.messages` brings this file up to date and compiles it."
COMMENTS = ("Translators:",)


def sources() -> Iterator[tuple[Path, bytes]]:
    """Every file with texts, as Python source: templates are made such by Django itself."""
    from django.utils.translation.template import templatize

    for folder in ("checks", "dashboard"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path, path.read_bytes()
    for path in sorted((ROOT / "templates").rglob("*.html")):
        lines = templatize(path.read_text(), origin=str(path)).splitlines()
        # Indentation means something to Python, and nothing here.
        yield path, "\n".join(line.strip() for line in lines).encode()


def collected() -> Catalog:
    catalog = Catalog(project="Breakwater", version="0.1", charset="utf-8")
    for path, source in sources():
        found = extract("python", io.BytesIO(source), KEYWORDS, COMMENTS, {"encoding": "utf-8"})
        for line, message, comments, context in found:
            place = (str(path.relative_to(ROOT)), line)
            flags = ["python-format"] if "%(" in str(message) else []
            catalog.add(message, None, [place], flags, auto_comments=comments, context=context)
    return catalog


def catalogue_of(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def read(language: str) -> Catalog:
    with catalogue_of(language).open("rb") as file:
        return read_po(file, locale=language)


def compiled(catalog: Catalog) -> bytes:
    target = io.BytesIO()
    write_mo(target, catalog)
    return target.getvalue()


def update(language: str) -> Catalog:
    """Bring one catalogue up to date: new texts come untranslated, old ones go."""
    path = catalogue_of(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    catalog = read(language) if path.exists() else Catalog(locale=language)
    created = catalog.creation_date  # kept, so that a run without news changes nothing
    catalog.update(collected(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    catalog.creation_date = created
    catalog.header_comment = HEADER
    catalog.fuzzy = False
    with path.open("wb") as file:
        write_po(file, catalog, width=100, sort_by_file=True, omit_header=False, include_lineno=False)
    path.with_suffix(".mo").write_bytes(compiled(catalog))
    return catalog


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    for folder in sorted(LOCALE.iterdir()):
        left = [message.id for message in update(folder.name) if message.id and not message.string]
        print(f"{folder.name}: {len(left)} texts left to translate")
