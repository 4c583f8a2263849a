// Searches an index for one query at a time with buffers that are made once: a search allocates nothing unless more is
// excluded than ever before. What it returns is bit for bit what topk returns. Ops only.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "int8.h"
#include "scan.h"

namespace attnrec {

// A search of one kind, its buffers kept between queries.
template <class Queries, class Scanning>
struct Standing {
  Queries block;
  Scanning scan;
  Candidates found;

  template <class ScanOf>
  Standing(Queries &&query, int64_t k, bool ascending, const ScanOf &scan_of)
      : block(std::move(query)), scan(scan_of(block)), found(block, k, false, ascending) {}
  Standing(const Standing &) = delete;

  void search(const attnrec_operand &query, int64_t n, int64_t k, const attnrec_topk_result &result) {
    std::vector<Softmax> none;
    block.fill(query);
    scan.restart();
    found.restart();
    scan.begin(found);
    if (n > 0) scan.unit(0, n, found, none);
    found.write(result, k);
  }
};

// For one thread at a time. The index has to stay.
class Searcher {
 public:
  // `task` without masks, include and items, in whose places come ids that are sorted and unique; null: all, or none.
  Searcher(const attnrec_index &index, const TopKTask &task, std::unique_ptr<std::vector<int32_t>> items,
           std::unique_ptr<std::vector<int32_t>> filter, const Run &run);
  Searcher(const Searcher &) = delete;

  // `hidden` are ids of the index, in any order.
  void search(const float *query, const int64_t *hidden, int64_t n_hidden, const attnrec_topk_result &result);
  const attnrec_index &index() const { return *items_.index; }

 private:
  void hide(const int64_t *ids, int64_t count);
  void search_here(const attnrec_operand &query, const attnrec_topk_result &result);

  const attnrec_operand items_;
  const Run run_;
  const std::unique_ptr<std::vector<int32_t>> only_, filter_;
  std::vector<float> given_bias_, bias_;  // by id, and by position
  std::vector<int32_t> hidden_;
  int64_t indptr_[2] = {0, 0};
  attnrec_csr exclude_{};  // the one row of what is hidden
  TopKTask task_;
  Keys keys_;
  std::optional<Int8Bias> by_norm_;
  std::optional<Standing<Block, Scan>> float32_;
  std::optional<Standing<Int8Block, Int8Scan>> int8_;
};

}  // namespace attnrec
