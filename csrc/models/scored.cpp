// The best items of rows of scores: score down, then id up. Model: knows no estimator.
#include "scored.h"

#include <cfloat>
#include <cmath>

#include "../ops/retrieval/topk_buffer.h"

namespace attnrec {

void for_each_user(int64_t count, int64_t work, const Run &run, const std::function<void(int64_t)> &task) {
  Threads threads = run.threads;
  threads.count = plan_blocks(run, count, 1, 1, 1, static_cast<double>(count) * static_cast<double>(work)).threads;
  parallel_for(count, threads, task);
}

void unit_rows(const attnrec_csr &x, float *data, const Run &run) {
  for_each_user(x.rows, 1 + (x.indptr[x.rows] - x.indptr[0]) / std::max<int64_t>(1, x.rows), run, [&](int64_t i) {
    double sum = 0;
    const auto square = [](double v) { return v * v; };
    for (int64_t p = x.indptr[i]; p < x.indptr[i + 1]; ++p) sum += square(static_cast<double>(data[p]));
    const double length = std::sqrt(sum);
    for (int64_t p = x.indptr[i]; p < x.indptr[i + 1]; ++p) {
      data[p] = length > 0 ? static_cast<float>(static_cast<double>(data[p]) / length) : 0.0F;
    }
  });
}

Scale::Scale(const ModelFile &file) {
  const double first = file.number("low", -FLT_MAX);
  const double last = file.number("high", first);
  if (last > FLT_MAX) file.tensors.refuse("has a high that is more than a float32 holds");
  low = static_cast<float>(first);
  high = static_cast<float>(last);
}

void ScoredModel::retrieve(const Users &users, const Wanted &wanted, const attnrec_topk_result &result,
                           const Run &run) const {
  const int64_t n = n_items();
  const int64_t k = std::min(wanted.k, n);  // more can not be found
  const Buffer<float> all(users.count() * n);
  scores(users, all.get(), run);
  for_each_user(users.count(), n, run, [&](int64_t i) {
    float *row = all.get() + i * n;
    const attnrec_csr &x = users.seen;
    if (wanted.hide) {
      for (int64_t p = x.indptr[i]; p < x.indptr[i + 1]; ++p) row[x.indices[p]] = kHidden;
    }
    if (wanted.filter != nullptr) {
      for (const int32_t id : *wanted.filter) row[id] = kHidden;
    }
    std::vector<uint64_t> keys(static_cast<std::size_t>(k));
    TopKBuffer found{keys.data(), 0};
    float threshold = kHidden;
    const auto look = [&](int32_t id) {
      if (row[id] > threshold && found.push(key_of(row[id], id), k)) threshold = score_of(found.worst(k));
    };
    if (wanted.items != nullptr) {
      for (const int32_t id : *wanted.items) look(id);
    } else {
      for (int32_t id = 0; id < n; ++id) look(id);
    }
    write_row(result, i, wanted.k, found, 0, 0);
    if (!wanted.clip) return;
    for (int64_t c = i * wanted.k; c < (i + 1) * wanted.k && result.ids[c] >= 0; ++c) {
      result.scores[c] = shown(result.scores[c]);
    }
  });
}

}  // namespace attnrec
