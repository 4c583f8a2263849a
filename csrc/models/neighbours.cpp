// NeighbourAttention as it serves: the formula is in its docstring (models/neighbours/recommender.py). Model.
#include <algorithm>

#include "scored.h"

namespace attnrec {
namespace {

class Neighbours final : public ScoredModel {
 public:
  Neighbours(FilePointer from, const Run &) : ScoredModel(std::move(from), true), scale_of_ratings_(*file) {
    explicit_ = file->word("feedback", {"explicit", "implicit"}) == "explicit";
    features_ = file->word("features", {"centred", "raw", "binary"});
    overall_ = file->number("overall", -3.4e38);
    mean_damping_ = file->number("mean_damping", 0);
    damping_ = static_cast<float>(file->number("damping", 0));
    scale_ = static_cast<float>(1 / file->number("temperature", 1e-4));
    values_ = file->rows("values", n_users(), n_items() * (explicit_ ? 2 : 1));
    keys_ = histories.csr;
    keys_.data = file->floats("unit", {histories.entries()});
  }

  const char *refuses(const attnrec_csr &x) const override {
    const bool fine = !explicit_ || x.data != nullptr;
    return fine ? nullptr : "the model was fitted on ratings; give those of the histories as their data";
  }

  int64_t row_bytes() const override { return 4 * (values_.csr.cols + n_items()); }

 protected:
  float shown(float score) const override { return explicit_ ? scale_of_ratings_.cut(score) : score; }

  void scores(const Users &users, float *out, const Run &run) const override {
    const int64_t b = users.count();
    const int64_t n = n_items();
    const Buffer<float> means(b);
    const Buffer<float> data(users.entries());
    queries(users, means.get(), data.get(), run);
    attnrec_csr queries = users.histories;
    queries.data = data.get();
    const Buffer<float> sums(explicit_ ? b * 2 * n : 0);
    const Alone alone(users, n_users());
    const attnrec_operand q{nullptr, &queries, nullptr};
    attend(q, {nullptr, &keys_, nullptr}, {nullptr, &values_.csr, nullptr}, scale_, {&alone.csr, nullptr},
           explicit_ ? sums.get() : out, nullptr, run);
    if (!explicit_) return;
    for_each_user(b, 4 * n, run, [&](int64_t i) {
      const float *deviation = sums.get() + i * 2 * n;
      for (int64_t j = 0; j < n; ++j) {
        const float trusted = deviation[n + j] + damping_;
        out[i * n + j] = (trusted > 0 ? deviation[j] / trusted : 0.0F) + means[i];
      }
    });
  }

 private:
  // Nobody is their own neighbour: (b, users) with each fitted user's own column.
  struct Alone {
    Alone(const Users &users, int64_t n) {
      indptr.push_back(0);
      for (int64_t i = 0; i < users.count(); ++i) {
        if (users.id(i) >= 0) ids.push_back(static_cast<int32_t>(users.id(i)));
        indptr.push_back(static_cast<int64_t>(ids.size()));
      }
      csr = {indptr.data(), ids.data(), nullptr, users.count(), n};
    }
    Alone(const Alone &) = delete;
    std::vector<int64_t> indptr;
    std::vector<int32_t> ids;
    attnrec_csr csr{};
  };

  // Mean of each user, and what the cosine is of.
  void queries(const Users &users, float *means, float *data, const Run &run) const {
    const attnrec_csr &x = users.histories;
    for (int64_t i = 0; i < x.rows; ++i) {
      double sum = 0;
      const auto value = [&](int64_t p) { return x.data == nullptr ? 1.0F : x.data[p]; };
      for (int64_t p = x.indptr[i]; p < x.indptr[i + 1]; ++p) sum += static_cast<double>(value(p));
      const double count = static_cast<double>(x.indptr[i + 1] - x.indptr[i]) + mean_damping_;
      means[i] = static_cast<float>(count > 0 ? (sum + mean_damping_ * overall_) / count : overall_);
      for (int64_t p = x.indptr[i]; p < x.indptr[i + 1]; ++p) {
        data[p] = features_ == "binary" ? 1.0F : value(p) - (features_ == "centred" ? means[i] : 0.0F);
      }
    }
    unit_rows(x, data, run);
  }

  const Scale scale_of_ratings_;
  bool explicit_ = false;
  std::string features_;
  double overall_ = 0, mean_damping_ = 0;
  float damping_ = 0, scale_ = 1;
  StoredRows values_;
  attnrec_csr keys_{};
};

}  // namespace

ModelPointer neighbour_model(FilePointer file, const Run &run) {
  return std::make_unique<Neighbours>(std::move(file), run);
}

}  // namespace attnrec
