// First thresholds for long lists, from a sample of the items. Ops only.
//
// While the best k are being filled, and long after, much passes that others push out again: of n items in no order
// k (1 + ln(n / k)). In a sample the score of a rank is likely to be below the k-th best of all, and above most:
// started from there, a third to a half passes. Whether k have passed in the end tells if the guess was right; where
// they have not, the block is searched again without one. What is returned does not depend on it.
#pragma once
#include <vector>

#include "candidates.h"

namespace attnrec {

class Guess {
 public:
  // For lists of k of a call on b queries; makes none where it would not pay.
  Guess(const Keys &keys, const TopKTask &task, int64_t b, int64_t k);
  void raise(const Block &block, Candidates &candidates) const;

 private:
  const Keys &keys_;
  const TopKTask &task_;
  int64_t rank_ = 0;  // in the sample; 0: no guess
  std::vector<int32_t> ids_;
  std::vector<float> bias_;
  Buffer<float> panels_;
};

}  // namespace attnrec
