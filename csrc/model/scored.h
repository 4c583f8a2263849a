// Models that rank by a row of scores of all items, and what they share: unit rows, and the best of a row. Model.
#pragma once
#include "model.h"

namespace attnrec {

// Rows at length 1: square root of the sum of squares and division in float64; rows without length stay 0.
// data (nnz) in place.
void unit_rows(const attnrec_csr &x, float *data, const Run &run);

// task(i) for users i < count, in parallel where there is enough to do
void for_each_user(int64_t count, int64_t work, const Run &run, const std::function<void(int64_t)> &task);

class ScoredModel : public attnrec_model {
 public:
  using attnrec_model::attnrec_model;
  void retrieve(const Users &users, const Wanted &wanted, const attnrec_topk_result &result,
                const Run &run) const final;

 protected:
  virtual void scores(const Users &users, float *out, const Run &run) const = 0;  // out (b, items)
  virtual float shown(float score) const { return score; }                        // of an item that is recommended
};

}  // namespace attnrec
