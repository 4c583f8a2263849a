// Weighted sums of values. Ops only.
#include "weighted.h"

#include "../../core/dispatch.h"
#include "../walk/softmax_state.h"
#include "../walk/values.h"

namespace attnrec {
namespace {

// Shifts, denominators and sums of values of a block of queries over some units. Where the exponents are given, they
// are the shifts to start from, and what moves them is undone at the end.
class State {
 public:
  State(const Block &block, int64_t m, int64_t full_lanes, const float *exponents, bool in_parts)
      : groups_(block.groups()), m_(m), exponents_(exponents), softmax_(groups_.size()),
        sums_(block, m, full_lanes, in_parts) {
    clear();
  }

  void clear() {
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      softmax_[g].clear();
      for (int64_t l = 0; exponents_ != nullptr && l < groups_[g].lanes; ++l) {
        softmax_[g].shift[l] = l < groups_[g].count ? -exponents_[groups_[g].first + l] : 0.0F;
      }
    }
    sums_.clear();
  }

  Softmax &softmax(std::size_t g) { return softmax_[g]; }
  const Sums &sums() const { return sums_; }

  void add(const Kernels &k, const State &later) {
    float keep[kMaxLanes];
    float take[kMaxLanes];
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      merge(softmax_[g], later.softmax_[g], groups_[g].lanes, keep, take);
      k.blend(sums_.of(g), keep, later.sums_.of(g), take, m_, groups_[g].lanes);
    }
  }

  void write(const Kernels &k, float *out, float *lse) const {
    float by[kMaxLanes];
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      const Group &group = groups_[g];
      for (int64_t l = 0; l < group.lanes; ++l) {
        const double z = softmax_[g].sum[l];
        by[l] = z > 0 ? static_cast<float>(1.0 / z) : 0.0F;
        if (exponents_ == nullptr && l < group.count) softmax_[g].check(l);
        if (exponents_ != nullptr) {
          by[l] = l < group.count ? std::exp2(softmax_[g].shift[l] + exponents_[group.first + l]) : 0.0F;
        }
        if (lse != nullptr && l < group.count) lse[group.first + l] = lse_of(softmax_[g].shift[l], z);
      }
      k.blend(sums_.of(g), by, nullptr, nullptr, m_, group.lanes);
      k.unpack(sums_.of(g), m_, group.lanes, group.count, out + group.first * m_, m_);
    }
  }

 private:
  const std::vector<Group> &groups_;
  int64_t m_;
  const float *exponents_;
  std::vector<Softmax> softmax_;
  Sums sums_;
};

// Whether some weight of a strip is worth adding.
bool counts(const Softmax &state, const float *top, int64_t lanes, float negligible) {
  bool any = std::isinf(negligible);
  for (int64_t l = 0; l < lanes; ++l) any |= top[l] * kLog2E >= state.shift[l] + negligible;
  return any;
}

// What the tasks of one call share.
struct Shared {
  const Kernels &k;
  const WeightedTask &task;
  const Values &values;
  int64_t m, step;
  Units units;
};

// One block of queries, with what a task needs to walk over units of items for it.
class Walk {
 public:
  Walk(const Shared &shared, const Block &block)
      : x_(shared), groups_(block.groups()), reader_(shared.task.keys, shared.step, shared.values.row_bytes()),
        masker_(shared.task.masks, nullptr, block), strips_(block, shared.step, shared.k.lanes),
        values_(shared.values, block), live_(groups_.size()) {}

  void add_unit(int64_t unit, State &state) {
    const int64_t last = x_.units.last(unit);
    masker_.start(x_.units.first(unit));
    for (int64_t c = x_.units.first(unit); c < last; c += reader_.chunk()) {
      const int64_t end = std::min(last, c + reader_.chunk());
      reader_.open(c, end);
      for (int64_t s = c; s < end; s += x_.step) {
        const int64_t count = std::min(x_.step, end - s);
        for (std::size_t g = 0; g < groups_.size(); ++g) live_[g] = weigh(g, s, count, state) ? 1 : 0;
        values_.add(x_.k, s, count, strips_, live_, state.sums());
      }
    }
    state.sums().end_parts(x_.k);
  }

