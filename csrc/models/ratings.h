// Features of rows of ratings: residuals after user and item biases, and activity weights
// (models/kernel_explicit/biases.py). Model.
#pragma once
#include "../core/sparse.h"
#include "scored.h"

namespace attnrec {

// Residuals and activity of some rows, each at length 1; their pattern is that of the rows.
struct Features {
  Buffer<float> residual, active;
  attnrec_csr residuals{}, activity{};
};

// Mean and biases of fitted ratings: damped means given each other. Side 0 are the users, side 1 the items.
class Biases {
 public:
  Biases(const attnrec_csr &x, const attnrec_csr &transposed, double user_damping, double item_damping);
  Biases(const Biases &) = delete;
  // Of a row, given those of the other side.
  double of(const attnrec_csr &rows, int64_t i, int side) const;
  Features features(const attnrec_csr &rows, int side, const Run &run) const;

  double mean = 0;
  double scale = 1;  // standard deviation of the ratings, 1 where they are all equal
  std::vector<double> biases[2];

 private:
  const double damping_[2];
  std::vector<double> activity_[2];  // (count + 1)^-1/4
};

// Ratings of a history: ones where it has no data.
inline double rating(const attnrec_csr &x, int64_t p) {
  return x.data == nullptr ? 1.0 : static_cast<double>(x.data[p]);
}

// y (n,) becomes a^-1 y, for a symmetric positive definite a (n, n) of which the upper half is read, and written over.
// False where it is not.
bool solve(double *a, double *y, int64_t n);

}  // namespace attnrec
