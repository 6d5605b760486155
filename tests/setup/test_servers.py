"""The servers that other tests stand on."""

import psycopg
import redis


def test_postgres_url__answers_queries(postgres_url):
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_redis_url__keeps_a_value(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        client.set("breakwater", "here")
        assert client.get("breakwater") == b"here"
