// Python objects to views of the C interface, and its statuses to exceptions. Included by bind*.cpp only.
#pragma once
#include <attnrec/attnrec.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <new>
#include <optional>
#include <string>

namespace attnrec {

namespace py = pybind11;

inline const attnrec_api &api() { return *attnrec_get_api(); }

// A handle on items packed by the C interface.
class PyIndex {
 public:
  explicit PyIndex(attnrec_index *index) : index_(index) {}
  PyIndex(const PyIndex &) = delete;
  ~PyIndex() { api().index_free(index_); }
  const attnrec_index *get() const { return index_; }
  std::pair<int64_t, int64_t> shape() const {
    int64_t n = 0;
    int64_t d = 0;
    api().index_shape(index_, &n, &d);
    return {n, d};
  }

 private:
  attnrec_index *index_;
};

template <class... Parts>
std::string text(const Parts &...parts) {
  std::string out;
  ((out += parts), ...);
  return out;
}

inline void raise_on(attnrec_status status) {
  if (status == ATTNREC_OK) return;
  const std::string message = api().last_error();
  if (status == ATTNREC_INVALID) throw py::value_error(message);
  if (status == ATTNREC_NO_MEMORY) {
    PyErr_SetString(PyExc_MemoryError, message.c_str());
    throw py::error_already_set();
  }
  if (status == ATTNREC_CANCELLED && PyErr_Occurred() != nullptr) throw py::error_already_set();
  throw std::runtime_error(message);
}

struct Arg {
  const char *op, *name;
  std::string text() const { return std::string(op) + ": " + name; }
};

inline std::string shape_text(const py::array &x) { return py::str(x.attr("shape")); }

// Any array-like, not yet converted: read where the Python side reads them too.
inline py::array as_array(Arg arg, py::handle x) {
  constexpr char of_packages = 'V';  // dtypes that packages add to NumPy, such as bfloat16
  if (py::isinstance<py::array>(x)) {
    const auto given = py::reinterpret_borrow<py::array>(x);
    if (given.dtype().kind() != of_packages) return given;
  }
  return py::module_::import("attnrec._util.arraylike").attr("as_numpy")(x, arg.text());
}

// Whether x has the native dtype of T; two dtype objects may be equal without being one.
template <class T>
bool has_dtype(const py::array &x) {
  const py::dtype wanted = py::dtype::of<T>();
  return x.dtype().is(wanted) || x.dtype().equal(wanted);
}

inline bool is_plain_float(const py::array &x) {
  return x.dtype().is(py::dtype::of<float>()) &&
         (py::detail::array_proxy(x.ptr())->flags & py::detail::npy_api::NPY_ARRAY_ALIGNED_) != 0;
}

// float32, native and aligned: itself, or a converted copy. Values too large become infinite and are found later.
inline py::array as_float(Arg arg, py::handle given) {
  if (py::isinstance<py::array>(given)) {
    const auto same = py::reinterpret_borrow<py::array>(given);
    if (is_plain_float(same)) return same;
  }
  py::array x = as_array(arg, given);
  if (is_plain_float(x)) return x;
  const char kind = x.dtype().kind();
  if (std::string("biuf").find(kind) == std::string::npos) {
    throw py::type_error(text(arg.text(), " has dtype ", std::string(py::str(x.dtype())),
                              ", which is not real; give numbers that convert to float32"));
  }
  const py::module_ np = py::module_::import("numpy");
  const py::object quiet = np.attr("errstate")(py::arg("over") = "ignore");
  quiet.attr("__enter__")();
  const py::object converted = np.attr("require")(x, py::dtype::of<float>(), "A");
  quiet.attr("__exit__")(py::none(), py::none(), py::none());
  return converted;
}

// Integers as int64 without gaps; a boolean mask of length `mask_length` (if given) as the ids it selects.
inline py::array_t<int64_t> as_ids(Arg arg, py::handle given, std::optional<int64_t> mask_length = std::nullopt) {
  py::array x = as_array(arg, given);
  if (x.ndim() != 1) throw py::value_error(text(arg.text(), " has shape ", shape_text(x), "; give a list of ids"));
  const char kind = x.dtype().kind();
  if (kind == 'b' && mask_length.has_value()) {
    if (x.shape(0) != *mask_length) {
      throw py::value_error(text(arg.text(), " is a mask of ", std::to_string(x.shape(0)), " for ",
                                 std::to_string(*mask_length), " items; give one value for each item"));
    }
    return py::module_::import("numpy").attr("flatnonzero")(x);
  }
  if (!has_dtype<int64_t>(x)) {
    x = py::module_::import("attnrec._util.arraylike").attr("as_integers")(x, arg.text(), "ids are integers");
  }
  return py::array_t < int64_t, py::array::c_style | py::array::forcecast > ::ensure(x);
}

inline bool is_sparse(py::handle x) {
  return !py::isinstance<py::array>(x) && py::hasattr(x, "indptr") && py::hasattr(x, "indices");
}

// One matrix in any form, with what it borrows from kept alive.
class Operand {
 public:
  enum class Rank { kMatrix, kVectorToo };

