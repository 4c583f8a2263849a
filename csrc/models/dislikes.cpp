// Splits histories by the sign of their values, and puts rows together again. Model.
#include "dislikes.h"

#include <algorithm>

namespace attnrec {
namespace {

// Columns of a row.
struct Row {
  Row(const attnrec_csr &x, int64_t i) : begin(x.indices + x.indptr[i]), end(x.indices + x.indptr[i + 1]) {}
  const int32_t *begin, *end;
};

}  // namespace

Dislikes::Dislikes(const ModelFile &file, const attnrec_csr &histories) {
  const std::string negative = file.word("negative", {"seen", "ignore", "interaction"});
  apart_ = negative != "interaction";
  seen_ = negative == "seen";
  if (!file.has("disliked.data")) return;
  stored_ = file.rows("disliked", histories.rows, histories.cols);
  const attnrec_csr &x = stored_.csr;
  const bool below = std::all_of(x.data, x.data + stored_.entries(), [](float v) { return v < 0; });
  if (!seen_ || !below) file.tensors.refuse("has dislikes that are none");
  for (int64_t i = 0; i < x.rows; ++i) {
    const Row liked(histories, i), disliked(x, i);
    const auto both = [&](int32_t id) { return std::binary_search(liked.begin, liked.end, id); };
    if (std::any_of(disliked.begin, disliked.end, both)) {
      file.tensors.refuse("has an item both in the history of user ", i, " and among what that user dislikes");
    }
  }
}

bool Dislikes::in(const attnrec_csr &given) const {
  if (!apart_ || given.data == nullptr) return false;
  const float *first = given.data + given.indptr[0];
  return std::any_of(first, given.data + given.indptr[given.rows], [](float v) { return v < 0; });
}

OwnRows Dislikes::learned(const attnrec_csr &given) {
  OwnRows out;
  out.cols = given.cols;
  for (int64_t i = 0; i < given.rows; ++i) {
    for (int64_t p = given.indptr[i]; p < given.indptr[i + 1]; ++p) {
      if (given.data[p] < 0) continue;
      out.indices.push_back(given.indices[p]);
      out.data.push_back(given.data[p]);
    }
    out.indptr.push_back(static_cast<int64_t>(out.indices.size()));
  }
  return out;
}

OwnRows Dislikes::with(const attnrec_csr &histories, const int64_t *userids, int64_t count) const {
  OwnRows out;
  out.cols = histories.cols;
  for (int64_t i = 0; i < count; ++i) {
    const Row liked(histories, userids[i]), disliked(stored_.csr, userids[i]);
    std::merge(liked.begin, liked.end, disliked.begin, disliked.end, std::back_inserter(out.indices));
    out.indptr.push_back(static_cast<int64_t>(out.indices.size()));
  }
  out.data.assign(out.indices.size(), 1.0F);
  return out;
}

}  // namespace attnrec
