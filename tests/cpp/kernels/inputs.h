// What the kernels are checked on: random panels, strips, values and sparse rows of one shape.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "kernels/table.h"

namespace attnrec {
namespace {

using Floats = std::vector<float>;

constexpr int64_t kQueries = 64;  // a multiple of every table's lanes

struct Shape {
  int64_t n, d, m;
};
const Shape kShapes[] = {{1, 1, 1},    {5, 3, 2},    {12, 8, 6},    {13, 64, 12},
                         {95, 17, 13}, {96, 64, 24}, {48, 130, 37}, {13, 1700, 2}};  // long sums

inline Floats random_floats(int64_t n, unsigned seed, float spread = 1) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal(0, spread);
  Floats out(static_cast<std::size_t>(n));
  for (float &x : out) x = normal(engine);
  return out;
}

// Rows 0, 1, 2, ... of a sparse (n, cols) matrix with about a third of its entries.
struct Sparse {
  std::vector<int64_t> indptr{0};
  std::vector<int32_t> indices;
  Floats data;

  Sparse(int64_t n, int64_t cols, unsigned seed) {
    std::mt19937 engine(seed);
    const Floats values = random_floats(n * cols, seed + 1);
    for (int64_t j = 0; j < n; ++j) {
      for (int64_t c = 0; c < cols; ++c) {
        if (engine() % 3 != 0) continue;
        indices.push_back(static_cast<int32_t>(c));
        data.push_back(values[static_cast<std::size_t>(j * cols + c)]);
      }
      indptr.push_back(static_cast<int64_t>(indices.size()));
    }
  }
  CsrRows rows() const { return {indptr.data(), indices.data(), data.data()}; }
};

// The columns [q, q + lanes) of x [rows][kQueries], as [rows][lanes]
inline Floats columns(const Floats &x, int64_t q, int64_t lanes) {
  Floats out;
  for (std::size_t row = 0; row * kQueries < x.size(); ++row) {
    const auto at = x.begin() + static_cast<std::ptrdiff_t>(row * kQueries) + q;
    out.insert(out.end(), at, at + lanes);
  }
  return out;
}

// Runs body(first query, lanes) -> [rows][lanes] over all queries; the result [rows][kQueries] does not tell the
// width it was computed in.
inline Floats over_queries(int64_t rows, int64_t lanes, const std::function<Floats(int64_t)> &body) {
  Floats out(static_cast<std::size_t>(rows * kQueries));
  for (int64_t q = 0; q < kQueries; q += lanes) {
    const Floats part = body(q);
    for (int64_t r = 0; r < rows; ++r) {
      std::copy_n(part.begin() + r * lanes, lanes, out.begin() + r * kQueries + q);
    }
  }
  return out;
}

struct Inputs {
  Shape s;
  Floats panels, many_rows, queries, strip, weights, shift, threshold, values, sums, factors, bias;
  Sparse keys, sparse_values;

  explicit Inputs(Shape shape)
      : s(shape), panels(random_floats((shape.n + kPanel - 1) / kPanel * kPanel * shape.d + kSlack, 1)),
        many_rows(random_floats(kPanel * (shape.d + 3), 13)), queries(random_floats(shape.d * kQueries, 2)),
        strip(random_floats(shape.n * kQueries, 3, 20)), weights(random_floats(shape.n * kQueries, 12)),
        shift(random_floats(kQueries, 4, 10)), threshold(random_floats(kQueries, 5, 20)),
        values(random_floats(shape.n * shape.m, 6)), sums(random_floats(shape.m * kQueries, 7)),
        factors(random_floats(kQueries, 8)), bias(random_floats(shape.n + kPanel + kSlack, 9)),
        keys(shape.n, shape.d, 10), sparse_values(shape.n, shape.m, 11) {
    strip[0] = -INFINITY;
    strip.back() = 3e-41F;
  }
};

}  // namespace
}  // namespace attnrec
