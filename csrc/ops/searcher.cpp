// One query at a time, with standing buffers. Ops only.
#include "searcher.h"

#include <algorithm>

#include "../core/dispatch.h"

namespace attnrec {

Searcher::Searcher(const attnrec_index &index, const TopKTask &task, std::unique_ptr<std::vector<int32_t>> items,
                   std::unique_ptr<std::vector<int32_t>> filter, const Run &run)
    : items_{nullptr, nullptr, &index}, run_(run), only_(std::move(items)), filter_(std::move(filter)), task_(task) {
  if (task.bias != nullptr) {
    given_bias_.assign(task.bias, task.bias + index.n);
    task_.bias = given_bias_.data();
  }
  exclude_ = {indptr_, nullptr, nullptr, 1, index.n};
  task_.items = only_.get();
  task_.masks = {&exclude_, filter_.get()};
  keys_ = keys_of(items_, task_, bias_);
  keys_.in_l1 = true;
  const std::vector<float> zeros(static_cast<std::size_t>(index.d), 0.0F);
  const attnrec_matrix any{zeros.data(), 1, index.d, index.d, 1};
  const attnrec_operand query{&any, nullptr, nullptr};
  const int64_t k = std::max<int64_t>(1, std::min(task_.k, keys_.n));
  const int64_t lanes = kernels().lanes;
  float32_.emplace(Block(query, 0, 1, lanes), k, true,
                   [&](const Block &block) { return Scan(kernels(), block, keys_, task_); });
  if (!takes_int8(items_, task_, 1)) return;
  by_norm_.emplace(*index.int8, keys_.bias);
  int8_.emplace(Int8Block(query, 0, 1, lanes, task_.scale), k, false,
                [&](const Int8Block &block) { return Int8Scan(block, keys_, *by_norm_, task_); });
}

void Searcher::hide(const int64_t *ids, int64_t count) {
  hidden_.clear();
  for (int64_t i = 0; i < count; ++i) hidden_.push_back(static_cast<int32_t>(ids[i]));
  if (!std::is_sorted(hidden_.begin(), hidden_.end())) std::sort(hidden_.begin(), hidden_.end());
  hidden_.erase(std::unique(hidden_.begin(), hidden_.end()), hidden_.end());
  indptr_[1] = static_cast<int64_t>(hidden_.size());
  exclude_.indices = hidden_.data();
}

void Searcher::search_here(const attnrec_operand &query, const attnrec_topk_result &result) {
  if (int8_.has_value() && takes_int8(items_, task_, 1)) {
    int8_->search(query, keys_.n, task_.k, result);
  } else {
    float32_->search(query, keys_.n, task_.k, result);
  }
}

void Searcher::search(const float *query, const int64_t *hidden, int64_t n_hidden, const attnrec_topk_result &result) {
  hide(hidden, n_hidden);
  const attnrec_matrix row{query, 1, keys_.d, keys_.d, 1};
  const attnrec_operand queries{&row, nullptr, nullptr};
  if (run_.threads.count > 1) {
    topk(queries, items_, task_, result, run_);
    return;
  }
  const struct {
    const attnrec_operand &queries;
    const attnrec_topk_result &result;
  } call{queries, result};
  // so that it can be cancelled; two references fit into a std::function without memory of their own
  parallel_for(1, run_.threads, [this, &call](int64_t) { search_here(call.queries, call.result); });
}

}  // namespace attnrec
