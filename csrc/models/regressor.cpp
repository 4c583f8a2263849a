// KernelAttentionRegressor as it serves: the formula is in its docstring (models/kernel_explicit/regressor.py). Kernels
// between items, and what users attend to, are made when it is opened; each process has its own. Model.
#include <algorithm>
#include <cfloat>
#include <numeric>

#include "rating_stage.h"
#include "softmax_users.h"

namespace attnrec {
namespace {

constexpr int64_t kBlock = 256;    // users predicted at a time when a model is opened
constexpr double kColdest = 1e-4;  // temperature
constexpr double kLeastNoise = 1e-9;

class Regressor final : public ScoredModel {
 public:
  Regressor(FilePointer from, const Run &run)
      : ScoredModel(std::move(from), false), passes_(passes(run)), scale_(*file),
        ratings_(file->word("declared", {"explicit", "implicit", "unknown"}) != "implicit" && scale_.low < scale_.high),
        residual_share_(share("residual_weight")), predicted_share_(share("predicted_weight")),
        transposed_(histories.csr),
        biases_(histories.csr, transposed_.csr(), file->number("user_damping", 0), file->number("item_damping", 0)),
        users_(biases_.features(histories.csr, 0, run)) {
    const Features items = biases_.features(transposed_.csr(), 1, run);
    const int64_t n = n_items();
    between_[0] = between(first_parts(items), "item_temperature", run);
    temperatures_[0] = file->number("user_temperature", kColdest);
    std::vector<Joint> joints;
    joints.push_back(joint("product_kernel_weight", between_[0]));
    stages_[0] = stage("first", "noise", std::move(joints), run);
    if (passes_ == 1) return;
    const Buffer<float> of_items = predict_all(run);
    const attnrec_matrix predicted{of_items.get(), n, n_users(), n_users(), 1};
    between_[1] = between(second_parts(items, predicted), "second_pass_item_temperature", run);
    temperatures_[1] = file->number("second_pass_user_temperature", kColdest);
    std::vector<Joint> both;
    both.push_back(joint("second_pass_product_weight", between_[1]));
    both.push_back(joint("second_pass_first_product_weight", between_[0]));
    stages_[1] = stage("second", "second_pass_noise", std::move(both), run);
  }

  const char *refuses(const attnrec_csr &x) const override {
    const bool fine = scale_.low >= scale_.high || x.data != nullptr;
    return fine ? nullptr : "the model was fitted on ratings; give those of the histories as their data";
  }

  int64_t row_bytes() const override { return 12 * n_users() + 24 * n_items(); }

 protected:
  void scores(const Users &users, float *out, const Run &run) const override {
    const int64_t n = n_items();
    const int64_t b = users.count();
    const Buffer<double> rows(b * n);
    const Features features = biases_.features(users.histories, 0, run);
    const Buffer<float> first = user_kernel(users, 0, first_parts(features), first_parts(users_), run);
    stages_[0]->predict(users, {first.get()}, rows.get(), run);
    if (passes_ == 2) {
      const Buffer<float> predicted(b * n);
      deviations(users, rows.get(), predicted.get(), run);
      for (int64_t i = 0; i < b; ++i) to_unit(predicted.get() + i * n, n);
      const attnrec_matrix mine{predicted.get(), b, n, n, 1};
      const Buffer<float> second =
          user_kernel(users, 1, second_parts(features, mine), second_parts(users_, predicted_), run);
      stages_[1]->predict(users, {second.get(), first.get()}, rows.get(), run);
    }
    for (int64_t j = 0; j < b * n; ++j) {
      const double score = biases_.mean + biases_.scale * rows[j];
      out[j] = static_cast<float>(std::min<double>(std::max<double>(score, -FLT_MAX), FLT_MAX));
    }
  }

  float shown(float score) const override { return ratings_ ? scale_.cut(score) : score; }

 private:
  // How many, once all of it can be served.
  int64_t passes(const Run &run) const {
    const std::string &path = file->tensors.path();
    if (file->has("content.data") || file->has("user_content.data")) {
      fail("model_open: ", path,
           ": KernelAttentionRegressor with content can not be served from C yet; fit it without "
           "item_features and user_features, or serve it from Python");
    }
    const int64_t out = file->integer("passes");
    if (out != 1 && out != 2) file->tensors.refuse("has ", out, " passes instead of 1 or 2");
    const auto n = static_cast<double>(n_items());
    const double mib = static_cast<double>(1 + out) * n * (n + 2 * static_cast<double>(n_users())) * 4 / (1 << 20);
    const double budget = static_cast<double>(run.memory_budget) / (1 << 20);
    if (mib > budget) {
      fail("model_open: ", path, ": kernels between ", n_items(), " items, and what ", n_users(),
           " users say of them, "
           "take ",
           mib, " MiB, and memory_budget has ", budget, "; raise it where there is as much memory");
    }
    return out;
  }

  double share(const char *name) const {
    const double out = file->number(name, 0);
    if (out > 1) file->tensors.refuse("has a ", name, " that is more than 1");
    return out;
  }

