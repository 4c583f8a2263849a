// A searcher of one index, bound: arrays to pointers with as little as can be on the way, names of items to positions
// and back. Sees attnrec.h and nothing below it.
#include <algorithm>

#include "call.h"

namespace attnrec {
namespace {

// Below this many elements of items a search takes a few microseconds, and giving the interpreter lock away and taking
// it back could take longer.
constexpr int64_t kReleaseFrom = int64_t{1} << 17;

class PySearcher {
 public:
  PySearcher(py::handle index, py::handle names, py::handle order, py::handle k, py::handle scale, py::handle item_bias,
             py::handle filter_items, py::handle items, py::handle precision, py::handle check_finite,
             py::handle num_threads)
      : index_(py::reinterpret_borrow<py::object>(index)), names_(py::reinterpret_borrow<py::object>(names)),
        order_(py::reinterpret_borrow<py::object>(order)) {
    const auto &packed = index.cast<const PyIndex &>();
    std::tie(n_, d_) = packed.shape();
    if (!names.is_none()) {
      name_ = py::array_t<int64_t>(names_).data();
      by_name_ = py::array_t<int64_t>(order_).data();
    }
    attnrec_topk_options o{};
    o.size = sizeof(o);
    o.k = k_ = as_integer({kOp, "k"}, k);
    o.scale = as_scale({kOp, "scale"}, scale);
    o.precision = choice<attnrec_precision>({kOp, "precision"}, precision, kPrecisions);
    const py::object bias = floats_into({kOp, "item_bias"}, item_bias, n_, "items", o.item_bias);
    const py::object only = ids_into({kOp, "items"}, items, n_, o.items, o.n_items);
    const py::object filter = ids_into({kOp, "filter_items"}, filter_items, n_, o.filter_items, o.n_filter_items);
    const attnrec_run run = run_of(kOp, check_finite, num_threads, py::none());
    releases_ = (o.items == nullptr ? n_ : o.n_items) * d_ >= kReleaseFrom || run.num_threads > 1;
    call([&] { return api().searcher_create(packed.get(), &o, &searcher_, &run); });
  }
  PySearcher(const PySearcher &) = delete;
  ~PySearcher() { api().searcher_free(searcher_); }

  py::tuple search(py::handle query, py::handle exclude, py::handle out) {
    const py::array given = row_of(query);
    const auto *q = static_cast<const float *>(given.data());
    py::object hidden;
    const int64_t *seen = nullptr;
    int64_t n_seen = 0;
    py::object ids;
    py::object scores;
    if (out.is_none()) {
      ids = py::array_t<int64_t>(k_);
      scores = py::array_t<float>(k_);
    } else {
      if (!PyTuple_Check(out.ptr()) || PyTuple_GET_SIZE(out.ptr()) != 2) {
        throw py::type_error(text(kOp, ": out is not a pair (ids, scores)"));
      }
      ids = checked<int64_t>({kOp, "out.ids"}, PyTuple_GET_ITEM(out.ptr(), 0));
      scores = checked<float>({kOp, "out.scores"}, PyTuple_GET_ITEM(out.ptr(), 1));
    }
    if (!exclude.is_none()) {
      const auto x = positions(as_ids({kOp, "exclude"}, exclude));
      seen = x.data();
      n_seen = x.size();
      hidden = x;
    }
    auto *to = reinterpret_cast<int64_t *>(py::detail::array_proxy(ids.ptr())->data);
    auto *to_scores = reinterpret_cast<float *>(py::detail::array_proxy(scores.ptr())->data);
    const auto run = [&] { return api().searcher_search(searcher_, q, seen, n_seen, to, to_scores, nullptr); };
    if (releases_) {
      call(run);
    } else {
      raise_on(run());
    }
    for (int64_t i = 0; name_ != nullptr && i < k_; ++i) to[i] = to[i] < 0 ? -1 : name_[to[i]];
    return py::reinterpret_steal<py::tuple>(PyTuple_Pack(2, ids.ptr(), scores.ptr()));
  }

 private:
  static constexpr const char *kOp = "searcher";

  // One query of d floats without gaps.
  py::array row_of(py::handle query) const {
    py::array x = as_float({kOp, "query"}, query);
    if (x.ndim() != 1 || x.shape(0) != d_) {
      throw py::value_error(text(kOp, ": query has shape ", shape_text(x), " and the items are ", std::to_string(d_),
                                 " wide; give one vector of that length, and many queries to topk"));
    }
    if (d_ > 1 && x.strides(0) != sizeof(float)) return py::module_::import("numpy").attr("ascontiguousarray")(x);
    return x;
  }

