# For `cimport` only: nothing to call from Python.
