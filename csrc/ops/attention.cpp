// Attention over values, softmax(scale Q K^T) V, and A @ R: the (b, n) attention is never stored. Ops only.
#include "../core/dispatch.h"
#include "mask.h"
#include "softmax_state.h"

namespace attnrec {
namespace {

// out[c][l] += sum over rows [s, s + count) of values[j][c] * strip[j][l]
void add_values(const Kernels &k, const attnrec_operand &values, int64_t s, int64_t count, const float *strip,
                int64_t lanes, float *out) {
  if (values.csr != nullptr) {
    const CsrRows rows{values.csr->indptr + s, values.csr->indices, values.csr->data};
    k.values_csr(&rows, count, strip, lanes, out);
  } else {
    const attnrec_matrix &v = *values.dense;
    k.values(v.data + s * v.row_stride, v.row_stride, count, v.cols, strip, lanes, out);
  }
}

// Softmax and attended values of a block of queries over some units.
class State {
 public:
  State(const Block &block, int64_t m, int64_t full_lanes)
      : groups_(block.groups()), m_(m), lanes_(full_lanes), softmax_(groups_.size()),
        values_(static_cast<int64_t>(groups_.size()) * full_lanes * m) {
    clear();
  }

  void clear() {
    for (Softmax &s : softmax_) s.clear();
    std::fill(values_.get(), values_.get() + static_cast<int64_t>(groups_.size()) * lanes_ * m_, 0.0F);
  }

  Softmax &softmax(std::size_t g) { return softmax_[g]; }
  float *values(std::size_t g) const { return values_.get() + static_cast<int64_t>(g) * lanes_ * m_; }

  void add(const Kernels &k, const State &later) {
    float keep[kMaxLanes];
    float take[kMaxLanes];
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      merge(softmax_[g], later.softmax_[g], groups_[g].lanes, keep, take);
      k.blend(values(g), keep, later.values(g), take, m_, groups_[g].lanes);
    }
  }

  void write(float *out, float *lse) const {
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      const Group &group = groups_[g];
      for (int64_t l = 0; l < group.count; ++l) {
        const double z = softmax_[g].sum[l];
        const float by = z > 0 ? static_cast<float>(1.0 / z) : 0.0F;
        float *row = out + (group.first + l) * m_;
        for (int64_t c = 0; c < m_; ++c) row[c] = values(g)[c * group.lanes + l] * by;
        if (lse != nullptr) lse[group.first + l] = lse_of(softmax_[g], l);
      }
    }
  }

 private:
  const std::vector<Group> &groups_;
  int64_t m_, lanes_;
  std::vector<Softmax> softmax_;
  Buffer<float> values_;
};

// One unit of items attended to by one block.
void attend_unit(const Kernels &k, const Block &block, ChunkReader &reader, Masker &masker, const Keys &keys,
                 const attnrec_operand &values, int64_t first, int64_t last, float *strip, State &state) {
  const int64_t m = cols_of(values);
  float top[kMaxLanes];
  float factor[kMaxLanes];
  masker.start(first);
  sweep(k, reader, block, keys.d, first, last, strip, [&](std::size_t g, int64_t s, int64_t count, float *scores) {
    const int64_t lanes = block.groups()[g].lanes;
    if (masker.active()) masker.apply(g, s, count, scores);
    k.lane_max(scores, count, lanes, top);
    if (add_strip(k, state.softmax(g), scores, count, lanes, top, scores, factor)) {
      k.blend(state.values(g), factor, nullptr, nullptr, m, lanes);
    }
    add_values(k, values, s, count, scores, lanes, state.values(g));
  });
}

}  // namespace