 private:
  // Turns scores into weights; whether they are worth adding.
  bool weigh(std::size_t g, int64_t s, int64_t count, State &state) {
    const Kernels &k = x_.k;
    const int64_t lanes = groups_[g].lanes;
    float *strip = strips_.of(g);
    float top[kMaxLanes];
    float factor[kMaxLanes];
    reader_.strip(k, groups_[g], s, count, strip, masker_.active() ? nullptr : top);
    if (masker_.active()) {
      masker_.apply(g, s, count, strip);
      k.lane_max(strip, count, lanes, top);
    }
    const bool live = counts(state.softmax(g), top, lanes, x_.task.negligible);
    if (!live && x_.task.exponents != nullptr) return false;  // nor is there a denominator
    if (add_strip(k, state.softmax(g), strip, count, lanes, top, strip, factor)) {
      state.sums().scale(k, g, factor);
    }
    return live;
  }

  const Shared &x_;
  const std::vector<Group> &groups_;
  ChunkReader reader_;
  Masker masker_;
  Strips strips_;
  ValueReader values_;
  std::vector<char> live_;
};

}  // namespace

void weighted_sums(const attnrec_operand &queries, const WeightedTask &task, float *out, float *lse, const Run &run) {
  const Kernels &k = kernels();
  const int64_t b = rows_of(queries);
  const int64_t n = task.keys.n;
  const int64_t m = cols_of(task.values);
  const bool sparse = task.values.csr != nullptr;
  const int64_t step = sparse ? kSparseStrip : strip_items(task.keys.d);
  const Units units = units_of(n, step, sparse ? m / 2 : 0);
  const int64_t n_units = n == 0 ? 0 : units.count();
  const Values values(task.values, step, b, k.lanes, run);
  const bool in_parts = values.in_parts();
  const int64_t bytes = (task.keys.d + (in_parts ? 4 : 2) * m + step) * static_cast<int64_t>(sizeof(float)) +
                        2 * sizeof(Softmax) / kMaxLanes;
  const double madds = static_cast<double>(b) * static_cast<double>(n) * static_cast<double>(task.keys.d + m + 16);
  const Plan plan = plan_blocks(run, b, k.lanes, n_units, bytes, madds, sparse ? groups_for_sparse(k, m) : kMaxGroups);
  const Shared shared{k, task, values, m, step, units};
  Threads threads = run.threads;
  threads.count = plan.threads;

  const auto block_at = [&](int64_t i) {
    return Block(queries, i * plan.block, std::min(plan.block, b - i * plan.block), k.lanes);
  };
  if (!plan.split) {
    parallel_for(plan.n_blocks, threads, [&](int64_t i) {
      const Block block = block_at(i);
      Walk walk(shared, block);
      State total(block, m, k.lanes, task.exponents, in_parts);
      State unit(block, n_units > 1 ? m : 0, k.lanes, task.exponents, in_parts);
      for (int64_t u = 0; u < n_units; ++u) {
        if (u > 1) unit.clear();
        walk.add_unit(u, u == 0 ? total : unit);  // the first one merged into nothing is itself
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
    for (int64_t u = 0; u < n_units; ++u) states.emplace_back(blocks.back(), m, k.lanes, task.exponents, in_parts);
  }
  parallel_for(plan.n_blocks * n_units, threads, [&](int64_t at) {
    Walk(shared, blocks[static_cast<std::size_t>(at / n_units)])
        .add_unit(at % n_units, states[static_cast<std::size_t>(at)]);
  });
  parallel_for(plan.n_blocks, threads, [&](int64_t i) {
    State &total = states[static_cast<std::size_t>(i * n_units)];
    for (int64_t u = 1; u < n_units; ++u) total.add(k, states[static_cast<std::size_t>(i * n_units + u)]);
    total.write(k, out, lse);
  });
}

}  // namespace attnrec
