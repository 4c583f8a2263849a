// Initial thresholds of a top-k search for large k, estimated from a sample of the items. Ops only.
//
// In random order about k (1 + ln(n / k)) of n items enter a top-k buffer before the best k are found. Starting from
// the score of rank r in a sample of s items, r = k s / n plus a margin, keeps most of them out. If fewer than k items
// pass the estimate, the block is searched again without it, so results do not depend on it.
#pragma once
#include <vector>

#include "candidates.h"

namespace attnrec {

class ThresholdEstimate {
 public:
  // For the k best of b queries; makes no estimate where packing the sample would cost more than it saves.
  ThresholdEstimate(const Keys &keys, const TopKTask &task, int64_t b, int64_t k);
  void raise(const Block &block, Candidates &candidates) const;

 private:
  const Keys &keys_;
  const TopKTask &task_;
  int64_t rank_ = 0;  // in the sample; 0: no estimate
  std::vector<int32_t> ids_;
  std::vector<float> bias_;
  Buffer<float> panels_;
};

}  // namespace attnrec
