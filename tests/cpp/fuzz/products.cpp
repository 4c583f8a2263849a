// Fuzzed calls of the entries that multiply: similarities, attention, ratings, pairs. Fuzzing: knows attnrec.h alone.
#include <algorithm>
#include <cmath>

#include "call.h"
#include "entries.h"

namespace attnrec_fuzz {
namespace {

const attnrec_api &api() { return *attnrec_get_api(); }

float scale_from(Bytes &bytes) {
  static const float kScales[] = {1, 0.125F, 0, -1, 30, 1e-30F, 1e30F, 3.4e38F, NAN, INFINITY};
  return bytes.one_of(kScales);
}

attnrec_metric metric_from(Bytes &bytes) { return static_cast<attnrec_metric>(bytes.one_in(32) ? 2 : bytes.below(2)); }

}  // namespace

void dot_product(const char *name, Bytes &bytes) {
  Call call(name, bytes);
  const int64_t d = extent(bytes);
  bool finite = true;
  const auto u = vector_of(bytes, d, &finite);
  const auto v = vector_of(bytes, d, &finite);
  if ((u == nullptr || v == nullptr) && d > 1000) return;  // too much memory to have
  float *out = bytes.one_in(64) ? nullptr : call.out<float>(1, 1);
  // it has no settings, and checks always
  const auto ask = [&](const attnrec_run *) { return api().dot_product(u.get(), v.get(), d, out); };
  if (call.run(finite, ask) == ATTNREC_OK) call.require_numbers(out, 1, "NaN out of numbers");
}

void similarity(const char *name, Bytes &bytes) {
  Call call(name, bytes);
  const int64_t b = extent(bytes), n = extent(bytes), d = extent(bytes);
  const Operand queries(bytes, b, d), keys(bytes, n, d);
  const attnrec_metric metric = metric_from(bytes);
  const float scale = scale_from(bytes);
  float *out = call.out<float>(b, n);
  const attnrec_operand *q = queries.get(), *k = keys.get();
  if (!same_rows(q, b) || !same_rows(k, n)) return;  // the output would not be as large as it has to be
  const bool finite = queries.finite() && keys.finite();
  const auto status =
      call.run(finite, [&](const attnrec_run *run) { return api().similarity(q, k, metric, scale, out, run); });
  if (status == ATTNREC_OK && call.checked()) call.require_numbers(out, b * n, "NaN out of numbers");
}

void attention_matrix(const char *name, Bytes &bytes) {
  Call call(name, bytes);
  const int64_t b = extent(bytes), n = extent(bytes), d = extent(bytes);
  const Operand users(bytes, b, d), items(bytes, n, d);
  const attnrec_metric metric = metric_from(bytes);
  const float scale = scale_from(bytes);
  const auto exclude = pattern(bytes, b, n);
  float *out = call.out<float>(b, n);
  const attnrec_operand *u = users.get(), *v = items.get();
  if (!same_rows(u, b) || !same_rows(v, n)) return;
  const attnrec_csr *hidden = exclude == nullptr ? nullptr : exclude->get();
  const bool finite = users.finite() && items.finite();
  const auto status = call.run(
      finite, [&](const attnrec_run *run) { return api().attention_matrix(u, v, metric, scale, hidden, out, run); });
  if (status != ATTNREC_OK || !call.checked()) return;
  for (int64_t i = 0; i < b; ++i) {
    double sum = 0;
    int64_t shown = 0;
    call.require_numbers(out + i * n, n, "an attention weight is NaN");
    for (int64_t j = 0; j < n; ++j) {
      const float w = out[i * n + j];
      const bool is_hidden = exclude != nullptr && exclude->holds(i, j);
      call.require(w >= 0 && w <= 1.00001F, "an attention weight is none");
      call.require(!is_hidden || w == 0, "an excluded item has weight");
      shown += !is_hidden;
      sum += static_cast<double>(w);
    }
    call.require(shown == 0 || std::fabs(sum - 1) < 1e-4, "attention weights do not sum to one");
  }
}

void predict_ratings(const char *name, Bytes &bytes) {
  Call call(name, bytes);
  const int64_t b = extent(bytes), n = extent(bytes), m = extent(bytes);
  const Dense attention(bytes, b, about(bytes, n));
  const Operand ratings(bytes, n, m);
  const attnrec_operand *r = ratings.get();
  if (!same_cols(r, m)) return;
  float *out = call.out<float>(b, m);
  const attnrec_matrix *a = bytes.one_in(64) ? nullptr : &attention.view;
  const bool finite = attention.finite && ratings.finite();
  const auto status = call.run(finite, [&](const attnrec_run *run) { return api().predict_ratings(a, r, out, run); });
  if (status == ATTNREC_OK && call.checked()) call.require_numbers(out, b * m, "NaN out of numbers");
}

void attend(const char *name, Bytes &bytes) {
  Call call(name, bytes);
  const int64_t b = extent(bytes), n = extent(bytes), d = extent(bytes), m = extent(bytes);
  const Operand queries(bytes, b, d), keys(bytes, n, d), values(bytes, n, m);
  const float scale = scale_from(bytes);
  const auto exclude = pattern(bytes, b, n);
  const auto include = pattern(bytes, b, n);
  const attnrec_operand *q = queries.get(), *k = keys.get(), *v = values.get();
  if (!same_rows(q, b) || !same_cols(v, m)) return;
  float *out = call.out<float>(b, m);
  float *lse = bytes.one_in(3) ? nullptr : call.out<float>(b, 1);
  const attnrec_csr *hidden = exclude == nullptr ? nullptr : exclude->get();
  const attnrec_csr *listed = include == nullptr ? nullptr : include->get();
  const bool finite = queries.finite() && keys.finite() && values.finite();
  const auto status = call.run(
      finite, [&](const attnrec_run *run) { return api().attend(q, k, v, scale, hidden, listed, out, lse, run); });
  if (status != ATTNREC_OK || !call.checked()) return;
  call.require_numbers(out, b * m, "NaN out of numbers");
  if (lse != nullptr) call.require_numbers(lse, b, "a log-sum-exp of numbers is NaN");
}

void score_pairs(const char *name, Bytes &bytes) {
  Call call(name, bytes);
  const int64_t b = extent(bytes), n = extent(bytes), d = extent(bytes);
  const Operand queries(bytes, b, d), items(bytes, n, d);
  const auto query_ids = ids_below(bytes, b);
  auto item_ids = ids_below(bytes, n);
  const auto pairs = static_cast<int64_t>(std::min(query_ids.size(), item_ids.size()));
  const int64_t n_pairs = bytes.one_in(32) ? -1 : pairs;
  float *out = call.out<float>(1, pairs);
  const int64_t *first = bytes.one_in(64) ? nullptr : query_ids.data();
  const bool finite = queries.finite() && items.finite();
  const auto status = call.run(finite, [&](const attnrec_run *run) {
    return api().score_pairs(queries.get(), items.get(), first, item_ids.data(), n_pairs, out, run);
  });
  if (status == ATTNREC_OK && call.checked()) call.require_numbers(out, n_pairs, "NaN out of numbers");
}

void sampled_product(const char *name, Bytes &bytes) {
  Call call(name, bytes);
  const int64_t b = extent(bytes), n = extent(bytes), d = extent(bytes);
  const Dense left(bytes, about(bytes, b), d), right(bytes, about(bytes, n), about(bytes, d));
  const Sparse entries(bytes, b, n, true);
  const attnrec_csr &x = entries.view;
  const bool sized = x.indptr != nullptr && x.rows >= 0;
  const int64_t nnz = sized ? std::max<int64_t>(0, std::min<int64_t>(x.indptr[x.rows], 40000)) : 0;
  float *out = bytes.one_in(64) ? nullptr : call.out<float>(1, nnz);
  const attnrec_csr *asked = bytes.one_in(64) ? nullptr : &x;
  const auto status = call.run(left.finite && right.finite, [&](const attnrec_run *run) {
    return api().sampled_product(&left.view, &right.view, asked, out, run);
  });
  if (status == ATTNREC_OK && call.checked()) call.require_numbers(out, nnz, "NaN out of numbers");
}

}  // namespace attnrec_fuzz
