// Biases, and features of rows of ratings; and small systems of equations. Model: knows no estimator.
#include "ratings.h"

#include <algorithm>
#include <cmath>

namespace attnrec {
namespace {

constexpr int kSweeps = 10;

std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

// data (of row i) at length 1, or 0 without one
void to_floats(const std::vector<double> &row, float *out) {
  double sum = 0;
  for (const double v : row) sum += v * v;
  const double length = std::sqrt(sum);
  for (std::size_t c = 0; c < row.size(); ++c) out[c] = length > 0 ? static_cast<float>(row[c] / length) : 0.0F;
}

}  // namespace

Biases::Biases(const attnrec_csr &x, const attnrec_csr &transposed, double user_damping, double item_damping)
    : damping_{user_damping, item_damping} {
  const int64_t nnz = x.indptr[x.rows];
  double square = 0;
  for (int64_t p = 0; p < nnz; ++p) mean += rating(x, p);
  if (nnz > 0) mean /= static_cast<double>(nnz);
  for (int64_t p = 0; p < nnz; ++p) square += (rating(x, p) - mean) * (rating(x, p) - mean);
  if (square > 0) scale = std::sqrt(square / static_cast<double>(nnz));
  const attnrec_csr *rows[] = {&x, &transposed};
  for (const int side : {0, 1}) {
    biases[side].assign(at(rows[side]->rows), 0.0);
    for (int64_t i = 0; i < rows[side]->rows; ++i) {
      const auto count = static_cast<double>(rows[side]->indptr[i + 1] - rows[side]->indptr[i]);
      activity_[side].push_back(std::pow(count + 1, -0.25));
    }
  }
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    for (const int side : {0, 1}) {
      for (int64_t i = 0; i < rows[side]->rows; ++i) biases[side][at(i)] = of(*rows[side], i, side);
    }
  }
}

double Biases::of(const attnrec_csr &rows, int64_t i, int side) const {
  double sum = 0;
  for (int64_t p = rows.indptr[i]; p < rows.indptr[i + 1]; ++p) {
    sum += rating(rows, p) - mean - biases[1 - side][at(rows.indices[p])];
  }
  const double count = static_cast<double>(rows.indptr[i + 1] - rows.indptr[i]) + damping_[side];
  return count > 0 ? sum / count : 0.0;
}

Features Biases::features(const attnrec_csr &rows, int side, const Run &run) const {
  const int64_t nnz = rows.indptr[rows.rows];
  Features out{Buffer<float>(nnz), Buffer<float>(nnz), rows, rows};
  out.residuals.data = out.residual.get();
  out.activity.data = out.active.get();
  for_each_user(rows.rows, 1 + 8 * nnz / std::max<int64_t>(1, rows.rows), run, [&](int64_t i) {
    std::vector<double> residuals, activity;
    const double bias = of(rows, i, side);
    for (int64_t p = rows.indptr[i]; p < rows.indptr[i + 1]; ++p) {
      const std::size_t column = at(rows.indices[p]);
      residuals.push_back(rating(rows, p) - mean - bias - biases[1 - side][column]);
      activity.push_back(activity_[1 - side][column]);
    }
    to_floats(residuals, out.residual.get() + rows.indptr[i]);
    to_floats(activity, out.active.get() + rows.indptr[i]);
  });
  return out;
}

bool solve(double *a, double *y, int64_t n) {
  for (int64_t k = 0; k < n; ++k) {  // a = U^T U, U in its place
    double *row = a + k * n;
    const double pivot = row[k];
    if (!(pivot > 0) || !std::isfinite(pivot)) return false;
    const double root = std::sqrt(pivot);
    for (int64_t c = k; c < n; ++c) row[c] /= root;
    for (int64_t i = k + 1; i < n; ++i) {
      const double by = row[i];
      double *to = a + i * n;
      for (int64_t c = i; c < n; ++c) to[c] -= by * row[c];
    }
    y[k] /= row[k];
    for (int64_t i = k + 1; i < n; ++i) y[i] -= row[i] * y[k];
  }
  for (int64_t k = n - 1; k >= 0; --k) {
    const double *row = a + k * n;
    for (int64_t c = k + 1; c < n; ++c) y[k] -= row[c] * y[c];
    y[k] /= row[k];
  }
  return true;
}

}  // namespace attnrec
