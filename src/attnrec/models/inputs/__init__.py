"""Checked inputs of estimators: histories as CSR, ids, dislikes, the rating range."""
