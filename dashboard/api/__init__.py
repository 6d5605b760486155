"""The JSON interface. Reading only; one file per topic, put together in `urls`."""
