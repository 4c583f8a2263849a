"""Figures of quality: ranking, ratings and cold start, beside other libraries."""
