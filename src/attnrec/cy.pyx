# cython: language_level=3, freethreading_compatible=True
# Hands the table of the C interface to Cython code; the table itself lives in attnrec._core.
from cpython.pycapsule cimport PyCapsule_Import

cdef const attnrec_api *_api = <const attnrec_api *> PyCapsule_Import("attnrec._core.api", 0)

if _api.abi_version != 1:
    raise ImportError("attnrec.cy was built for another version of the C interface; reinstall attnrec")


cdef const attnrec_api *api() noexcept nogil:
    return _api
