// The Python module attnrec._core, and the only pybind11: objects -> views, release the GIL, status -> exception.
// Sees attnrec.h and nothing below it.
#include <algorithm>
#include <memory>

#include "call.h"

namespace attnrec {
namespace {

using Rank = Operand::Rank;

std::vector<py::ssize_t> result_shape(const Operand &queries, int64_t cols) {
  return queries.is_vector() ? std::vector<py::ssize_t>{cols} : std::vector<py::ssize_t>{queries.rows(), cols};
}

double py_dot_product(py::handle u, py::handle v) {
  const char *op = "dot_product";
  const py::object np = py::module_::import("numpy").attr("ascontiguousarray");
  const py::array a = as_float({op, "u"}, u);
  const py::array b = as_float({op, "v"}, v);
  if (a.ndim() != 1 || b.ndim() != 1 || a.size() != b.size()) {
    throw py::value_error(
        text(op, ": u ", shape_text(a), " and v ", shape_text(b), " have to be two vectors of one length"));
  }
  const py::array x = np(a);
  const py::array y = np(b);
  float out = 0;
  raise_on(
      api().dot_product(static_cast<const float *>(x.data()), static_cast<const float *>(y.data()), x.size(), &out));
  return static_cast<double>(out);
}

py::array py_similarity(py::handle queries, py::handle keys, py::handle metric, py::handle scale,
                        py::handle check_finite, py::handle out, py::handle num_threads) {
  const char *op = "similarity";
  const Operand q({op, "queries"}, queries, Rank::kVectorToo);
  const Operand k({op, "keys"}, keys);
  const auto m = choice<attnrec_metric>({op, "metric"}, metric, {"dot", "cosine"});
  const float s = as_scale({op, "scale"}, scale);
  const attnrec_run run = run_of(op, check_finite, num_threads, py::none());
  py::array result = output<float>({op, "out"}, out, result_shape(q, k.rows()));
  float *to = floats(result);
  call([&] { return api().similarity(q.get(), k.get(), m, s, to, &run); });
  return result;
}

py::array py_attention_matrix(py::handle user_features, py::handle item_features, py::handle scale, py::handle metric,
                              py::handle exclude, py::handle check_finite, py::handle out, py::handle num_threads) {
  const char *op = "attention_matrix";
  const Operand q({op, "user_features"}, user_features, Rank::kVectorToo);
  const Operand k({op, "item_features"}, item_features);
  const Pattern hidden({op, "exclude"}, exclude);
  const auto m = choice<attnrec_metric>({op, "metric"}, metric, {"dot", "cosine"});
  const float s = as_scale({op, "scale"}, scale);
  const attnrec_run run = run_of(op, check_finite, num_threads, py::none());
  py::array result = output<float>({op, "out"}, out, result_shape(q, k.rows()));
  float *to = floats(result);
  call([&] { return api().attention_matrix(q.get(), k.get(), m, s, hidden.get(), to, &run); });
  return result;
}

void check_rows(const char *op, const char *name, py::handle features, int64_t rows, const char *axis) {
  if (features.is_none()) return;
  const Operand x({op, name}, features, Rank::kVectorToo);
  if (x.rows() == rows) return;
  throw py::value_error(text(op, ": ", name, " has ", std::to_string(x.rows()), " rows but attention_matrix has ",
                             std::to_string(rows), " ", axis, "; give the attention of these users over these items"));
}

py::array py_predict_ratings(py::handle attention_matrix, py::handle ratings, py::handle user_features,
                             py::handle item_features, py::handle check_finite, py::handle out,
                             py::handle num_threads) {
  const char *op = "predict_ratings";
  if (is_sparse(attention_matrix) || py::hasattr(attention_matrix, "tocsr") ||
      py::isinstance<PyIndex>(attention_matrix)) {
    throw py::type_error(
        "predict_ratings: attention_matrix is not a dense array; give what attention_matrix() returns");
  }
  const Operand a({op, "attention_matrix"}, attention_matrix, Rank::kVectorToo);
  const Operand r({op, "ratings"}, ratings);
  check_rows(op, "user_features", user_features, a.rows(), "rows");
  check_rows(op, "item_features", item_features, a.cols(), "columns");
  const attnrec_run run = run_of(op, check_finite, num_threads, py::none());
  py::array result = output<float>({op, "out"}, out, result_shape(a, r.cols()));
  float *to = floats(result);
  call([&] { return api().predict_ratings(&a.matrix(), r.get(), to, &run); });
  return result;
}

py::object py_attend(py::handle queries, py::handle keys, py::handle values, py::handle scale, py::handle exclude,
                     py::handle include, py::handle return_lse, py::handle check_finite, py::handle out,
                     py::handle num_threads, py::handle memory_budget) {
  const char *op = "attend";
  const Operand q({op, "queries"}, queries, Rank::kVectorToo);
  const Operand k({op, "keys"}, keys);
  const Operand v({op, "values"}, values);
  const Pattern hidden({op, "exclude"}, exclude);
  const Pattern listed({op, "include"}, include);
  const float s = as_scale({op, "scale"}, scale);
  const attnrec_run run = run_of(op, check_finite, num_threads, memory_budget);
  py::array result = output<float>({op, "out"}, out, result_shape(q, v.cols()));
  float *to = floats(result);
  py::object lse;
  float *lse_to = nullptr;
  const bool with_lse = as_flag({op, "return_lse"}, return_lse);
  if (with_lse) {
    py::array_t<float> rows(q.rows());
    lse_to = rows.mutable_data();
    lse = rows;
  }
  call([&] { return api().attend(q.get(), k.get(), v.get(), s, hidden.get(), listed.get(), to, lse_to, &run); });
  if (!with_lse) return result;
  return py::make_tuple(result, q.is_vector() ? py::object(lse[py::int_(0)]) : lse);
}

// Where topk writes: new arrays, or those of `out`, which is a TopK or (ids, scores). Members start as null objects:
// an empty array costs as much as a filled one.
struct TopKArrays {
  py::object ids, scores, weights, lse, counts;
  py::object narrow_ids;  // int32 ids of the caller, filled at the end
  attnrec_topk_result views{};

