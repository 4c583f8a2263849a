"""Linear algebra of the estimators: kernels over rows, small systems, inverses, conjugate gradients."""
