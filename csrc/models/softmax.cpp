// SoftmaxRecommender as it serves: vectors of users from histories, and the nearest items
// (models/softmax/inference.py). Model.
#include <algorithm>

#include "softmax_users.h"

namespace attnrec {
namespace {

class Softmax final : public attnrec_model {
 public:
  Softmax(FilePointer from, const Run &run) : attnrec_model(std::move(from), true) {
    d_ = file->last_axis("items");
    loss_.scale = static_cast<float>(1 / file->number("temperature", 1e-2));
    loss_.lse_weight = static_cast<float>(file->number("lse_weight", 0));
    loss_.unseen = file->word("normalize", {"unseen", "all"}) == "unseen";
    embedding_ = file->word("user_representation", {"pooled", "embedding"}) == "embedding";
    items_ = file->matrix("items", n_items(), d_);
    user_rows_ = file->matrix("user_rows", n_users(), d_);
    average_ = file->floats("average", {d_});
    if (file->has("item_bias")) bias_ = file->floats("item_bias", {n_items()});
    if (file->has("user_part")) user_part_ = file->matrix("user_part", n_users(), d_);
    unit_ = Buffer<float>(n_items() * d_);
    std::copy_n(items_.data, n_items() * d_, unit_.get());
    for_each_user(n_items(), 2 * d_, run, [&](int64_t i) { to_unit(unit_.get() + i * d_, d_); });
    index_.reset(index_create(unit(), ATTNREC_PRECISION_FLOAT32, 1, run));
    if (!embedding_) unit_ = Buffer<float>();
  }

  int64_t row_bytes() const override { return 4 * d_ * (embedding_ ? 6 : 1); }

  void retrieve(const Users &users, const Wanted &wanted, const attnrec_topk_result &result,
                const Run &run) const override {
    const int64_t b = users.count();
    const Buffer<float> vectors(b * d_);
    if (embedding_ && !users.stored) {
      solve_users(users.histories, unit(), *index_, loss_, vectors.get(), run);
    }
    for_each_user(b, d_ * (1 + users.entries() / std::max<int64_t>(1, b)), run, [&](int64_t i) {
      float *out = vectors.get() + i * d_;
      if (users.stored) {
        std::copy_n(user_rows_.data + users.id(i) * d_, d_, out);
      } else {
        if (!embedding_) pool(users.histories, i, items_, out);
        add_features(users.id(i), out);
      }
      if (!to_unit(out, d_)) std::copy_n(average_, d_, out);  // nothing is known of this user
    });
    const attnrec_matrix rows{vectors.get(), b, d_, d_, 1};
    TopKTask task;
    task.k = wanted.k;
    task.scale = loss_.scale;
    task.bias = bias_;
    task.items = wanted.items;
    task.masks = {wanted.hide ? &users.seen : nullptr, wanted.filter};
    topk({&rows, nullptr, nullptr}, {nullptr, nullptr, index_.get()}, task, result, run);
  }

 private:
  attnrec_matrix unit() const { return {unit_.get(), n_items(), d_, d_, 1}; }

  void add_features(int64_t userid, float *out) const {
    if (user_part_.data == nullptr || userid < 0) return;
    for (int64_t c = 0; c < d_; ++c) out[c] += user_part_.data[userid * d_ + c];
  }

  int64_t d_ = 0;
  UserLoss loss_;
  bool embedding_ = false;
  attnrec_matrix items_{}, user_rows_{}, user_part_{};
  const float *average_ = nullptr;
  const float *bias_ = nullptr;           // (n_items,), of models that have one
  Buffer<float> unit_;                    // items at length 1, where users are solved for
  std::unique_ptr<attnrec_index> index_;  // the same, packed; both this process's own
};

}  // namespace

ModelPointer softmax_model(FilePointer file, const Run &run) { return std::make_unique<Softmax>(std::move(file), run); }

}  // namespace attnrec
