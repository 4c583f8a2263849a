// The transpose of a sparse matrix. Core: no Python, no ops.
#pragma once
#include <attnrec/attnrec.h>

#include <cstdint>
#include <vector>

#include "scratch.h"

namespace attnrec {

// The transpose of a CSR matrix, as CSR: row j lists the rows of x with an entry in column j, in ascending order.
class Transposed {
 public:
  explicit Transposed(const attnrec_csr &x);
  Transposed(const Transposed &) = delete;
  const attnrec_csr &csr() const { return csr_; }

 private:
  std::vector<int64_t> indptr_;
  Buffer<int32_t> indices_;
  Buffer<float> data_;
  attnrec_csr csr_{};
};

}  // namespace attnrec