  TopKArrays(const char *op, const Operand &q, int64_t k, bool with_weights, py::handle out) {
    const auto shape = result_shape(q, k);
    std::vector<py::ssize_t> rows;
    if (!q.is_vector()) rows.push_back(q.rows());
    const auto field = [&](const char *name) -> py::object {
      if (out.is_none() || !py::hasattr(out, name)) return py::none();
      return out.attr(name);
    };
    py::object given_ids = field("ids");
    py::object given_scores = field("scores");
    if (!out.is_none() && given_ids.is_none()) {
      const auto pair = py::reinterpret_borrow<py::object>(out).cast<py::tuple>();
      if (pair.size() != 2) throw py::type_error(text(op, ": out is not a TopK or a pair (ids, scores)"));
      given_ids = pair[0];
      given_scores = pair[1];
    }
    if (py::isinstance<py::array>(given_ids) && has_dtype<int32_t>(given_ids.cast<py::array>())) {
      narrow_ids = output<int32_t>({op, "out.ids"}, given_ids, shape);
      given_ids = py::none();
    }
    views.ids = take<int64_t>({op, "out.ids"}, given_ids, shape, ids);
    views.scores = take<float>({op, "out.scores"}, given_scores, shape, scores);
    // one query gives scalars for these, which nothing can be written to
    views.counts = take<int64_t>({op, "out.counts"}, rows.empty() ? py::none() : field("counts"), rows, counts);
    if (!with_weights) return;
    views.weights = take<float>({op, "out.weights"}, field("weights"), shape, weights);
    views.lse = take<float>({op, "out.lse"}, rows.empty() ? py::none() : field("lse"), rows, lse);
  }

  // The C interface sees neither int32 ids nor what else they would be written over.
  void keep_narrow_apart(const char *op, std::initializer_list<std::pair<const char *, py::handle>> inputs) const {
    if (!narrow_ids) return;
    const py::object shared = py::module_::import("numpy").attr("may_share_memory");
    const auto check = [&](const char *name, py::handle x) {
      if (!x || !py::isinstance<py::array>(x) || !shared(narrow_ids, x).cast<bool>()) return;
      throw py::value_error(text(op, ": out.ids overlaps ", name, "; give memory of its own"));
    };
    for (const auto &[name, x] : inputs) check(name, x);
    check("out.scores", scores);
    check("out.weights", weights);
    check("out.lse", lse);
    check("out.counts", counts);
  }

