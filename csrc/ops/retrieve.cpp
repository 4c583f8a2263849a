// The best k items for each query, with softmax weights: the (b, n) scores are never stored. Ops only.
#include <cmath>

#include "../core/dispatch.h"
#include "mask.h"
#include "reservoir.h"
#include "softmax_state.h"

namespace attnrec {
namespace {

// Candidates and softmax of a block of queries over some units.
class State {
 public:
  State(const Block &block, int64_t k, bool weights)
      : groups_(block.groups()), k_(k), keys_(queries() * reservoir_capacity(k)),
        softmax_(weights ? groups_.size() : 0), thresholds_(groups_.size() * kMaxLanes, kHidden),
        found_(static_cast<std::size_t>(queries())) {
    for (int64_t q = 0; q < queries(); ++q) {
      found_[static_cast<std::size_t>(q)] = {keys_.get() + q * reservoir_capacity(k), 0};
    }
    for (std::size_t g = 0; g < groups_.size(); ++g) {  // lanes without a query take no candidates
      std::fill(thresholds_.begin() + static_cast<std::ptrdiff_t>(g) * kMaxLanes + groups_[g].count,
                thresholds_.begin() + static_cast<std::ptrdiff_t>(g + 1) * kMaxLanes, -kHidden);
    }
  }

  const float *thresholds(std::size_t g) const { return thresholds_.data() + g * kMaxLanes; }
  Softmax &softmax(std::size_t g) { return softmax_[g]; }

  void push(std::size_t g, int64_t lane, float score, int32_t id) {
    found(g, lane).push(key_of(score, id), k_, &thresholds_[g * kMaxLanes + static_cast<std::size_t>(lane)]);
  }

  void add_candidates(const State &later) {
    for (std::size_t q = 0; q < found_.size(); ++q) {
      float unused;
      for (int64_t i = 0; i < later.found_[q].count; ++i) found_[q].push(later.found_[q].keys[i], k_, &unused);
    }
  }

  void add_softmax(const std::vector<Softmax> &later) {
    float keep[kMaxLanes];
    float take[kMaxLanes];
    for (std::size_t g = 0; g < softmax_.size(); ++g) merge(softmax_[g], later[g], groups_[g].lanes, keep, take);
  }
  std::vector<Softmax> &softmaxes() { return softmax_; }

  // `k` columns are wanted; no more than k_ can be real.
  void write(const attnrec_topk_result &result, int64_t k) {
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      for (int64_t l = 0; l < groups_[g].count; ++l) {
        const int64_t row = groups_[g].first + l;
        const bool weights = !softmax_.empty();
        write_row(result, row, k, found(g, l), weights ? softmax_[g].shift[l] : 0, weights ? softmax_[g].sum[l] : 0);
        if (weights && result.lse != nullptr) result.lse[row] = lse_of(softmax_[g].shift[l], softmax_[g].sum[l]);
      }
    }
  }

 private:
  int64_t queries() const {
    return groups_.empty() ? 0 : groups_.back().first + groups_.back().count - groups_.front().first;
  }
  Reservoir &found(std::size_t g, int64_t lane) {
    return found_[static_cast<std::size_t>(groups_[g].first - groups_.front().first + lane)];
  }

  const std::vector<Group> &groups_;
  int64_t k_;
  Buffer<uint64_t> keys_;
  std::vector<Softmax> softmax_;
  std::vector<float> thresholds_;
  std::vector<Reservoir> found_;
};

// What one task needs to scan units for one block.
class Scan {
 public:
  Scan(const Kernels &k, const Block &block, const Keys &keys, const TopKTask &task)
      : k_(k), block_(block), keys_(keys), task_(task), reader_(keys, strip_items(keys.d), 0),
        masker_(task.masks, keys.subset, block), strip_(strip_items(keys.d) * k.lanes + kSlack),
        hits_(strip_items(keys.d) + kPanel),
        mask_strips_(masker_.active() && task.weights && !task.hidden_in_denominator),
        mask_candidates_(masker_.active() && !mask_strips_) {}

  void unit(int64_t first, int64_t last, State &candidates, std::vector<Softmax> &softmax) {
    masker_.start(first);
    sweep(reader_, block_, keys_.d, first, last, [&](std::size_t g, int64_t s, int64_t count) {
      const int64_t found = task_.weights ? weigh(g, s, count, candidates.thresholds(g), softmax[g])
                                          : look(g, s, count, candidates.thresholds(g));
      collect(g, s, found, candidates);
    });
  }

 private:
  // Rows worth a look, where scores alone are wanted. Most strips have none and are not even written.
  int64_t look(std::size_t g, int64_t s, int64_t count, const float *threshold) {
    return reader_.scan(k_, block_.groups()[g], s, count, threshold, strip_.get(), hits_.get());
  }

  // The same with the softmax of all scores.
  int64_t weigh(std::size_t g, int64_t s, int64_t count, const float *threshold, Softmax &softmax) {
    const int64_t lanes = block_.groups()[g].lanes;
    float *scores = strip_.get();
    float top[kMaxLanes];
    float factor[kMaxLanes];
    reader_.strip(k_, block_.groups()[g], s, count, scores, mask_strips_ ? nullptr : top);
    if (mask_strips_) {
      masker_.apply(g, s, count, scores);
      k_.lane_max(scores, count, lanes, top);
    }
    add_strip(k_, softmax, scores, count, lanes, top, nullptr, factor);
    bool any = false;
    for (int64_t l = 0; l < lanes; ++l) any |= top[l] > threshold[l];
    if (!any) return 0;
    return k_.above(scores, count, lanes, threshold, hits_.get());
  }

