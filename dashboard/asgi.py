"""The whole of the web for an ASGI server: `uvicorn dashboard.asgi:application`."""

from a2wsgi import WSGIMiddleware

from dashboard.wsgi import application as wsgi

# That has set Django up, which the following needs.
# isort: split
from dashboard.api.prerendered import PrerenderedStatus
from dashboard.front import Front, Streams
from dashboard.limits import RequestLimits
from dashboard.live.stream import app as live_stream

PAGE_THREADS = 8  # each may hold one database connection

pages = RequestLimits(WSGIMiddleware(wsgi, workers=PAGE_THREADS))
application = Front(Streams(live_stream), PrerenderedStatus(), pages)
