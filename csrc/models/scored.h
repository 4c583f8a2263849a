// Models that rank by a row of scores of all items, and what they share: unit rows, and the best of a row. Model.
#pragma once
#include <algorithm>

#include "model.h"

namespace attnrec {

// Rows at length 1: square root of the sum of squares and division in float64; rows without length stay 0.
// data (nnz) in place.
void unit_rows(const attnrec_csr &x, float *data, const Run &run);

// task(i) for users i < count, in parallel where there is enough to do
void for_each_user(int64_t count, int64_t work, const Run &run, const std::function<void(int64_t)> &task);

// What predicted ratings are shown within.
struct Scale {
  explicit Scale(const ModelFile &file);
  float cut(float score) const { return std::min(std::max(score, low), high); }
  float low, high;
};

// out (d,) = sum over entries p of row i of weight(p) times row indices[p] of `rows` (d wide). Of many entries in
// parts, which are added in float64, as models/inputs/histories.py does.
template <class Weight>
void sum_of_rows(const attnrec_csr &x, int64_t i, const float *rows, int64_t d, Weight weight, float *out) {
  constexpr int64_t kPart = 512;
  const auto add_part = [&](int64_t first, int64_t last) {
    std::fill(out, out + d, 0.0F);
    for (int64_t p = first; p < last; ++p) {
      const float by = weight(p);
      const float *row = rows + x.indices[p] * d;
      for (int64_t c = 0; c < d; ++c) out[c] += by * row[c];
    }
  };
  const int64_t end = x.indptr[i + 1];
  if (end - x.indptr[i] <= kPart) return add_part(x.indptr[i], end);
  std::vector<double> sums(static_cast<std::size_t>(d), 0.0);
  for (int64_t p = x.indptr[i]; p < end; p += kPart) {
    add_part(p, std::min(end, p + kPart));
    for (std::size_t c = 0; c < sums.size(); ++c) sums[c] += static_cast<double>(out[c]);
  }
  std::transform(sums.begin(), sums.end(), out, [](double sum) { return static_cast<float>(sum); });
}

class ScoredModel : public attnrec_model {
 public:
  using attnrec_model::attnrec_model;
  void retrieve(const Users &users, const Wanted &wanted, const attnrec_topk_result &result,
                const Run &run) const final;

 protected:
  virtual void scores(const Users &users, float *out, const Run &run) const = 0;  // out (b, items)
  virtual float shown(float score) const { return score; }                        // a rating on its scale
};

}  // namespace attnrec
