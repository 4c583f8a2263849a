// The best k items for each query, with softmax weights: the (b, n) scores are never stored. Ops only.
#include "../core/dispatch.h"
#include "candidates.h"
#include "int8.h"

namespace attnrec {
namespace {

bool all_finite(const float *x, int64_t n) {
  float zero = 0;
  for (int64_t i = 0; i < n; ++i) zero += x[i] * 0.0F;  // NaN from infinity and NaN alone
  return zero == 0;
}

// What one task needs to scan units for one block.
class Scan {
 public:
  Scan(const Kernels &k, const Block &block, const Keys &keys, const TopKTask &task)
      : k_(k), block_(block), keys_(keys), task_(task), reader_(keys, strip_items(keys.d), 0),
        masker_(task.masks, keys.subset, block), strip_(strip_items(keys.d) * k.lanes + kSlack),
        hits_(strip_items(keys.d) + kPanel),
        mask_strips_(masker_.active() && task.weights && !task.hidden_in_denominator),
        mask_candidates_(masker_.active() && !mask_strips_) {}

  void begin(const Candidates &) {}

  void unit(int64_t first, int64_t last, Candidates &candidates, std::vector<Softmax> &softmax) {
    masker_.start(first);
    sweep(reader_, block_, keys_.d, first, last, [&](std::size_t g, int64_t s, int64_t count) {
      const int64_t found = task_.weights ? weigh(g, s, count, candidates.thresholds(g), softmax[g])
                                          : look(g, s, count, candidates.thresholds(g));
      if (task_.check_scores && !all_finite(strip_.get(), count)) throw ScoreNotFinite();
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

  void collect(std::size_t g, int64_t s, int64_t found, Candidates &candidates) {
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

// Walks blocks and units. pack(first, count) gives a block of queries, which tasks share; scan_of(block) the scan of a
// task, which has begin(candidates) for what comes before all units, and unit(first, last, candidates, softmax).
template <class Pack, class ScanOf>
void search(const Units &units, const Plan &plan, const TopKTask &task, int64_t real_k, bool ascending,
            const attnrec_topk_result &result, const Run &run, Pack pack, ScanOf scan_of) {
  const int64_t n_units = units.n == 0 ? 0 : units.count();
  Threads threads = run.threads;
  threads.count = plan.threads;
  const auto block_at = [&](int64_t i) { return pack(i * plan.block, std::min(plan.block, plan.b - i * plan.block)); };
  if (!plan.split) {
    parallel_for(plan.n_blocks, threads, [&](int64_t i) {
      const auto block = block_at(i);
      auto scan = scan_of(block);
      Candidates total(block, real_k, task.weights, ascending);
      std::vector<Softmax> unit(task.weights ? block.groups().size() : 0);
      scan.begin(total);
      for (int64_t u = 0; u < n_units; ++u) {
        for (Softmax &s : unit) s.clear();
        scan.unit(units.first(u), units.last(u), total, unit);
        total.add_softmax(unit);
      }
      total.write(result, task.k);
    });
    return;
  }
  std::vector<decltype(block_at(0))> blocks;
  std::vector<Candidates> totals;  // with what came before all units
  std::vector<Candidates> states;
  blocks.reserve(static_cast<std::size_t>(plan.n_blocks));
  totals.reserve(static_cast<std::size_t>(plan.n_blocks));
  states.reserve(static_cast<std::size_t>(plan.n_blocks * n_units));
  for (int64_t i = 0; i < plan.n_blocks; ++i) {
    blocks.push_back(block_at(i));
    totals.emplace_back(blocks.back(), real_k, task.weights, ascending);
    scan_of(blocks.back()).begin(totals.back());
    for (int64_t u = 0; u < n_units; ++u) {
      states.emplace_back(blocks.back(), real_k, task.weights, ascending);
      states.back().start_from(totals.back());
    }
  }
  parallel_for(plan.n_blocks * n_units, threads, [&](int64_t t) {
    Candidates &state = states[static_cast<std::size_t>(t)];
    auto scan = scan_of(blocks[static_cast<std::size_t>(t / n_units)]);
    scan.unit(units.first(t % n_units), units.last(t % n_units), state, state.softmaxes());
  });
  parallel_for(plan.n_blocks, threads, [&](int64_t i) {
    Candidates &total = totals[static_cast<std::size_t>(i)];
    for (int64_t u = 0; u < n_units; ++u) {
      Candidates &unit = states[static_cast<std::size_t>(i * n_units + u)];
      total.add_candidates(unit);
      total.add_softmax(unit.softmaxes());
    }
    total.write(result, task.k);
  });
}

// The 8-bit scan serves calls on all of an index for scores alone. `auto` takes it where it was measured to be faster:
// what it can not rule out grows with k, and with the hidden items if those are the best, as seen items mostly are; and
// it costs more where items are in panels, which hold them scattered.
bool takes_int8(const attnrec_operand &items, const TopKTask &task, int64_t b) {
  if (items.index == nullptr || items.index->int8 == nullptr || task.weights || task.items != nullptr) return false;
  if (task.precision != ATTNREC_PRECISION_AUTO) return task.precision == ATTNREC_PRECISION_INT8;
  int64_t hidden = task.masks.filter == nullptr ? 0 : static_cast<int64_t>(task.masks.filter->size());
  if (task.masks.exclude != nullptr && b > 0) hidden += task.masks.exclude->indptr[b] / b;
  const int64_t few = std::max<int64_t>(10, items.index->n / (items.index->in_panels ? 2000 : 500));
  return level().int8->fast && task.bias == nullptr && task.k + hidden / 2 <= few;
}

}  // namespace

void topk(const attnrec_operand &queries, const attnrec_operand &items, const TopKTask &task,
          const attnrec_topk_result &result, const Run &run) {
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
  const bool int8 = takes_int8(items, task, b);
  keys.in_l1 = b == 1;
  const int64_t real_k = std::max<int64_t>(1, std::min(task.k, keys.n));
  const Units units = units_of(keys.n, int8 ? kInt8Strip : strip_items(keys.d));
  const int64_t bytes = keys.d * static_cast<int64_t>(sizeof(float) + sizeof(int8_t)) +
                        real_k * static_cast<int64_t>(sizeof(uint64_t)) + 64;
  const double madds = static_cast<double>(b) * static_cast<double>(keys.n) * static_cast<double>(keys.d + 16);
  const int64_t lanes = kernels().lanes;
  const Plan plan = plan_blocks(run, b, lanes, keys.n == 0 ? 0 : units.count(), bytes, madds);
  if (int8) {
    const Int8Bias by_norm(*items.index->int8, keys.bias);
    search(
        units, plan, task, real_k, false, result, run,
        [&](int64_t first, int64_t count) { return Int8Block(queries, first, count, lanes, task.scale); },
        [&](const Int8Block &block) { return Int8Scan(block, keys, by_norm, task); });
  } else {
    search(
        units, plan, task, real_k, true, result, run,
        [&](int64_t first, int64_t count) { return Block(queries, first, count, lanes); },
        [&](const Block &block) { return Scan(kernels(), block, keys, task); });
  }
}

}  // namespace attnrec
