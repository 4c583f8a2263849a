// Kernels, and predictions of one pass. Model: knows no file.
#include "rating_stage.h"

#include <algorithm>
#include <cmath>

#include "../ops/operand.h"

namespace attnrec {

void kernel(const std::vector<Part> &queries, const std::vector<Part> &keys, double temperature, float *out,
            const Run &run) {
  const int64_t b = rows_of(queries[0].rows);
  const int64_t n = rows_of(keys[0].rows);
  std::fill(out, out + b * n, 0.0F);
  const Buffer<float> cosines(b * n);
  const auto inverse = static_cast<float>(1 / temperature);
  for (std::size_t part = 0; part < keys.size(); ++part) {
    similarity(queries[part].rows, keys[part].rows, keys[part].weight, cosines.get(), run);
    for_each_user(b, n, run, [&](int64_t i) {
      for (int64_t j = i * n; j < (i + 1) * n; ++j) out[j] += cosines[j];
    });
  }
  for_each_user(b, 16 * n, run, [&](int64_t i) {
    for (int64_t j = i * n; j < (i + 1) * n; ++j) out[j] = std::exp((out[j] - 1) * inverse);
  });
}

Stage::Stage(const attnrec_csr &x, const Biases &biases, const double *coefficients,
             const Hyperparameters &hyperparameters, std::vector<Joint> joints, const Run &run)
    : x_(x), biases_(biases), coefficients_(coefficients), hyperparameters_(hyperparameters),
      joints_(std::move(joints)), by_item_(static_cast<std::size_t>(x.cols), 0.0) {
  const int64_t n = x.cols;
  const int64_t nnz = x.indptr[x.rows];
  for (int64_t p = 0; p < nnz; ++p) by_item_[static_cast<std::size_t>(x.indices[p])] += coefficients[p];
  for (std::size_t k = 0; k < joints_.size(); ++k) {
    const Joint &joint = joints_[k];
    for_each_user(x.rows, n * (1 + nnz / x.rows), run, [&](int64_t u) {
      std::vector<double> sums(static_cast<std::size_t>(n), 0.0);
      for (int64_t p = x.indptr[u]; p < x.indptr[u + 1]; ++p) {
        const float *row = joint.items + x.indices[p] * n;
        const double by = joint.strength * coefficients[p];
        for (int64_t j = 0; j < n; ++j) sums[static_cast<std::size_t>(j)] += by * static_cast<double>(row[j]);
        if (k == 0)
          sums[static_cast<std::size_t>(x.indices[p])] += hyperparameters.user_kernel_weight * coefficients[p];
      }
      std::transform(sums.begin(), sums.end(), joint.values.get() + u * n,
                     [](double sum) { return static_cast<float>(sum); });
    });
  }
}

void Stage::predict(const Users &users, const std::vector<const float *> &kernels, double *out, const Run &run) const {
  const int64_t b = users.count();
  const int64_t n = x_.cols;
  std::fill(out, out + b * n, 0.0);
  const Buffer<float> attended(b * n);
  for (std::size_t k = 0; k < joints_.size(); ++k) {
    const attnrec_matrix attention{kernels[k], b, x_.rows, x_.rows, 1};
    const attnrec_matrix values{joints_[k].values.get(), x_.rows, n, n, 1};
    predict_ratings(attention, {&values, nullptr, nullptr}, attended.get(), run);
    for (int64_t j = 0; j < b * n; ++j) out[j] += static_cast<double>(attended[j]);
  }
  const int64_t h = 1 + users.entries() / std::max<int64_t>(1, b);
  for_each_user(b, h * (n + h * h / 3), run, [&](int64_t i) {
    double *row = out + i * n;
    for (int64_t j = 0; j < n; ++j) row[j] += hyperparameters_.bias_weight * by_item_[static_cast<std::size_t>(j)];
    if (const int64_t own = users.id(i); own >= 0) {
      for (int64_t p = x_.indptr[own]; p < x_.indptr[own + 1]; ++p) {
        row[x_.indices[p]] -= hyperparameters_.bias_weight * coefficients_[p];
      }
    }
    add_own(users.histories, i, row);
  });
}

// Adds what the own ratings say, from coefficients that are solved for.
void Stage::add_own(const attnrec_csr &histories, int64_t i, double *row) const {
  const int64_t n = x_.cols;
  const int64_t first = histories.indptr[i];
  const int64_t h = histories.indptr[i + 1] - first;
  const int32_t *items = histories.indices + first;
  const Buffer<double> covariance(h * h);
  const Buffer<double> y(h);
  for (int64_t r = 0; r < h; ++r) {
    y[r] = (rating(histories, first + r) - biases_.mean) / biases_.scale - row[items[r]];
    for (int64_t c = r; c < h; ++c) {
      double sum = hyperparameters_.bias_weight;
      if (c == r) sum += hyperparameters_.user_kernel_weight + hyperparameters_.bias_weight + hyperparameters_.noise;
      for (std::size_t k = 0; k < joints_.size(); ++k) {
        sum += strength(k) * static_cast<double>(joints_[k].items[items[r] * n + items[c]]);
      }
      covariance[r * h + c] = sum;
    }
  }
  if (!solve(covariance.get(), y.get(), h)) {
    fail("KernelAttentionRegressor: a system of ", h, " equations is singular: fit it with more noise");
  }
  double total = 0;
  for (int64_t r = 0; r < h; ++r) total += y[r];
  for (int64_t j = 0; j < n; ++j) row[j] += hyperparameters_.bias_weight * total;
  for (int64_t r = 0; r < h; ++r) {
    row[items[r]] += (hyperparameters_.user_kernel_weight + hyperparameters_.bias_weight) * y[r];
    for (std::size_t k = 0; k < joints_.size(); ++k) {
      const float *between = joints_[k].items + items[r] * n;
      const double by = strength(k) * y[r];
      for (int64_t j = 0; j < n; ++j) row[j] += by * static_cast<double>(between[j]);
    }
  }
}

}  // namespace attnrec
