// Users of SoftmaxRecommender from their histories. Model.
#pragma once
#include "scored.h"

namespace attnrec {

// At length 1, or 0 where it has none. x (d,) in place; whether it had any.
bool to_unit(float *x, int64_t d);

// out (d,) = n^-1/2 times the sum of the n items of row i of x; items (n_items, d)
void pool(const attnrec_csr &x, int64_t i, const attnrec_matrix &items, float *out);

// The loss of one user, as training has it.
struct UserLoss {
  float scale = 1;  // 1 / temperature
  float lse_weight = 1;
  bool unseen = true;  // the history leaves the denominator
};

// Users whose loss is low given the items: steps down its gradient on the sphere, from the sum of the history
// (softmax_vectors.solved in Python). out (b, d): of length 1, or 0 without a history. `unit` (n_items, d) has rows of
// length 1, and `index` holds the same.
void solve_users(const attnrec_csr &x, const attnrec_matrix &unit, const attnrec_index &index, const UserLoss &loss,
                 float *out, const Run &run);

}  // namespace attnrec
