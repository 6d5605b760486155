"""What Breakwater exists for, as pure functions and tables: no Django, no I/O, no clock, no chance."""
