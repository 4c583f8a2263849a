"""What callers pass to an estimator, checked: histories as CSR, ids, dislikes, the rating scale."""