  Operand(Arg arg, py::handle x, Rank rank = Rank::kMatrix, bool pattern_only = false) {
    if (py::isinstance<py::array>(x)) {  // first: the rest costs failed look-ups of attributes
      dense(arg, x, rank);
    } else if (py::isinstance<PyIndex>(x)) {
      keep_ = py::reinterpret_borrow<py::object>(x);
      view_.index = x.cast<const PyIndex &>().get();
    } else if (is_sparse(x)) {
      sparse(arg, x, rank, pattern_only);
    } else if (py::hasattr(x, "tocsr")) {
      sparse(arg, x.attr("tocsr")(), rank, pattern_only);
    } else {
      dense(arg, x, rank);
    }
  }
  Operand(const Operand &) = delete;

  const attnrec_operand *get() const { return &view_; }
  const attnrec_matrix &matrix() const { return dense_; }
  const attnrec_csr *csr() const { return view_.csr; }
  bool is_vector() const { return is_vector_; }
  int64_t rows() const {
    return view_.dense != nullptr ? dense_.rows
           : view_.csr != nullptr ? csr_.rows
                                  : keep_.cast<const PyIndex &>().shape().first;
  }
  int64_t cols() const {
    return view_.dense != nullptr ? dense_.cols
           : view_.csr != nullptr ? csr_.cols
                                  : keep_.cast<const PyIndex &>().shape().second;
  }

 private:
  void dense(Arg arg, py::handle x, Rank rank) {
    const py::array a = as_float(arg, x);
    keep_ = a;
    is_vector_ = a.ndim() == 1 && rank == Rank::kVectorToo;
    if (a.ndim() != 2 && !is_vector_) {
      throw py::value_error(text(arg.text(), " has shape ", shape_text(a), "; give a matrix",
                                 rank == Rank::kVectorToo ? " (a row each) or one vector" : " with a row each"));
    }
    constexpr int64_t size = sizeof(float);
    const auto *data = static_cast<const float *>(a.data());
    dense_ = is_vector_ ? attnrec_matrix{data, 1, a.shape(0), a.shape(0), a.strides(0) / size}
                        : attnrec_matrix{data, a.shape(0), a.shape(1), a.strides(0) / size, a.strides(1) / size};
    view_.dense = &dense_;
  }

  void sparse(Arg arg, const py::handle &given, Rank rank, bool pattern_only) {
    py::object x = py::reinterpret_borrow<py::object>(given);
    if (py::hasattr(x, "format") && std::string(py::str(x.attr("format"))) != "csr") x = x.attr("tocsr")();
    auto shape = x.attr("shape").cast<std::vector<int64_t>>();
    is_vector_ = shape.size() == 1 && (rank == Rank::kVectorToo || pattern_only);
    if (is_vector_) shape.insert(shape.begin(), 1);
    if (shape.size() != 2) {
      throw py::value_error(text(arg.text(), " has shape ", std::string(py::str(x.attr("shape"))),
                                 "; give a matrix with a row each, which reshape(1, -1) makes of one row"));
    }
    const auto indptr = as_ids({arg.op, arg.name}, x.attr("indptr"));
    const py::array indices_given = as_array(arg, x.attr("indices"));
    if (indptr.size() != shape[0] + 1) {
      throw py::value_error(text(arg.text(), ".indptr has ", std::to_string(indptr.size()), " entries for ",
                                 std::to_string(shape[0]), " rows; a CSR matrix has one more than rows"));
    }
    const int64_t nnz = *indptr.data(shape[0]);
    if (nnz < 0 || nnz > indices_given.size()) {
      throw py::value_error(text(arg.text(), ".indptr ends with ", std::to_string(nnz), " but there are ",
                                 std::to_string(indices_given.size()), " indices"));
    }
    const py::array indices = narrowed(arg, indices_given);
    csr_ = {indptr.data(), static_cast<const int32_t *>(indices.data()), nullptr, shape[0], shape[1]};
    py::object keep_data = py::none();
    if (!pattern_only) {
      const py::array data = contiguous(as_float(arg, x.attr("data")));
      if (nnz > data.size()) {
        throw py::value_error(
            text(arg.text(), " has ", std::to_string(data.size()), " values for ", std::to_string(nnz), " entries"));
      }
      csr_.data = static_cast<const float *>(data.data());
      keep_data = data;
    }
    keep_ = py::make_tuple(indptr, indices, keep_data);
    view_.csr = &csr_;
  }

