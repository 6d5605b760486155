"""Space in use on a file system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import psutil
from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _
from pydantic import AfterValidator, Field

from checks.errors import CheckError
from checks.kinds.base import Kind, Probing, kind
from checks.kinds.blocking import in_thread
from checks.kinds.fields import Amount, Line, OptionalAmount
from checks.rules.limit import judge_usage
from checks.rules.outcome import Outcome


def _absolute(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError(f"{path!r} is not absolute: it must begin with /")
    return path


@kind("disk")
@dataclass(frozen=True, kw_only=True)
class Disk(Kind):
    label = gettext_lazy("Disk")
    summary = gettext_lazy("Up while the space in use stays below its limit.")
    icon: ClassVar[str] = "disk"
    placeholders: ClassVar[frozenset[str]] = frozenset({"RESPONSE_TIME"})

    path: Annotated[
        Line,
        AfterValidator(_absolute),
        Field(min_length=1, title=_("Path"), description=_("A folder on it, on the worker's machine.")),
    ] = "/"
    limit: Annotated[
        Amount,
        Field(title=_("Limit"), description=_('Down from here on: "90%", "500GiB", or bytes.')),
    ] = "95%"
    degraded_limit: Annotated[
        OptionalAmount,
        Field(title=_("Degraded limit"), description=_("Degraded from this much in use; may be left out.")),
    ] = ""

    async def probe(self, probing: Probing) -> Outcome:
        try:
            usage = await in_thread(psutil.disk_usage, self.path)
        except OSError as error:
            raise CheckError(f"{self.path} cannot be read: {error.strerror}") from error
        # As df counts it: what only root may fill is not part of the whole.
        return judge_usage(self.path, usage.used, usage.used + usage.free, self.limit, self.degraded_limit)

    def target(self) -> str:
        return self.path
