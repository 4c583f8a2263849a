// Scores of chosen pairs, the same bits as in a strip. Ops only.
#include <cmath>

#include "../../core/dispatch.h"
#include "../walk/operand.h"
#include "../walk/sweep.h"

namespace attnrec {

void score_pairs(const attnrec_operand &queries, const attnrec_operand &items, const int64_t *query_ids,
                 const int64_t *item_ids, int64_t n_pairs, float *out, const Run &run) {
  const Kernels &k = kernels();
  const int64_t d = cols_of(items);
  constexpr int64_t kPairsPerTask = 4096;
  const double madds = 8.0 * static_cast<double>(n_pairs) * static_cast<double>(d);  // packing costs more than dots
  Threads threads = run.threads;
  threads.count = plan_blocks(run, n_pairs, kPairsPerTask, 1, 1, madds).threads;
  parallel_for(ceil_div(n_pairs, kPairsPerTask), threads, [&](int64_t task) {
    const Buffer<float> a(d * k.lanes);
    const Buffer<float> b(d * k.lanes);
    float scores[kMaxLanes];
    const int64_t last = std::min(n_pairs, (task + 1) * kPairsPerTask);
    for (int64_t p = task * kPairsPerTask; p < last; p += k.lanes) {
      const int64_t count = std::min(k.lanes, last - p);
      pack_lanes(items, item_ids + p, 0, count, k.lanes, a.get());
      pack_lanes(queries, query_ids + p, 0, count, k.lanes, b.get());
      k.dots(a.get(), b.get(), d, k.lanes, scores);
      std::copy(scores, scores + count, out + p);
    }
  });
}

float dot_product(const float *u, const float *v, int64_t d) {
  const float *items[kScoreAtOnce] = {v, v, v, v};
  const float *queries[kScoreAtOnce] = {u, u, u, u};
  float sums[kScoreAtOnce];
  kernels().score_some(items, 1, queries, 1, d, sums);
  return sums[0];
}

}  // namespace attnrec
