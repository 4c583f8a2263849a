// The softmax loss over all items and its gradients; scores are formed twice and never stored. Ops only.
//
// With s = scale * Q V^T + bias, targets y, row weights w, N = sum w y and t = lse_weight, the loss of target i of row
// u is t log D_ui - s_ui. D_ui runs over all items, or over those that are no target of u, and i itself. Let L_u be the
// log-sum-exp of the first part of D_ui that no target changes (all items; or the items that are no targets), and p_ui
// the share of e^s_ui in D_ui where it comes on top (else 0). Then the gradient by s is
//   c_u e^(s_uj - L_u)   for every item j in L_u, with c_u = t (w_u / N) sum_i y_ui (1 - p_ui), and added to it
//   (w_u / N) y_ui (t p_ui - 1)   for target i.
// So d_queries is attention over the items, and d_items attention of the users over theirs with the weights turned
// round, both by the same sweep; targets are O(nnz d).
#include <cmath>

#include "../../core/dispatch.h"
#include "../../core/sparse.h"
#include "../../kernels/long_sum.h"
#include "../attention/weighted.h"

namespace attnrec {
namespace {

constexpr int64_t kRowsPerTask = 256;
constexpr int64_t kEntriesPerSum = 32;

// Scores of targets, then what is added to the gradient by them; and c_u.
struct Targets {
  Buffer<float> by_entry;  // (nnz,)
  Buffer<float> by_row;    // (b,)
};

void score_targets(const attnrec_matrix &q, const attnrec_matrix &v, const CrossEntropyTask &task, float *out,
                   const Threads &threads) {
  const Kernels &k = kernels();
  const attnrec_csr &y = *task.targets;
  parallel_for(ceil_div(q.rows, kRowsPerTask), threads, [&](int64_t part) {
    check_cancelled();
    const int64_t first = y.indptr[part * kRowsPerTask];
    const int64_t last = y.indptr[std::min(q.rows, (part + 1) * kRowsPerTask)];
    int64_t row = part * kRowsPerTask;
    for (int64_t p = first; p < last; p += kScoreAtOnce) {
      const float *items[kScoreAtOnce];
      const float *queries[kScoreAtOnce];
      float dots[kScoreAtOnce];
      for (int64_t i = 0; i < kScoreAtOnce; ++i) {
        const int64_t at = std::min(p + i, last - 1);
        while (y.indptr[row + 1] <= at) ++row;
        items[i] = v.data + y.indices[at] * v.row_stride;
        queries[i] = q.data + row * q.row_stride;
      }
      k.score_some(items, v.col_stride, queries, q.col_stride, q.cols, dots);
      for (int64_t at = p; at < std::min(p + kScoreAtOnce, last); ++at) {
        const float bias = task.bias == nullptr ? 0.0F : task.bias[y.indices[at]];
        out[at] = std::fma(dots[at - p], task.scale, bias);
      }
    }
  });
}

double weight_of(const CrossEntropyTask &task, int64_t row) {
  return task.sample_weight == nullptr ? 1.0 : static_cast<double>(task.sample_weight[row]);
}

// Sum of weights of targets
double total_weight(const CrossEntropyTask &task) {
  const attnrec_csr &y = *task.targets;
  double out = 0;
  for (int64_t u = 0; u < y.rows; ++u) {
    double sum = 0;
    for (int64_t p = y.indptr[u]; p < y.indptr[u + 1]; ++p) sum += static_cast<double>(y.data[p]);
    out += weight_of(task, u) * sum;
  }
  return out;
}

// The loss; `x.by_entry` holds scores and then what a target adds to the gradient.
double finish_targets(const CrossEntropyTask &task, const float *lse, double total, const Targets &x) {
  const attnrec_csr &y = *task.targets;
  const auto t = static_cast<double>(task.lse_weight);
  double loss = 0;
  for (int64_t u = 0; u < y.rows; ++u) {
    const double share = weight_of(task, u) / total;
    const auto rest = static_cast<double>(lse[u]);
    double sum = 0;
    double dense = 0;
    for (int64_t p = y.indptr[u]; p < y.indptr[u + 1]; ++p) {
      const auto s = static_cast<double>(x.by_entry[p]);
      const auto weight = static_cast<double>(y.data[p]);
      double own = 0;  // p_ui
      double log_all = rest;
      if (task.normalize == ATTNREC_NORMALIZE_UNSEEN) {
        const double above = std::isinf(rest) ? HUGE_VAL : s - rest;
        own = 1 / (1 + std::exp(-above));
        log_all = above > 0 ? s + std::log1p(std::exp(-above)) : rest + std::log1p(std::exp(above));
      }
      sum += weight * (t * log_all - s);
      dense += weight * (1 - own);
      x.by_entry[p] = static_cast<float>(share * weight * (t * own - 1));
    }
    x.by_row[u] = static_cast<float>(share * t * dense);
    loss += share * sum;
  }
  return loss;
}

// out[r] = scale * (by_row[r] * out[r] + sum_p entries[p] * x[indices[p]]); by_row null: ones. A popular item has
// thousands of entries: they are summed in parts, and parts as in long_sum.h, so that rounding does not grow with them.
void add_targets(const attnrec_csr &entries, const attnrec_matrix &x, const float *by_row, float scale, float *out,
                 const Threads &threads) {
  parallel_for(ceil_div(entries.rows, kRowsPerTask), threads, [&](int64_t part) {
    check_cancelled();
    const Buffer<float> sums(x.cols);
    const Buffer<float> whole(x.cols);
    for (int64_t r = part * kRowsPerTask; r < std::min(entries.rows, (part + 1) * kRowsPerTask); ++r) {
      float *row = out + r * x.cols;
      const float by = by_row == nullptr ? 1.0F : by_row[r];
      for (int64_t k = 0; k < x.cols; ++k) row[k] *= by;
      const bool many = entries.indptr[r + 1] - entries.indptr[r] > kShortSum;
      if (many) std::fill_n(whole.get(), x.cols, 0.0F);
      for (int64_t p = entries.indptr[r]; p < entries.indptr[r + 1];) {
        std::fill_n(sums.get(), x.cols, 0.0F);
        for (const int64_t end = std::min(entries.indptr[r + 1], p + kEntriesPerSum); p < end; ++p) {
          const float *from = x.data + entries.indices[p] * x.row_stride;
          const float g = entries.data[p];
          for (int64_t k = 0; k < x.cols; ++k) sums[k] += g * from[k];
        }
        for (int64_t k = 0; k < x.cols; ++k) row[k] += sums[k];
        if (many) kernels().two_sums(nullptr, x.cols, 1, whole.get(), row);
      }
      if (many) std::copy_n(whole.get(), x.cols, row);
      for (int64_t k = 0; k < x.cols; ++k) row[k] *= scale;
    }
  });
}

// The scored rows of a sweep; a bias is copied, for kernels read past its end.
class Scored {
 public:
  Scored(const attnrec_matrix &rows, float scale, const float *bias) : rows_(rows) {
    keys_.operand = {&rows_, nullptr, nullptr};
    keys_.n = rows.rows;
    keys_.d = rows.cols;
    keys_.scale = scale;
    if (bias == nullptr) return;
    const int64_t size = round_up(rows.rows, kPanel) + kSlack;
    bias_ = Buffer<float>(size);
    std::copy(bias, bias + rows.rows, bias_.get());
    std::fill(bias_.get() + rows.rows, bias_.get() + size, 0.0F);
    keys_.bias = bias_.get();
  }
  Scored(const Scored &) = delete;
  const Keys &keys() const { return keys_; }

