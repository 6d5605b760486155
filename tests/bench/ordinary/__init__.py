"""
(c) The ordinary way: a small Django project as it is written every day.

Beat enqueues one Celery task per check every ten seconds; two prefork workers take them from Redis,
ask with `requests.get`, and store one row each through the ORM.
"""