  static py::array contiguous(const py::array &x) { return py::module_::import("numpy").attr("ascontiguousarray")(x); }

  // Column indices as int32; those past its range are past every shape and become -1, which the check names.
  static py::array narrowed(Arg arg, const py::array &x) {
    if (has_dtype<int32_t>(x)) return contiguous(x);
    const py::array_t<int64_t> wide = as_ids(arg, x);
    py::array_t<int32_t> out(wide.size());
    const int64_t *from = wide.data();
    int32_t *to = out.mutable_data();
    for (py::ssize_t i = 0; i < wide.size(); ++i) {
      to[i] = from[i] < 0 || from[i] > INT32_MAX ? -1 : static_cast<int32_t>(from[i]);
    }
    return out;
  }

  attnrec_operand view_{};
  attnrec_matrix dense_{};
  attnrec_csr csr_{};
  bool is_vector_ = false;
  py::object keep_;
};

// exclude and include: only the pattern counts; None is null.
class Pattern {
 public:
  Pattern(Arg arg, py::handle x) {
    if (x.is_none()) return;
    if (!py::hasattr(x, "tocsr") && !is_sparse(x)) {
      throw py::type_error(arg.text() + " is not a sparse matrix; give a scipy.sparse CSR matrix or array");
    }
    operand_.emplace(arg, x, Operand::Rank::kMatrix, true);
  }
  const attnrec_csr *get() const { return operand_.has_value() ? operand_->csr() : nullptr; }

 private:
  std::optional<Operand> operand_;
};

// A new array, or the caller's once it is what is needed.
template <class T>
py::array output(Arg arg, py::handle out, const std::vector<py::ssize_t> &shape) {
  if (out.is_none()) {
    py::ssize_t bytes = sizeof(T);
    for (const py::ssize_t n : shape) {
      if (__builtin_mul_overflow(bytes, std::max<py::ssize_t>(1, n), &bytes)) throw std::bad_alloc();
    }
    return py::array_t<T>(shape);
  }
  if (!py::isinstance<py::array>(out)) throw py::type_error(arg.text() + " is not a numpy array");
  auto x = py::reinterpret_borrow<py::array>(out);
  const std::string wanted = text(" has to be a writeable C-contiguous ", std::string(py::str(py::dtype::of<T>())),
                                  " array of shape ", std::string(py::str(py::tuple(py::cast(shape)))), "; ");
  if (!has_dtype<T>(x)) throw py::type_error(text(arg.text(), wanted, "it is ", std::string(py::str(x.dtype()))));
  bool fits = x.ndim() == static_cast<py::ssize_t>(shape.size());
  for (std::size_t i = 0; fits && i < shape.size(); ++i) fits = x.shape(static_cast<py::ssize_t>(i)) == shape[i];
  if (!fits) throw py::value_error(text(arg.text(), wanted, "it has shape ", shape_text(x)));
  const int flags = py::detail::array_proxy(x.ptr())->flags;
  if ((flags & py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_) == 0)
    throw py::value_error(text(arg.text(), wanted, "it is strided"));
  if ((flags & py::detail::npy_api::NPY_ARRAY_ALIGNED_) == 0)
    throw py::value_error(text(arg.text(), wanted, "it is not aligned"));
  if (!x.writeable()) throw py::value_error(text(arg.text(), wanted, "it is read-only"));
  return x;
}

inline int64_t as_integer(Arg arg, py::handle x) {
  if (PyBool_Check(x.ptr()) || PyIndex_Check(x.ptr()) == 0) {
    throw py::type_error(text(arg.text(), " is ", std::string(py::repr(x)), "; give an integer"));
  }
  const auto number = py::reinterpret_steal<py::object>(PyNumber_Index(x.ptr()));
  const long long value = PyLong_AsLongLong(number.ptr());
  if (value == -1 && PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    throw py::value_error(text(arg.text(), " is ", std::string(py::repr(x)), ", which is out of range"));
  }
  return value;
}

// None: 0, which stands for the default. Else at least 1.
inline int64_t as_positive(Arg arg, py::handle x) {
  if (x.is_none()) return 0;
  const int64_t value = as_integer(arg, x);
  if (value < 1)
    throw py::value_error(
        text(arg.text(), " is ", std::to_string(value), "; give at least 1, or None for the default"));
  return value;
}

inline float as_scale(Arg arg, py::handle x) {
  const double value = PyFloat_AsDouble(x.ptr());
  if (value == -1.0 && PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    throw py::type_error(text(arg.text(), " is ", std::string(py::repr(x)), "; give a number"));
  }
  return static_cast<float>(value);
}

}  // namespace attnrec
