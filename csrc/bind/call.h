// What every bound function shares: its arguments by name, how to run, choices by name, and the call itself. Included
// by bind*.cpp only.
#pragma once
#include <algorithm>
#include <array>
#include <memory>
#include <type_traits>
#include <vector>

#include "convert.h"

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

// What Python calls: exceptions of C++ become Python's.
template <class Body>
PyObject *translated(const Body &body) {
  try {
    return body();
  } catch (py::error_already_set &error) {
    error.restore();
  } catch (...) {
    py::detail::try_translate_exceptions();
  }
  return nullptr;
}

// "op(input, ..., /, *, option, ...)": the inputs of a function by place, its options by name, all of them, so that
// defaults stand in attnrec.ops alone.
class Signature {
 public:
  explicit Signature(const char *text)
      : text_(text), doc_(text_ + "\n--\n\n"), name_(text_.substr(0, text_.find('('))) {
    std::size_t at = name_.size() + 1;
    while (at < text_.size()) {
      const std::size_t end = text_.find_first_of(",)", at);
      const std::string name = text_.substr(at, end - at);
      if (name == "/") n_inputs_ = static_cast<Py_ssize_t>(names_.size());
      if (name != "/" && name != "*") names_.push_back(PyUnicode_InternFromString(name.c_str()));
      at = end + 2;
    }
  }

  const char *name() const { return name_.c_str(); }
  const char *doc() const { return doc_.c_str(); }  // from which inspect.signature reads the names
  std::size_t size() const { return names_.size(); }

  // What was given, in the order of the signature.
  void arrange(PyObject *const *args, Py_ssize_t n_args, PyObject *given, py::handle *to) const {
    const Py_ssize_t n_given = given == nullptr ? 0 : PyTuple_GET_SIZE(given);
    if (n_args != n_inputs_) refuse("takes " + std::to_string(n_inputs_) + " inputs by place");
    for (Py_ssize_t i = 0; i < n_args; ++i) to[i] = args[i];
    for (Py_ssize_t i = 0; i < n_given; ++i) to[place(PyTuple_GET_ITEM(given, i), n_args + i)] = args[n_args + i];
    if (n_args + n_given == static_cast<Py_ssize_t>(size())) return;
    for (std::size_t i = 0; i < size(); ++i) {
      if (!to[i]) refuse(text("misses ", py::cast<std::string>(names_[i])));
    }
  }

 private:
  // A call of Python code names its options by the objects that are kept here, and mostly in this order.
  std::size_t place(PyObject *name, Py_ssize_t likely) const {
    if (likely < static_cast<Py_ssize_t>(size()) && names_[likely] == name) return static_cast<std::size_t>(likely);
    for (std::size_t i = static_cast<std::size_t>(n_inputs_); i < size(); ++i) {
      if (names_[i] == name || PyUnicode_Compare(names_[i], name) == 0) return i;
    }
    refuse(text("has no option ", py::cast<std::string>(name)));
  }

  [[noreturn]] void refuse(const std::string &why) const { throw py::type_error(text(name_, ": ", why, "; ", text_)); }

  std::string text_, doc_, name_;
  std::vector<PyObject *> names_;
  Py_ssize_t n_inputs_ = 0;
};

// A function of handles, bound with its signature and without pybind11, which looks for each option among all that were
// given, letter by letter: 13 of them would take longer than the rest of a small call's conversions.
template <auto Function>
struct Bound;

template <class Result, class... Handles, Result (*Function)(Handles...)>
struct Bound<Function> {
  static inline const Signature *signature = nullptr;
  static inline std::array<PyMethodDef, 2> methods{};

  static py::object wrapped(py::object x) { return x; }
  static py::object wrapped(double x) { return py::float_(x); }

  static PyObject *run(PyObject *, PyObject *const *args, Py_ssize_t n_args, PyObject *names) {
    return translated([&] {
      std::array<py::handle, sizeof...(Handles)> given{};
      signature->arrange(args, n_args, names, given.data());
      if constexpr (std::is_void_v<Result>) {
        std::apply(Function, given);
        return py::none().release().ptr();
      } else {
        return wrapped(std::apply(Function, given)).release().ptr();
      }
    });
  }
};

template <auto Function>
void bind(py::module_ &m, const char *text) {
  using It = Bound<Function>;
  It::signature = new Signature(text);  // stays: the interpreter refers to it
  It::methods[0] = {It::signature->name(), reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(It::run)),
                    METH_FASTCALL | METH_KEYWORDS, It::signature->doc()};
  if (PyModule_AddFunctions(m.ptr(), It::methods.data()) != 0) throw py::error_already_set();
}

// True or False, or what says by itself which of the two it is
inline bool as_flag(Arg arg, py::handle x) {
  py::detail::make_caster<bool> flag;
  if (!flag.load(x, true)) throw py::type_error(text(arg.text(), " is ", py::repr(x), "; give True or False"));
  return flag;
}

void bind_training(py::module_ &m);
void bind_search(py::module_ &m);
void bind_index_file(py::class_<PyIndex> &index);

}  // namespace attnrec