void attend(const attnrec_operand &queries, const attnrec_operand &keys, const attnrec_operand &values, float scale,
            const Masks &masks, float *out, float *lse, const Run &run) {
  const Kernels &k = kernels();
  Keys scored;
  scored.operand = keys;
  scored.n = rows_of(keys);
  scored.d = cols_of(keys);
  scored.scale = scale;
  const int64_t b = rows_of(queries);
  const int64_t m = cols_of(values);
  const Units units = units_of(scored.n, scored.d);
  const int64_t n_units = scored.n == 0 ? 0 : units.count();
  const int64_t bytes = (scored.d + 2 * m) * static_cast<int64_t>(sizeof(float)) + 2 * sizeof(Softmax) / kMaxLanes;
  const double madds = static_cast<double>(b) * static_cast<double>(scored.n) * static_cast<double>(scored.d + m + 16);
  const Plan plan = plan_blocks(run, b, k.lanes, n_units, bytes, madds);
  const int64_t extra = values.csr == nullptr ? m * static_cast<int64_t>(sizeof(float)) : 0;
  Threads threads = run.threads;
  threads.count = plan.threads;

  const auto block_at = [&](int64_t i) {
    return Block(queries, i * plan.block, std::min(plan.block, b - i * plan.block), k.lanes);
  };
  if (!plan.split) {
    parallel_for(plan.n_blocks, threads, [&](int64_t i) {
      const Block block = block_at(i);
      ChunkReader reader(scored, extra);
      Masker masker(masks, nullptr, block);
      const Buffer<float> strip(strip_items(scored.d) * k.lanes);
      State total(block, m, k.lanes);
      State unit(block, m, k.lanes);
      for (int64_t u = 0; u < n_units; ++u) {
        unit.clear();
        attend_unit(k, block, reader, masker, scored, values, units.first(u), units.last(u), strip.get(), unit);
        total.add(k, unit);
      }
      total.write(out, lse);
    });
    return;
  }
  std::vector<Block> blocks;
  std::vector<State> states;
  blocks.reserve(static_cast<std::size_t>(plan.n_blocks));
  states.reserve(static_cast<std::size_t>(plan.n_blocks * n_units));
  for (int64_t i = 0; i < plan.n_blocks; ++i) {
    blocks.push_back(block_at(i));
    for (int64_t u = 0; u < n_units; ++u) states.emplace_back(blocks.back(), m, k.lanes);
  }
  parallel_for(plan.n_blocks * n_units, threads, [&](int64_t task) {
    const Block &block = blocks[static_cast<std::size_t>(task / n_units)];
    const int64_t u = task % n_units;
    ChunkReader reader(scored, extra);
    Masker masker(masks, nullptr, block);
    const Buffer<float> strip(strip_items(scored.d) * k.lanes);
    attend_unit(k, block, reader, masker, scored, values, units.first(u), units.last(u), strip.get(),
                states[static_cast<std::size_t>(task)]);
  });
  parallel_for(plan.n_blocks, threads, [&](int64_t i) {
    State total(blocks[static_cast<std::size_t>(i)], m, k.lanes);
    for (int64_t u = 0; u < n_units; ++u) total.add(k, states[static_cast<std::size_t>(i * n_units + u)]);
    total.write(out, lse);
  });
}

void predict_ratings(const attnrec_matrix &attention, const attnrec_operand &ratings, float *out, const Run &run) {
  const Kernels &k = kernels();
  const int64_t b = attention.rows;
  const int64_t n = attention.cols;
  const int64_t m = cols_of(ratings);
  const int64_t step = strip_items(0);
  const double madds = static_cast<double>(b) * static_cast<double>(n) * static_cast<double>(m + 1);
  const Plan plan = plan_blocks(run, b, k.lanes, 1, m * static_cast<int64_t>(sizeof(float)), madds);
  Threads threads = run.threads;
  threads.count = plan.threads;
  parallel_for(ceil_div(b, k.lanes), threads, [&](int64_t i) {
    const int64_t first = i * k.lanes;
    const int64_t count = std::min(k.lanes, b - first);
    const int64_t lanes = count <= k.lanes / 2 ? k.lanes / 2 : k.lanes;
    const Buffer<float> strip(step * lanes);
    const Buffer<float> sums(m * lanes);
    std::fill(sums.get(), sums.get() + m * lanes, 0.0F);
    for (int64_t s = 0; s < n; s += step) {
      attnrec_matrix part = attention;
      part.data += s * attention.col_stride;
      part.cols = std::min(step, n - s);
      pack_lanes<int64_t>({&part, nullptr, nullptr}, nullptr, first, count, lanes, strip.get());
      add_values(k, ratings, s, part.cols, strip.get(), lanes, sums.get());
    }
    for (int64_t l = 0; l < count; ++l) {
      for (int64_t c = 0; c < m; ++c) out[(first + l) * m + c] = sums[c * lanes + l];
    }
  });
}

}  // namespace attnrec
