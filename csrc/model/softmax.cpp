// SoftmaxRecommender as it serves: a user is the sum of its history's items, at length 1 (models/softmax_serving.py).
// Model.
#include <algorithm>
#include <cmath>

#include "scored.h"

namespace attnrec {
namespace {

// At length 1, or 0 where it has none. x (d,) in place; whether it had any.
bool to_unit(float *x, int64_t d) {
  double sum = 0;
  for (int64_t c = 0; c < d; ++c) sum += static_cast<double>(x[c]) * static_cast<double>(x[c]);
  const auto length = static_cast<float>(std::sqrt(sum));
  for (int64_t c = 0; c < d; ++c) x[c] = length > 0 ? x[c] / length : 0.0F;
  return length > 0;
}

class Softmax final : public attnrec_model {
 public:
  Softmax(FilePointer from, const Run &run) : attnrec_model(std::move(from)) {
    d_ = file->last_axis("items");
    scale_ = static_cast<float>(1 / file->number("temperature", 1e-2));
    free_ = file->word("users", {"history", "free"}) == "free";
    items_ = file->matrix("items", n_items(), d_);
    user_rows_ = file->matrix("user_rows", n_users(), d_);
    average_ = file->floats("average", {d_});
    if (file->has("user_part")) user_part_ = file->matrix("user_part", n_users(), d_);
    const Buffer<float> unit(n_items() * d_);
    std::copy_n(items_.data, n_items() * d_, unit.get());
    for_each_user(n_items(), 2 * d_, run, [&](int64_t i) { to_unit(unit.get() + i * d_, d_); });
    const attnrec_matrix rows{unit.get(), n_items(), d_, d_, 1};
    index_.reset(index_create(rows, ATTNREC_PRECISION_FLOAT32, 1, run));
  }

  const char *refuses(const attnrec_csr &) const override {
    if (!free_) return nullptr;
    return "SoftmaxRecommender(users='free') takes users it was fitted with alone here, as userids without histories; "
           "fit it with users='history', or serve it from Python";
  }

  int64_t row_bytes() const override { return 4 * d_; }

  void retrieve(const Users &users, const Wanted &wanted, const attnrec_topk_result &result,
                const Run &run) const override {
    const int64_t b = users.count();
    const Buffer<float> vectors(b * d_);
    for_each_user(b, d_ * (1 + users.entries() / std::max<int64_t>(1, b)), run, [&](int64_t i) {
      float *out = vectors.get() + i * d_;
      if (users.stored) {
        std::copy_n(user_rows_.data + users.id(i) * d_, d_, out);
      } else {
        pool(users, i, out);
      }
      if (!to_unit(out, d_)) std::copy_n(average_, d_, out);  // nothing is known of this user
    });
    const attnrec_matrix rows{vectors.get(), b, d_, d_, 1};
    TopKTask task;
    task.k = wanted.k;
    task.scale = scale_;
    task.items = wanted.items;
    task.masks = {wanted.hide ? &users.histories : nullptr, wanted.filter};
    topk({&rows, nullptr, nullptr}, {nullptr, nullptr, index_.get()}, task, result, run);
  }

 private:
  // Sum of the history's items, each weighted n^-1/2, and what the user's features add.
  void pool(const Users &users, int64_t i, float *out) const {
    const attnrec_csr &x = users.histories;
    const auto length = static_cast<double>(std::max<int64_t>(1, x.indptr[i + 1] - x.indptr[i]));
    const auto weight = static_cast<float>(1 / std::sqrt(length));
    std::fill(out, out + d_, 0.0F);
    for (int64_t p = x.indptr[i]; p < x.indptr[i + 1]; ++p) {
      const float *item = items_.data + x.indices[p] * d_;
      for (int64_t c = 0; c < d_; ++c) out[c] += weight * item[c];
    }
    if (user_part_.data == nullptr || users.id(i) < 0) return;
    for (int64_t c = 0; c < d_; ++c) out[c] += user_part_.data[users.id(i) * d_ + c];
  }

  int64_t d_ = 0;
  float scale_ = 1;
  bool free_ = false;
  attnrec_matrix items_{}, user_rows_{}, user_part_{};
  const float *average_ = nullptr;
  std::unique_ptr<attnrec_index> index_;  // of unit items: this process's own
};

}  // namespace

ModelPointer softmax_model(FilePointer file, const Run &run) { return std::make_unique<Softmax>(std::move(file), run); }

}  // namespace attnrec
