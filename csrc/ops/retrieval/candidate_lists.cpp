// attend and topk where each query has a list of the items it may see: only those are scored. Ops only.
//
// Lists are ragged, so lanes are items here; each score is the same fused chain, hence the same bits, as in a strip.
#include <cmath>

#include "../../core/dispatch.h"
#include "../walk/operand.h"
#include "../walk/softmax_state.h"
#include "../walk/values.h"
#include "topk_buffer.h"

namespace attnrec {
namespace {

struct Range {
  const int32_t *begin, *end;
};

Range row_of(const attnrec_csr &lists, int64_t row) {
  return {lists.indices + lists.indptr[row], lists.indices + lists.indptr[row + 1]};
}

bool holds(Range sorted, int32_t id) { return std::binary_search(sorted.begin, sorted.end, id); }

Range whole(const std::vector<int32_t> &ids) { return {ids.data(), ids.data() + ids.size()}; }

// Scores of listed items for one query at a time. One a thread.
class Listed {
 public:
  Listed(const attnrec_operand &queries, const attnrec_operand &items, float scale, const float *bias)
      : k_(kernels()), queries_(queries), items_(items), scale_(scale), bias_(bias), d_(cols_of(items)),
        query_(d_ * k_.lanes), packed_(d_ * k_.lanes) {}

  void scores(int64_t row, const std::vector<int32_t> &ids, std::vector<float> &out) {
    const std::vector<int64_t> same(static_cast<std::size_t>(k_.lanes), row);
    pack_lanes<int64_t>(queries_, same.data(), 0, k_.lanes, k_.lanes, query_.get());
    const auto n = static_cast<int64_t>(ids.size());
    out.resize(static_cast<std::size_t>(round_up(n, k_.lanes)));
    for (int64_t c = 0; c < n; c += k_.lanes) {
      pack_lanes<int32_t>(items_, ids.data() + c, 0, std::min(k_.lanes, n - c), k_.lanes, packed_.get());
      k_.dots(packed_.get(), query_.get(), d_, k_.lanes, out.data() + c);
    }
    out.resize(static_cast<std::size_t>(n));
    for (std::size_t c = 0; c < out.size(); ++c) {
      out[c] = bias_ == nullptr ? out[c] * scale_ : std::fma(out[c], scale_, bias_[ids[c]]);
    }
  }

