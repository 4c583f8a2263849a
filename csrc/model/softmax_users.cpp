// Users of SoftmaxRecommender from their histories: a sum, or steps down the gradient of their loss. Model.
#include "softmax_users.h"

#include <algorithm>
#include <cmath>

namespace attnrec {
namespace {

constexpr int kSteps = 10;

float log_of_sum(float a, float b) {
  return std::max(a, b) + std::log1p(std::exp(-std::fabs(a - b)));  // never both -infinity
}

// Users where they are: their losses, and which way down.
struct Place {
  Place(int64_t b, int64_t d) : users(b * d), descents(b * d), losses(b) {}
  Buffer<float> users, descents;
  Buffer<double> losses;
};

// With p the probability of a history item h among what is no target and t = lse_weight, the negative gradient is
// sum_h (1 - t p_h) v_h - t sum_h (1 - p_h) expected.
void user_loss_gradient(const attnrec_csr &x, const attnrec_matrix &unit, const attnrec_index &index,
                        const UserLoss &loss, const Place &at, const Run &run) {
  const int64_t d = unit.cols;
  const attnrec_matrix users{at.users.get(), x.rows, d, d, 1};
  const Buffer<float> lse(x.rows);
  const Buffer<float> scores(x.indptr[x.rows]);
  attend({&users, nullptr, nullptr}, {nullptr, nullptr, &index}, {&unit, nullptr, nullptr}, loss.scale,
         {loss.unseen ? &x : nullptr, nullptr}, at.descents.get(), lse.get(),
         run);  // expected, until it is the negative gradient
  sampled_product(users, unit, x, scores.get(), run);
  const int64_t work = d * (1 + x.indptr[x.rows] / std::max<int64_t>(1, x.rows));
  for_each_user(x.rows, work, run, [&](int64_t i) {
    const Buffer<float> sum(d);
    double total = 0;
    double rest = 0;
    const auto weight_of = [&](int64_t p) {
      const float score = scores[p] * loss.scale;
      const float own = loss.unseen ? 1 / (1 + std::exp(lse[i] - score)) : 0.0F;
      const float above = loss.unseen ? log_of_sum(lse[i], score) : lse[i];
      total += static_cast<double>(loss.lse_weight * above - score);
      rest += static_cast<double>(1 - own);
      return 1 - loss.lse_weight * own;
    };
    sum_of_rows(x, i, unit.data, d, weight_of, sum.get());
    const auto push = static_cast<float>(static_cast<double>(loss.lse_weight) * rest);
    float *out = at.descents.get() + i * d;
    for (int64_t c = 0; c < d; ++c) out[c] = sum[c] - push * out[c];
    at.losses[i] = total;
  });
}

}  // namespace

bool to_unit(float *x, int64_t d) {
  double sum = 0;
  for (int64_t c = 0; c < d; ++c) sum += static_cast<double>(x[c]) * static_cast<double>(x[c]);
  const auto length = static_cast<float>(std::sqrt(sum));
  for (int64_t c = 0; c < d; ++c) x[c] = length > 0 ? x[c] / length : 0.0F;
  return length > 0;
}

void pool(const attnrec_csr &x, int64_t i, const attnrec_matrix &items, float *out) {
  const int64_t d = items.cols;
  const auto length = static_cast<double>(std::max<int64_t>(1, x.indptr[i + 1] - x.indptr[i]));
  const auto weight = static_cast<float>(1 / std::sqrt(length));
  sum_of_rows(x, i, items.data, d, [=](int64_t) { return weight; }, out);
}

void solve_users(const attnrec_csr &x, const attnrec_matrix &unit, const attnrec_index &index, const UserLoss &loss,
                 float *out, const Run &run) {
  const int64_t d = unit.cols;
  Place here(x.rows, d);
  Place there(x.rows, d);
  std::vector<float> size(static_cast<std::size_t>(x.rows), 1 / loss.scale);
  for_each_user(x.rows, d, run, [&](int64_t i) {
    pool(x, i, unit, here.users.get() + i * d);
    to_unit(here.users.get() + i * d, d);
  });
  user_loss_gradient(x, unit, index, loss, here, run);
  for (int step = 0; step < kSteps; ++step) {
    for_each_user(x.rows, d, run, [&](int64_t i) {
      const auto count = static_cast<float>(std::max<int64_t>(1, x.indptr[i + 1] - x.indptr[i]));
      const float by = size[static_cast<std::size_t>(i)] / count;
      for (int64_t c = i * d; c < (i + 1) * d; ++c) there.users[c] = here.users[c] + by * here.descents[c];
      to_unit(there.users.get() + i * d, d);
    });
    user_loss_gradient(x, unit, index, loss, there, run);
    for (int64_t i = 0; i < x.rows; ++i) {  // a step that lowered the loss stays, and the next is longer
      const bool better = there.losses[i] <= here.losses[i];
      size[static_cast<std::size_t>(i)] *= better ? 2.0F : 0.25F;
      if (!better) continue;
      std::copy_n(there.users.get() + i * d, d, here.users.get() + i * d);
      std::copy_n(there.descents.get() + i * d, d, here.descents.get() + i * d);
      here.losses[i] = there.losses[i];
    }
  }
  std::copy_n(here.users.get(), x.rows * d, out);
}

}  // namespace attnrec
