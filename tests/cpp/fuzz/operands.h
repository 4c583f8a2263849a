// Matrices, CSR matrices, indexes and ids of any content over memory that is exactly as large as they say. Fuzzing.
#pragma once
#include <attnrec/attnrec.h>

#include <memory>
#include <vector>

#include "bytes.h"

namespace attnrec_fuzz {

// Mostly small; now and then negative, or too large to be an axis.
int64_t extent(Bytes &bytes);
// The same, but now and then another one.
int64_t about(Bytes &bytes, int64_t n);

// Elements without slack behind them, so that a read past the end is seen.
template <class T>
std::unique_ptr<T[]> room(int64_t n) {
  return std::unique_ptr<T[]>(new T[static_cast<std::size_t>(n)]);
}

// One style of numbers a matrix: ordinary, tied, tiny, huge, any bits.
class Numbers {
 public:
  explicit Numbers(Bytes &bytes);
  float next();
  bool finite() const { return finite_; }  // all that were given

 private:
  Bytes &bytes_;
  int64_t style_;
  Random random_;
  float constant_;
  bool finite_ = true;
};

std::unique_ptr<float[]> vector_of(Bytes &bytes, int64_t n, bool *finite);  // null at times
std::vector<int64_t> ids_below(Bytes &bytes, int64_t n);                    // now and then one that is not

// Any layout; what lies between the elements is NaN.
struct Dense {
  Dense(Bytes &bytes, int64_t rows, int64_t cols);
  attnrec_matrix view{};
  bool finite = true;

 private:
  std::unique_ptr<float[]> memory_;
};

// Sorted, unsorted, with repeated entries, or damaged in its structure.
struct Sparse {
  Sparse(Bytes &bytes, int64_t rows, int64_t cols, bool only_pattern);
  const attnrec_csr *get() const { return &view; }
  bool holds(int64_t row, int64_t col) const;
  attnrec_csr view{};
  bool finite = true;

 private:
  std::unique_ptr<int64_t[]> indptr_;
  std::unique_ptr<int32_t[]> indices_;
  std::unique_ptr<float[]> data_;
};

std::unique_ptr<Sparse> pattern(Bytes &bytes, int64_t rows, int64_t cols);  // mostly null

// In one form, or, now and then, in none or two.
class Operand {
 public:
  Operand(Bytes &bytes, int64_t rows, int64_t cols);
  const attnrec_operand *get() const { return missing_ ? nullptr : &view_; }
  bool finite() const;
  bool dense_alone() const { return !missing_ && dense_ != nullptr && sparse_ == nullptr && index_ == nullptr; }

 private:
  struct Free {
    void operator()(attnrec_index *x) const { attnrec_get_api()->index_free(x); }
  };
  std::unique_ptr<Dense> dense_;
  std::unique_ptr<Sparse> sparse_;
  std::unique_ptr<attnrec_index, Free> index_;
  attnrec_operand view_{};
  bool missing_ = false;
};

// Whether an operand, where it is one, has as many rows or columns as an output was made for.
int64_t rows_of(const attnrec_operand *x, int64_t otherwise);
bool same_rows(const attnrec_operand *x, int64_t rows);
bool same_cols(const attnrec_operand *x, int64_t cols);

}  // namespace attnrec_fuzz
