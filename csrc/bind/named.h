// Functions of Python with inputs by place and options by name, and their signatures. Included by bind*.cpp only.
#pragma once
#include <array>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "convert.h"

namespace attnrec {

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
    if (n_args != n_inputs_) refuse(std::to_string(n_args) + " inputs by place");
    for (Py_ssize_t i = 0; i < n_args; ++i) to[i] = args[i];
    for (Py_ssize_t i = 0; i < n_given; ++i) to[place(PyTuple_GET_ITEM(given, i), n_args + i)] = args[n_args + i];
    if (n_args + n_given == static_cast<Py_ssize_t>(size())) return;
    for (std::size_t i = 0; i < size(); ++i) {
      if (!to[i]) refuse(text(py::cast<std::string>(names_[i]), " is missing"));
    }
  }

 private:
  // A call of Python code names its options by the objects that are kept here, and mostly in this order.
  std::size_t place(PyObject *name, Py_ssize_t likely) const {
    if (likely < static_cast<Py_ssize_t>(size()) && names_[likely] == name) return static_cast<std::size_t>(likely);
    for (std::size_t i = static_cast<std::size_t>(n_inputs_); i < size(); ++i) {
      if (names_[i] == name || PyUnicode_Compare(names_[i], name) == 0) return i;
    }
    refuse(text("there is no option ", py::cast<std::string>(name)));
  }

  [[noreturn]] void refuse(const std::string &why) const {
    throw py::type_error(text(name_, ": ", why, "; give ", text_));
  }

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

}  // namespace attnrec