  // An array to write to; what is as it should be is seen without the words for what is not.
  template <class T>
  py::object checked(Arg arg, py::handle given) const {
    using Flags = py::detail::npy_api::constants;
    constexpr int wanted = Flags::NPY_ARRAY_C_CONTIGUOUS_ | Flags::NPY_ARRAY_ALIGNED_ | Flags::NPY_ARRAY_WRITEABLE_;
    if (py::isinstance<py::array>(given)) {
      const auto x = py::reinterpret_borrow<py::array>(given);
      const bool plain = (py::detail::array_proxy(x.ptr())->flags & wanted) == wanted;
      if (plain && x.dtype().is(py::dtype::of<T>()) && x.ndim() == 1 && x.shape(0) == k_) return x;
    }
    return output<T>(arg, given, {static_cast<py::ssize_t>(k_)});
  }

  // Where named items stand; what is named and is not, or no longer, in the index has no place.
  py::array_t<int64_t> positions(const py::array_t<int64_t> &ids) const {
    if (name_ == nullptr) return ids;
    py::array_t<int64_t> out(ids.size());
    int64_t *to = out.mutable_data();
    int64_t count = 0;
    for (py::ssize_t i = 0; i < ids.size(); ++i) {
      const int64_t wanted = ids.data()[i];
      const int64_t *at =
          std::lower_bound(by_name_, by_name_ + n_, wanted, [&](int64_t j, int64_t name) { return name_[j] < name; });
      if (at != by_name_ + n_ && name_[*at] == wanted) to[count++] = *at;
    }
    out.resize({static_cast<py::ssize_t>(count)});
    return out;
  }

  py::object index_, names_, order_;
  const int64_t *name_ = nullptr, *by_name_ = nullptr;
  int64_t n_ = 0, d_ = 0, k_ = 0;
  bool releases_ = false;
  attnrec_searcher *searcher_ = nullptr;
};

constexpr const char *kCapsule = "attnrec._core.searcher";

// search(query, exclude, out), bound to a searcher without pybind11, whose calls allocate what they pass on.
PyObject *search(PyObject *self, PyObject *const *args, Py_ssize_t count) {
  auto *searcher = static_cast<PySearcher *>(PyCapsule_GetPointer(self, kCapsule));
  if (searcher == nullptr) return nullptr;
  if (count != 3) {
    PyErr_SetString(PyExc_TypeError, "searcher: give query, exclude and out");
    return nullptr;
  }
  return translated([&] { return searcher->search(args[0], args[1], args[2]).release().ptr(); });
}

PyMethodDef kSearch = {"search", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(search)), METH_FASTCALL,
                       nullptr};

template <class... Args>
py::object make_searcher(Args... args) {
  auto made = std::make_unique<PySearcher>(args...);
  const py::capsule self(made.get(), kCapsule, [](PyObject *capsule) {
    delete static_cast<PySearcher *>(PyCapsule_GetPointer(capsule, kCapsule));
  });
  made.release();
  const auto bound = py::reinterpret_steal<py::object>(PyCFunction_New(&kSearch, self.ptr()));
  if (!bound) throw py::error_already_set();
  return bound;
}

attnrec_index_info info_of(const PyIndex &index) {
  attnrec_index_info info{};
  info.size = sizeof(info);
  raise_on(api().index_info(index.get(), &info));
  return info;
}

void save(const PyIndex &index, const std::string &path, py::handle ids) {
  py::object keep;
  const int64_t *names = nullptr;
  if (!ids.is_none()) {
    const auto x = as_ids({"ItemIndex.save", "ids"}, ids);
    names = x.data();
    keep = x;
  }
  call([&] { return api().index_save(index.get(), names, path.c_str()); });
}

std::unique_ptr<PyIndex> open(const std::string &path, bool map) {
  attnrec_index *made = nullptr;
  call([&] { return api().index_open(path.c_str(), map ? 1 : 0, &made); });
  return std::make_unique<PyIndex>(made);
}

// Names and positions in their order, read-only where the file has them; None without names.
py::object names(const py::object &self) {
  const attnrec_index_info info = info_of(self.cast<const PyIndex &>());
  if (info.ids == nullptr) return py::none();
  const auto view = [&](const int64_t *data) {
    const py::array_t<int64_t> out({static_cast<py::ssize_t>(info.n)}, data, self);
    out.attr("setflags")(py::arg("write") = false);
    return out;
  };
  return py::make_tuple(view(info.ids), view(info.by_id));
}

}  // namespace

void bind_index_file(py::class_<PyIndex> &index) {
  index.def("save", save)
      .def_static("open", open)
      .def("names", names)
      .def_property_readonly("precision",
                             [](const PyIndex &x) { return *(kPrecisions.begin() + info_of(x).precision); });
}

void bind_search(py::module_ &m) {
  using H = py::handle;
  bind<make_searcher<H, H, H, H, H, H, H, H, H, H, H>>(
      m,
      "searcher(index, names, order, /, *, k, scale, item_bias, filter_items, items, precision, "
      "check_finite, num_threads)");
}

}  // namespace attnrec
