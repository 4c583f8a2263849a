// Attention over values, softmax(scale Q K^T) V, and A @ R: the (b, n) attention is never stored. Ops only.
#include "../core/dispatch.h"
#include "mask.h"
#include "softmax_state.h"
#include "values.h"

namespace attnrec {
namespace {

constexpr int64_t kRatingRows = 192;  // of a strip in predict_ratings: half the traffic of its sums that 96 has

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

  void write(const Kernels &k, float *out, float *lse) const {
    float by[kMaxLanes];
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      const Group &group = groups_[g];
      for (int64_t l = 0; l < group.lanes; ++l) {
        const double z = softmax_[g].sum[l];
        by[l] = z > 0 ? static_cast<float>(1.0 / z) : 0.0F;
        if (lse != nullptr && l < group.count) lse[group.first + l] = lse_of(softmax_[g].shift[l], z);
      }
      k.blend(values(g), by, nullptr, nullptr, m_, group.lanes);
      k.unpack(values(g), m_, group.lanes, group.count, out + group.first * m_, m_);
    }
  }

 private:
  const std::vector<Group> &groups_;
  int64_t m_, lanes_;
  std::vector<Softmax> softmax_;
  Buffer<float> values_;
};

// One unit of items attended to by one block.
void attend_unit(const Kernels &k, const Block &block, ChunkReader &reader, Masker &masker, const ValueReader &values,
                 int64_t m, int64_t first, int64_t last, const Strips &strips, State &state) {
  const int64_t step = strips.items();
  const auto &groups = block.groups();
  float top[kMaxLanes];
  float factor[kMaxLanes];
  masker.start(first);
  for (int64_t c = first; c < last; c += reader.chunk()) {
    const int64_t end = std::min(last, c + reader.chunk());
    reader.open(c, end);
    for (int64_t s = c; s < end; s += step) {
      const int64_t count = std::min(step, end - s);
      for (std::size_t g = 0; g < groups.size(); ++g) {
        float *strip = strips.of(g);
        reader.strip(k, groups[g], s, count, strip, masker.active() ? nullptr : top);
        if (masker.active()) {
          masker.apply(g, s, count, strip);
          k.lane_max(strip, count, groups[g].lanes, top);
        }
        if (add_strip(k, state.softmax(g), strip, count, groups[g].lanes, top, strip, factor)) {
          k.blend(state.values(g), factor, nullptr, nullptr, m, groups[g].lanes);
        }
      }
      values.add(k, s, count, strips, [&](std::size_t g) { return state.values(g); });
    }
  }
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
  const int64_t step = values.csr != nullptr ? kSparseStrip : strip_items(scored.d);
  const Units units = units_of(scored.n, step, values.csr != nullptr ? m / 2 : 0);
  const int64_t n_units = scored.n == 0 ? 0 : units.count();
  const int64_t bytes =
      (scored.d + 2 * m + step) * static_cast<int64_t>(sizeof(float)) + 2 * sizeof(Softmax) / kMaxLanes;
  const double madds = static_cast<double>(b) * static_cast<double>(scored.n) * static_cast<double>(scored.d + m + 16);
  const Plan plan = plan_blocks(run, b, k.lanes, n_units, bytes, madds);
  const Values read(values, step, b, k.lanes, run);
  Threads threads = run.threads;
  threads.count = plan.threads;

  const auto block_at = [&](int64_t i) {
    return Block(queries, i * plan.block, std::min(plan.block, b - i * plan.block), k.lanes);
  };
  if (!plan.split) {
    parallel_for(plan.n_blocks, threads, [&](int64_t i) {
      const Block block = block_at(i);
      ChunkReader reader(scored, step, read.row_bytes());
      Masker masker(masks, nullptr, block);
      const Strips strips(block, step, k.lanes);
      const ValueReader value_reader(read, block);
      State total(block, m, k.lanes);
      State unit(block, n_units > 1 ? m : 0, k.lanes);
      for (int64_t u = 0; u < n_units; ++u) {
        State &into = u == 0 ? total : unit;  // the first one merged into nothing is itself
        if (u > 1) unit.clear();
        attend_unit(k, block, reader, masker, value_reader, m, units.first(u), units.last(u), strips, into);
        if (u > 0) total.add(k, unit);
      }
      total.write(k, out, lse);
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
    ChunkReader reader(scored, step, read.row_bytes());
    Masker masker(masks, nullptr, block);
    const Strips strips(block, step, k.lanes);
    const ValueReader value_reader(read, block);
    attend_unit(k, block, reader, masker, value_reader, m, units.first(u), units.last(u), strips,
                states[static_cast<std::size_t>(task)]);
  });
  parallel_for(plan.n_blocks, threads, [&](int64_t i) {
    State &total = states[static_cast<std::size_t>(i * n_units)];
    for (int64_t u = 1; u < n_units; ++u) total.add(k, states[static_cast<std::size_t>(i * n_units + u)]);
    total.write(k, out, lse);
  });
}

void predict_ratings(const attnrec_matrix &attention, const attnrec_operand &ratings, float *out, const Run &run) {
  const Kernels &k = kernels();
  const int64_t b = attention.rows;
  const int64_t n = attention.cols;
  const int64_t m = cols_of(ratings);
  const int64_t step = ratings.csr != nullptr ? kSparseStrip : kRatingRows;
  const double madds = static_cast<double>(b) * static_cast<double>(n) * static_cast<double>(m + 1);
  const Plan plan = plan_blocks(run, b, k.lanes, 1, (m + step) * static_cast<int64_t>(sizeof(float)), madds);
  const Values read(ratings, step, b, k.lanes, run);
  Threads threads = run.threads;
  threads.count = plan.threads;
  parallel_for(plan.n_blocks, threads, [&](int64_t i) {
    const attnrec_matrix no_features{attention.data, b, 0, 0, 0};  // groups of rows; attention itself is the strip
    const attnrec_operand rows{&no_features, nullptr, nullptr};
    const Block block(rows, i * plan.block, std::min(plan.block, b - i * plan.block), k.lanes);
    const auto &groups = block.groups();
    const Strips strips(block, step, k.lanes);
    const ValueReader values(read, block);
    const int64_t size = m * k.lanes;
    const Buffer<float> sums(static_cast<int64_t>(groups.size()) * size);
    std::fill(sums.get(), sums.get() + static_cast<int64_t>(groups.size()) * size, 0.0F);
    const auto sums_of = [&](std::size_t g) { return sums.get() + static_cast<int64_t>(g) * size; };
    for (int64_t s = 0; s < n; s += step) {
      check_cancelled();
      attnrec_matrix part = attention;
      part.data += s * attention.col_stride;
      part.cols = std::min(step, n - s);
      const attnrec_operand columns{&part, nullptr, nullptr};
      for (std::size_t g = 0; g < groups.size(); ++g) {
        pack_lanes<int64_t>(columns, nullptr, groups[g].first, groups[g].count, groups[g].lanes, strips.of(g));
      }
      values.add(k, s, part.cols, strips, sums_of);
    }
    for (std::size_t g = 0; g < groups.size(); ++g) {
      k.unpack(sums_of(g), m, groups[g].lanes, groups[g].count, out + groups[g].first * m, m);
    }
  });
}

}  // namespace attnrec
