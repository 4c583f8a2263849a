// Operands in the form that an op needs: with strides that lead somewhere, canonical, normalised for the cosine, or
// with contiguous rows. Border: used by api/table.cpp and api/train.cpp.
#pragma once
#include <attnrec/attnrec.h>

#include <memory>
#include <optional>
#include <vector>

#include "../ops/walk/operand.h"
#include "check.h"

namespace attnrec {

// An operand in canonical form. Replaces a dense operand by a view, where ops may form the address of every row and of
// its end. Callers need not give such: of an axis that is not longer than 1 any stride is right, and of a matrix
// without elements any address. In the place of a sparse one it puts checked rows, sorted and free of repeats.
class CanonicalOperand {
 public:
  CanonicalOperand(const attnrec_operand **x, ArgumentName who) {
    if (*x == nullptr || ((*x)->dense == nullptr && (*x)->csr == nullptr)) return;
    operand_ = **x;
    if (operand_.dense != nullptr) make(&operand_.dense);
    if (operand_.csr != nullptr) operand_.csr = &canonical_.emplace(who, *operand_.csr, true).csr();
    *x = &operand_;
  }
  explicit CanonicalOperand(const attnrec_matrix **x) {
    if (*x != nullptr) make(x);
  }
  CanonicalOperand(const CanonicalOperand &) = delete;

 private:
  void make(const attnrec_matrix **x) {
    static const float none = 0;
    dense_ = **x;
    const bool empty = dense_.rows == 0 || dense_.cols == 0;
    if (dense_.rows <= 1 || empty) dense_.row_stride = dense_.cols;
    if (dense_.cols <= 1 || empty) dense_.col_stride = 1;
    if (empty) dense_.data = &none;
    *x = &dense_;
  }
  attnrec_matrix dense_{};
  std::optional<Canonical> canonical_;
  attnrec_operand operand_{};
};

// The operands of a metric: themselves for the dot product, L2-normalised copies for the cosine.
class NormalizedOperands {
 public:
  NormalizedOperands(const char *op, attnrec_metric metric, const attnrec_operand &a, const attnrec_operand &b,
                     const Run &run)
      : a_(a), b_(b) {
    if (metric == ATTNREC_DOT) return;
    if (metric != ATTNREC_COSINE) fail(op, ": metric ", static_cast<int>(metric), " is neither dot nor cosine");
    copies_.reserve(2);
    for (attnrec_operand *x : {&a_, &b_}) {
      *x = copies_.emplace_back(std::make_unique<Normalized>(*x, run))->operand();
    }
  }
  const attnrec_operand &a() const { return a_; }
  const attnrec_operand &b() const { return b_; }

 private:
  attnrec_operand a_, b_;
  std::vector<std::unique_ptr<Normalized>> copies_;
};

// Value rows have to be contiguous for the kernels: a copy where they are not.
class Contiguous {
 public:
  explicit Contiguous(const attnrec_operand &x) : operand_(x) {
    if (x.dense == nullptr || x.dense->col_stride == 1 || x.dense->rows == 0) return;
    const attnrec_matrix &m = *x.dense;
    copy_ = Buffer<float>(m.rows * m.cols);
    for (int64_t i = 0; i < m.rows; ++i) {
      for (int64_t c = 0; c < m.cols; ++c) copy_[i * m.cols + c] = m.data[i * m.row_stride + c * m.col_stride];
    }
    dense_ = {copy_.get(), m.rows, m.cols, m.cols, 1};
    operand_.dense = &dense_;
  }
  Contiguous(const Contiguous &) = delete;
  const attnrec_operand &operand() const { return operand_; }

 private:
  Buffer<float> copy_;
  attnrec_matrix dense_{};
  attnrec_operand operand_;
};

}  // namespace attnrec
