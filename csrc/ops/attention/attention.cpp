// Attention over values, softmax(scale Q K^T) V, and A @ R: the (b, n) attention is never stored. Ops only.
#include "../../core/dispatch.h"
#include "../walk/values.h"
#include "weighted.h"

namespace attnrec {
namespace {

constexpr int64_t kRatingRows = 192;  // of a strip in predict_ratings: half the traffic of its sums that 96 has

}  // namespace

void attend(const attnrec_operand &queries, const attnrec_operand &keys, const attnrec_operand &values, float scale,
            const Masks &masks, float *out, float *lse, const Run &run) {
  WeightedTask task;
  task.keys.operand = keys;
  task.keys.n = rows_of(keys);
  task.keys.d = cols_of(keys);
  task.keys.scale = scale;
  task.values = values;
  task.masks = masks;
  weighted_sums(queries, task, out, lse, run);
}

void predict_ratings(const attnrec_matrix &attention, const attnrec_operand &ratings, float *out, const Run &run) {
  const Kernels &k = kernels();
  const int64_t b = attention.rows;
  const int64_t n = attention.cols;
  const int64_t m = cols_of(ratings);
  const int64_t step = ratings.csr != nullptr ? kSparseStrip : kRatingRows;
  const double madds = static_cast<double>(b) * static_cast<double>(n) * static_cast<double>(m + 1);
  const int64_t groups = ratings.csr != nullptr ? groups_for_sparse(k, m) : kMaxGroups;
  const Values read(ratings, step, b, k.lanes, run);
  const int64_t held = (read.in_parts() ? 2 : 1) * m + step;
  const Plan plan = plan_blocks(run, b, k.lanes, 1, held * static_cast<int64_t>(sizeof(float)), madds, groups);
  Threads threads = run.threads;
  threads.count = plan.threads;
  parallel_for(plan.n_blocks, threads, [&](int64_t i) {
    const attnrec_matrix no_features{attention.data, b, 0, 0, 0};  // groups of rows; attention itself is the strip
    const attnrec_operand rows{&no_features, nullptr, nullptr};
    const Block block(rows, i * plan.block, std::min(plan.block, b - i * plan.block), k.lanes);
    const auto &groups = block.groups();
    const Strips strips(block, step, k.lanes);
    const ValueReader values(read, block);
    const Sums sums(block, m, k.lanes, read.in_parts());
    const std::vector<char> live(groups.size(), 1);
    for (int64_t s = 0; s < n; s += step) {
      check_cancelled();
      attnrec_matrix part = attention;
      part.data += s * attention.col_stride;
      part.cols = std::min(step, n - s);
      const attnrec_operand columns{&part, nullptr, nullptr};
      for (std::size_t g = 0; g < groups.size(); ++g) {
        pack_lanes<int64_t>(columns, nullptr, groups[g].first, groups[g].count, groups[g].lanes, strips.of(g));
      }
      values.add(k, s, part.cols, strips, live, sums);
    }
    sums.end_parts(k);
    for (std::size_t g = 0; g < groups.size(); ++g) {
      k.unpack(sums.of(g), m, groups[g].lanes, groups[g].count, out + groups[g].first * m, m);
    }
  });
}

}  // namespace attnrec