  void collect(std::size_t g, int64_t s, int64_t found, State &candidates) {
    const Group &group = block_.groups()[g];
    const float *threshold = candidates.thresholds(g);
    for (int64_t h = 0; h < found; ++h) {
      const int64_t at = s + hits_[h].row;
      const int32_t id = keys_.subset == nullptr ? static_cast<int32_t>(at) : keys_.subset[at];
      for (uint32_t left = hits_[h].lanes; left != 0; left &= left - 1) {
        const int64_t lane = __builtin_ctz(left);
        const float score = strip_[hits_[h].row * group.lanes + lane];
        if (!(score > threshold[lane]) || (mask_candidates_ && masker_.hides(g, lane, id))) continue;
        candidates.push(g, lane, score, id);
      }
    }
  }

  const Kernels &k_;
  const Block &block_;
  const Keys &keys_;
  const TopKTask &task_;
  ChunkReader reader_;
  Masker masker_;
  Buffer<float> strip_;
  Buffer<Hit> hits_;
  bool mask_strips_;      // hidden items leave the denominator, so they are hidden before the exponentials
  bool mask_candidates_;  // otherwise it is enough to look at what would be kept
};

// Rows of a sparse matrix named by `ids`, as a matrix of their own.
struct SelectedRows {
  std::vector<int64_t> indptr{0};
  std::vector<int32_t> indices;
  std::vector<float> data;
  attnrec_csr csr{};

  SelectedRows(const attnrec_csr &all, const std::vector<int32_t> &ids) {
    for (const int32_t id : ids) {
      indices.insert(indices.end(), all.indices + all.indptr[id], all.indices + all.indptr[id + 1]);
      data.insert(data.end(), all.data + all.indptr[id], all.data + all.indptr[id + 1]);
      indptr.push_back(static_cast<int64_t>(indices.size()));
    }
    csr = {indptr.data(), indices.data(), data.data(), static_cast<int64_t>(ids.size()), all.cols};
  }
};

}  // namespace

void topk(const attnrec_operand &queries, const attnrec_operand &items, const TopKTask &task,
          const attnrec_topk_result &result, const Run &run) {
  const Kernels &k = kernels();
  Keys keys;
  keys.operand = items;
  keys.n = task.items == nullptr ? rows_of(items) : static_cast<int64_t>(task.items->size());
  keys.d = cols_of(items);
  keys.scale = task.scale;
  keys.subset = task.items == nullptr ? nullptr : task.items->data();
  std::vector<float> bias;
  if (task.bias != nullptr) {
    bias.resize(static_cast<std::size_t>(round_up(keys.n, kPanel) + kSlack));
    for (int64_t j = 0; j < keys.n; ++j) {
      bias[static_cast<std::size_t>(j)] = task.bias[keys.subset == nullptr ? j : keys.subset[j]];
    }
    keys.bias = bias.data();
  }
  std::vector<SelectedRows> selected;  // none or one
  if (items.csr != nullptr && task.items != nullptr) {
    selected.emplace_back(*items.csr, *task.items);
    keys.operand.csr = &selected.front().csr;
  }

  const int64_t b = rows_of(queries);
  const int64_t real_k = std::max<int64_t>(1, std::min(task.k, keys.n));
  const Units units = units_of(keys.n, strip_items(keys.d));
  const int64_t n_units = keys.n == 0 ? 0 : units.count();
  const int64_t bytes = keys.d * static_cast<int64_t>(sizeof(float)) +
                        reservoir_capacity(real_k) * static_cast<int64_t>(sizeof(uint64_t)) + 64;
  const double madds = static_cast<double>(b) * static_cast<double>(keys.n) * static_cast<double>(keys.d + 16);
  const Plan plan = plan_blocks(run, b, k.lanes, n_units, bytes, madds);
  Threads threads = run.threads;
  threads.count = plan.threads;
  const auto block_at = [&](int64_t i) {
    return Block(queries, i * plan.block, std::min(plan.block, b - i * plan.block), k.lanes);
  };

  if (!plan.split) {
    parallel_for(plan.n_blocks, threads, [&](int64_t i) {
      const Block block = block_at(i);
      Scan scan(k, block, keys, task);
      State total(block, real_k, task.weights);
      std::vector<Softmax> unit(task.weights ? block.groups().size() : 0);
      for (int64_t u = 0; u < n_units; ++u) {
        for (Softmax &s : unit) s.clear();
        scan.unit(units.first(u), units.last(u), total, unit);
        total.add_softmax(unit);
      }
      total.write(result, task.k);
    });
    return;
  }
  std::vector<Block> blocks;
  std::vector<State> states;
  blocks.reserve(static_cast<std::size_t>(plan.n_blocks));
  states.reserve(static_cast<std::size_t>(plan.n_blocks * n_units));
  for (int64_t i = 0; i < plan.n_blocks; ++i) {
    blocks.push_back(block_at(i));
    for (int64_t u = 0; u < n_units; ++u) states.emplace_back(blocks.back(), real_k, task.weights);
  }
  parallel_for(plan.n_blocks * n_units, threads, [&](int64_t t) {
    State &state = states[static_cast<std::size_t>(t)];
    Scan scan(k, blocks[static_cast<std::size_t>(t / n_units)], keys, task);
    scan.unit(units.first(t % n_units), units.last(t % n_units), state, state.softmaxes());
  });
  parallel_for(plan.n_blocks, threads, [&](int64_t i) {
    State total(blocks[static_cast<std::size_t>(i)], real_k, task.weights);
    for (int64_t u = 0; u < n_units; ++u) {
      State &unit = states[static_cast<std::size_t>(i * n_units + u)];
      total.add_candidates(unit);
      total.add_softmax(unit.softmaxes());
    }
    total.write(result, task.k);
  });
}

}  // namespace attnrec