  std::vector<Part> first_parts(const Features &x, double weight = 1) const {
    return {{static_cast<float>(weight * residual_share_), {nullptr, &x.residuals, nullptr}},
            {static_cast<float>(weight * (1 - residual_share_)), {nullptr, &x.activity, nullptr}}};
  }

  std::vector<Part> second_parts(const Features &x, const attnrec_matrix &predicted) const {
    std::vector<Part> out = first_parts(x, 1 - predicted_share_);
    out.push_back({static_cast<float>(predicted_share_), {&predicted, nullptr, nullptr}});
    return out;
  }

  Buffer<float> between(const std::vector<Part> &parts, const char *temperature, const Run &run) const {
    const int64_t n = n_items();
    Buffer<float> out(n * n);
    kernel(parts, parts, file->number(temperature, kColdest), out.get(), run);
    for (int64_t j = 0; j < n; ++j) out[j * n + j] = 1;
    return out;
  }

  Joint joint(const char *strength, const Buffer<float> &items) const {
    return {file->number(strength, 0), items.get(), Buffer<float>(n_users() * n_items())};
  }

  std::unique_ptr<const Stage> stage(const char *coefficients, const char *noise, std::vector<Joint> joints,
                                     const Run &run) const {
    const Hyperparameters hyperparameters{file->number("item_kernel_weight", 0), file->number("user_kernel_weight", 0),
                                          file->number("bias_weight", 0), file->number(noise, kLeastNoise)};
    const double *solved = file->doubles(coefficients, {histories.entries()});
    return std::make_unique<const Stage>(histories.csr, biases_, solved, hyperparameters, std::move(joints), run);
  }

  // Kernel of users with all fitted ones, (b, users), of a pass; 0 for themselves.
  Buffer<float> user_kernel(const Users &users, int pass, const std::vector<Part> &mine, const std::vector<Part> &all,
                            const Run &run) const {
    const int64_t m = n_users();
    Buffer<float> out(users.count() * m);
    kernel(mine, all, temperatures_[pass], out.get(), run);
    for (int64_t i = 0; i < users.count(); ++i) {
      if (users.id(i) >= 0) out[i * m + users.id(i)] = 0;
    }
    return out;
  }

  // Predictions of the first pass less mean and biases, over the scale: out (b, items).
  void deviations(const Users &users, const double *rows, float *out, const Run &run) const {
    const int64_t n = n_items();
    for_each_user(users.count(), 4 * n, run, [&](int64_t i) {
      const double own = biases_.of(users.histories, i, 0);
      for (int64_t j = 0; j < n; ++j) {
        const double bias = own + biases_.biases[1][static_cast<std::size_t>(j)];
        out[i * n + j] = static_cast<float>(rows[i * n + j] - bias / biases_.scale);
      }
    });
  }

  // Those of all fitted users, as rows at length 1; returned are those of all items.
  Buffer<float> predict_all(const Run &run) {
    const int64_t n = n_items();
    const int64_t m = n_users();
    const attnrec_csr &x = histories.csr;
    of_users_ = Buffer<float>(m * n);
    Buffer<float> of_items(n * m);
    std::vector<int64_t> ids(static_cast<std::size_t>(m));
    std::iota(ids.begin(), ids.end(), int64_t{0});
    for (int64_t first = 0; first < m; first += kBlock) {
      const int64_t b = std::min(kBlock, m - first);
      const attnrec_csr rows_of{x.indptr + first, x.indices, x.data, b, n};
      const Users users{rows_of, ids.data() + first, true, rows_of};
      const Features features = biases_.features(users.histories, 0, run);
      const Buffer<float> near = user_kernel(users, 0, first_parts(features), first_parts(users_), run);
      const Buffer<double> rows(b * n);
      stages_[0]->predict(users, {near.get()}, rows.get(), run);
      deviations(users, rows.get(), of_users_.get() + first * n, run);
    }
    for (int64_t u = 0; u < m; ++u) {
      for (int64_t j = 0; j < n; ++j) of_items[j * m + u] = of_users_[u * n + j];
    }
    for (int64_t u = 0; u < m; ++u) to_unit(of_users_.get() + u * n, n);
    for (int64_t j = 0; j < n; ++j) to_unit(of_items.get() + j * m, m);
    predicted_ = {of_users_.get(), m, n, n, 1};
    return of_items;
  }

  const int64_t passes_;
  const Scale scale_;
  const bool ratings_;  // what is predicted, rather than numbers that rank
  const double residual_share_, predicted_share_;
  const Transposed transposed_;
  const Biases biases_;
  const Features users_;
  double temperatures_[2] = {1, 1};
  Buffer<float> between_[2];  // kernels between items
  Buffer<float> of_users_;    // what the first pass predicts
  attnrec_matrix predicted_{};
  std::unique_ptr<const Stage> stages_[2];
};

}  // namespace

ModelPointer regressor_model(FilePointer file, const Run &run) {
  return std::make_unique<Regressor>(std::move(file), run);
}

}  // namespace attnrec
