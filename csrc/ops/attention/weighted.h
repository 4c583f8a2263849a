// Sums of values over all keys, weighted by powers of scores that are never stored: attention, and the gradients of a
// loss over it. Ops only.
#pragma once
#include <limits>

#include "../walk/mask.h"
#include "../walk/sweep.h"

namespace attnrec {

struct WeightedTask {
  Keys keys;  // the scored rows, and what is done to a raw score
  attnrec_operand values{};
  Masks masks;
  // By query: weights are 2^(score * kLog2E + exponent), whatever their sum. Null: softmax.
  const float *exponents = nullptr;
  // Weights below 2^negligible (of the largest so far, for a softmax) may be left out of the sums.
  float negligible = -std::numeric_limits<float>::infinity();
};

// out (b, m), and with `lse` (b,) the log-sum-exp of a softmax.
void weighted_sums(const attnrec_operand &queries, const WeightedTask &task, float *out, float *lse, const Run &run);

}  // namespace attnrec