  py::tuple finish() {
    if (narrow_ids) narrow_ids.attr("__setitem__")(py::ellipsis(), ids);
    return py::make_tuple(narrow_ids ? narrow_ids : ids, scores, weights ? weights : py::none(), plain(lse),
                          plain(counts));
  }

 private:
  template <class T>
  static T *take(Arg arg, const py::object &given, const std::vector<py::ssize_t> &shape, py::object &keep) {
    py::array x = output<T>(arg, given, shape);
    keep = x;
    return static_cast<T *>(x.mutable_data());
  }

  static py::object plain(const py::object &x) {
    if (!x) return py::none();
    return x.cast<py::array>().ndim() == 0 ? x[py::tuple()] : x;
  }
};

py::tuple py_topk(py::handle queries, py::handle features, py::handle k, py::handle scale, py::handle item_bias,
                  py::handle exclude, py::handle include, py::handle filter_items, py::handle items, py::handle weights,
                  py::handle normalize, py::handle precision, py::handle check_finite, py::handle out,
                  py::handle num_threads, py::handle memory_budget) {
  const char *op = "topk";
  const Operand q({op, "queries"}, queries, Rank::kVectorToo);
  const Operand v({op, "items"}, features);
  const Pattern hidden({op, "exclude"}, exclude);
  const Pattern listed({op, "include"}, include);
  attnrec_topk_options o{};
  o.size = sizeof(o);
  o.k = as_integer({op, "k"}, k);
  if (o.k < 1) throw py::value_error(text(op, ": k is ", std::to_string(o.k), "; ask for at least 1 item"));
  o.scale = as_scale({op, "scale"}, scale);
  o.normalize = choice<attnrec_normalize>({op, "normalize"}, normalize, {"all", "unseen"});
  o.precision = choice<attnrec_precision>({op, "precision"}, precision, kPrecisions);
  o.exclude = hidden.get();
  o.include = listed.get();
  const py::object bias = floats_into({op, "item_bias"}, item_bias, v.rows(), "items", o.item_bias);
  const py::object only = ids_into({op, "items"}, items, v.rows(), o.items, o.n_items);
  const py::object filter = ids_into({op, "filter_items"}, filter_items, v.rows(), o.filter_items, o.n_filter_items);
  const attnrec_run run = run_of(op, check_finite, num_threads, memory_budget);
  TopKArrays arrays(op, q, o.k, as_flag({op, "weights"}, weights), out);
  arrays.keep_narrow_apart(op, {{"queries", queries}, {"items", features}, {"item_bias", item_bias}});
  call([&] { return api().topk(q.get(), v.get(), &o, &arrays.views, &run); });
  return arrays.finish();
}

py::array py_score_pairs(py::handle queries, py::handle items, py::handle query_ids, py::handle item_ids,
                         py::handle check_finite, py::handle num_threads) {
  const char *op = "score_pairs";
  const Operand q({op, "queries"}, queries);
  const Operand v({op, "items"}, items);
  const auto i = as_ids({op, "query_ids"}, query_ids);
  const auto j = as_ids({op, "item_ids"}, item_ids);
  if (i.size() != j.size()) {
    throw py::value_error(text(op, ": query_ids (", std::to_string(i.size()), ",) and item_ids (",
                               std::to_string(j.size()), ",) differ in length; give one pair each"));
  }
  const attnrec_run run = run_of(op, check_finite, num_threads, py::none());
  py::array_t<float> result(i.size());
  float *to = result.mutable_data();
  const int64_t *from_i = i.data();
  const int64_t *from_j = j.data();
  const int64_t n = i.size();
  call([&] { return api().score_pairs(q.get(), v.get(), from_i, from_j, n, to, &run); });
  return result;
}

py::array py_sampled_product(py::handle left, py::handle right, py::handle pattern, py::handle check_finite,
                             py::handle out, py::handle num_threads) {
  const char *op = "sampled_product";
  const Operand a({op, "left"}, left);
  const Operand b({op, "right"}, right);
  if (a.get()->dense == nullptr || b.get()->dense == nullptr) {
    throw py::type_error("sampled_product: left and right have to be dense; give arrays (b, d) and (n, d)");
  }
  if (pattern.is_none()) throw py::type_error("sampled_product: pattern is None; give a sparse matrix (b, n)");
  const Pattern wanted({op, "pattern"}, pattern);
  const attnrec_run run = run_of(op, check_finite, num_threads, py::none());
  const attnrec_csr &csr = *wanted.get();
  py::array result = output<float>({op, "out"}, out, {csr.indptr[csr.rows]});
  float *to = floats(result);
  call([&] { return api().sampled_product(&a.matrix(), &b.matrix(), &csr, to, &run); });
  return result;
}

double py_fma_ceiling(double seconds, py::handle num_threads) {
  const attnrec_run run = run_of("fma_ceiling", py::bool_(true), num_threads, py::none());
  double flops = 0;
  call([&] { return api().fma_ceiling(seconds, &flops, &run); });
  return flops;
}

std::unique_ptr<PyIndex> make_index(py::handle items, py::handle precision) {
  const Operand x({"ItemIndex", "items"}, items);
  if (x.get()->dense == nullptr) throw py::type_error("ItemIndex: items is not a dense matrix; give an array (n, d)");
  const auto prepare = choice<attnrec_precision>({"ItemIndex", "precision"}, precision, kPrecisions);
  attnrec_index *made = nullptr;
  call([&] { return api().index_create(&x.matrix(), prepare, &made, nullptr); });
  return std::make_unique<PyIndex>(made);
}

py::array index_rows(const PyIndex &index, int64_t first, int64_t count) {
  py::array_t<float> out({count, index.shape().second});
  raise_on(api().index_rows(index.get(), first, count, out.mutable_data()));
  return out;
}

}  // namespace
}  // namespace attnrec

