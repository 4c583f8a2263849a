// What every bound function shares: how to run, choices by name, and the call itself. Included by bind*.cpp only.
#pragma once
#include <algorithm>
#include <memory>

#include "convert.h"
#include "named.h"

namespace attnrec {

constexpr int64_t kMaxThreads = 4096;
const std::initializer_list<const char *> kPrecisions = {"auto", "float32", "int8"};

inline int poll_signals(void *) {
  const py::gil_scoped_acquire gil;
  return PyErr_CheckSignals();
}

inline attnrec_run run_of(const char *op, py::handle check_finite, py::handle num_threads, py::handle memory_budget) {
  attnrec_run run{};
  run.size = sizeof(run);
  run.num_threads = static_cast<int>(std::min<int64_t>(as_positive({op, "num_threads"}, num_threads), kMaxThreads));
  run.memory_budget = as_positive({op, "memory_budget"}, memory_budget);
  run.skip_finite_check = PyObject_IsTrue(check_finite.ptr()) == 0 ? 1 : 0;
  run.poll = poll_signals;
  return run;
}

template <class Call>
void call(const Call &op) {
  attnrec_status status = ATTNREC_OK;
  {
    const py::gil_scoped_release release;
    status = op();
  }
  raise_on(status);
}

// The place of x among names
template <class Enum>
Enum choice(Arg arg, py::handle x, std::initializer_list<const char *> names) {
  std::string all;
  int at = 0;
  for (const char *name : names) {
    if (py::isinstance<py::str>(x) && x.cast<std::string>() == name) return static_cast<Enum>(at);
    all += text(all.empty() ? "\"" : ", \"", name, "\"");
    ++at;
  }
  throw py::value_error(text(arg.text(), " is ", std::string(py::repr(x)), "; choose one of ", all));
}

inline float *floats(py::array &x) { return static_cast<float *>(x.mutable_data()); }

// One float for each of n things, if given; returns what keeps them alive.
inline py::object floats_into(Arg arg, py::handle given, int64_t n, const char *what, const float *&data) {
  if (given.is_none()) return py::none();
  const py::array x = py::module_::import("numpy").attr("ascontiguousarray")(as_float(arg, given));
  if (x.ndim() != 1 || x.shape(0) != n) {
    throw py::value_error(text(arg.text(), " ", shape_text(x), " does not fit the ", std::to_string(n), " ", what,
                               "; give one number for each"));
  }
  data = static_cast<const float *>(x.data());
  return x;
}

// Ids or a mask, if given; returns what keeps them alive.
inline py::object ids_into(Arg arg, py::handle given, int64_t n, const int64_t *&ids, int64_t &count) {
  if (given.is_none()) return py::none();
  const auto x = as_ids(arg, given, n);
  ids = x.data();
  count = x.size();
  return x;
}

// True or False, or what says by itself which of the two it is
inline bool as_flag(Arg arg, py::handle x) {
  py::detail::make_caster<bool> flag;
  if (!flag.load(x, true))
    throw py::type_error(text(arg.text(), " is ", std::string(py::repr(x)), "; give True or False"));
  return flag;
}

void bind_training(py::module_ &m);
void bind_search(py::module_ &m);
void bind_index_file(py::class_<PyIndex> &index);

}  // namespace attnrec
