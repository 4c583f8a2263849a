// Searches an index for one query at a time with buffers that are made once: a search allocates nothing unless more is
// excluded than ever before, or it answers others too. What it returns is bit for bit what topk returns. Ops only.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "../../core/admission.h"
#include "int8.h"
#include "scan.h"

namespace attnrec {

// A search of one kind, its buffers kept between queries.
template <class Queries, class Scanning>
struct ReusableSearch {
  Queries block;
  Scanning scan;
  Candidates found;

  template <class ScanOf>
  ReusableSearch(Queries &&query, int64_t k, bool ascending, const ScanOf &scan_of)
      : block(std::move(query)), scan(scan_of(block)), found(block, k, false, ascending) {}
  ReusableSearch(const ReusableSearch &) = delete;

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

using Ids = std::unique_ptr<const std::vector<int32_t>>;  // sorted and unique; or null: all, or none

// What searchers of one index with the same options share: copies of their arguments, and admission control. When more
// threads search than there are processors, the queued searches are answered as one batch, in one pass over the items.
struct SearchKind {
  SearchKind(const attnrec_index &index, const TopKTask &task, Ids items, Ids filter);
  SearchKind(const SearchKind &) = delete;
  bool same(const attnrec_index &index, const TopKTask &other, const Ids &items, const Ids &filter) const;

  const attnrec_operand items;
  const Ids only, filter;
  const std::vector<float> given_bias;  // by id
  TopKTask task;                        // excludes nothing
  std::vector<float> bias;              // by position
  Keys keys;
  std::optional<Int8Bias> by_norm;
  AdmissionControl admission;
};

// For one thread at a time. The index has to stay.
class Searcher {
 public:
  // `task` without masks, include and items, in whose places come ids.
  Searcher(const attnrec_index &index, const TopKTask &task, Ids items, Ids filter, const Run &run);
  Searcher(const Searcher &) = delete;

  // `hidden` are ids of the index, in any order.
  void search(const float *query, const int64_t *hidden, int64_t n_hidden, const attnrec_topk_result &result);
  const attnrec_index &index() const { return *kind_->items.index; }
  int64_t k() const { return task_.k; }

 private:
  struct Request;

  void hide(const int64_t *ids, int64_t count);
  void search_alone(const Request &request);
  void search_in_turn(Request &request);
  void answer(const Request &request, const AdmissionRequest *others) const;

  const std::shared_ptr<SearchKind> kind_;
  const Run run_;
  std::vector<int32_t> hidden_;
  int64_t indptr_[2] = {0, 0};
  attnrec_csr exclude_{};  // the one row of what is hidden
  TopKTask task_;
  std::optional<ReusableSearch<Block, Scan>> float32_;
  std::optional<ReusableSearch<Int8Block, Int8Scan>> int8_;
};

}  // namespace attnrec