PYBIND11_MODULE(_core, m, pybind11::mod_gil_not_used()) {
  using namespace attnrec;
  m.doc() = "Compiled operations of attnrec; use them through attnrec.ops.";
  m.attr("__version__") = api().version();
  m.attr("compiler") = ATTNREC_COMPILER;
  m.attr("threading") = api().threading();
  m.attr("api") = py::capsule(attnrec_get_api(), "attnrec._core.api");

  m.def("isa", [] {
    const char *name = api().isa();
    if (name == nullptr) throw py::value_error(api().last_error());
    return name;
  });
  m.def("isas", [] { return py::str(api().isas()).attr("split")(); });
  m.def("num_threads", [] {
    const int n = api().num_threads();
    if (n == 0) throw py::value_error(api().last_error());
    return n;
  });
  m.def("processors", api().processors);
  m.def("set_num_threads", [](py::handle n) {
    const int64_t value = as_integer({"set_num_threads", "n"}, n);
    raise_on(api().set_num_threads(static_cast<int>(std::clamp<int64_t>(value, -1, kMaxThreads))));
  });
  m.def("memory_budget", api().memory_budget);
  m.def("set_memory_budget",
        [](py::handle n) { raise_on(api().set_memory_budget(as_integer({"set_memory_budget", "n_bytes"}, n))); });

  bind<py_dot_product>(m, "dot_product(u, v, /)");
  bind<py_similarity>(m, "similarity(queries, keys, /, *, metric, scale, check_finite, out, num_threads)");
  bind<py_attention_matrix>(m,
                            "attention_matrix(user_features, item_features, /, *, scale, metric, exclude, "
                            "check_finite, out, num_threads)");
  bind<py_predict_ratings>(m,
                           "predict_ratings(attention_matrix, ratings, user_features, item_features, /, *, "
                           "check_finite, out, num_threads)");
  bind<py_attend>(m,
                  "attend(queries, keys, values, /, *, scale, exclude, include, return_lse, check_finite, out, "
                  "num_threads, memory_budget)");
  bind<py_topk>(m,
                "topk(queries, features, k, /, *, scale, item_bias, exclude, include, filter_items, items, weights, "
                "normalize, precision, check_finite, out, num_threads, memory_budget)");
  bind<py_score_pairs>(m, "score_pairs(queries, items, query_ids, item_ids, /, *, check_finite, num_threads)");
  bind<py_sampled_product>(m, "sampled_product(left, right, pattern, /, *, check_finite, out, num_threads)");
  m.def("fma_ceiling", py_fma_ceiling);

  bind_training(m);
  bind_search(m);

  py::class_<PyIndex> index(m, "Index");
  index.def(py::init(&make_index)).def_property_readonly("shape", &PyIndex::shape).def("rows", index_rows);
  bind_index_file(index);
}
