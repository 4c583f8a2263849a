// Ops whose result is the (b, n) matrix itself: similarity and attention_matrix. Ops only.
#include "../../core/dispatch.h"
#include "../walk/mask.h"
#include "../walk/softmax_state.h"

namespace attnrec {
namespace {

Keys keys_of(const attnrec_operand &keys, float scale) {
  Keys out;
  out.operand = keys;
  out.n = rows_of(keys);
  out.d = cols_of(keys);
  out.scale = scale;
  return out;
}

// Scores into out; with `states` ([units][groups of all blocks]) also the softmax of each unit.
void fill(const attnrec_operand &queries, const Keys &keys, const Masks &masks, std::vector<Softmax> *states,
          int64_t groups_per_block, const Plan &plan, float *out, const Run &run) {
  const Kernels &k = kernels();
  const Units units = units_of(keys.n, strip_items(keys.d));
  const int64_t n_units = units.count();
  const int64_t per_block = plan.split ? n_units : 1;
  Threads threads = run.threads;
  threads.count = plan.threads;
  parallel_for(plan.n_blocks * per_block, threads, [&](int64_t task) {
    const int64_t b = task / per_block;
    const int64_t first_unit = plan.split ? task % per_block : 0;
    const int64_t last_unit = plan.split ? first_unit + 1 : n_units;
    const Block block(queries, b * plan.block, std::min(plan.block, plan.b - b * plan.block), k.lanes);
    ChunkReader reader(keys, strip_items(keys.d), 0);
    Masker masker(masks, nullptr, block);
    const Buffer<float> strip(strip_items(keys.d) * k.lanes + kSlack);
    float top[kMaxLanes];
    float factor[kMaxLanes];
    for (int64_t u = first_unit; u < last_unit; ++u) {
      masker.start(units.first(u));
      Softmax *at = states == nullptr ? nullptr : states->data() + (b * n_units + u) * groups_per_block;
      sweep(reader, block, keys.d, units.first(u), units.last(u), [&](std::size_t g, int64_t s, int64_t count) {
        const Group &group = block.groups()[g];
        float *scores = strip.get();
        reader.strip(k, group, s, count, scores, at == nullptr || masker.active() ? nullptr : top);
        if (masker.active()) masker.apply(g, s, count, scores);
        k.unpack(scores, count, group.lanes, group.count, out + group.first * keys.n + s, keys.n);
        if (at == nullptr) return;
        if (masker.active()) k.lane_max(scores, count, group.lanes, top);
        add_strip(k, at[g], scores, count, group.lanes, top, nullptr, factor);
      });
    }
  });
}

double madds_of(const attnrec_operand &queries, const Keys &keys) {
  return static_cast<double>(rows_of(queries)) * static_cast<double>(keys.n) * static_cast<double>(keys.d + 8);
}

}  // namespace

void similarity(const attnrec_operand &queries, const attnrec_operand &keys, float scale, float *out, const Run &run) {
  const Keys k = keys_of(keys, scale);
  if (k.n == 0) return;
  const int64_t bytes = k.d * static_cast<int64_t>(sizeof(float));
  const Plan plan = plan_blocks(run, rows_of(queries), kernels().lanes, units_of(k.n, strip_items(k.d)).count(), bytes,
                                madds_of(queries, k));
  fill(queries, k, Masks{}, nullptr, 0, plan, out, run);
}

void attention_matrix(const attnrec_operand &queries, const attnrec_operand &keys, float scale, const Masks &masks,
                      float *out, const Run &run) {
  const Keys k = keys_of(keys, scale);
  if (k.n == 0) return;
  const int64_t lanes = kernels().lanes;
  const int64_t n_units = units_of(k.n, strip_items(k.d)).count();
  const int64_t bytes = k.d * static_cast<int64_t>(sizeof(float));
  const Plan plan = plan_blocks(run, rows_of(queries), lanes, n_units, bytes, madds_of(queries, k));
  const int64_t groups_per_block = plan.block / lanes;
  std::vector<Softmax> states(static_cast<std::size_t>(plan.n_blocks * n_units * groups_per_block));
  fill(queries, k, masks, &states, groups_per_block, plan, out, run);

  Threads threads = run.threads;
  threads.count = plan.threads;
  parallel_for(plan.n_blocks * groups_per_block, threads, [&](int64_t task) {
    const int64_t b = task / groups_per_block;
    const int64_t g = task % groups_per_block;
    Softmax total;
    float keep[kMaxLanes];
    float take[kMaxLanes];
    for (int64_t u = 0; u < n_units; ++u) {
      merge(total, states[static_cast<std::size_t>((b * n_units + u) * groups_per_block + g)], lanes, keep, take);
    }
    const int64_t first = b * plan.block + g * lanes;
    for (int64_t l = 0; l < lanes && first + l < plan.b; ++l) {
      total.check(l);
      const bool empty = !(total.sum[l] > 0);
      kernels().exp_row(out + (first + l) * k.n, k.n, empty ? 0.0F : -total.shift[l],
                        empty ? 0.0F : static_cast<float>(1.0 / total.sum[l]));
    }
  });
}

}  // namespace attnrec
