// Which estimators are served, and how users are put before them. Model: used by api/models.cpp.
#include "model.h"

#include <algorithm>

namespace attnrec {
namespace {

struct Served {
  const char *name;
  ModelPointer (*open)(FilePointer, const Run &);
};
constexpr Served kServed[] = {{"SoftmaxRecommender", softmax_model},
                              {"NeighbourAttention", neighbour_model},
                              {"KernelAttentionRecommender", kernel_model},
                              {"KernelAttentionRegressor", regressor_model}};

// Rows of sparse matrices as one of their own.
struct Slice {
  // Consecutive rows: the same entries.
  Slice(const attnrec_csr &x, int64_t first, int64_t count) {
    const int64_t start = x.indptr[first];
    for (int64_t i = 0; i <= count; ++i) indptr.push_back(x.indptr[first + i] - start);
    csr = {indptr.data(), x.indices + start, x.data == nullptr ? nullptr : x.data + start, count, x.cols};
  }
  // Rows by number: a copy.
  Slice(const attnrec_csr &x, const int64_t *rows, int64_t count) {
    indptr.push_back(0);
    for (int64_t i = 0; i < count; ++i) {
      const int64_t begin = x.indptr[rows[i]];
      const int64_t end = x.indptr[rows[i] + 1];
      indices.insert(indices.end(), x.indices + begin, x.indices + end);
      data.insert(data.end(), x.data + begin, x.data + end);
      indptr.push_back(static_cast<int64_t>(indices.size()));
    }
    csr = {indptr.data(), indices.data(), data.data(), count, x.cols};
  }
  Slice(const Slice &) = delete;

  std::vector<int64_t> indptr;
  std::vector<int32_t> indices;
  std::vector<float> data;
  attnrec_csr csr{};
};

}  // namespace

ModelPointer open_model(const char *path, const Run &run, bool skip_finite) {
  auto file = std::make_unique<ModelFile>(path, run, skip_finite);
  const auto *served =
      std::find_if(std::begin(kServed), std::end(kServed), [&](const Served &s) { return file->model == s.name; });
  if (served != std::end(kServed)) return served->open(std::move(file), run);
  std::string names;
  for (const Served &s : kServed) names += (names.empty() ? "" : ", ") + std::string(s.name);
  fail("model_open: ", file->tensors.path(), ": model class ", quoted(file->model),
       " cannot be served from C yet; these are: ", names, ". Serve it from Python, by attnrec.models.load(path)");
}

void recommend(const attnrec_model &model, const attnrec_csr *histories, const int64_t *userids, int64_t b,
               const Wanted &wanted, const attnrec_topk_result &result, const Run &run) {
  const int64_t step = std::max<int64_t>(1, run.memory_budget / std::max<int64_t>(1, model.row_bytes()));
  for (int64_t first = 0; first < b; first += step) {
    const int64_t count = std::min(step, b - first);
    const int64_t *ids = userids == nullptr ? nullptr : userids + first;
    const Slice rows = histories == nullptr ? Slice(model.histories.csr, ids, count) : Slice(*histories, first, count);
    Users users{rows.csr, ids, histories == nullptr, rows.csr};
    OwnRows own;
    if (users.stored && model.dislikes.stored()) {
      own = model.dislikes.with(model.histories.csr, ids, count);
      users.seen = own.csr();
    } else if (!users.stored && model.dislikes.in(rows.csr)) {
      own = Dislikes::learned(rows.csr);
      users.histories = own.csr();
      if (!model.dislikes.hidden()) users.seen = users.histories;
    }
    attnrec_topk_result part{};
    part.ids = result.ids + first * wanted.k;
    part.scores = result.scores + first * wanted.k;
    part.counts = result.counts == nullptr ? nullptr : result.counts + first;
    model.retrieve(users, wanted, part, run);
  }
}

}  // namespace attnrec
