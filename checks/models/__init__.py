"""One file per table. Rows only: rules/ says what they mean, commands/ writes, queries/ reads."""

from checks.models.check import Check, CheckState
from checks.models.checkpoint import Checkpoint
from checks.models.event import Event
from checks.models.location import WorkerSign
from checks.models.result import Result
from checks.models.rollup import Rollup
from checks.models.status_page import StatusPage

__all__ = ["Check", "CheckState", "Checkpoint", "Event", "Result", "Rollup", "StatusPage", "WorkerSign"]
