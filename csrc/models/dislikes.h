// Values below 0 in histories, where they are dislikes (models/inputs/dislikes.py): what is learned from, and what is
// hidden besides. Model: knows no estimator.
#pragma once
#include "../io/model_file.h"

namespace attnrec {

// Sparse rows of one's own.
struct OwnRows {
  attnrec_csr csr() const {
    return {indptr.data(), indices.data(), data.data(), static_cast<int64_t>(indptr.size()) - 1, cols};
  }
  std::vector<int64_t> indptr{0};
  std::vector<int32_t> indices;
  std::vector<float> data;
  int64_t cols = 0;
};

class Dislikes {
 public:
  Dislikes() = default;  // there are none: values below 0 are as any others
  Dislikes(const ModelFile &file, const attnrec_csr &histories);

  // Whether rows that are given have entries that are not learned from; whether those are hidden.
  bool in(const attnrec_csr &given) const;
  bool hidden() const { return seen_; }
  // Whether fitted users have items that are hidden besides their histories.
  bool stored() const { return stored_.csr.rows > 0; }
  // The entries that are learned from.
  static OwnRows learned(const attnrec_csr &given);
  // Histories of fitted users with what they dislike.
  OwnRows with(const attnrec_csr &histories, const int64_t *userids, int64_t count) const;

 private:
  bool apart_ = false, seen_ = false;
  StoredRows stored_;
};

}  // namespace attnrec