 private:
  attnrec_matrix rows_;
  Buffer<float> bias_;
  Keys keys_;
};

// Rows scale * x with one more column, which holds `last` (one number a row; null: ones).
attnrec_matrix widened(const attnrec_matrix &x, float scale, const float *last, Buffer<float> &data) {
  const int64_t d = x.cols + 1;
  data = Buffer<float>(x.rows * d);
  for (int64_t r = 0; r < x.rows; ++r) {
    for (int64_t k = 0; k < x.cols; ++k) data[r * d + k] = scale * x.data[r * x.row_stride + k];
    data[r * d + x.cols] = last == nullptr ? 1.0F : last[r];
  }
  return {data.get(), x.rows, d, d, 1};
}

// d_items, and d_bias where there is a bias, from the rows of `q` weighed by x.by_row, and from the targets. A bias is
// one more feature, so that it is in a score before the log-sum-exp, of its size, is taken off.
void item_gradients(const attnrec_matrix &q, const attnrec_matrix &v, const CrossEntropyTask &task, const float *lse,
                    const Targets &x, float *d_items, float *d_bias, const Run &run) {
  const int64_t d = q.cols;
  const bool biased = task.bias != nullptr;
  Buffer<float> wide_q;
  Buffer<float> wide_v;
  const attnrec_matrix users = biased ? widened(q, task.scale, nullptr, wide_q) : q;
  const attnrec_matrix lanes = biased ? widened(v, 1, task.bias, wide_v) : v;
  const int64_t m = users.cols;
  const Buffer<float> minus_lse(q.rows);
  const Buffer<float> weighed(q.rows * m);
  for (int64_t u = 0; u < q.rows; ++u) {
    minus_lse[u] = std::isinf(lse[u]) ? kHidden : -lse[u];
    for (int64_t k = 0; k < d; ++k) weighed[u * m + k] = x.by_row[u] * q.data[u * q.row_stride + k];
    if (biased) weighed[u * m + d] = x.by_row[u];
  }
  const attnrec_csr entries{task.targets->indptr, task.targets->indices, x.by_entry.get(), q.rows, v.rows};
  const Transposed by_item(entries);
  const Scored scored(users, biased ? 1.0F : task.scale, minus_lse.get());
  const attnrec_matrix values{weighed.get(), q.rows, m, m, 1};
  const Buffer<float> zeros(v.rows);
  std::fill_n(zeros.get(), v.rows, 0.0F);

  WeightedTask sweep;
  sweep.keys = scored.keys();
  sweep.values.dense = &values;
  sweep.exponents = zeros.get();
  sweep.negligible = std::log2(task.eps);
  if (task.normalize == ATTNREC_NORMALIZE_UNSEEN) sweep.masks.exclude = &by_item.csr();
  const Buffer<float> wide(biased ? v.rows * m : 0);
  float *out = biased ? wide.get() : d_items;
  weighted_sums({&lanes, nullptr, nullptr}, sweep, out, nullptr, run);
  for (int64_t j = 0; j < v.rows && biased; ++j) {
    std::copy(out + j * m, out + j * m + d, d_items + j * d);
    auto sum = static_cast<double>(out[j * m + d]);
    for (int64_t p = by_item.csr().indptr[j]; p < by_item.csr().indptr[j + 1]; ++p) {
      sum += static_cast<double>(by_item.csr().data[p]);
    }
    d_bias[j] = static_cast<float>(sum);
  }
  add_targets(by_item.csr(), q, nullptr, task.scale, d_items, run.threads);
}

}  // namespace

void softmax_cross_entropy(const attnrec_matrix &queries, const attnrec_matrix &items, const CrossEntropyTask &task,
                           const attnrec_cross_entropy_result &result, const Run &run) {
  const attnrec_csr &y = *task.targets;
  const int64_t b = queries.rows;
  const bool grad = result.d_queries != nullptr;
  const double total = total_weight(task);
  if (!(total > 0)) {
    *result.loss = 0;
    if (!grad) return;
    std::fill_n(result.d_queries, b * queries.cols, 0.0F);
    std::fill_n(result.d_items, items.rows * items.cols, 0.0F);
    if (result.d_item_bias != nullptr) std::fill_n(result.d_item_bias, items.rows, 0.0F);
    return;
  }
  const Scored scored(items, task.scale, task.bias);
  const attnrec_matrix none{items.data, items.rows, 0, 0, 1};
  const Buffer<float> lse(b);
  WeightedTask sweep;
  sweep.keys = scored.keys();
  sweep.values.dense = grad ? &items : &none;
  sweep.negligible = std::log2(task.eps);
  if (task.normalize == ATTNREC_NORMALIZE_UNSEEN) sweep.masks.exclude = &y;
  weighted_sums({&queries, nullptr, nullptr}, sweep, result.d_queries, lse.get(), run);

  const Targets x{Buffer<float>(y.indptr[b]), Buffer<float>(b)};
  score_targets(queries, items, task, x.by_entry.get(), run.threads);
  *result.loss = finish_targets(task, lse.get(), total, x);
  if (!grad) return;
  const attnrec_csr entries{y.indptr, y.indices, x.by_entry.get(), b, items.rows};
  add_targets(entries, items, x.by_row.get(), task.scale, result.d_queries, run.threads);
  item_gradients(queries, items, task, lse.get(), x, result.d_items, result.d_item_bias, run);
}

}  // namespace attnrec
