// The transpose of a sparse matrix by counting sort over its columns. Core: no Python, no ops.
#include "sparse.h"

namespace attnrec {

Transposed::Transposed(const attnrec_csr &x)
    : indptr_(static_cast<std::size_t>(x.cols) + 1, 0), indices_(x.indptr[x.rows]), data_(x.indptr[x.rows]) {
  const int64_t nnz = x.indptr[x.rows];
  for (int64_t p = 0; p < nnz; ++p) ++indptr_[static_cast<std::size_t>(x.indices[p]) + 1];
  for (std::size_t i = 1; i < indptr_.size(); ++i) indptr_[i] += indptr_[i - 1];
  std::vector<int64_t> next(indptr_.begin(), indptr_.end() - 1);
  for (int64_t u = 0; u < x.rows; ++u) {
    for (int64_t p = x.indptr[u]; p < x.indptr[u + 1]; ++p) {
      const int64_t at = next[static_cast<std::size_t>(x.indices[p])]++;
      indices_[at] = static_cast<int32_t>(u);
      data_[at] = x.data[p];
    }
  }
  csr_ = {indptr_.data(), indices_.get(), data_.get(), x.cols, x.rows};
}

}  // namespace attnrec