 private:
  const Kernels &k_;
  const attnrec_operand &queries_, &items_;
  float scale_;
  const float *bias_;
  int64_t d_;
  Buffer<float> query_, packed_;
};

// 2^(scores log2(e) - shift) in place; returns the shift (0 for none) and the sum in `sum`.
float softmax_row(std::vector<float> &scores, double *sum) {
  *sum = 0;
  if (scores.empty()) return 0;
  const float best = *std::max_element(scores.begin(), scores.end());
  if (std::fabs(best) > kMostScore && !std::isinf(best)) throw ScoreTooLarge();
  const float top = best * kLog2E;
  kernels().exp_row(scores.data(), static_cast<int64_t>(scores.size()), -top, 1.0F);
  for (const float e : scores) *sum += static_cast<double>(e);
  return top;
}

bool hidden(const Masks &masks, int64_t row, int32_t id) {
  return (masks.exclude != nullptr && holds(row_of(*masks.exclude, row), id)) ||
         (masks.filter != nullptr && holds(whole(*masks.filter), id));
}

constexpr int64_t kQueriesPerTask = 16;

// each(first, last) over slices of the queries
template <class Each>
void in_slices(int64_t b, const attnrec_csr &lists, int64_t work_per_item, const Run &run, const Each &each) {
  const double madds = static_cast<double>(lists.indptr[b]) * static_cast<double>(work_per_item);
  Threads threads = run.threads;
  threads.count = plan_blocks(run, b, kQueriesPerTask, 1, 1, madds).threads;
  parallel_for(ceil_div(b, kQueriesPerTask), threads,
               [&](int64_t i) { each(i * kQueriesPerTask, std::min(b, (i + 1) * kQueriesPerTask)); });
}

// Ends parts of the sums (long_sum.h) after item c of a list, which is `row` of the values.
void end_parts(const attnrec_operand &values, std::size_t c, int64_t row, float *whole, float *parts) {
  if (values.csr != nullptr) {
    each_part_end(*values.csr, row, row + 1, [&](int32_t column) { two_sum(whole[column], parts[column]); });
  } else if ((c + 1) % static_cast<std::size_t>(kShortSum) == 0) {
    kernels().two_sums(nullptr, values.dense->cols, 1, whole, parts);
  }
}

void add_row(const attnrec_operand &values, int64_t row, float weight, float *out) {
  if (values.csr != nullptr) {
    for (int64_t p = values.csr->indptr[row]; p < values.csr->indptr[row + 1]; ++p) {
      out[values.csr->indices[p]] += weight * values.csr->data[p];
    }
  } else {
    const float *at = values.dense->data + row * values.dense->row_stride;
    for (int64_t c = 0; c < values.dense->cols; ++c) out[c] += weight * at[c];
  }
}

}  // namespace

void topk_candidate_lists(const attnrec_operand &queries, const attnrec_operand &items, const TopKTask &task,
                          const attnrec_topk_result &result, const Run &run) {
  const int64_t k = std::max<int64_t>(1, std::min(task.k, rows_of(items)));  // more can not be found
  in_slices(rows_of(queries), *task.include, cols_of(items) + 16, run, [&](int64_t first, int64_t last) {
    Listed listed(queries, items, task.scale, task.bias);
    std::vector<int32_t> ids;
    std::vector<float> scores;
    std::vector<float> denominator;
    std::vector<uint64_t> keys(static_cast<std::size_t>(k));
    for (int64_t row = first; row < last; ++row) {
      check_cancelled();
      const Range list = row_of(*task.include, row);
      ids.clear();
      std::copy_if(list.begin, list.end, std::back_inserter(ids),
                   [&](int32_t id) { return task.items == nullptr || holds(whole(*task.items), id); });
      listed.scores(row, ids, scores);
      TopKBuffer found{keys.data(), 0};
      float threshold = kHidden;
      denominator.clear();
      for (std::size_t c = 0; c < ids.size(); ++c) {
        const bool hide = hidden(task.masks, row, ids[c]);
        if (!hide || task.hidden_in_denominator) denominator.push_back(scores[c]);
        if (hide || !(scores[c] > threshold)) continue;
        if (found.push(key_of(scores[c], ids[c]), k)) threshold = score_of(found.worst(k));
      }
      double sum = 0;
      const float top = task.weights ? softmax_row(denominator, &sum) : 0;
      write_row(result, row, task.k, found, top, sum);
      if (task.weights && result.lse != nullptr) result.lse[row] = lse_of(top, sum);
    }
  });
}

void attend_candidate_lists(const attnrec_operand &queries, const attnrec_operand &keys, const attnrec_operand &values,
                            float scale, const attnrec_csr &include, const Masks &masks, float *out, float *lse,
                            const Run &run) {
  const int64_t m = cols_of(values);
  in_slices(rows_of(queries), include, cols_of(keys) + m + 16, run, [&](int64_t first, int64_t last) {
    Listed listed(queries, keys, scale, nullptr);
    std::vector<int32_t> ids;
    std::vector<float> weights;
    const Buffer<float> whole(m);
    for (int64_t row = first; row < last; ++row) {
      check_cancelled();
      const Range list = row_of(include, row);
      ids.clear();
      std::copy_if(list.begin, list.end, std::back_inserter(ids), [&](int32_t id) { return !hidden(masks, row, id); });
      listed.scores(row, ids, weights);
      double sum = 0;
      const float top = softmax_row(weights, &sum);
      float *to = out + row * m;
      std::fill(to, to + m, 0.0F);
      const bool in_parts = static_cast<int64_t>(ids.size()) > kShortSum;
      if (in_parts) std::fill_n(whole.get(), m, 0.0F);
      for (std::size_t c = 0; c < ids.size(); ++c) {
        add_row(values, ids[c], static_cast<float>(static_cast<double>(weights[c]) / sum), to);
        if (in_parts) end_parts(values, c, ids[c], whole.get(), to);
      }
      if (in_parts) {
        kernels().two_sums(nullptr, m, 1, whole.get(), to);
        std::copy_n(whole.get(), m, to);
      }
      if (lse != nullptr) lse[row] = lse_of(top, sum);
    }
  });
}

}  // namespace attnrec
