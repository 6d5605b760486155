"""Errors as JSON: ``{error: {code, message, problems: [{where, message}]}}``, whatever went wrong."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI, Schema
from ninja.errors import HttpError, ValidationError

from checks.errors import BreakwaterError, Conflict, InvalidInput, NotFound, Problem

log = logging.getLogger(__name__)

STATUS: dict[type[BreakwaterError], tuple[int, str]] = {
    InvalidInput: (422, "invalid_input"),
    NotFound: (404, "not_found"),
    Conflict: (409, "conflict"),
}


class ProblemDocument(Schema):
    where: str
    message: str


class ErrorDetail(Schema):
    code: str
    message: str
    problems: list[ProblemDocument]


class ErrorDocument(Schema):
    """What every answer but a good one looks like."""

    error: ErrorDetail


def error_response(
    status: int,
    code: str,
    message: str,
    problems: Iterable[Problem] = (),
    headers: dict[str, str] | None = None,
) -> HttpResponse:
    document = error_document(code, message, problems)
    return HttpResponse(
        json.dumps(document), status=status, content_type="application/json", headers=headers or {}
    )


def error_document(code: str, message: str, problems: Iterable[Problem] = ()) -> dict[str, Any]:
    """The shape of every error, as `ErrorDocument` describes it."""
    return {
        "error": {
            "code": code,
            "message": message,
            "problems": [{"where": problem.where, "message": problem.message} for problem in problems],
        }
    }


def refuse_unknown_parameters(request: HttpRequest, known: Iterable[str]) -> None:
    """
    A misspelt filter would silently ask for everything, and an alert on it would never fire.

    Raises:
        InvalidInput: For each parameter that is not known.
    """
    names = sorted(known)
    unknown = sorted(set(request.GET) - set(names))
    if unknown:
        right = f"known are {', '.join(names)}" if names else "this address takes none"
        raise InvalidInput(Problem(f"query.{name}", f"unknown parameter; {right}") for name in unknown)


def install(api: NinjaAPI) -> None:
    """Make `api` answer every exception as this module says."""
    handlers: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
        BreakwaterError: _ours,
        ValidationError: _malformed,
        HttpError: _by_status,
        Http404: _not_found,
        Exception: _unforeseen,
    }
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)


def _ours(request: HttpRequest, error: BreakwaterError) -> HttpResponse:
    status, code = next(
        (found for kind, found in STATUS.items() if isinstance(error, kind)), (400, "refused")
    )
    if isinstance(error, InvalidInput):
        return error_response(status, code, "The request cannot be accepted.", error.problems)
    return error_response(status, code, str(error))


def _malformed(request: HttpRequest, error: ValidationError) -> HttpResponse:
    problems = [Problem(_place(found["loc"]), found["msg"]) for found in error.errors]
    return error_response(422, "invalid_input", "The request cannot be accepted.", problems)


def _place(location: Iterable[str | int]) -> str:
    """``query.status.0``; Ninja says the first part twice where a parameter is called like its source."""
    return ".".join(part for part, _ in groupby(map(str, location)))


def _by_status(request: HttpRequest, error: HttpError) -> HttpResponse:
    return error_response(error.status_code, "refused", error.message)


def _not_found(request: HttpRequest, error: Http404) -> HttpResponse:
    return error_response(404, "not_found", "There is nothing at this address.")


def _unforeseen(request: HttpRequest, error: Exception) -> HttpResponse:
    log.error("api request failed: %s %s", request.method, request.path, exc_info=error)
    return error_response(500, "internal_error", "Breakwater failed to answer; its log says why.")
