"""What Breakwater costs, in ratios from one run on this machine: ``python -m tests.bench``."""
