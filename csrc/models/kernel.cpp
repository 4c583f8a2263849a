// KernelAttentionRecommender as it serves: the formula is in its docstring (models/kernel_implicit/recommender.py).
// Model.
#include <algorithm>
#include <cmath>
#include <vector>

#include "scored.h"

namespace attnrec {
namespace {

class Kernel final : public ScoredModel {
 public:
  Kernel(FilePointer from, const Run &) : ScoredModel(std::move(from), true) {
    const std::string based_on = file->word("based_on", {"users", "items", "both"});
    if (based_on != "items") {
      users_ = true;
      if (file->integer("n_blocks") != 1) {
        fail("model_open: ", file->tensors.path(), ": KernelAttentionRecommender in ", file->integer("n_blocks"),
             " blocks of users can not be served from C yet; fit it with n_blocks=1, or serve it from Python");
      }
      inverse_temperature_ = static_cast<float>(1 / file->number("temperature", 1e-2));
      weights_ = file->floats("item_weights", {n_items()});
      inverse_ = file->matrix("inverse_0", n_users(), n_users());
      keys_ = histories.csr;
      keys_.data = file->floats("unit", {histories.entries()});
      have_ = histories.csr;
      const float *end = have_.data + histories.entries();
      if (std::any_of(have_.data, end, [](float v) { return v != 1; })) {
        ones_ = Buffer<float>(histories.entries());
        std::fill(ones_.get(), ones_.get() + histories.entries(), 1.0F);
        have_.data = ones_.get();
      }
    }
    if (based_on != "users") between_ = file->matrix("between_items", n_items(), n_items());
    if (based_on != "items") return;
    liked_ = Buffer<float>(n_items());
    std::vector<int64_t> counts(static_cast<std::size_t>(n_items()));
    for (int64_t p = 0; p < histories.entries(); ++p) ++counts[static_cast<std::size_t>(histories.csr.indices[p])];
    std::transform(counts.begin(), counts.end(), liked_.get(), [&](int64_t count) {
      return static_cast<float>(static_cast<double>(count) / static_cast<double>(std::max<int64_t>(1, n_users())));
    });
  }

  int64_t row_bytes() const override { return 4 * ((users_ ? 2 * n_users() : 0) + n_items()); }

 protected:
  void scores(const Users &users, float *out, const Run &run) const override {
    const int64_t n = n_items();
    std::fill(out, out + users.count() * n, 0.0F);
    if (users_) {
      const Buffer<float> weights = weights_of(users, run);
      const attnrec_matrix w{weights.get(), users.count(), n_users(), n_users(), 1};
      predict_ratings(w, {nullptr, &have_, nullptr}, out, run);
    }
    if (between_.data == nullptr) return;
    const attnrec_csr &x = users.histories;
    const int64_t work = n * (1 + users.entries() / std::max<int64_t>(1, users.count()));
    for_each_user(users.count(), work, run, [&](int64_t i) {
      if (!users_ && x.indptr[i] == x.indptr[i + 1]) {
        std::copy(liked_.get(), liked_.get() + n, out + i * n);
        return;
      }
      const Buffer<float> sums(n);
      sum_of_rows(x, i, between_.data, n, [](int64_t) { return 1.0F; }, sums.get());
      for (int64_t j = 0; j < n; ++j) out[i * n + j] += sums[j];
    });
  }

 private:
  // Whether user i has the history that it was fitted with.
  bool as_fitted(const Users &users, int64_t i) const {
    if (users.id(i) < 0 || users.stored) return users.id(i) >= 0;
    const attnrec_csr &x = users.histories;
    const attnrec_csr &y = histories.csr;
    return std::equal(x.indices + x.indptr[i], x.indices + x.indptr[i + 1], y.indices + y.indptr[users.id(i)],
                      y.indices + y.indptr[users.id(i) + 1]);
  }

  // Weight of every fitted user in the scores, (b, users): of the system without the user itself.
  Buffer<float> weights_of(const Users &users, const Run &run) const {
    const attnrec_csr &x = users.histories;
    const int64_t n = n_users();
    const Buffer<float> data(users.entries());
    for (int64_t p = x.indptr[0]; p < x.indptr[x.rows]; ++p) data[p] = weights_[x.indices[p]];
    unit_rows(x, data.get(), run);
    attnrec_csr queries = x;
    queries.data = data.get();
    const Buffer<float> k(users.count() * n);
    similarity({nullptr, &queries, nullptr}, {nullptr, &keys_, nullptr}, 1, k.get(), run);
    for_each_user(users.count(), 16 * n, run, [&](int64_t i) {
      float *row = k.get() + i * n;
      for (int64_t v = 0; v < n; ++v) row[v] = std::exp((row[v] - 1) * inverse_temperature_);
      if (users.id(i) >= 0) row[users.id(i)] = 0;
    });
    const attnrec_matrix kernel{k.get(), users.count(), n, n, 1};
    Buffer<float> w(users.count() * n);
    similarity({&kernel, nullptr, nullptr}, {&inverse_, nullptr, nullptr}, 1, w.get(), run);  // it is symmetric
    for_each_user(users.count(), 2 * n, run, [&](int64_t i) {
      const int64_t own = users.id(i);
      if (own < 0) return;
      float *row = w.get() + i * n;
      const float *inverse = inverse_.data + own * n;
      const bool fitted = as_fitted(users, i);
      const float by = fitted ? -inverse[own] : row[own] / inverse[own];
      for (int64_t v = 0; v < n; ++v) row[v] = fitted ? inverse[v] / by : row[v] - inverse[v] * by;
      row[own] = 0;
    });
    return w;
  }

  bool users_ = false;
  float inverse_temperature_ = 1;
  const float *weights_ = nullptr;
  attnrec_matrix inverse_{}, between_{};
  attnrec_csr keys_{}, have_{};
  Buffer<float> ones_;
  Buffer<float> liked_;  // (items,) share of users who have each, what an empty history has where there are no users
};

}  // namespace

ModelPointer kernel_model(FilePointer file, const Run &run) { return std::make_unique<Kernel>(std::move(file), run); }

}  // namespace attnrec
