"""The read door: functions that return small frozen rows, never model instances."""
