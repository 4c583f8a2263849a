// The best k items for each query, with softmax weights: the (b, n) scores are never stored. Ops only.
#include "../../core/dispatch.h"
#include "int8.h"
#include "scan.h"
#include "threshold_estimate.h"

namespace attnrec {
namespace {

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
void search(const Units &units, const Plan &plan, const TopKTask &task, const ThresholdEstimate &estimate,
            int64_t real_k, bool ascending, const attnrec_topk_result &result, const Run &run, Pack pack,
            ScanOf scan_of) {
  const int64_t n_units = units.n == 0 ? 0 : units.count();
  Threads threads = run.threads;
  threads.count = plan.threads;
  const auto block_at = [&](int64_t i) { return pack(i * plan.block, std::min(plan.block, plan.b - i * plan.block)); };
  using Block = decltype(block_at(0));
  const auto walk = [&](auto &scan, Candidates &found, auto unit_done) {
    std::vector<Softmax> unit(found.softmaxes().size());
    for (int64_t u = 0; u < n_units; ++u) {
      for (Softmax &s : unit) s.clear();
      scan.unit(units.first(u), units.last(u), found, unit);
      unit_done(unit);
    }
  };
  const auto finish = [&](const Block &block, Candidates &total) {
    if (total.estimate_too_high()) {
      total.restart();
      auto scan = scan_of(block);
      scan.begin(total);
      walk(scan, total, [](const auto &) {});  // its softmax is known
    }
    total.write(result, task.k);
  };
  if (!plan.split) {
    parallel_for(plan.n_blocks, threads, [&](int64_t i) {
      const Block block = block_at(i);
      auto scan = scan_of(block);
      Candidates total(block, real_k, task.weights, ascending);
      estimate.raise(block, total);
      scan.begin(total);
      walk(scan, total, [&](const std::vector<Softmax> &unit) { total.add_softmax(unit); });
      finish(block, total);
    });
    return;
  }
  std::vector<Block> blocks;
  std::vector<Candidates> totals;  // with what came before all units
  std::vector<Candidates> states;
  blocks.reserve(static_cast<std::size_t>(plan.n_blocks));
  totals.reserve(static_cast<std::size_t>(plan.n_blocks));
  states.reserve(static_cast<std::size_t>(plan.n_blocks * n_units));
  for (int64_t i = 0; i < plan.n_blocks; ++i) {
    blocks.push_back(block_at(i));
    totals.emplace_back(blocks.back(), real_k, task.weights, ascending);
    estimate.raise(blocks.back(), totals.back());
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
    finish(blocks[static_cast<std::size_t>(i)], total);
  });
}

}  // namespace

void topk(const attnrec_operand &queries, const attnrec_operand &items, const TopKTask &task,
          const attnrec_topk_result &result, const Run &run) {
  std::vector<float> bias;
  Keys keys = keys_of(items, task, bias);
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
  const ThresholdEstimate estimate(keys, task, b, real_k);
  if (int8) {
    const Int8Bias by_norm(*items.index->int8, keys.bias);
    search(
        units, plan, task, estimate, real_k, false, result, run,
        [&](int64_t first, int64_t count) { return Int8Block(queries, first, count, lanes, task.scale); },
        [&](const Int8Block &block) { return Int8Scan(block, keys, by_norm, task); });
  } else {
    search(
        units, plan, task, estimate, real_k, true, result, run,
        [&](int64_t first, int64_t count) { return Block(queries, first, count, lanes); },
        [&](const Block &block) { return Scan(kernels(), block, keys, task); });
  }
}

}  // namespace attnrec
