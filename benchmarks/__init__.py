"""`python -m benchmarks.speed.NAME` for time and memory, `python -m benchmarks.quality.NAME` for quality."""
