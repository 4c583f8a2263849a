"""The contract of all estimators: fit, recommend, predict, explain, update, tune, save."""
