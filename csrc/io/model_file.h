// What a model file holds, by name, each part checked as it is taken. Model: knows no estimator.
#pragma once
#include <attnrec/attnrec.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "../ops/ops.h"
#include "tensors.h"

namespace attnrec {

// Sparse rows that lie in the file; copies only of what is stored as integers of another width.
struct StoredRows {
  attnrec_csr csr{};
  Buffer<int64_t> indptr;
  Buffer<int32_t> indices;
  int64_t entries() const { return csr.indptr[csr.rows]; }
};

struct ModelFile {
  ModelFile(const char *path, const Run &run, bool skip_finite);

  // Facts: a finite number of at least `low`; one of a few words; a whole number.
  double number(const char *name, double low) const;
  std::string word(const char *name, const std::vector<const char *> &choices) const;
  int64_t integer(const char *name) const;
  // Tensors of float32 or float64, finite, of just this shape.
  const float *floats(const std::string &name, const std::vector<int64_t> &shape) const;
  const double *doubles(const std::string &name, const std::vector<int64_t> &shape) const;
  attnrec_matrix matrix(const std::string &name, int64_t rows, int64_t cols) const;
  int64_t last_axis(const char *name) const;  // how wide a matrix says that it is
  // Rows of (rows, cols): sorted, no column twice.
  StoredRows rows(const std::string &name, int64_t rows, int64_t cols) const;
  // Those of which only the file says how large they are.
  StoredRows rows(const std::string &name) const;
  // Tensors of int64 of this shape, and of bytes.
  const int64_t *integers(const std::string &name, const std::vector<int64_t> &shape) const;
  std::string_view bytes(const std::string &name) const;
  bool says(const char *name) const { return header_.find("facts")->find(name) != nullptr; }
  bool has(const std::string &name) const { return tensors.find(name) != nullptr; }

  TensorFile tensors;
  std::string model;  // its class

 private:
  const Tensor &tensor(const std::string &name) const;
  const Tensor &tensor(const std::string &name, const char *dtype, const std::vector<int64_t> &shape) const;
  const Json &fact(const char *name) const;

  Json header_;
  Run run_;
  bool skip_finite_;
};

}  // namespace attnrec
