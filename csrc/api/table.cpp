// The C interface: checks, then the ops; every exception becomes a status. Border: no kernels, no Python.
#include <attnrec/attnrec.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <new>

#include "../checks/prepared.h"
#include "../core/dispatch.h"
#include "../core/processors.h"
#include "guarded.h"

#ifndef ATTNREC_VERSION
#error "the build defines ATTNREC_VERSION"
#endif

namespace attnrec {
namespace {

const attnrec_csr *csr_of(const std::vector<Canonical> &x) { return x.empty() ? nullptr : &x.front().csr(); }

attnrec_status api_dot_product(const float *u, const float *v, int64_t d, float *out) {
  return guarded([&] {
    const char *op = "dot_product";
    if (d < 0 || out == nullptr || (d > 0 && (u == nullptr || v == nullptr))) fail(op, ": u, v or out is missing");
    const float top_u = check_finite({op, "u"}, u, d, false);
    const float top_v = check_finite({op, "v"}, v, d, false);
    check_magnitude(op, d, top_u, top_v, 1);
    *out = dot_product(u, v, d);
  });
}

attnrec_status api_similarity(const attnrec_operand *queries, const attnrec_operand *keys, attnrec_metric metric,
                              float scale, float *out, const attnrec_run *run) {
  return guarded([&] {
    const char *op = "similarity";
    const CanonicalOperand q(&queries, {op, "queries"}), k(&keys, {op, "keys"});
    const Settings s = settings_of(op, run);
    check_product(op, "queries", queries, "keys", keys, scale, s);
    check_output(op, {out, rows_of(*queries), rows_of(*keys), 4, "out"}, {queries, keys}, {"queries", "keys"});
    const NormalizedOperands x(op, metric, *queries, *keys, s.run);
    similarity(x.a(), x.b(), scale, out, s.run);
  });
}

attnrec_status api_attention_matrix(const attnrec_operand *user_features, const attnrec_operand *item_features,
                                    attnrec_metric metric, float scale, const attnrec_csr *exclude, float *out,
                                    const attnrec_run *run) {
  return guarded([&] {
    const char *op = "attention_matrix";
    const CanonicalOperand u(&user_features, {op, "user_features"}), v(&item_features, {op, "item_features"});
    const Settings s = settings_of(op, run);
    check_product(op, "user_features", user_features, "item_features", item_features, scale, s);
    check_output(op, {out, rows_of(*user_features), rows_of(*item_features), 4, "out"}, {user_features, item_features},
                 {"user_features", "item_features"});
    const auto hidden = check_pattern({op, "exclude"}, exclude, rows_of(*user_features), rows_of(*item_features));
    const NormalizedOperands x(op, metric, *user_features, *item_features, s.run);
    attention_matrix(x.a(), x.b(), scale, {csr_of(hidden), nullptr}, out, s.run);
  });
}

attnrec_status api_predict_ratings(const attnrec_matrix *attention, const attnrec_operand *ratings, float *out,
                                   const attnrec_run *run) {
  return guarded([&] {
    const char *op = "predict_ratings";
    const CanonicalOperand w(&attention), r(&ratings, {op, "ratings"});
    const Settings s = settings_of(op, run);
    const attnrec_operand a{attention, nullptr, nullptr};
    check_operand({op, "attention_matrix"}, &a, false);
    check_operand({op, "ratings"}, ratings, false);
    const int64_t n = cols_of(a);
    if (n != rows_of(*ratings)) {
      fail(op, ": attention_matrix ", shape(a), " needs ratings with ", n,
           " rows, one for each thing attended to, but they are ", shape(*ratings),
           n == cols_of(*ratings) ? "; this attention is over items: give ratings.T"
                                  : "; attention of users over users goes with ratings (users, items), of users over "
                                    "items with ratings.T");
    }
    const float top_a = check_finite({op, "attention_matrix"}, a, s.run, s.skip_finite);
    const float top_r = check_finite({op, "ratings"}, *ratings, s.run, s.skip_finite);
    check_magnitude(op, n, top_a, top_r, 1);
    check_output(op, {out, rows_of(a), cols_of(*ratings), 4, "out"}, {&a, ratings}, {"attention_matrix", "ratings"});
    const Contiguous values(*ratings);
    predict_ratings(*attention, values.operand(), out, s.run);
  });
}

attnrec_status api_attend(const attnrec_operand *queries, const attnrec_operand *keys, const attnrec_operand *values,
                          float scale, const attnrec_csr *exclude, const attnrec_csr *include, float *out, float *lse,
                          const attnrec_run *run) {
  return guarded([&] {
    const char *op = "attend";
    const CanonicalOperand q(&queries, {op, "queries"}), k(&keys, {op, "keys"}), x(&values, {op, "values"});
    const Settings s = settings_of(op, run);
    check_product(op, "queries", queries, "keys", keys, scale, s);
    check_operand({op, "values"}, values, false);
    if (rows_of(*keys) != rows_of(*values)) {
      fail(op, ": keys ", shape(*keys), " and values ", shape(*values),
           " differ in their first axis; give one row of values for each key");
    }
    check_values({op, "values"}, *values, s);
    const int64_t b = rows_of(*queries);
    const int64_t n = rows_of(*keys);
    check_output(op, {out, b, cols_of(*values), 4, "out"}, {queries, keys, values}, {"queries", "keys", "values"});
    if (lse != nullptr) check_output(op, {lse, b, 1, 4, "lse"}, {queries, keys, values}, {"queries", "keys", "values"});
    check_apart(op, {{out, b, cols_of(*values), 4, "out"}, {lse, b, 1, 4, "lse"}});
    const auto hidden = check_pattern({op, "exclude"}, exclude, b, n);
    const auto listed = check_pattern({op, "include"}, include, b, n);
    const Contiguous v(*values);
    const Masks masks{csr_of(hidden), nullptr};
    if (listed.empty()) {
      attend(*queries, *keys, v.operand(), scale, masks, out, lse, s.run);
    } else {
      attend_candidate_lists(*queries, *keys, v.operand(), scale, *csr_of(listed), masks, out, lse, s.run);
    }
  });
}

// One query reads its items once, and a pass over them to look for NaN would take as long again: instead its scores
// are looked at, where every item that is not finite shows.
bool shows_in_scores(const attnrec_operand &queries, const attnrec_operand &items, const attnrec_topk_options &o) {
  const bool all = o.exclude == nullptr && o.include == nullptr && o.items == nullptr && o.filter_items == nullptr;
  const bool plain = items.dense != nullptr && o.precision != ATTNREC_PRECISION_INT8;
  constexpr int64_t enough = 1 << 16;  // elements
  return all && plain && rows_of(queries) == 1 && rows_of(items) * cols_of(items) >= enough;
}

attnrec_status api_topk(const attnrec_operand *queries, const attnrec_operand *items,
                        const attnrec_topk_options *options, const attnrec_topk_result *result,
                        const attnrec_run *run) {
  return guarded([&] {
    const char *op = "topk";
    const CanonicalOperand q(&queries, {op, "queries"}), v(&items, {op, "items"});
    const Settings s = settings_of(op, run);
    if (options == nullptr || result == nullptr) fail(op, ": options or result is missing");
    const auto o = given({op, "options"}, options);
    check_operand({op, "queries"}, queries, false);
    check_operand({op, "items"}, items, true);
    const int64_t n = rows_of(*items);
    const float top_bias = check_finite({op, "item_bias"}, o.item_bias, n, s.skip_finite);
    const bool later = !s.skip_finite && shows_in_scores(*queries, *items, o);
    check_product(op, "queries", queries, "items", items, o.scale, s, top_bias, later);
    const int64_t b = rows_of(*queries);
    if (o.k < 1) fail(op, ": k is ", o.k, "; ask for at least 1 item");
    if (o.normalize != ATTNREC_NORMALIZE_ALL && o.normalize != ATTNREC_NORMALIZE_UNSEEN) {
      fail(op, ": normalize ", static_cast<int>(o.normalize), " is neither all nor unseen");
    }
    const std::vector<const attnrec_operand *> inputs{queries, items};
    const std::vector<const char *> names{"queries", "items"};
    check_output(op, {result->ids, b, o.k, 8, "out.ids"}, inputs, names);
    check_output(op, {result->scores, b, o.k, 4, "out.scores"}, inputs, names);
    if (result->weights != nullptr) check_output(op, {result->weights, b, o.k, 4, "out.weights"}, inputs, names);
    if (result->lse != nullptr) check_output(op, {result->lse, b, 1, 4, "out.lse"}, inputs, names);
    if (result->counts != nullptr) check_output(op, {result->counts, b, 1, 8, "out.counts"}, inputs, names);
    check_apart(op,
                {{result->ids, b, o.k, 8, "out.ids"},
                 {result->scores, b, o.k, 4, "out.scores"},
                 {result->weights, b, o.k, 4, "out.weights"},
                 {result->lse, b, 1, 4, "out.lse"},
                 {result->counts, b, 1, 8, "out.counts"}},
                {{o.item_bias, n, 1, 4, "item_bias"},
                 {o.items, o.n_items, 1, 8, "items"},
                 {o.filter_items, o.n_filter_items, 1, 8, "filter_items"}});
    const auto hidden = check_pattern({op, "exclude"}, o.exclude, b, n);
    const auto listed = check_pattern({op, "include"}, o.include, b, n);
    check_id_range({op, "items"}, o.items, o.n_items, n);
    check_id_range({op, "filter_items"}, o.filter_items, o.n_filter_items, n);
    const auto only = sorted_ids(o.items, o.n_items);
    const auto filter = sorted_ids(o.filter_items, o.n_filter_items);
    TopKTask task;
    task.k = o.k;
    task.scale = o.scale;
    task.weights = result->weights != nullptr || result->lse != nullptr;
    task.hidden_in_denominator = o.normalize == ATTNREC_NORMALIZE_ALL;
    task.bias = o.item_bias;
    task.include = csr_of(listed);
    task.items = o.items == nullptr ? nullptr : &only;
    task.masks = {csr_of(hidden), o.filter_items == nullptr ? nullptr : &filter};
    check_precision(op, o.precision);
    if (o.precision == ATTNREC_PRECISION_INT8 && task.weights) {
      fail(op,
           ": precision int8 gives no weights, whose denominators need every score in float32; pass weights=False, or "
           "another precision");
    }
    task.precision = o.precision;
    task.check_scores = later;
    const Int8Ready indexed(*items, task, s.run);
    try {
      (task.include == nullptr ? topk : topk_candidate_lists)(*queries, indexed.items(), task, *result, s.run);
    } catch (const ScoreNotFinite &) {
      check_product(op, "queries", queries, "items", items, o.scale, s, top_bias);  // says which item it is
      throw;
    }
  });
}

attnrec_status api_score_pairs(const attnrec_operand *queries, const attnrec_operand *items, const int64_t *query_ids,
                               const int64_t *item_ids, int64_t n_pairs, float *out, const attnrec_run *run) {
  return guarded([&] {
    const char *op = "score_pairs";
    const CanonicalOperand q(&queries, {op, "queries"}), v(&items, {op, "items"});
    const Settings s = settings_of(op, run);
    check_product(op, "queries", queries, "items", items, 1, s);
    check_output(op, {out, n_pairs, 1, 4, "out"}, {queries, items}, {"queries", "items"});
    check_apart(op, {{out, n_pairs, 1, 4, "out"}},
                {{query_ids, n_pairs, 1, 8, "query_ids"}, {item_ids, n_pairs, 1, 8, "item_ids"}});
    check_id_range({op, "query_ids"}, query_ids, n_pairs, rows_of(*queries));
    check_id_range({op, "item_ids"}, item_ids, n_pairs, rows_of(*items));
    score_pairs(*queries, *items, query_ids, item_ids, n_pairs, out, s.run);
  });
}

attnrec_status api_sampled_product(const attnrec_matrix *left, const attnrec_matrix *right, const attnrec_csr *pattern,
                                   float *out, const attnrec_run *run) {
  return guarded([&] {
    const char *op = "sampled_product";
    const CanonicalOperand l(&left), r(&right);
    const Settings s = settings_of(op, run);
    const attnrec_operand a{left, nullptr, nullptr};
    const attnrec_operand b{right, nullptr, nullptr};
    check_product(op, "left", &a, "right", &b, 1, s);
    if (pattern == nullptr) fail(op, ": pattern is missing");
    check_samples({op, "pattern"}, *pattern, a, b);
    check_output(op, {out, pattern->indptr[pattern->rows], 1, 4, "out"}, {&a, &b}, {"left", "right"});
    sampled_product(*left, *right, *pattern, out, s.run);
  });
}

attnrec_status api_index_create(const attnrec_matrix *items, attnrec_precision precision, attnrec_index **index,
                                const attnrec_run *run) {
  return guarded([&] {
    const char *op = "ItemIndex";
    const CanonicalOperand v(&items);
    const Settings s = settings_of(op, run);
    if (index == nullptr) fail(op, ": index is missing");
    const attnrec_operand x{items, nullptr, nullptr};
    check_operand({op, "items"}, &x, false);
    check_precision(op, precision);
    *index = index_create(*items, precision, check_finite({op, "items"}, x, s.run, s.skip_finite), s.run);
  });
}

void api_index_free(attnrec_index *index) { delete index; }

void api_index_shape(const attnrec_index *index, int64_t *n, int64_t *d) {
  *n = index->n;
  *d = index->d;
}

attnrec_status api_index_rows(const attnrec_index *index, int64_t first, int64_t count, float *out) {
  return guarded([&] {
    if (index == nullptr || (count > 0 && index->d > 0 && out == nullptr)) fail("ItemIndex: index or out is missing");
    if (first < 0 || count < 0 || first > index->n - count) {
      fail("ItemIndex: rows from ", first, " on, ", count, " of them, are not among its ", index->n);
    }
    index_rows(*index, first, count, out);
  });
}

attnrec_status api_fma_ceiling(double seconds, double *flops, const attnrec_run *run) {
  return guarded([&] {
    const char *op = "fma_ceiling";
    const Settings s = settings_of(op, run);
    if (!(seconds > 0 && seconds <= 60) || flops == nullptr) fail(op, ": seconds is ", seconds, "; give up to 60");
    *flops = fma_ceiling(seconds, s.run);
  });
}

const char *api_isa() {
  const char *name = nullptr;
  const attnrec_status status = guarded([&] { name = level().name; });
  return status == ATTNREC_OK ? name : nullptr;
}

int api_num_threads() {
  int n = 0;
  return guarded([&] { n = default_num_threads(); }) == ATTNREC_OK ? n : 0;
}

int api_processors() {
  int n = 1;
  guarded([&] { n = processors(); });
  return n;
}

const char *api_isas() {
  static const std::string names = [] {
    std::string out;
    for (const Level *l : runnable_levels()) out += (out.empty() ? "" : " ") + std::string(l->name);
    return out;
  }();
  return names.c_str();
}

attnrec_status api_set_memory_budget(int64_t bytes) {
  return guarded([&] {
    if (bytes < 0) fail("set_memory_budget: ", bytes, " bytes; give at least 1, or 0 for the default");
    set_memory_budget(bytes);
  });
}

attnrec_status api_set_num_threads(int n) {
  return guarded([&] {
    if (n < 0) fail("set_num_threads: ", n, " threads; give at least 1, or 0 for the default");
    set_num_threads(n);
  });
}

const attnrec_api kApi = {
    sizeof(attnrec_api),
    ATTNREC_ABI_VERSION,
    [] { return ATTNREC_VERSION; },
    api_isa,
    api_isas,
    threading_name,
    [] { return last_error().c_str(); },
    api_num_threads,
    api_set_num_threads,
    default_memory_budget,
    api_set_memory_budget,
    api_dot_product,
    api_similarity,
    api_attention_matrix,
    api_predict_ratings,
    api_attend,
    api_topk,
    api_score_pairs,
    api_index_create,
    api_index_free,
    api_index_shape,
    api_index_rows,
    api_fma_ceiling,
    api_sampled_product,
    api_softmax_cross_entropy,
    api_adam_step,
    api_model_open,
    api_model_free,
    api_model_info,
    api_model_recommend,
    api_searcher_create,
    api_searcher_free,
    api_searcher_search,
    api_index_save,
    api_index_open,
    api_index_get_info,
    api_processors,
    api_model_id,
    api_model_row,
    api_model_item_title,
};

}  // namespace
}  // namespace attnrec

extern "C" const attnrec_api *attnrec_get_api(void) { return &attnrec::kApi; }
